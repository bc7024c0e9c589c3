internal import LogModel
internal import Platform

/// A block's two parts in memory: metadata (header, filter, checkpoints, columns), and the messages
/// as one frame of the codec.
struct EncodedBlock: Sendable {
  var header: BlockHeader
  var metadata: [UInt8]
  var payload: [UInt8]
  /// The streams that occur, for the catalog's row.
  var streams: [LogStream]
}

/// Turns events into blocks; keeps its contexts and buffers from block to block.
///
/// Store thread only.
struct BlockEncoder: ~Copyable {
  /// How JSON begins the escape of an ASCII character.
  private static let asciiEscape = Array("\\u00".utf8)
  private var compressor = Compressor()
  private var tokens = TokenSet()
  private var scratch: [UInt8] = []
  private let codec: Codec
  private let store: UInt64

  init(codec: Codec, store: UInt64) {
    self.codec = codec
    self.store = store
  }

  /// Encodes all of `events`.
  ///
  /// Tail rows are written without a filter: they are decoded anyway.
  mutating func encode(
    _ events: borrowing PendingEvents,
    group: UInt32,
    firstSequence: UInt64,
    checkpoints: [SourceCheckpoint],
    withFilter: Bool
  ) -> EncodedBlock {
    precondition(!events.records.isEmpty && events.bytes.count <= Limits.blockRawBytesMax)
    var header = BlockHeader()
    header.codec = codec
    header.group = group
    header.store = store
    header.firstSequence = firstSequence
    header.eventCount = UInt32(events.records.count)
    header.rawBytes = UInt32(events.bytes.count)
    Self.fillTimes(&header, events)

    let filter = withFilter ? filter(of: events) : []
    var sources: [UInt8] = []
    CheckpointCoding.encode(checkpoints, into: &sources)
    var times: [UInt8] = []
    // Moved out while in use: a span of a stored array and a call on another field would overlap.
    var scratch: [UInt8] = []
    swap(&scratch, &self.scratch)
    scratch.removeAll(keepingCapacity: true)
    ColumnCoding.encodeTimestamps(events.records, into: &scratch)
    header.timestampRawBytes = UInt32(scratch.count)
    compressor.compress(scratch.span, with: codec, into: &times)
    var columns: [UInt8] = []
    scratch.removeAll(keepingCapacity: true)
    ColumnCoding.encodeColumns(events, into: &scratch)
    header.columnRawBytes = UInt32(scratch.count)
    compressor.compress(scratch.span, with: codec, into: &columns)
    swap(&scratch, &self.scratch)
    var payload: [UInt8] = []
    compressor.compress(events.bytes.span, with: codec, into: &payload)

    header.filterBytes = UInt32(filter.count)
    header.checkpointBytes = UInt32(sources.count)
    header.timestampBytes = UInt32(times.count)
    header.columnBytes = UInt32(columns.count)
    header.payloadBytes = UInt32(payload.count)
    header.filterChecksum = CRC32C.checksum(filter.span)
    header.checkpointChecksum = CRC32C.checksum(sources.span)
    header.timestampChecksum = CRC32C.checksum(times.span)
    header.columnChecksum = CRC32C.checksum(columns.span)
    header.payloadChecksum = CRC32C.checksum(payload.span)

    var metadata: [UInt8] = []
    metadata.reserveCapacity(header.metadataBytes)
    header.append(to: &metadata)
    metadata.append(contentsOf: filter)
    metadata.append(contentsOf: sources)
    metadata.append(contentsOf: times)
    metadata.append(contentsOf: columns)
    precondition(metadata.count == header.metadataBytes)
    return EncodedBlock(
      header: header,
      metadata: metadata,
      payload: payload,
      streams: events.streams
    )
  }

  private mutating func filter(of events: borrowing PendingEvents) -> [UInt8] {
    tokens.removeAll()
    tokens.insertTokens(of: events.bytes.span)
    if Bytes.firstIndex(of: Self.asciiEscape.span, in: events.bytes.span) != nil {
      tokens.insertEscapeMark()
    }
    var filter: [UInt8] = []
    TokenFilter.encode(tokens, into: &filter)
    return filter
  }

  private static func fillTimes(_ header: inout BlockHeader, _ events: borrowing PendingEvents) {
    var low = Int64.max
    var high = Int64.min
    var base = Int64.min
    var index = 0
    for run in events.ingestion {
      var runHigh = Int64.min
      for _ in 0..<run.count {
        let time = events.records[index].timestamp
        low = min(low, time)
        runHigh = max(runHigh, time)
        index += 1
      }
      high = max(high, runHigh)
      base = max(base, min(runHigh, run.time))
    }
    precondition(index == events.records.count)
    header.minTimestamp = low
    header.maxTimestamp = high
    header.minIngestion = events.ingestion.map(\.time).min() ?? 0
    header.maxIngestion = events.ingestion.map(\.time).max() ?? 0
    header.maxAgeBase = base
  }
}

/// The read positions that a block reaches: what gives a rebuilt catalog its sources back.
enum CheckpointCoding {
  static let sourceBytesMax = 512
  static let positionBytesMax = 4_096

  static func encode(_ checkpoints: [SourceCheckpoint], into bytes: inout [UInt8]) {
    bytes.append(varint: UInt64(checkpoints.count))
    for checkpoint in checkpoints {
      precondition(checkpoint.source.utf8.count <= sourceBytesMax)
      precondition(checkpoint.position.count <= positionBytesMax)
      bytes.append(counted: checkpoint.source)
      bytes.append(counted: checkpoint.position)
    }
  }

  static func decode(_ bytes: Span<UInt8>) -> [SourceCheckpoint]? {
    var reader = ByteReader(to: bytes.count)
    guard let count = reader.varint(in: bytes), count <= UInt64(bytes.count) else { return nil }
    var checkpoints: [SourceCheckpoint] = []
    for _ in 0..<count {
      guard let source = reader.text(in: bytes, atMost: sourceBytesMax),
        let range = reader.counted(in: bytes, atMost: positionBytesMax)
      else { return nil }
      var position: [UInt8] = []
      position.append(copying: bytes.extracting(range))
      checkpoints.append(SourceCheckpoint(source: source, position: position))
    }
    return reader.remaining == 0 ? checkpoints : nil
  }
}
