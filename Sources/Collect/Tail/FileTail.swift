internal import LogModel
internal import Platform

// Follows one log through its files. What makes it lose nothing:
//
// - A file is held open from the moment it is seen, so rename, compression and removal cannot take
// it
//   away, and its inode number cannot be given to another file meanwhile.
// - The base path is looked at before every read, not after a file is used up: while a backlog is
// read
//   the chain may rotate past its end.
// - A record exists when its newline does. Bytes after the last newline are not kept: they are read
//   again next time, so an idle source holds no memory.
// - The checkpoint goes with the events, in one batch, and a resumed source trusts nothing but
// contents.

/// Reads a chain of log files from a committed position on.
///
/// Used by the collect thread only.
final class FileTail {
  /// What a turn came to.
  enum Outcome {
    /// There is more to read at once.
    case more
    /// Everything that is there was read.
    case idle
  }

  let source: String
  let chain: RotationChain
  let context: CollectContext
  var group: LogGroup { didSet { groupName = group.name } }
  var stream: LogStream
  private(set) var groupName: String
  var decoder: FrameDecoder
  /// The file being read, then the newer ones, all open.
  var segments: [Segment] = []
  /// First-record hashes of the files read so far; the last is the one that `decodedHead` lies in.
  var history: [(ordinal: Int, fingerprint: UInt64)] = []
  var nextOrdinal = 0
  /// How far records were decoded, and the bytes before that place.
  var decodedHead: Int64 = 0
  var decodedTail: [UInt8] = []
  /// The position to resume from, until reading has passed it.
  var resume: TailPosition?
  var batch: EventBatch?
  private var batchOpened: Int64 = 0
  /// A record longer than is held: what was kept of it, and how far it was scanned.
  private var oversize: (prefix: [UInt8], scanned: Int64)?
  /// Size and time of change of the newest file when its end was last reached.
  private var endSeen: (size: Int64, modified: Int64)?
  var baseStatus: (size: Int64, modified: Int64)?
  private var mustCheckTail = false
  /// An event named one of the files: the path has to be looked at.
  var mustLookAtPath = false
  private var nextPathLook: Int64 = 0
  /// When the writer was seen to have exited: a line that is still open will not go on.
  var writerGoneAt: Int64?
  /// The directory is gone, and when that was seen.
  var removedAt: Int64?
  private(set) var isFinished = false
  /// The last ticket that the sink gave.
  private(set) var lastTicket: UInt64 = 0
  /// Files that were read to their end, for a source that deletes what was committed.
  var retired: [RetiredFile] = []
  var keepsRetired = false
  /// Log text that is known to wait.
  private(set) var lagBytes: Int64 = 0
  private(set) var eventCount = 0
  /// Grows whenever something was read: tells a busy source from an idle one.
  private(set) var progress = 0
  /// When something was read last, on the monotonic clock.
  private var advancedAt: Int64 = 0
  /// Says how often the base was created so far, by the events of its directory; nil when unknown.
  var countRotations: (() -> Int?)?
  /// That count when the chain was last walked.
  var rotationsWalked: Int?
  /// How many files the chain has once its writer deletes the oldest; nil: it never does.
  var rotatedFilesMax: Int?
  /// When the writer started, by its own word: it creates its first file before that.
  var writerStartedAt: Int64?

  /// A file that was read to its end and may be deleted once `ticket` is committed.
  struct RetiredFile {
    let device: UInt64
    let inode: UInt64
    let ordinal: Int
    var ticket: UInt64?
  }

  init(
    source: String,
    chain: RotationChain,
    format: FrameFormat,
    group: LogGroup,
    stream: LogStream,
    context: CollectContext
  ) {
    self.source = source
    self.chain = chain
    self.context = context
    self.group = group
    self.stream = stream
    groupName = group.name
    decoder = FrameDecoder(format: format, eventBytesMax: context.eventBytesMax)
  }

  var isOpen: Bool { !segments.isEmpty }
  var hasBatch: Bool { batch != nil }

  /// A line is open that will not go on.
  var mustEndPartials: Bool {
    guard let writerGoneAt, decoder.hasPartial else { return false }
    return context.clock.monotonic() - max(writerGoneAt, advancedAt)
      >= CaptureLimits.writerGoneGraceNanoseconds
  }

