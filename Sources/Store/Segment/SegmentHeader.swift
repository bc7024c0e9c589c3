internal import LogModel
internal import Platform

/// What the first frame of a segment says: which store and group it belongs to.
struct SegmentHeader: Equatable {
  private static let magic: UInt32 = 0x3153_414C  // "LAS1"
  private static let version: UInt16 = 1

  var store: String
  var segment: UInt64
  var group: UInt32
  var groupName: String
  var created: Int64
  var day: Int64

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: Self.version)
    bytes.append(littleEndian: UInt16(0))  // incompatible flags
    bytes.append(littleEndian: segment)
    bytes.append(littleEndian: group)
    bytes.append(littleEndian: created)
    bytes.append(littleEndian: day)
    bytes.append(counted: store)
    bytes.append(counted: groupName)
    bytes.append(littleEndian: CRC32C.checksum(bytes.span))
    return bytes
  }

  /// The version of a header that a later release wrote; nil for any other.
  static func newerVersion(_ bytes: Span<UInt8>) -> UInt16? {
    var reader = ByteReader(to: bytes.count)
    guard reader.integer(UInt32.self, in: bytes) == magic,
      let found = reader.integer(UInt16.self, in: bytes), found > version,
      isChecksumRight(bytes)
    else { return nil }
    return found
  }

  /// The last four bytes, whatever is before them.
  private static func isChecksumRight(_ bytes: Span<UInt8>) -> Bool {
    let end = bytes.count - 4
    guard end >= 0 else { return false }
    var reader = ByteReader(from: end, to: bytes.count)
    return reader.integer(UInt32.self, in: bytes) == CRC32C.checksum(bytes.extracting(0..<end))
  }

  /// Nil when the content is damaged or of another version.
  static func parse(_ bytes: Span<UInt8>) -> SegmentHeader? {
    guard bytes.count >= 8 else { return nil }
    var reader = ByteReader(to: bytes.count)
    guard reader.integer(UInt32.self, in: bytes) == magic,
      reader.integer(UInt16.self, in: bytes) == version,
      reader.integer(UInt16.self, in: bytes) == 0,
      let segment = reader.integer(UInt64.self, in: bytes),
      let group = reader.integer(UInt32.self, in: bytes),
      let created = reader.integer(Int64.self, in: bytes),
      let day = reader.integer(Int64.self, in: bytes),
      let store = reader.text(in: bytes, atMost: 64),
      let name = reader.text(in: bytes, atMost: Limits.nameBytesMax)
    else { return nil }
    let content = bytes.extracting(0..<reader.offset)
    guard reader.integer(UInt32.self, in: bytes) == CRC32C.checksum(content) else { return nil }
    return SegmentHeader(
      store: store,
      segment: segment,
      group: group,
      groupName: name,
      created: created,
      day: day
    )
  }
}

/// The last frame of a sealed segment: where its blocks are.
struct SegmentFooter: Equatable {
  struct Entry: Equatable {
    var offset: Int64
    var firstSequence: UInt64
    var eventCount: UInt32
    var minTimestamp: Int64
    var maxTimestamp: Int64
  }

  private static let magic: UInt32 = 0x3146_414C  // "LAF1"
  var entries: [Entry]

  static func isIntact(_ bytes: Span<UInt8>) -> Bool {
    let end = bytes.count - 4
    guard end >= 4 else { return false }
    var reader = ByteReader(to: bytes.count)
    guard reader.integer(UInt32.self, in: bytes) == magic else { return false }
    var tail = ByteReader(from: end, to: bytes.count)
    return tail.integer(UInt32.self, in: bytes) == CRC32C.checksum(bytes.extracting(0..<end))
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(varint: UInt64(entries.count))
    for entry in entries {
      bytes.append(varint: UInt64(entry.offset))
      bytes.append(varint: entry.firstSequence)
      bytes.append(varint: UInt64(entry.eventCount))
      bytes.append(signedVarint: entry.minTimestamp)
      bytes.append(signedVarint: entry.maxTimestamp)
    }
    bytes.append(littleEndian: CRC32C.checksum(bytes.span))
    return bytes
  }
}
