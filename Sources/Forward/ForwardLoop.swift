internal import LogModel
internal import Platform
internal import Store

/// The loop's state.
///
/// Forward thread only.
final class ForwardLoop {
  let store: Store
  let options: ForwardOptions
  let clock: any Clock
  let metrics: Metrics
  let notify: @Sendable (String) -> Void
  var destinations: @Sendable (LogGroup) -> [Destination] = { _ in [] }
  var mustRefresh = true
  private(set) var isDraining = false
  private var drainDeadline: Int64 = .max
  private let reader: StoreReader
  private let wake: WakeSignal
  private var transfer: HTTPTransfer?
  private var builder: DeliveryBuilder
  private var events = DeliveryReader()
  let deadLetters: DeadLetterFolder
  private var lanes: [Lane] = []
  private var byToken: [UInt64: Lane] = [:]
  private var nextToken: UInt64 = 1
  private var version: Int64 = -1
  var known: [Lane.Key: LaneState] = [:]
  private var turnStart = 0
  private var slots: RequestSlots
  /// A lane found no free slot in this turn.
  private var isContended = false
  private var random: UInt64
  private var isWithoutCurl = false

  init(
    store: Store,
    options: ForwardOptions,
    clock: any Clock,
    metrics: Metrics,
    notify: @escaping @Sendable (String) -> Void
  ) throws(StoreError) {
    self.store = store
    self.options = options
    self.clock = clock
    self.metrics = metrics
    self.notify = notify
    random = options.seed ?? Entropy.word()
    reader = try StoreReader(dataDirectory: store.layout.root)
    wake = try storing { () throws(SyscallError) in try WakeSignal() }
    slots = RequestSlots(bytesMax: options.bufferBytes)
    builder = DeliveryBuilder(account: options.account)
    deadLetters = DeadLetterFolder(root: options.deadLetters, bytesMax: options.deadLetterBytesMax)
    for lane in try reader.lanes() {
      known[Lane.Key(group: lane.group, destination: lane.destination)] = lane
    }
    store.subscribe(wake)
  }

  func end() { store.unsubscribe(wake) }

  /// One look at everything, and one wait.
  func turn(stop: Int32) {
    wake.clear()
    refresh()
    // Another lane begins each time, so that the bound on requests under way is shared fairly.
    turnStart += 1
    isContended = false
    for offset in lanes.indices { step(lanes[(turnStart + offset) % lanes.count]) }
    let wait = nanosecondsToWait()
    let descriptors = isDraining ? [wake.descriptor] : [wake.descriptor, stop]
    guard let transfer else {
      Poller.wait(readable: descriptors, nanoseconds: wait)
      return
    }
    for ended in transfer.wait(readable: descriptors, nanoseconds: wait) { finish(ended) }
  }

  // MARK: lanes

  private func refresh() {
    do throws(StoreError) {
      let current = try reader.version()
      guard current != version || mustRefresh else { return }
      version = current
      let groups = try reader.groups()
      var wanted: [Lane.Key: (GroupInfo, Destination)] = [:]
      for group in groups {
        for destination in destinations(group.group) {
          wanted[Lane.Key(group: group.id, destination: destination.id)] = (group, destination)
        }
      }
      for lane in lanes {
        guard let (group, destination) = wanted.removeValue(forKey: lane.key) else {
          remove(lane)
          continue
        }
        lane.group = group
        lane.take(destination, at: clock.monotonic())
      }
      lanes.removeAll(where: \.isRemoved)
      for (key, entry) in wanted.sorted(by: { $0.key.group < $1.key.group }) {
        lanes.append(Lane(entry.0, entry.1, state: known[key]))
      }
      mustRefresh = false
    } catch {
      metrics.add("logagent_forward_store_errors_total")
    }
  }

  /// A destination that is no longer configured: its cursor stays in the catalog.
  private func remove(_ lane: Lane) {
    lane.isRemoved = true
    known[lane.key] = lane.state
    slots.release(lane)
    guard case .sending(let token, _) = lane.phase else { return }
    transfer?.cancel(token: token)
    byToken[token] = nil
  }

  private func step(_ lane: Lane) {
    noteOldest(lane)
    if lane.destination.pausedReason != nil { return }
    let now = clock.monotonic()
    switch lane.phase {
    case .idle: prepareIfDue(lane, now)
    case .preparing(let ticket): if store.committed >= ticket { send(lane) }
    case .sending: break
    case .backingOff(let until):
      if now >= until || (isDraining && !lane.isDrained) { prepareIfFree(lane) }
    }
  }