  /// When the waiting batch has to be handed over, on the monotonic clock.
  var batchDeadline: Int64? {
    batch == nil ? nil : batchOpened + Limits.batchAgeNanoseconds
  }

  /// Reads and decodes at most `Limits.readTurnBytes`, handing over what is full or old enough.
  func turn() throws(CollectError) -> Outcome {
    if isFinished { return .idle }
    if !isOpen {
      guard try openChain() else { return try endWithoutFiles() }
    }
    let isResting = batch == nil && removedAt == nil && !mustEndPartials
    if isResting, try isQuietByHandle() { return .idle }
    try lookForRotation()
    if isResting, isUnchanged { return .idle }
    decoder.fallbackTime = context.clock.now()
    mustCheckTail = true
    // Spans need storage of their own: the buffer is taken out of the context for the turn.
    var buffer: [UInt8] = []
    swap(&buffer, &context.buffer)
    defer { swap(&buffer, &context.buffer) }
    var budget = Limits.readTurnBytes
    var outcome = Outcome.more
    if isUnchanged {
      outcome = .idle
    } else {
      while budget > 0 {
        if try readOnce(&budget, &buffer) { continue }
        if segments.count > 1 {
          try leaveFile(&buffer)
          continue
        }
        endSeen = baseStatus
        outcome = .idle
        break
      }
    }
    if outcome == .idle { try atEnd() }
    measureLag()
    let age = context.clock.monotonic() - batchOpened
    if batch != nil, outcome == .idle, age >= Limits.batchAgeNanoseconds { try submit() }
    return outcome
  }

  /// Nothing was written since the end was last reached: a poll costs one stat(2).
  private var isUnchanged: Bool {
    guard segments.count == 1, let endSeen, let baseStatus else { return false }
    return endSeen == baseStatus
  }

  /// The same, seen through the open file: a sixth of the cost of a path.
  ///
  /// It does until an event says that a name has changed, or for two seconds.
  private func isQuietByHandle() throws(CollectError) -> Bool {
    guard countRotations != nil, segments.count == 1, let endSeen else { return false }
    let now = context.clock.monotonic()
    if mustLookAtPath || now >= nextPathLook {
      mustLookAtPath = false
      nextPathLook = now + CaptureLimits.pathLookNanoseconds
      return false
    }
    let status = try segments[0].status()
    return status.size == endSeen.size && status.modified == endSeen.modified
  }

  // MARK: reading

  /// Reads one chunk and decodes it; false at the end of the file.
  private func readOnce(
    _ budget: inout Int,
    _ buffer: inout [UInt8]
  ) throws(CollectError) -> Bool {
    let segment = segments[0]
    if oversize != nil { return try readOversize(segment, &budget, &buffer) }
    var want = Limits.readChunkBytes
    while true {
      let verified = try checkedTailBytes(segment)
      buffer.removeAll(keepingCapacity: true)
      let base = segment.head - Int64(verified)
      try segment.read(into: &buffer, atMost: want + verified, at: base)
      guard isTailIntact(verified, buffer) else {
        try restartTruncated(segment)
        return true
      }
      let count = buffer.count - verified
      if count <= 0 {
        if try isShrunk(segment) {
          try restartTruncated(segment)
          return true
        }
        return false
      }
      if skipZeros(segment, from: verified, buffer) > 0 { return true }
      let used = try decode(buffer, of: segment, from: verified, base: base)
      budget -= max(used - verified, 4_096)
      if used > verified { return true }
      if count < want { return false }
      if want >= CaptureLimits.recordBytesMax {
        let kept = verified..<(verified + min(count, context.eventBytesMax))
        oversize = (Array(buffer[kept]), Int64(count))
        return true
      }
      want *= 2
    }
  }

  /// How many bytes before the head are read again to see that the file is the one we know.
  private func checkedTailBytes(_ segment: Segment) throws(CollectError) -> Int {
    guard mustCheckTail, !segment.isCompressed, segment.head == decodedHead,
      history.last?.ordinal == segment.ordinal
    else { return 0 }
    return decodedTail.count
  }

