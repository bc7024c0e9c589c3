internal import LogModel
internal import Platform

/// Functions of JSON.
enum JSONFunctions {
  static func call(
    _ function: InsightsFunction,
    _ values: [InsightsValue],
    _ message: Span<UInt8>
  ) -> InsightsValue {
    switch function {
    case .jsonParse: return parse(values[0], message)
    case .jsonStringify:
      if let text = values[0].withStructure(message, { compact($0) }) { return .text(text) }
      return values[0].isNull ? .null : .text(scalar(values[0], message))
    case .jsonArraySize:
      return elements(values[0], message).map { .integer(Int64($0.count)) } ?? .null
    case .jsonArrayContains:
      guard let elements = elements(values[0], message), !values[1].isNull else { return .null }
      return .boolean(
        elements.contains { ValueComparison.order($0, values[1].kept(message), message) == .equal }
      )
    default: return .null
    }
  }

  /// The map or list that a text is; null when it is none.
  static func parse(_ value: InsightsValue, _ message: Span<UInt8>) -> InsightsValue {
    if value.isStructure { return value }
    let range = value.withText(message) { structure(in: $0) } ?? nil
    guard let range else { return .null }
    switch value {
    case .slice(let slice):
      let offset = Int(slice.offset)
      return .jsonSlice(ByteSlice((range.lowerBound + offset)..<(range.upperBound + offset)))
    default: return .json(Array(value.printed(message)[range]))
    }
  }

  /// Where the one map or list of a text lies.
  private static func structure(in text: Span<UInt8>) -> Range<Int>? {
    var cursor = JSONCursor(0..<text.count)
    guard let kind = cursor.kind(in: text), kind == .object || kind == .array,
      let token = cursor.take(in: text), cursor.isAtEnd(in: text)
    else { return nil }
    return token.range
  }

  /// The elements of a list, or of the text of one; nil when it is none.
  static func elements(_ value: InsightsValue, _ message: Span<UInt8>) -> [InsightsValue]? {
    parse(value, message).withStructure(message) { json -> [InsightsValue]? in
      var cursor = JSONCursor(0..<json.count)
      guard cursor.enterArray(in: json) else { return nil }
      var values: [InsightsValue] = []
      while cursor.nextElement(in: json) {
        guard let token = cursor.take(in: json) else { return nil }
        values.append(FieldPaths.value(of: token, json).kept(json))
      }
      return values
    } ?? nil
  }

  /// The same JSON without blanks.
  private static func compact(_ json: Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var at = 0
    while at < json.count {
      if json[at] == 0x22, let (close, _) = JSONSyntax.string(json, from: at + 1, to: json.count) {
        result.append(copying: json.extracting(at..<(close + 1)))
        at = close + 1
      } else {
        if json[at] > 0x20 { result.append(json[at]) }
        at += 1
      }
    }
    return result
  }

  private static func scalar(_ value: InsightsValue, _ message: Span<UInt8>) -> [UInt8] {
    switch value {
    case .text, .slice:
      var json: [UInt8] = []
      _ = value.withText(message) { JSONWriter.appendString($0, to: &json) }
      return json
    case .boolean(let flag): return Array((flag ? "true" : "false").utf8)
    default: return value.printed(message)
    }
  }
}
