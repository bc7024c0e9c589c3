package import LogModel
package import Platform

/// What an import did.
package struct ImportSummary: Sendable, Equatable {
  package var events: UInt64 = 0
  /// Bytes of text that were new.
  package var bytes: UInt64 = 0
  /// Files that held nothing new.
  package var unchangedFiles = 0
  /// Records that could not be decoded; they are stored as they stood, marked.
  package var malformed = 0
  package var truncated = 0
  /// Durable once the sink's `committed` has reached it.
  package var lastTicket: UInt64 = 0

  package init() {}
}

/// How far an import is.
package struct ImportProgress: Sendable {
  package let path: String
  package let doneBytes: Int64
  /// The size of a plain file; nil where the text's length is not known.
  package let totalBytes: Int64?
  package let events: UInt64
}

/// Reads old logs into the store: any number of files into one log group.
///
/// A file is known by its content: the hash of its first line finds the source, and a checksum over
/// everything read before must fit. So an import can be broken off and repeated, the same file
/// under any name adds nothing, and a file that has grown adds what is new. Used by one thread.
package struct LogImporter {
  /// What the names of all imported sources begin with.
  static let sourcePrefix = "import:"

  private let sink: any EventSink
  private let group: LogGroup
  private let format: FrameFormat
  private let eventBytesMax: Int
  private let clock: any Clock
  private let progress: (ImportProgress) -> Void
  private let stop: () -> Bool
  package private(set) var summary = ImportSummary()
  private var lastProgress: Int64 = 0

  /// `stop` is asked between batches; what was handed over by then stays.
  package init(
    sink: any EventSink,
    group: LogGroup,
    format: FrameFormat,
    eventBytesMax: Int = Limits.eventBytesMax,
    clock: any Clock,
    stop: @escaping () -> Bool,
    progress: @escaping (ImportProgress) -> Void
  ) {
    self.sink = sink
    self.group = group
    self.format = format
    self.eventBytesMax = eventBytesMax
    self.clock = clock
    self.stop = stop
    self.progress = progress
  }

  /// One file, to its end or until `stop`.
  package mutating func read(_ path: String, stream: LogStream) throws(CollectError) {
    let file = try ImportFile(path)
    guard let found = try source(of: file) else { return }
    let run = Run(
      file: file,
      source: found.name,
      position: found.position,
      format: format,
      eventBytesMax: eventBytesMax
    )
    run.decoder.fallbackTime = clock.now()
    let before = summary.bytes
    while try step(run, stream: stream) {
      if stop() { return }
    }
    if summary.bytes == before { summary.unchangedFiles += 1 }
  }

  /// The state of one file's import.
  private final class Run {
    let file: ImportFile
    let source: String
    var decoder: FrameDecoder
    var buffer: [UInt8] = []
    /// Offset of `buffer[0]` in the text.
    var base: Int64
    /// Where decoding stands, in the buffer.
    var at = 0
    /// Everything up to here is in `checksum`.
    var head: Int64
    var checksum: UInt32
    var isAtEnd = false

    init(
      file: ImportFile,
      source: String,
      position: ImportPosition,
      format: FrameFormat,
      eventBytesMax: Int
    ) {
      self.file = file
      self.source = source
      decoder = FrameDecoder(format: format, eventBytesMax: eventBytesMax)
      base = position.start
      head = position.head
      checksum = position.checksum
      if position.start < position.head {
        decoder.skipCommitted(
          out: position.out ?? position.head,
          err: position.err ?? position.head
        )
      }
    }
  }

  /// Fills and hands over one batch; false at the end of the file.
  private mutating func step(_ run: Run, stream: LogStream) throws(CollectError) -> Bool {
    var batch = EventBatch(group: group, stream: stream)
    batch.bytes.reserveCapacity(Limits.batchBytes + eventBytesMax / 4)
    batch.records.reserveCapacity(min(Limits.batchEvents, 16_384))
    let started = run.head
    while batch.bytes.count < Limits.batchBytes, batch.records.count < Limits.batchEvents {
      let buffer = run.buffer
      let next = run.decoder.decode(buffer.span, from: run.at, base: run.base, into: &batch)
      advance(run, to: next)
      if next < run.buffer.count,
        batch.bytes.count >= Limits.batchBytes || batch.records.count >= Limits.batchEvents
      {
        break
      }
      if run.isAtEnd {
        finish(run, into: &batch)
        break
      }
      try refill(run, into: &batch)
    }
    summary.malformed += run.decoder.counts.malformed
    summary.truncated += run.decoder.counts.truncated
    run.decoder.counts = DecodeCounts()
    let isDone = run.isAtEnd && run.at == run.buffer.count
    if batch.records.isEmpty && run.head == started { return !isDone }
    let events = UInt64(batch.records.count)
    batch.checkpoint = SourceCheckpoint(source: run.source, position: position(of: run).encoded())
    guard let ticket = sink.submit(batch) else { throw .closing }
    summary.lastTicket = ticket
    summary.events += events
    summary.bytes += UInt64(max(0, run.head - started))
    report(run)
    return !isDone
  }

  private func position(of run: Run) -> ImportPosition {
    ImportPosition(
      head: run.head,
      checksum: run.checksum,
      out: run.decoder.out.isOpen ? run.decoder.out.offset : nil,
      err: run.decoder.err.isOpen ? run.decoder.err.offset : nil
    )
  }

  /// Moves on to `next` in the buffer and takes what is new into the checksum.
  private func advance(_ run: Run, to next: Int) {
    let reached = run.base + Int64(next)
    if reached > run.head {
      let from = max(run.at, Int(run.head - run.base))
      run.checksum = CRC32C.checksum(
        run.buffer.span.extracting(from..<next),
        continuing: run.checksum
      )
      run.head = reached
    }
    run.at = next
  }

  /// Reads further behind what is left; a record longer than any that is looked at whole is cut
  /// here.
  private func refill(_ run: Run, into batch: inout EventBatch) throws(CollectError) {
    if run.at > 0 {
      run.buffer.removeSubrange(0..<run.at)
      run.base += Int64(run.at)
      run.at = 0
    }
    if run.buffer.count > recordBytesMax {
      try skipLongRecord(run, into: &batch)
      return
    }
    let got = try run.file.read(
      into: &run.buffer,
      atMost: 4 * Limits.readChunkBytes,
      at: run.base + Int64(run.buffer.count)
    )
    if got == 0 { run.isAtEnd = true }
  }

  /// What `export` writes of the longest event may be several times as long as its message.
  private var recordBytesMax: Int {
    switch format {
    case .jsonLines, .csv: CaptureLimits.exportedRecordBytesMax
    case .dockerJSON, .cri, .lines: CaptureLimits.recordBytesMax
    }
  }

  private func skipLongRecord(_ run: Run, into batch: inout EventBatch) throws(CollectError) {
    let offset = run.base
    var prefix = run.buffer
    prefix.removeLast(max(0, prefix.count - eventBytesMax))
    var length: UInt64 = 0
    while true {
      if let end = Bytes.firstIndex(of: 0x0A, in: run.buffer.span) {
        length += UInt64(end)
        advance(run, to: end + 1)
        break
      }
      length += UInt64(run.buffer.count)
      advance(run, to: run.buffer.count)
      run.base += Int64(run.buffer.count)
      run.buffer.removeAll(keepingCapacity: true)
      run.at = 0
      let got = try run.file.read(
        into: &run.buffer,
        atMost: Limits.readChunkBytes,
        at: run.base
      )
      if got == 0 {
        run.isAtEnd = true
        break
      }
    }
    run.decoder.oversized(prefix: prefix.span, length: length, at: offset, into: &batch)
  }

  /// The end of the text: a last line without its newline counts, and open lines end.
  private func finish(_ run: Run, into batch: inout EventBatch) {
    if run.at < run.buffer.count {
      let from = run.at
      advance(run, to: run.buffer.count)
      run.buffer.append(0x0A)
      let buffer = run.buffer
      _ = run.decoder.decode(buffer.span, from: from, base: run.base, into: &batch)
      run.at = run.buffer.count
    }
    run.decoder.flushPartials(into: &batch)
  }

  private mutating func report(_ run: Run) {
    let now = clock.monotonic()
    guard now - lastProgress > 200_000_000 else { return }
    lastProgress = now
    progress(
      ImportProgress(
        path: run.file.path,
        doneBytes: run.head,
        totalBytes: run.file.isPacked ? nil : run.file.storedBytes,
        events: summary.events
      )
    )
  }

  // MARK: identity

  /// The source that this content belongs to, and where it stands; nil for an empty file.
  private func source(
    of file: ImportFile
  ) throws(CollectError) -> (name: String, position: ImportPosition)? {
    var head: [UInt8] = []
    guard try file.read(into: &head, atMost: 65_536, at: 0) > 0 else { return nil }
    let end = Bytes.firstIndex(of: 0x0A, in: head.span) ?? head.count
    let first = CRC32C.checksum(head.span.extracting(0..<min(end, 4_096)))
    let name = CRC32C.checksum(Array(group.name.utf8).span)
    let key = Self.sourcePrefix + Entropy.hex(UInt64(name) << 32 | UInt64(first))
    for number in 0..<10_000 {
      let source = "\(key)#\(number)"
      guard let stored = sink.position(of: source) else {
        return (source, ImportPosition(head: 0, checksum: 0))
      }
      if let position = ImportPosition(decoding: stored.span), try fits(position, file) {
        return (source, position)
      }
    }
    throw .invalid(path: file.path, reason: "ten thousand other files begin with the same line")
  }

  /// Whether the file begins with exactly what was read for that position.
  private func fits(
    _ position: ImportPosition,
    _ file: ImportFile
  ) throws(CollectError) -> Bool {
    var checksum: UInt32 = 0
    var offset: Int64 = 0
    var buffer: [UInt8] = []
    while offset < position.head {
      buffer.removeAll(keepingCapacity: true)
      let wanted = Int(min(Int64(4 * Limits.readChunkBytes), position.head - offset))
      let got = try file.read(into: &buffer, atMost: wanted, at: offset)
      guard got > 0 else { return false }
      checksum = CRC32C.checksum(buffer.span, continuing: checksum)
      offset += Int64(got)
    }
    return checksum == position.checksum
  }
}