  private func prepareIfDue(_ lane: Lane, _ now: Int64) {
    guard lane.queuedEvents > 0 else {
      lane.dirtySince = nil
      return
    }
    noteOldest(lane)
    lane.markDirty(monotonic: now, wall: clock.now())
    let isOld = lane.flushTime.map { now >= $0 } ?? false
    guard isOld || isDraining || lane.inherited != nil || isLarge(lane) else { return }
    prepareIfFree(lane)
  }

  private func noteOldest(_ lane: Lane) {
    guard lane.oldestUnsent == nil, lane.queuedEvents > 0 else { return }
    // Silence is right: a store that cannot be read now is asked again in a moment.
    lane.oldestUnsent = try? events.ingestion(of: lane.group, at: lane.cursor, reader: reader)
  }

  private func prepareIfFree(_ lane: Lane) {
    guard slots.isFree(for: lane) else {
      isContended = true
      return
    }
    prepare(lane)
  }

  /// Whether there is enough for a request without waiting for its age.
  private func isLarge(_ lane: Lane) -> Bool {
    if lane.queuedEvents >= UInt64(lane.eventsMax) { return true }
    // Silence is right: a store that cannot be read now is asked again in a moment.
    guard let blocks = try? reader.blocks(of: lane.key.group, sequence: lane.cursor, limit: 8)
    else {
      return false
    }
    // The first block may be delivered in part: its share counts.
    var bytes = 0
    for block in blocks {
      let done = lane.cursor > block.firstSequence ? lane.cursor - block.firstSequence : 0
      bytes += block.rawBytes * (block.eventCount - Int(done)) / max(1, block.eventCount)
    }
    return bytes >= lane.destination.flushBytes
  }

  /// Builds the lane's next request and asks the store to remember it, before anything is sent.
  ///
  /// A request that was prepared before is built again to the byte and sent at once.
  private func prepare(_ lane: Lane) {
    let inherited = lane.inherited
    lane.inherited = nil
    let wall = Timestamp(nanoseconds: clock.now())
    let cutoff = lane.group.retention?.cutoff(at: wall)?.nanoseconds
    do throws(StoreError) {
      let found = try events.read(
        lane.group,
        from: lane.cursor,
        bounds: DeliveryReader.Bounds(
          rawBytes: lane.destination.flushBytes,
          events: lane.eventsMax,
          endSequence: inherited?.endSequence,
          cutoff: cutoff ?? .min,
          skipsUnreadable: lane.readFailures >= DeliveryLimits.readFailuresMax
        ),
        reader: reader
      )
      lane.readFailures = 0
      var request = builder.build(
        found,
        group: lane.group,
        gzip: lane.destination.gzip,
        requestID: inherited?.requestID ?? newRequestID(),
        timestampMilliseconds: inherited?.timestampMilliseconds ?? wall.milliseconds
      )
      let isSame = inherited.map { $0.checksum == request.checksum } ?? false
      if inherited != nil, !isSame {
        // Some events have expired or were evicted, or the encoding was configured anew: one id
        // never stands for two bodies.
        request = builder.build(
          found,
          group: lane.group,
          gzip: lane.destination.gzip,
          requestID: newRequestID(),
          timestampMilliseconds: wall.milliseconds
        )
      }
      lane.request = request
      lane.isDrained = false
      slots.take(lane)
      if isSame { send(lane) } else { keep(lane, phase: { .preparing(ticket: $0) }) }
    } catch {
      lane.inherited = inherited
      lane.readFailures += 1
      lane.lastError = "the store cannot be read: \(error)"
      lane.phase = .backingOff(until: clock.monotonic() + 1_000_000_000)
      metrics.add("logagent_forward_store_errors_total")
    }
  }

  /// Counts what the request left out for good; once, when it is settled.
  func note(_ request: DeliveryRequest, _ lane: Lane) {
    for (events, result) in [(request.skipped, "expired"), (request.damaged, "damaged")]
    where events > 0 {
      metrics.add(
        "logagent_forward_events_total",
        Double(events),
        lane.labels + [("result", result)]
      )
    }
  }

  private func newRequestID() -> String {
    Entropy.uuid()
  }

