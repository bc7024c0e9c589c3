internal import LogModel
internal import Platform
internal import Store

/// One destination of one log group: its cursor, its one request in flight, its retry clock.
///
/// A lane never waits for another. Forward thread only.
final class Lane {
  enum Phase {
    /// Nothing under way; more events may be waiting.
    case idle
    /// A request is prepared and waits for its preparation to be durable.
    case preparing(ticket: UInt64)
    case sending(token: UInt64, since: Int64)
    /// The request is let go: it is built again for the next attempt.
    case backingOff(until: Int64)
  }

  let key: Key
  var group: GroupInfo
  var destination: Destination
  var phase = Phase.idle
  var cursor: UInt64
  var request: DeliveryRequest?
  /// A request found at the start, to be built again as it was.
  var inherited: PendingRequest?
  /// Since when there has been anything to send; monotonic.
  var dirtySince: Int64?
  /// When the event at the cursor was taken in; nil until somebody looks.
  var oldestUnsent: Timestamp?
  var attempts = 0
  var firstFailure: Int64?
  /// Time since the first failure that was spent waiting for responses.
  var responseWait: Int64 = 0
  var lastError: String?
  var deadLetterEvents: UInt64 = 0
  /// After a 413: no more events than this in one request.
  var eventsMax = DeliveryLimits.eventsMax
  /// While draining: the last attempt was made.
  var isDrained = false
  var isRemoved = false
  /// The endpoint whose slot the lane's request takes.
  var slot: String?
  /// What it was taken to need.
  var slotBytes = 0
  /// Turns in a row in which the store could not be read at the cursor.
  var readFailures = 0
  /// Oversized events before this sequence are in dead letters.
  var oversizedEnd: UInt64 = 0

  struct Key: Hashable {
    let group: UInt32
    let destination: String
  }

  init(_ group: GroupInfo, _ destination: Destination, state: LaneState?) {
    key = Key(group: group.id, destination: destination.id)
    self.group = group
    self.destination = destination
    cursor = state?.cursor ?? 0
    inherited = state?.pending
  }

  var queuedEvents: UInt64 { group.nextSequence > cursor ? group.nextSequence - cursor : 0 }

  /// The row that says what the lane has and what it is about to send.
  var state: LaneState {
    LaneState(
      group: key.group,
      destination: key.destination,
      cursor: cursor,
      pending: request.map {
        PendingRequest(
          requestID: $0.requestID,
          endSequence: $0.endSequence,
          timestampMilliseconds: $0.timestampMilliseconds,
          checksum: $0.checksum
        )
      } ?? inherited
    )
  }

  /// Settles the request: its events count as done.
  func settle() {
    if let request { cursor = request.endSequence }
    dirtySince = nil
    oldestUnsent = nil
    abandon()
  }

  /// Lets the request go; its events will be in others.
  func abandon() {
    request = nil
    inherited = nil
    attempts = 0
    firstFailure = nil
    responseWait = 0
    phase = .idle
  }

  /// Waits with the request's identity alone, so that a dead endpoint holds no memory.
  func backOff(until: Int64) {
    inherited = state.pending
    request = nil
    // Retention may have removed it meanwhile.
    oldestUnsent = nil
    phase = .backingOff(until: until)
  }

  /// Takes a reload's destination over: cursor, request in flight and retry clock stay.
  ///
  /// One that has changed is tried at once, since the change may be what its retries wait for.
  func take(_ next: Destination, at now: Int64) {
    if next != destination, case .backingOff = phase { phase = .backingOff(until: now) }
    destination = next
  }

  /// Starts the clock of what waits, as early as its first event came: a lane that is behind owes
  /// nobody another wait.
  func markDirty(monotonic now: Int64, wall: Int64) {
    guard dirtySince == nil else { return }
    var age: Int64 = 0
    if let oldestUnsent {
      let (difference, isOverflow) = wall.subtractingReportingOverflow(oldestUnsent.nanoseconds)
      if !isOverflow { age = difference }
    }
    dirtySince = now - min(max(0, age), flushNanoseconds)
  }

  var flushNanoseconds: Int64 { Int64(destination.flushSeconds) * 1_000_000_000 }

  /// When a lane that is idle has to send what it has, however little; monotonic.
  var flushTime: Int64? { dirtySince.map { $0 + flushNanoseconds } }

  func status(monotonic now: Int64) -> LaneStatus {
    var next: Double?
    if case .backingOff(let until) = phase { next = Double(max(0, until - now)) / 1_000_000_000 }
    return LaneStatus(
      group: group.group,
      destination: key.destination,
      queuedEvents: queuedEvents,
      oldestUnsent: queuedEvents > 0 ? oldestUnsent : nil,
      lastError: lastError,
      attempts: attempts,
      nextAttemptSeconds: next,
      pausedReason: destination.pausedReason,
      deadLetterEvents: deadLetterEvents,
      activity: activity
    )
  }

  private var activity: String {
    switch phase {
    case .idle: "idle"
    case .preparing(let ticket): "preparing (commit \(ticket))"
    case .sending: "sending"
    case .backingOff: "waiting to retry"
    }
  }

  var labels: [(String, String)] {
    [("resource", group.group.name), ("destination", key.destination)]
  }
}

/// The bound on requests that are built at one time: over all lanes, and for one endpoint, so that
/// one that hangs takes nothing from the others.
struct RequestSlots {
  private var byEndpoint: [String: Int] = [:]
  private var total = 0
  private var bytes = 0
  private let bytesMax: Int

  /// `bytesMax` bounds what the requests take in memory, but for one of each endpoint.
  init(bytesMax: Int) { self.bytesMax = bytesMax }

  func isFree(for lane: Lane) -> Bool {
    guard total < DeliveryLimits.requestsInFlightMax else { return false }
    let running = byEndpoint[lane.destination.endpointURL, default: 0]
    // An endpoint's first request always finds room: what others hold must not delay it.
    return running == 0
      || (running < DeliveryLimits.requestsPerEndpointMax && bytes + Self.cost(lane) <= bytesMax)
  }

  /// Records and body: each about as long as the messages are before they are compressed, at worst
  /// a third longer.
  private static func cost(_ lane: Lane) -> Int { lane.destination.flushBytes * 3 }

  mutating func take(_ lane: Lane) {
    release(lane)
    let endpoint = lane.destination.endpointURL
    lane.slot = endpoint
    lane.slotBytes = Self.cost(lane)
    total += 1
    bytes += lane.slotBytes
    byEndpoint[endpoint, default: 0] += 1
  }

  mutating func release(_ lane: Lane) {
    guard let endpoint = lane.slot else { return }
    lane.slot = nil
    total -= 1
    bytes -= lane.slotBytes
    let left = byEndpoint[endpoint, default: 1] - 1
    byEndpoint[endpoint] = left > 0 ? left : nil
  }
}
