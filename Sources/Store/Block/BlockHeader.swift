internal import LogModel
internal import Platform

/// The 160 bytes in front of every block: what is in it, how long its parts are, and their
/// checksums.
///
/// Little-endian; the layout is in docs/segment-format.md. Everything a catalog row says of a block
/// must agree with this before the block is believed.
struct BlockHeader: Equatable, Sendable {
  static let byteCount = 160
  static let magic: UInt32 = 0x3142_414C  // "LAB1"
  static let version: UInt8 = 1

  var codec: Codec = .zstd
  /// Which log levels occur, one bit each; 0xff when unknown.
  var levels: UInt8 = 0xff
  var group: UInt32 = 0
  /// The store that wrote it, so that a stray file is not adopted.
  var store: UInt64 = 0
  var firstSequence: UInt64 = 0
  var eventCount: UInt32 = 0
  var rawBytes: UInt32 = 0
  var payloadBytes: UInt32 = 0
  var filterBytes: UInt32 = 0
  var checkpointBytes: UInt32 = 0
  var timestampBytes: UInt32 = 0
  var columnBytes: UInt32 = 0
  /// Unpacked size of the columns; timestamps unpack to `timestampRawBytes`.
  var timestampRawBytes: UInt32 = 0
  var columnRawBytes: UInt32 = 0
  var minTimestamp: Int64 = 0
  var maxTimestamp: Int64 = 0
  var minIngestion: Int64 = 0
  var maxIngestion: Int64 = 0
  /// The youngest age base, min(event time, ingestion time), in the block: when the last event
  /// expires.
  var maxAgeBase: Int64 = 0
  var payloadChecksum: UInt32 = 0
  var filterChecksum: UInt32 = 0
  var checkpointChecksum: UInt32 = 0
  var timestampChecksum: UInt32 = 0
  var columnChecksum: UInt32 = 0

  /// Header, filter, checkpoints, timestamps and columns, before any framing.
  var metadataBytes: Int {
    Self.byteCount + Int(filterBytes) + Int(checkpointBytes) + Int(timestampBytes)
      + Int(columnBytes)
  }

  var endSequence: UInt64 { firstSequence + UInt64(eventCount) }

