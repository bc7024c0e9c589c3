internal import Platform

/// A small scanner over JSON that may be anything: bounded depth, no recursion, indices checked.
enum JSONScan {
  /// Calls `member` with the ranges of key (without quotes) and value of every member of an object
  /// that fills `range`; false when it is not one.
  static func members(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    _ member: (Range<Int>, Range<Int>) -> Void
  ) -> Bool {
    var at = skipBlank(bytes, range.lowerBound, range.upperBound)
    let end = range.upperBound
    guard at < end, bytes[at] == 0x7B else { return false }
    at = skipBlank(bytes, at + 1, end)
    if at < end, bytes[at] == 0x7D { return skipBlank(bytes, at + 1, end) == end }
    while at < end, bytes[at] == 0x22 {
      guard let keyEnd = string(bytes, at, end) else { return false }
      let key = (at + 1)..<(keyEnd - 1)
      at = skipBlank(bytes, keyEnd, end)
      guard at < end, bytes[at] == 0x3A else { return false }
      at = skipBlank(bytes, at + 1, end)
      guard let valueEnd = value(bytes, at, end) else { return false }
      member(key, at..<valueEnd)
      at = skipBlank(bytes, valueEnd, end)
      guard at < end else { return false }
      if bytes[at] == 0x7D { return skipBlank(bytes, at + 1, end) == end }
      guard bytes[at] == 0x2C else { return false }
      at = skipBlank(bytes, at + 1, end)
    }
    return false
  }

  /// The index after the value at `start`; nil when there is none.
  static func value(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var at = start
    var depth = 0
    while at < end {
      switch bytes[at] {
      case 0x22:
        guard let next = string(bytes, at, end) else { return nil }
        at = next
      case 0x7B, 0x5B:
        depth += 1
        if depth > CaptureLimits.jsonDepthMax { return nil }
        at += 1
        continue
      case 0x7D, 0x5D:
        depth -= 1
        if depth < 0 { return nil }
        at += 1
      case 0x2C, 0x3A, 0x20, 0x09, 0x0A, 0x0D:
        if depth == 0 { return nil }
        at += 1
        continue
      default:
        let first = at
        while at < end, isScalar(bytes[at]) { at += 1 }
        if at == first { return nil }
      }
      if depth == 0 { return at }
    }
    return nil
  }

  /// The index after the closing quote of the string whose opening quote is at `start`.
  static func string(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var at = start + 1
    while at < end {
      guard let quote = Bytes.firstIndex(of: 0x22, in: bytes, from: at), quote < end else {
        return nil
      }
      var backslashes = 0
      while quote - 1 - backslashes > start, bytes[quote - 1 - backslashes] == 0x5C {
        backslashes += 1
      }
      if backslashes % 2 == 0 { return quote + 1 }
      at = quote + 1
    }
    return nil
  }

  static func isBlank(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    skipBlank(bytes, range.lowerBound, range.upperBound) == range.upperBound
  }

  static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return Bytes.equal(bytes.extracting(range), text)
  }

  static func integer(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    var value: Int64 = 0
    var at = range.lowerBound
    let negative = at < range.upperBound && bytes[at] == 0x2D
    if negative { at += 1 }
    guard at < range.upperBound, range.upperBound - at <= 18 else { return nil }
    while at < range.upperBound {
      guard bytes[at] >= 0x30, bytes[at] <= 0x39 else { return nil }
      value = value * 10 + Int64(bytes[at] - 0x30)
      at += 1
    }
    return negative ? -value : value
  }

  /// The text of a quoted string.
  static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String? {
    guard range.count >= 2, bytes[range.lowerBound] == 0x22 else { return nil }
    var decoded: [UInt8] = []
    guard
      JSONString.unescape(
        bytes,
        from: range.lowerBound + 1,
        to: range.upperBound,
        into: &decoded
      ) != nil
    else { return nil }
    return String(repairing: decoded.span)
  }

  static func skipBlank(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    while at < end, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0A || bytes[at] == 0x0D
    {
      at += 1
    }
    return at
  }

  /// Bytes of numbers and of `true`, `false`, `null`.
  private static func isScalar(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }
}
