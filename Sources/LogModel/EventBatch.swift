internal import Platform

/// One log event as a plain record; its message lies in the arena of the batch or block around it.
package struct EventRecord: BitwiseCopyable, Sendable, Equatable {
  /// Event time, nanoseconds since the epoch.
  package var timestamp: Int64
  /// Where the message starts in the arena.
  package var offset: UInt32
  /// Message bytes, without the newline that follows it in the arena.
  package var length: UInt32
  /// Index into the batch's stream table.
  package var stream: UInt16
  package var flags: EventFlags

  package init(
    timestamp: Int64,
    offset: UInt32,
    length: UInt32,
    stream: UInt16 = 0,
    flags: EventFlags = []
  ) {
    self.timestamp = timestamp
    self.offset = offset
    self.length = length
    self.stream = stream
    self.flags = flags
  }

  package var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }
}

/// What is known of an event besides time and message.
///
/// One byte on disk; bits are never reused.
package struct EventFlags: OptionSet, BitwiseCopyable, Sendable {
  package let rawValue: UInt8
  @inlinable
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The standard library's own is generic and was 3 % of ingestion.
  @inlinable
  package init(arrayLiteral elements: EventFlags...) {
    var bits: UInt8 = 0
    for element in elements { bits |= element.rawValue }
    self.init(rawValue: bits)
  }

  /// Written to stderr; stdout otherwise.
  package static let stderr = EventFlags(rawValue: 1 << 0)
  /// Longer than the limit: cut.
  ///
  /// `EventBatch.originalLengths` has the length it had.
  package static let truncated = EventFlags(rawValue: 1 << 1)
  /// The writer ended without a final newline.
  package static let unterminated = EventFlags(rawValue: 1 << 2)
  /// The runtime's record could not be decoded; the message is the record as it stood.
  package static let malformed = EventFlags(rawValue: 1 << 3)
  /// Not a message of the source: a gap record, written by the agent where events were lost.
  package static let gap = EventFlags(rawValue: 1 << 4)
  /// The runtime had destroyed a multi-byte character at a chunk border; it is U+FFFD here.
  package static let repaired = EventFlags(rawValue: 1 << 5)
  /// Every bit that has a meaning.
  package static let known = EventFlags(rawValue: 0b11_1111)
}

/// How far a source has been read.
///
/// Opaque to the store, which commits it in the transaction that makes the events visible; the
/// source that wrote it understands it.
package struct SourceCheckpoint: Sendable, Equatable {
  /// Names the source for ever, such as `docker:<container id>`; at most 512 bytes.
  package var source: String
  /// The position, encoded by the source; at most 4,096 bytes.
  ///
  /// Empty: forget the source.
  package var position: [UInt8]

  package init(source: String, position: [UInt8]) {
    self.source = source
    self.position = position
  }
}

/// Events of one source and one log group that move together: an arena, records over it, and the
/// read position that they reach.
///
/// The unit that crosses threads, by move.
package struct EventBatch: ~Copyable, Sendable {
  package let group: LogGroup
  /// The streams that records refer to by index; never empty when there are records.
  package var streams: [LogStream]
  /// The messages in order, each followed by one newline: what a block's payload will be.
  package var bytes: [UInt8]
  package var records: [EventRecord]
  /// The lengths that truncated events had, by index of the record, ascending.
  package var originalLengths: [(record: UInt32, bytes: UInt64)]
  /// Where the source stands once these events are committed.
  package var checkpoint: SourceCheckpoint?

  package init(
    group: LogGroup,
    stream: LogStream,
    checkpoint: SourceCheckpoint? = nil
  ) {
    self.group = group
    streams = [stream]
    bytes = []
    records = []
    originalLengths = []
    self.checkpoint = checkpoint
  }

  /// The index of a stream in this batch, adding it if it is new.
  ///
  /// Linear over the batch's streams: sources have one, imports a few. A batch holds at most
  /// 65,536.
  package mutating func index(of stream: LogStream) -> UInt16 {
    if let found = streams.firstIndex(of: stream) { return UInt16(found) }
    precondition(streams.count < Int(UInt16.max))
    streams.append(stream)
    return UInt16(streams.count - 1)
  }

  /// Adds one event; `message` is copied and its newline added.
  package mutating func append(
    timestamp: Timestamp,
    message: Span<UInt8>,
    stream: UInt16 = 0,
    flags: EventFlags = []
  ) {
    let offset = bytes.count
    bytes.append(copying: message)
    finish(timestamp: timestamp, from: offset, stream: stream, flags: flags)
  }

  /// Turns the arena's bytes from `offset` on into one event and adds its newline: for decoders
  /// that write the message straight into `bytes`.
  @inlinable
  package mutating func finish(
    timestamp: Timestamp,
    from offset: Int,
    stream: UInt16 = 0,
    flags: EventFlags = []
  ) {
    let length = bytes.count - offset
    bytes.append(0x0A)
    records.append(
      EventRecord(
        timestamp: timestamp.nanoseconds,
        offset: UInt32(offset),
        length: UInt32(length),
        stream: stream,
        flags: flags
      )
    )
  }
}
