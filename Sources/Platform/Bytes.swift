internal import Glibc
internal import CLinux

/// Searches over bytes.
///
/// A span comes in, an index comes out; nothing is copied.
package enum Bytes {
  /// The index of the first `byte` at or after `start`, by memchr(3).
  package static func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from start: Int = 0) -> Int?
  {
    precondition(start >= 0 && start <= bytes.count)
    // Safety: memchr looks only at the bytes of the span, and the pointer does not leave.
    return unsafe bytes.withUnsafeBufferPointer { buffer -> Int? in
      guard let base = buffer.baseAddress,
        let hit = unsafe memchr(base + start, Int32(byte), buffer.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(base)
    }
  }

  /// The index of the last `byte` before `end`, by memrchr(3).
  package static func lastIndex(of byte: UInt8, in bytes: Span<UInt8>, before end: Int) -> Int? {
    precondition(end >= 0 && end <= bytes.count)
    // Safety: memrchr looks only at the first `end` bytes of the span.
    return unsafe bytes.withUnsafeBufferPointer { buffer -> Int? in
      guard let base = buffer.baseAddress, let hit = unsafe clinux_memrchr(base, Int32(byte), end)
      else { return nil }
      return unsafe hit - UnsafeRawPointer(base)
    }
  }

  /// The index of the first occurrence of `needle` at or after `start`.
  ///
  /// Looks for the needle's rarest byte by memchr(3) (14 GB/s where it is rare) and compares around
  /// it; where that byte is common, two of them are looked for together.
  package static func firstIndex(
    of needle: Span<UInt8>,
    in bytes: Span<UInt8>,
    from start: Int = 0
  ) -> Int? {
    precondition(start >= 0 && start <= bytes.count)
    if needle.count < 2 {
      return needle.isEmpty ? start : firstIndex(of: needle[0], in: bytes, from: start)
    }
    let (rare, second) = rarest(needle)
    let isCommon = commonness(needle[rare]) >= 7
    // Safety: memchr, memcmp and find look only at bytes inside the two spans.
    return unsafe bytes.withUnsafeBufferPointer { haystack -> Int? in
      unsafe needle.withUnsafeBufferPointer { wanted -> Int? in
        guard let base = haystack.baseAddress, let pattern = wanted.baseAddress else { return nil }
        let last = haystack.count &- wanted.count
        var at = start
        var misses = isCommon ? 17 : 0
        while at <= last {
          if misses > 16 && (isCommon || at &- start < misses &* 64) {
            guard
              let hit = unsafe clinux_find(
                base + at,
                haystack.count - at,
                pattern,
                wanted.count,
                rare,
                second
              )
            else { return nil }
            return unsafe hit - UnsafeRawPointer(base)
          }
          guard
            let hit = unsafe memchr(
              base + at + rare,
              Int32(pattern[rare]),
              last &- at &+ 1
            )
          else { return nil }
          let found = unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(base) &- rare
          if unsafe memcmp(base + found, pattern, wanted.count) == 0 { return found }
          at = found &+ 1
          misses &+= 1
        }
        return nil
      }
    }
  }

  /// The places of the two rarest bytes of a needle that has two.
  private static func rarest(_ needle: Span<UInt8>) -> (first: Int, second: Int) {
    var first = 0
    var second = 1
    if commonness(needle[1]) < commonness(needle[0]) { swap(&first, &second) }
    for index in 2..<max(2, needle.count) {
      let commonness = commonness(needle[index])
      if commonness < self.commonness(needle[first]) {
        second = first
        first = index
      } else if commonness < self.commonness(needle[second]) {
        second = index
      }
    }
    return (first, second)
  }

  /// How common a byte is in log text, roughly: 0 for what is hardly ever there.
  private static func commonness(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x20, 0x65, 0x30, 0x31: 9  // blank e 0 1
    case 0x61, 0x69, 0x6E, 0x6F, 0x72, 0x73, 0x74, 0x2E, 0x32, 0x3A, 0x2D, 0x22: 8
    case 0x33...0x39, 0x63, 0x64, 0x6C, 0x70, 0x2F, 0x6D, 0x5F, 0x2C: 7
    case 0x62, 0x66, 0x67, 0x68, 0x75, 0x3D: 5
    case 0x76, 0x77, 0x79, 0x6B, 0x5B, 0x5D, 0x28, 0x29: 4
    case 0x41...0x5A: 3
    case 0x78, 0x6A, 0x7A, 0x71: 2
    default: 1
    }
  }

  /// The end of the run of bytes from `start` on that stand for themselves in a JSON string: ASCII
  /// but controls, quote and backslash.
  ///
  /// Eight bytes at a time.
  package static func plainJSONEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
    // Safety: every load lies below the span's end.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return start }
      let raw = unsafe UnsafeRawPointer(base)
      let ones: UInt64 = 0x0101_0101_0101_0101
      let high = ones &* 0x80
      var at = start
      while at &+ 8 <= buffer.count {
        let word = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        let quote = word ^ (ones &* 0x22)
        let slash = word ^ (ones &* 0x5C)
        let special =
          ((word &- ones &* 0x20) & ~word) | ((quote &- ones) & ~quote)
          | ((slash &- ones) & ~slash) | word
        let hits = special & high
        if hits != 0 { return at &+ (hits.trailingZeroBitCount &>> 3) }
        at &+= 8
      }
      while at < buffer.count {
        let byte = unsafe buffer[at]
        if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return at }
        at &+= 1
      }
      return at
    }
  }

  /// Whether every byte is below 0x80; looks at 32 bytes at a time.
  package static func isASCII(_ bytes: Span<UInt8>) -> Bool {
    // Safety: every load lies below the span's end.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return true }
      let raw = unsafe UnsafeRawPointer(base)
      var at = 0
      while at &+ 32 <= buffer.count {
        let first = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        let second = unsafe raw.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
        let third = unsafe raw.loadUnaligned(fromByteOffset: at &+ 16, as: UInt64.self)
        let fourth = unsafe raw.loadUnaligned(fromByteOffset: at &+ 24, as: UInt64.self)
        if (first | second | third | fourth) & 0x8080_8080_8080_8080 != 0 { return false }
        at &+= 32
      }
      while at < buffer.count {
        if unsafe buffer[at] >= 0x80 { return false }
        at &+= 1
      }
      return true
    }
  }

  package static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    // Safety: both spans hold `count` bytes.
    return unsafe left.withUnsafeBufferPointer { a in
      unsafe right.withUnsafeBufferPointer { b in
        guard let x = a.baseAddress, let y = b.baseAddress else { return true }
        return unsafe memcmp(x, y, a.count) == 0
      }
    }
  }
}

extension Array where Element == UInt8 {
  /// Appends a copy of `bytes` (one memcpy).
  @inlinable
  package mutating func append(copying bytes: Span<UInt8>) {
    // Safety: the pointer is used only while the span is borrowed.
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }

  @inlinable
  package mutating func append(utf8 text: String) {
    append(contentsOf: text.utf8)
  }
}

extension String {
  /// Text from bytes; what is not UTF-8 becomes U+FFFD.
  ///
  /// For names, diagnostics and output only.
  package init(repairing bytes: Span<UInt8>) {
    // Safety: the pointer is used only while the span is borrowed.
    self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
