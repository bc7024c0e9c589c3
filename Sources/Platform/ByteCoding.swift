/// Little-endian and varint encoding of everything that goes to disk.
extension Array where Element == UInt8 {
  @inlinable
  package mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
    var rest = value.littleEndian
    for _ in 0..<(Value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest = Value.bitWidth > 8 ? rest >> 8 : 0
    }
  }

  /// LEB128: seven bits a byte, low first.
  @inlinable
  package mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// Zigzag LEB128: small magnitudes of either sign stay short.
  @inlinable
  package mutating func append(signedVarint value: Int64) {
    append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  /// A byte string with its length in front.
  @inlinable
  package mutating func append(counted text: [UInt8]) {
    append(varint: UInt64(text.count))
    append(contentsOf: text)
  }

  @inlinable
  package mutating func append(counted text: String) {
    append(varint: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }

  /// Overwrites four bytes, for a length or checksum known only afterwards.
  @inlinable
  package mutating func patch(littleEndian value: UInt32, at offset: Int) {
    for byte in 0..<4 {
      self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(byte)))
    }
  }
}

/// A checked cursor over bytes that may be damaged: every read can fail, none can trap.
package struct ByteReader {
  package private(set) var offset: Int
  package let end: Int

  package init(from offset: Int = 0, to end: Int) {
    precondition(offset >= 0 && offset <= end)
    self.offset = offset
    self.end = end
  }

  package var remaining: Int { end - offset }

  package mutating func integer<Value: FixedWidthInteger>(
    _ type: Value.Type,
    in bytes: Span<UInt8>
  ) -> Value? {
    let width = Value.bitWidth / 8
    guard remaining >= width, end <= bytes.count else { return nil }
    var value: Value = 0
    for byte in 0..<width {
      value |= Value(truncatingIfNeeded: bytes[offset + byte]) << (8 * byte)
    }
    offset += width
    return value
  }

  package mutating func varint(in bytes: Span<UInt8>) -> UInt64? {
    guard end <= bytes.count else { return nil }
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < end {
      let byte = bytes[offset]
      offset += 1
      if shift == 63 && byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }

  package mutating func signedVarint(in bytes: Span<UInt8>) -> Int64? {
    guard let raw = varint(in: bytes) else { return nil }
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }

  /// The range of `count` bytes, or nil when there are not that many.
  package mutating func take(_ count: Int) -> Range<Int>? {
    guard count >= 0, count <= remaining else { return nil }
    defer { offset += count }
    return offset..<(offset + count)
  }

  /// A byte string with its length in front, at most `limit` bytes long.
  package mutating func counted(in bytes: Span<UInt8>, atMost limit: Int) -> Range<Int>? {
    guard let count = varint(in: bytes), count <= UInt64(limit) else { return nil }
    return take(Int(count))
  }

  /// Text with its length in front, at most `limit` bytes of UTF-8; nil for what is none.
  package mutating func text(in bytes: Span<UInt8>, atMost limit: Int) -> String? {
    guard let range = counted(in: bytes, atMost: limit),
      // Damage: repaired text would be another name, and could be longer than the limit.
      let text = try? UTF8Span(validating: bytes.extracting(range))
    else { return nil }
    return String(copying: text)
  }
}
