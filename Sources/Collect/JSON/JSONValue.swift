internal import Platform

/// A whole JSON text as a value: for metadata only, which is small and rare.
package indirect enum JSONValue: Equatable {
  case null
  case bool(Bool)
  /// As it was written.
  case number(String)
  case string(String)
  case array([JSONValue])
  /// The last of several equal keys wins, as with most parsers.
  case object([String: JSONValue])

  /// Nil when the bytes are not one JSON value, or nested deeper than `CaptureLimits.jsonDepthMax`.
  package init?(parsing bytes: [UInt8]) {
    let range = JSONScan.skipBlank(bytes.span, 0, bytes.count)..<bytes.count
    guard let end = JSONScan.value(bytes.span, range.lowerBound, range.upperBound),
      JSONScan.isBlank(bytes.span, end..<bytes.count),
      let value = Self.parse(bytes.span, range.lowerBound..<end, depth: 0)
    else { return nil }
    self = value
  }

  private static func parse(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) -> JSONValue? {
    guard depth <= CaptureLimits.jsonDepthMax, let first = range.first else { return nil }
    switch bytes[first] {
    case 0x22: return JSONScan.text(bytes, range).map { .string($0) }
    case 0x7B: return object(bytes, range, depth: depth)
    case 0x5B: return array(bytes, range, depth: depth)
    case 0x74: return JSONScan.equals(bytes, range, "true") ? .bool(true) : nil
    case 0x66: return JSONScan.equals(bytes, range, "false") ? .bool(false) : nil
    case 0x6E: return JSONScan.equals(bytes, range, "null") ? .null : nil
    case 0x2D, 0x30...0x39: return .number(String(repairing: bytes.extracting(range)))
    default: return nil
    }
  }

  private static func object(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) -> JSONValue? {
    var members: [String: JSONValue] = [:]
    var isValid = true
    let parsed = JSONScan.members(bytes, range) { key, value in
      guard isValid,
        let name = JSONScan.text(bytes, (key.lowerBound - 1)..<(key.upperBound + 1)),
        let parsed = parse(bytes, value, depth: depth + 1)
      else {
        isValid = false
        return
      }
      members[name] = parsed
    }
    return parsed && isValid ? .object(members) : nil
  }

  private static func array(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) -> JSONValue? {
    let end = range.upperBound - 1
    var values: [JSONValue] = []
    var at = JSONScan.skipBlank(bytes, range.lowerBound + 1, end)
    if at == end { return .array([]) }
    while at < end {
      guard let next = JSONScan.value(bytes, at, end),
        let value = parse(bytes, at..<next, depth: depth + 1)
      else { return nil }
      values.append(value)
      at = JSONScan.skipBlank(bytes, next, end)
      if at == end { return .array(values) }
      guard bytes[at] == 0x2C else { return nil }
      at = JSONScan.skipBlank(bytes, at + 1, end)
    }
    return nil
  }

  package subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  package var text: String? { if case .string(let value) = self { value } else { nil } }
  var flag: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var integer: Int? { if case .number(let value) = self { Int(value) } else { nil } }
  var elements: [JSONValue] { if case .array(let values) = self { values } else { [] } }

  /// The members of an object whose values are strings.
  var texts: [String: String] {
    guard case .object(let members) = self else { return [:] }
    return members.compactMapValues(\.text)
  }
}

extension JSONValue {
  /// An array's elements; none for anything else.
  package var items: [JSONValue] {
    if case .array(let values) = self { values } else { [] }
  }
}