  private func isTailIntact(_ verified: Int, _ buffer: [UInt8]) -> Bool {
    if verified == 0 { return true }
    mustCheckTail = false
    guard buffer.count >= verified else { return false }
    return buffer[..<verified].elementsEqual(decodedTail)
  }

  private func isShrunk(_ segment: Segment) throws(CollectError) -> Bool {
    if segment.isCompressed || segment.head == 0 { return false }
    return try segment.status().size < segment.head
  }

  /// Skips zero bytes at the start of a record: the hole that an external truncation leaves, or
  /// blocks that a crash of the host never filled.
  private func skipZeros(
    _ segment: Segment,
    from first: Int,
    _ buffer: [UInt8]
  ) -> Int {
    guard buffer[first] == 0 else { return 0 }
    var at = first
    while at < buffer.count, buffer[at] == 0 { at += 1 }
    if segment.head == 0 {
      context.notify(
        CollectNotice(
          .warning,
          "\(segment.path) begins with zero bytes: it was truncated while its writer had it open; "
            + "the zeros are skipped"
        )
      )
    }
    segment.head += Int64(at - first)
    if history.last?.ordinal == segment.ordinal, segment.head > decodedHead {
      let zeros = [UInt8](repeating: 0, count: min(at - first, CaptureLimits.tailBytes))
      decodedTail = Array((decodedTail + zeros).suffix(CaptureLimits.tailBytes))
      decodedHead = segment.head
    }
    return at - first
  }

  /// Decodes what the buffer holds from `first` on; returns the index after the last record.
  private func decode(
    _ buffer: [UInt8],
    of segment: Segment,
    from first: Int,
    base: Int64
  ) throws(CollectError) -> Int {
    guard let newline = Bytes.firstIndex(of: 0x0A, in: buffer.span, from: first)
    else { return first }
    try segment.identify()
    if let reason = segment.gapBefore {
      try appendGap(reason, before: buffer, first..<newline)
      segment.gapBefore = nil
    }
    var at = first
    while at < buffer.count {
      var current = takeBatch(expecting: buffer.count)
      let used = decoder.decode(buffer.span, from: at, base: base, into: &current)
      let isFull =
        current.bytes.count >= Limits.batchBytes || current.records.count >= Limits.batchEvents
      putBack(current)
      if used > at { advance(segment, to: base + Int64(used), having: buffer[..<used]) }
      at = used
      guard isFull else { break }
      try submit()
      if hasBatch { break }
    }
    return at
  }

  /// Notes that everything before `offset` of a file was decoded.
  private func advance(_ segment: Segment, to offset: Int64, having used: ArraySlice<UInt8>) {
    segment.head = offset
    progress += 1
    advancedAt = context.clock.monotonic()
    if let last = history.last {
      // While an open line is read again, the committed head stays where it is.
      if (segment.ordinal, offset) <= (last.ordinal, decodedHead) { return }
    }
    if history.last?.ordinal != segment.ordinal, let fingerprint = segment.fingerprint {
      history.append((segment.ordinal, fingerprint))
      decodedTail.removeAll(keepingCapacity: true)
      forgetOldHistory()
    }
    decodedHead = offset
    let keep = CaptureLimits.tailBytes
    if used.count >= keep {
      decodedTail = Array(used.suffix(keep))
    } else {
      decodedTail = Array((decodedTail + used).suffix(keep))
    }
    // Zeros that were skipped at the start of the file belong to what lies before the position.
    let short = Int(min(offset, Int64(keep))) - decodedTail.count
    if short > 0 { decodedTail = [UInt8](repeating: 0, count: short) + decodedTail }
    if Int64(decodedTail.count) > offset {
      decodedTail.removeFirst(decodedTail.count - Int(offset))
    }
  }

  /// Scans on in a record that is too long to hold, in constant memory; false at the end of the
  /// file.
  private func readOversize(
    _ segment: Segment,
    _ budget: inout Int,
    _ buffer: inout [UInt8]
  ) throws(CollectError) -> Bool {
    guard let current = oversize else { return false }
    buffer.removeAll(keepingCapacity: true)
    let base = segment.head + current.scanned
    try segment.read(into: &buffer, atMost: Limits.readChunkBytes, at: base)
    budget -= max(buffer.count, 4_096)
    if buffer.isEmpty { return false }
    guard let end = Bytes.firstIndex(of: 0x0A, in: buffer.span) else {
      oversize?.scanned += Int64(buffer.count)
      return true
    }
    try segment.identify()
    endOversize(segment, length: current.scanned + Int64(end))
    advance(segment, to: base + Int64(end) + 1, having: buffer[...end])
    return true
  }