  func keep(_ lane: Lane, phase: (UInt64) -> Lane.Phase) {
    guard let ticket = store.apply([.lane(lane.state)]) else { return }
    lane.phase = phase(ticket)
  }

  // MARK: sending

  private func send(_ lane: Lane) {
    guard let request = lane.request else {
      lane.phase = .idle
      return
    }
    guard buryOversized(lane, request) else {
      postpone(lane)
      return
    }
    guard !request.records.isEmpty else {
      deliveredNothing(lane)
      return
    }
    guard let transfer = openTransfer() else {
      postpone(lane)
      return
    }
    let token = nextToken
    nextToken += 1
    lane.isDrained = isDraining
    let headers = DeliveryRequest.headers(
      lane.destination,
      gzip: request.gzip,
      requestID: request.requestID,
      group: lane.group.group,
      account: options.account
    )
    let isStarted = transfer.start(
      token: token,
      url: lane.destination.endpointURL,
      headers: headers,
      body: request.body,
      allowsPlaintext: lane.destination.allowsPlaintext
    )
    byToken[token] = lane
    lane.phase = .sending(token: token, since: clock.monotonic())
    if !isStarted {
      finish(
        HTTPTransfer.Ended(
          token: token,
          result: .failed(code: "HttpEndpoint.ConnectionFailed", reason: "the URL cannot be used")
        )
      )
    }
  }

  private func openTransfer() -> HTTPTransfer? {
    if let transfer { return transfer }
    transfer = HTTPTransfer(
      timeoutMilliseconds: options.responseTimeoutMilliseconds,
      authorities: options.authorities
    )
    if transfer == nil, !isWithoutCurl {
      isWithoutCurl = true
      notify("forwarding waits: libcurl.so.4 cannot be loaded; install libcurl4")
    }
    return transfer
  }

  /// All events of the request were expired or buried: there is nothing to send.
  private func deliveredNothing(_ lane: Lane) {
    if let request = lane.request { note(request, lane) }
    slots.release(lane)
    lane.settle()
    keep(lane) { _ in .idle }
    known[lane.key] = lane.state
  }

  /// Something of the agent's own is missing: the same again in a moment.
  func postpone(_ lane: Lane) {
    slots.release(lane)
    lane.isDrained = isDraining
    lane.backOff(until: clock.monotonic() + 5_000_000_000)
  }

  private func finish(_ ended: HTTPTransfer.Ended) {
    guard let lane = byToken.removeValue(forKey: ended.token), let request = lane.request,
      case .sending(_, let since) = lane.phase
    else { return }
    let now = clock.monotonic()
    slots.release(lane)
    lane.attempts += 1
    if lane.firstFailure != nil { lane.responseWait += now - since }
    let verdict: DeliveryVerdict
    var status = "none"
    switch ended.result {
    case .response(let response):
      status = String(response.status)
      verdict = ResponseJudge.judge(
        response,
        requestID: request.requestID,
        now: Timestamp(nanoseconds: clock.now()),
        hiding: EndpointText.secrets(of: lane.destination)
      )
    case .failed(let code, let reason):
      verdict = .failed(code: code, message: reason, retryAfterNanoseconds: nil)
    }
    metrics.add(
      "logagent_forward_requests_total",
      1,
      [("destination", lane.key.destination), ("code", status)]
    )
    metrics.add(
      "logagent_forward_request_seconds_total",
      Double(now - since) / 1_000_000_000,
      [("destination", lane.key.destination)]
    )
    switch verdict {
    case .delivered: delivered(lane, request)
    case .tooLarge(let message): tooLarge(lane, request, message)
    case .failed(let code, let message, let retryAfter):
      failed(lane, request, code: code, message: message, retryAfter: retryAfter, now)
    }
  }

  private func delivered(_ lane: Lane, _ request: DeliveryRequest) {
    metrics.add(
      "logagent_forward_events_total",
      Double(request.eventCount - request.oversized.count),
      lane.labels + [("result", "delivered")]
    )
    metrics.add(
      "logagent_forward_bytes_total",
      Double(request.body.count),
      [("destination", lane.key.destination)]
    )
    if lane.lastError != nil {
      notify("\(lane.key.destination) takes events of \(lane.group.group) again")
    }
    lane.lastError = nil
    note(request, lane)
    lane.settle()
    lane.eventsMax = min(DeliveryLimits.eventsMax, lane.eventsMax * 2)
    // Settling and preparing the next request are one commit where there is a next one and no other
    // lane has been waiting for its turn.
    if !isContended { prepareIfDue(lane, clock.monotonic()) }
    if lane.request == nil { keep(lane) { _ in .idle } }
    known[lane.key] = lane.state
  }

