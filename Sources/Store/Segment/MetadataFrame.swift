internal import Platform

/// How a block's metadata hides inside a file that zstdcat or zcat must print as plain log lines.
///
/// zstd: one skippable frame. gzip: a chain of empty members whose FEXTRA field ("LA") carries up
/// to 65,000 bytes each. Either way its framed length follows from the content's length alone.
enum MetadataFrame {
  /// Skippable frame magics, little-endian on disk; they also tell what the frame is.
  enum Kind: UInt32 {
    case segment = 0x184D_2A5A
    case block = 0x184D_2A5B
    case footer = 0x184D_2A5C
  }

  private static let pieceBytes = 65_000
  private static let gzipHead: [UInt8] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]
  private static let gzipTail: [UInt8] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  private static let gzipOverhead = 10 + 2 + 4 + 10

  static func framedBytes(of content: Int, codec: Codec) -> Int {
    switch codec {
    case .zstd: content + 8
    case .gzip: content + ((content + pieceBytes - 1) / pieceBytes) * gzipOverhead
    }
  }

  static func append(
    _ content: Span<UInt8>,
    kind: Kind,
    codec: Codec,
    to bytes: inout [UInt8]
  ) {
    switch codec {
    case .zstd:
      bytes.append(littleEndian: kind.rawValue)
      bytes.append(littleEndian: UInt32(content.count))
      bytes.append(copying: content)
    case .gzip:
      var at = 0
      while at < content.count {
        let count = min(pieceBytes, content.count - at)
        bytes.append(contentsOf: gzipHead)
        bytes.append(littleEndian: UInt16(count + 4))
        bytes.append(0x4C)
        bytes.append(UInt8(truncatingIfNeeded: 0x41 + (kind.rawValue - Kind.segment.rawValue)))
        bytes.append(littleEndian: UInt16(count))
        bytes.append(copying: content.extracting(at..<(at + count)))
        bytes.append(contentsOf: gzipTail)
        at += count
      }
    }
  }

  /// Appends the first `count` bytes of the content framed at `offset`; false when the frame is not
  /// one of `kind` or is cut off.
  static func unwrap(
    _ bytes: Span<UInt8>,
    at offset: Int,
    kind: Kind,
    codec: Codec,
    count: Int,
    into content: inout [UInt8]
  ) -> Bool {
    switch codec {
    case .zstd:
      var reader = ByteReader(from: min(offset, bytes.count), to: bytes.count)
      guard reader.integer(UInt32.self, in: bytes) == kind.rawValue,
        let size = reader.integer(UInt32.self, in: bytes), Int(size) >= count,
        let range = reader.take(count)
      else { return false }
      content.append(copying: bytes.extracting(range))
      return true
    case .gzip:
      return unwrapMembers(bytes, at: offset, kind: kind, count: count, into: &content)
    }
  }

  /// All content framed at `offset`, for frames whose length nothing else tells, and their end.
  ///
  /// Nil when there is none of `kind`, or more than `limit` bytes.
  static func whole(
    _ bytes: Span<UInt8>,
    at offset: Int,
    kind: Kind,
    codec: Codec,
    atMost limit: Int
  ) -> (content: [UInt8], end: Int)? {
    var content: [UInt8] = []
    var at = offset
    while let piece = pieceBytes(bytes, at: at, kind: kind, codec: codec),
      content.count + piece <= limit,
      unwrap(bytes, at: at, kind: kind, codec: codec, count: piece, into: &content)
    {
      at += framedBytes(of: piece, codec: codec)
      if codec == .zstd || piece < pieceBytes { break }
    }
    return content.isEmpty || at > bytes.count ? nil : (content, at)
  }

  /// How much content the frame or member at `offset` says it has.
  private static func pieceBytes(
    _ bytes: Span<UInt8>,
    at offset: Int,
    kind: Kind,
    codec: Codec
  ) -> Int? {
    guard offset <= bytes.count else { return nil }
    switch codec {
    case .zstd:
      var reader = ByteReader(from: offset, to: bytes.count)
      guard reader.integer(UInt32.self, in: bytes) == kind.rawValue else { return nil }
      return reader.integer(UInt32.self, in: bytes).map { Int($0) }
    case .gzip:
      // Fixed head, then the length of the extra field and the mark.
      var reader = ByteReader(from: offset, to: bytes.count)
      guard reader.take(14) != nil, let size = reader.integer(UInt16.self, in: bytes), size > 0
      else { return nil }
      return Int(size)
    }
  }

  private static func unwrapMembers(
    _ bytes: Span<UInt8>,
    at offset: Int,
    kind: Kind,
    count: Int,
    into content: inout [UInt8]
  ) -> Bool {
    var reader = ByteReader(from: min(offset, bytes.count), to: bytes.count)
    var wanted = count
    let mark = UInt8(truncatingIfNeeded: 0x41 + (kind.rawValue - Kind.segment.rawValue))
    while wanted > 0 {
      guard let head = reader.take(10), bytes[head.lowerBound] == 0x1f,
        bytes[head.lowerBound + 1] == 0x8b, bytes[head.lowerBound + 3] == 4,
        let extra = reader.integer(UInt16.self, in: bytes), extra >= 4,
        let name = reader.take(2), bytes[name.lowerBound] == 0x4C,
        bytes[name.lowerBound + 1] == mark,
        let size = reader.integer(UInt16.self, in: bytes), size == extra - 4, size > 0
      else { return false }
      let take = min(Int(size), wanted)
      guard let range = reader.take(take) else { return false }
      content.append(copying: bytes.extracting(range))
      wanted -= take
      if wanted > 0 {
        guard reader.take(Int(size) - take + gzipTail.count) != nil else { return false }
      }
    }
    return true
  }
}