  private func endOversize(_ segment: Segment, length: Int64) {
    guard let current = oversize else { return }
    oversize = nil
    let prefix = current.prefix
    var batch = takeBatch(expecting: prefix.count)
    decoder.oversized(
      prefix: prefix.span,
      length: UInt64(length),
      at: segment.head,
      into: &batch
    )
    putBack(batch)
  }

  // MARK: files of the chain

  /// Bytes after the last newline of a file that will not grow: a record torn by its writer's
  /// death.
  private func takeTorn(_ segment: Segment, _ buffer: inout [UInt8]) throws(CollectError) {
    if let scanned = oversize?.scanned {
      endOversize(segment, length: scanned)
      advance(segment, to: segment.head + scanned, having: [])
      decodedTail = try segment.tail(before: segment.head)
    }
    buffer.removeAll(keepingCapacity: true)
    if segment.isCompressed { return }
    try segment.read(into: &buffer, atMost: CaptureLimits.recordBytesMax, at: segment.head)
    if buffer.isEmpty { return }
    var current = takeBatch(expecting: buffer.count)
    decoder.malformed(buffer.span, 0..<buffer.count, at: segment.head, into: &current)
    putBack(current)
    advance(segment, to: segment.head + Int64(buffer.count), having: buffer[...])
  }

  /// The current file is at its end and a newer one exists: nothing more will be written to it.
  private func leaveFile(_ buffer: inout [UInt8]) throws(CollectError) {
    let segment = segments[0]
    try takeTorn(segment, &buffer)
    if keepsRetired {
      retired.append(
        RetiredFile(device: segment.device, inode: segment.inode, ordinal: segment.ordinal)
      )
    }
    if segment.isDamaged {
      segments[1].gapBefore = .damaged
      context.notify(
        CollectNotice(.error, "\(segment.path): damaged gzip data; the rest of it is skipped")
      )
    }
    segments.removeFirst()
    begin(segments[0])
  }

  /// Starts decoding a file: from here on offsets are its own.
  func begin(_ segment: Segment) {
    decoder.ordinal = segment.ordinal
    mustCheckTail = true
    endSeen = nil
    guard let position = resume else {
      decoder.skipCommitted(out: .min, err: .min)
      return
    }
    let head = TailPosition.Place(file: position.files.count - 1, offset: position.head)
    if segment.ordinal > head.file {
      resume = nil
      decoder.skipCommitted(out: .min, err: .min)
      return
    }
    func skip(_ place: TailPosition.Place) -> Int64 {
      if segment.ordinal < place.file { return .max }
      return segment.ordinal == place.file ? place.offset : .min
    }
    decoder.skipCommitted(out: skip(position.out ?? head), err: skip(position.err ?? head))
  }

  private func forgetOldHistory() {
    var oldest = history.count - CaptureLimits.historyKept
    for partial in [decoder.out, decoder.err] where partial.isOpen {
      if let index = history.firstIndex(where: { $0.ordinal >= partial.ordinal }) {
        oldest = min(oldest, index)
      }
    }
    if oldest > 0 { history.removeFirst(oldest) }
    if history.count > CaptureLimits.historyMax {
      // A line over so many files is not a line; ending it here bounds the position's size.
      var current = takeBatch(expecting: 0)
      decoder.flushPartials(into: &current)
      putBack(current)
      history.removeFirst(history.count - CaptureLimits.historyKept)
    }
  }

  // MARK: batches

  func takeBatch(expecting bytes: Int) -> EventBatch {
    if let current = batch.take() { return current }
    var fresh = EventBatch(group: group, stream: stream)
    let waiting = segments.reduce(Int64(bytes)) { sum, segment in
      sum + (segment === segments.last ? max((baseStatus?.size ?? 0) - segment.head, 0) : 0)
    }
    let isFlood = segments.count > 1 || waiting > Int64(Limits.batchBytes)
    fresh.bytes.reserveCapacity(
      isFlood ? Limits.batchBytes + Limits.readChunkBytes : min(bytes, Limits.batchBytes) + 64
    )
    if isFlood { fresh.records.reserveCapacity(8_192) }
    batchOpened = context.clock.monotonic()
    return fresh
  }