  func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(littleEndian: Self.magic)
    bytes.append(Self.version)
    bytes.append(codec.rawValue)
    bytes.append(littleEndian: UInt16(0))  // incompatible flags
    bytes.append(littleEndian: UInt16(Self.byteCount))
    bytes.append(levels)
    bytes.append(0)
    bytes.append(littleEndian: group)
    bytes.append(littleEndian: store)
    bytes.append(littleEndian: firstSequence)
    for value in [
      eventCount, rawBytes, payloadBytes, filterBytes, checkpointBytes, timestampBytes, columnBytes,
      timestampRawBytes, columnRawBytes,
    ] { bytes.append(littleEndian: value) }
    bytes.append(littleEndian: UInt32(0))
    for value in [minTimestamp, maxTimestamp, minIngestion, maxIngestion, maxAgeBase] {
      bytes.append(littleEndian: value)
    }
    for value in [
      payloadChecksum, filterChecksum, checkpointChecksum, timestampChecksum, columnChecksum,
    ] { bytes.append(littleEndian: value) }
    while bytes.count - start < Self.byteCount - 4 { bytes.append(0) }
    let checksum = CRC32C.checksum(bytes.span.extracting(start..<bytes.count))
    bytes.append(littleEndian: checksum)
    precondition(bytes.count - start == Self.byteCount)
  }

  enum Problem: Equatable {
    case damaged(String)
    case newer(String)
  }

  /// Reads and checks the header at `offset`; nothing in it is trusted before its checksum holds.
  static func parse(_ bytes: Span<UInt8>, at offset: Int) -> Result {
    guard offset >= 0, offset + byteCount <= bytes.count else {
      return .failure(.damaged("cut off"))
    }
    var reader = ByteReader(from: offset, to: offset + byteCount)
    guard reader.integer(UInt32.self, in: bytes) == magic else {
      return .failure(.damaged("no block here"))
    }
    let stored = word(bytes, at: offset + byteCount - 4)
    let content = bytes.extracting(offset..<(offset + byteCount - 4))
    guard CRC32C.checksum(content) == stored else { return .failure(.damaged("header checksum")) }
    guard bytes[offset + 4] == version, bytes[offset + 6] == 0, bytes[offset + 7] == 0,
      let codec = Codec(rawValue: bytes[offset + 5])
    else { return .failure(.newer("block version \(bytes[offset + 4])")) }
    var header = BlockHeader()
    header.codec = codec
    header.levels = bytes[offset + 10]
    header.readFields(bytes, at: offset)
    guard header.isPlausible else { return .failure(.damaged("impossible lengths")) }
    return .success(header)
  }

  enum Result {
    case success(BlockHeader)
    case failure(Problem)
  }

  private mutating func readFields(_ bytes: Span<UInt8>, at offset: Int) {
    group = Self.word(bytes, at: offset + 12)
    store = Self.long(bytes, at: offset + 16)
    firstSequence = Self.long(bytes, at: offset + 24)
    eventCount = Self.word(bytes, at: offset + 32)
    rawBytes = Self.word(bytes, at: offset + 36)
    payloadBytes = Self.word(bytes, at: offset + 40)
    filterBytes = Self.word(bytes, at: offset + 44)
    checkpointBytes = Self.word(bytes, at: offset + 48)
    timestampBytes = Self.word(bytes, at: offset + 52)
    columnBytes = Self.word(bytes, at: offset + 56)
    timestampRawBytes = Self.word(bytes, at: offset + 60)
    columnRawBytes = Self.word(bytes, at: offset + 64)
    minTimestamp = Int64(bitPattern: Self.long(bytes, at: offset + 72))
    maxTimestamp = Int64(bitPattern: Self.long(bytes, at: offset + 80))
    minIngestion = Int64(bitPattern: Self.long(bytes, at: offset + 88))
    maxIngestion = Int64(bitPattern: Self.long(bytes, at: offset + 96))
    maxAgeBase = Int64(bitPattern: Self.long(bytes, at: offset + 104))
    payloadChecksum = Self.word(bytes, at: offset + 112)
    filterChecksum = Self.word(bytes, at: offset + 116)
    checkpointChecksum = Self.word(bytes, at: offset + 120)
    timestampChecksum = Self.word(bytes, at: offset + 124)
    columnChecksum = Self.word(bytes, at: offset + 128)
  }

  /// Whether every checksum holds for an image: metadata and payload, one behind the other.
  func confirms(_ image: Span<UInt8>) -> Bool {
    guard image.count == metadataBytes + Int(payloadBytes) else { return false }
    var at = Self.byteCount
    for (length, checksum) in [
      (filterBytes, filterChecksum), (checkpointBytes, checkpointChecksum),
      (timestampBytes, timestampChecksum), (columnBytes, columnChecksum),
      (payloadBytes, payloadChecksum),
    ] {
      let end = at + Int(length)
      if CRC32C.checksum(image.extracting(at..<end)) != checksum { return false }
      at = end
    }
    return true
  }

  /// Lengths within the bounds that the writer keeps, so that nothing is allocated on a lie.
  private var isPlausible: Bool {
    eventCount > 0 && eventCount <= Limits.blockEventsMax
      && rawBytes >= eventCount && rawBytes <= Limits.blockRawBytesMax
      && payloadBytes <= 2 * rawBytes + 4_096
      && metadataBytes <= Limits.blockMetadataBytesMax
      && timestampRawBytes <= 10 * eventCount && columnRawBytes <= Limits.blockMetadataBytesMax
      && minTimestamp <= maxTimestamp && minIngestion <= maxIngestion
      && firstSequence < 1 << 56
  }

  private static func word(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
    var reader = ByteReader(from: offset, to: offset + 4)
    return reader.integer(UInt32.self, in: bytes) ?? 0
  }

  private static func long(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    var reader = ByteReader(from: offset, to: offset + 8)
    return reader.integer(UInt64.self, in: bytes) ?? 0
  }
}
