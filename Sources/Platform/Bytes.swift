internal import Glibc
internal import CLinux

/// Searches over bytes. A span comes in, an index comes out; nothing is copied.
package enum Bytes {
  /// The index of the first `byte` at or after `start`, by memchr(3).
  package static func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from start: Int = 0) -> Int? {
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

  /// The index of the first occurrence of `needle` at or after `start`, by memmem(3).
  package static func firstIndex(
    of needle: Span<UInt8>,
    in bytes: Span<UInt8>,
    from start: Int = 0
  ) -> Int? {
    precondition(start >= 0 && start <= bytes.count)
    if needle.isEmpty { return start }
    // Safety: memmem looks only at the two spans, and the pointers do not leave.
    return unsafe bytes.withUnsafeBufferPointer { haystack -> Int? in
      unsafe needle.withUnsafeBufferPointer { wanted -> Int? in
        guard let base = haystack.baseAddress,
          let hit = unsafe clinux_memmem(
            base + start, haystack.count - start, wanted.baseAddress, wanted.count)
        else { return nil }
        return unsafe hit - UnsafeRawPointer(base)
      }
    }
  }

  /// The end of the run of bytes from `start` on that stand for themselves in a JSON string: ASCII but
  /// controls, quote and backslash. Eight bytes at a time.
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
  /// Text from bytes; what is not UTF-8 becomes U+FFFD. For names, diagnostics and output only.
  package init(repairing bytes: Span<UInt8>) {
    // Safety: the pointer is used only while the span is borrowed.
    self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