  /// Keeps a batch for the next turn, unless there is nothing in it.
  func putBack(_ current: consuming EventBatch) {
    if current.records.isEmpty { return }
    batch = consume current
  }

  /// Hands the batch over with the position that it reaches; waits while the sink is behind.
  func submit() throws(CollectError) {
    // While an open line is read again, the position is not ours to give.
    if isRereading { return }
    guard var current = batch.take() else { return }
    if let position = position() {
      current.checkpoint = SourceCheckpoint(source: source, position: position.encoded())
    }
    try hand(current)
  }

  private var isRereading: Bool {
    guard let resume, let segment = segments.first else { return false }
    return (segment.ordinal, segment.head) < (resume.files.count - 1, resume.head)
  }

  private func hand(_ current: consuming EventBatch) throws(CollectError) {
    let records = current.records.count
    let bytes = current.bytes.count
    let newest = current.records.last?.timestamp
    guard let ticket = context.sink.submit(current) else {
      context.isClosing = true
      throw .closing
    }
    lastTicket = ticket
    eventCount += records
    let needed = position().map { _ in oldestNeededOrdinal } ?? 0
    for index in retired.indices
    where retired[index].ticket == nil && retired[index].ordinal < needed {
      retired[index].ticket = ticket
    }
    report(records: records, bytes: bytes, newest: newest)
  }

  private func report(records: Int, bytes: Int, newest: Int64?) {
    let labels = [("resource", groupName)]
    let metrics = context.metrics
    if records > 0 {
      metrics.add("logagent_source_events_total", Double(records), labels)
      metrics.add("logagent_source_bytes_total", Double(bytes), labels)
    }
    if let newest {
      metrics.set(
        "logagent_source_last_event_timestamp_seconds",
        Double(newest) / 1_000_000_000,
        labels
      )
    }
    let counts = decoder.counts
    if counts == DecodeCounts() { return }
    decoder.counts = DecodeCounts()
    if counts.truncated > 0 {
      metrics.add("logagent_events_truncated_total", Double(counts.truncated), labels)
    }
    if counts.malformed > 0 {
      metrics.add(
        "logagent_parse_errors_total",
        Double(counts.malformed),
        labels + [("parser", "frame")]
      )
    }
    if counts.repaired > 0 {
      metrics.add("logagent_utf8_split_repaired_total", Double(counts.repaired), labels)
    }
    if counts.unterminated > 0 {
      metrics.add("logagent_events_unterminated_total", Double(counts.unterminated), labels)
    }
  }

  /// Ends the source: what is open is handed over and the store forgets its position with it.
  func finish(forgetting: Bool) throws(CollectError) {
    if let segment = segments.first, segments.count == 1 {
      var buffer: [UInt8] = []
      try takeTorn(segment, &buffer)
    }
    var current = takeBatch(expecting: 0)
    decoder.flushPartials(into: &current)
    if let reason = segments.first?.gapBefore {
      gapRecord(reason, to: context.clock.now(), into: &current)
      segments.first?.gapBefore = nil
    }
    if forgetting {
      current.checkpoint = SourceCheckpoint(source: source, position: [])
    } else if let position = position() {
      current.checkpoint = SourceCheckpoint(source: source, position: position.encoded())
    }
    if forgetting || !current.records.isEmpty { try hand(current) }
    if forgetting {
      isFinished = true
      segments.removeAll()
    }
  }

  private func measureLag() {
    guard let newest = segments.last else {
      lagBytes = 0
      return
    }
    var lag = max((baseStatus?.size ?? newest.head) - newest.head, 0)
    if segments.count > 1 {
      for segment in segments.dropLast() {
        // A file that cannot be asked is simply not in the figure.
        lag += (try? segment.status().size).map { max($0 - segment.head, 0) } ?? 0
      }
    }
    lagBytes = lag
  }
}