  private func failed(
    _ lane: Lane,
    _ request: DeliveryRequest,
    code: String,
    message: String,
    retryAfter: Int64?,
    _ now: Int64
  ) {
    // The dead letter keeps all that the endpoint said.
    let short = EndpointText.excerpt(
      Array(message.utf8).span,
      limit: DeliveryLimits.bodyExcerptBytesMax + 20,
      hiding: []
    )
    if lane.lastError == nil {
      notify(
        "\(lane.key.destination) does not take events of \(lane.group.group): \(code), \(short)"
      )
    }
    lane.lastError = "\(code): \(short)"
    metrics.add("logagent_forward_retries_total", 1, [("destination", lane.key.destination)])
    let first = lane.firstFailure ?? now
    lane.firstFailure = first
    let decision = RetryPolicy(durationSeconds: lane.destination.retryDurationSeconds).decide(
      attempts: lane.attempts,
      spent: now - first - lane.responseWait,
      jitter: nextJitter(),
      retryAfter: retryAfter
    )
    switch decision {
    case .retry(let wait): lane.backOff(until: now + wait)
    case .giveUp:
      bury(
        lane,
        DeadLetterFolder.Letter(
          attempts: lane.attempts,
          arrival: Timestamp(milliseconds: request.timestampMilliseconds),
          ended: Timestamp(nanoseconds: clock.now()),
          code: code,
          message: message,
          records: request.records
        )
      )
    }
  }

  /// 413: half as many events under a new request id; a single event is given up.
  private func tooLarge(_ lane: Lane, _ request: DeliveryRequest, _ message: String) {
    guard request.eventCount > 1 else {
      bury(
        lane,
        DeadLetterFolder.Letter(
          attempts: lane.attempts,
          arrival: Timestamp(milliseconds: request.timestampMilliseconds),
          ended: Timestamp(nanoseconds: clock.now()),
          code: "HttpEndpoint.DestinationException",
          message: message,
          records: request.records
        )
      )
      return
    }
    metrics.add("logagent_forward_splits_total", 1, [("destination", lane.key.destination)])
    lane.eventsMax = max(1, request.eventCount / 2)
    lane.abandon()
    prepare(lane)
  }

  // MARK: time

  private func nextJitter() -> Double {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(random >> 11) / Double(1 << 53)
  }

  private func nanosecondsToWait() -> Int64 {
    let now = clock.monotonic()
    var wait: Int64 = isDraining ? 50_000_000 : 1_000_000_000
    for lane in lanes where lane.destination.pausedReason == nil {
      switch lane.phase {
      case .idle:
        guard let due = lane.flushTime, slots.isFree(for: lane) else { continue }
        wait = min(wait, due - now)
      case .preparing(let ticket): if store.committed >= ticket { wait = 0 }
      case .sending: break
      case .backingOff(let until): if slots.isFree(for: lane) { wait = min(wait, until - now) }
      }
    }
    return max(0, wait)
  }

  func beginDraining() {
    isDraining = true
    drainDeadline = clock.monotonic() + options.drainNanoseconds
    for lane in lanes { lane.isDrained = false }
    // What was committed last is part of what drains.
    mustRefresh = true
    refresh()
  }

  /// Every lane is empty or has had its last attempt, or the time is up.
  var isDrained: Bool {
    if clock.monotonic() >= drainDeadline { return true }
    return lanes.allSatisfy { lane in
      if lane.destination.pausedReason != nil { return true }
      switch lane.phase {
      case .idle: return lane.queuedEvents == 0
      case .backingOff: return lane.isDrained
      case .preparing, .sending: return false
      }
    }
  }

  func status() -> [LaneStatus] {
    let now = clock.monotonic()
    return lanes.map { $0.status(monotonic: now) }
  }
}

/// Runs a system call's wrapper and names its error as the store's.
private func storing<T: ~Copyable>(
  _ body: () throws(SyscallError) -> T
) throws(StoreError) -> T {
  do throws(SyscallError) {
    return try body()
  } catch {
    throw .io(error)
  }
}
