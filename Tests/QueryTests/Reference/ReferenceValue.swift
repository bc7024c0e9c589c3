import Foundation
import Synchronization

/// A value of the query language, the simple way: what the fast executor is compared with.
///
/// Numbers that were read from an event stay texts, as the language makes no difference.
indirect enum ReferenceValue: Sendable {
  case null
  case number(Double)
  case text(String)
  case boolean(Bool)
  /// Milliseconds since 1970.
  case time(Double)
  case map([String: ReferenceValue])
  case list([ReferenceValue])

  var isNull: Bool {
    if case .null = self { true } else { false }
  }

  var isComposite: Bool {
    switch self {
    case .map, .list: true
    default: false
    }
  }

  /// What `sort` puts last.
  var isUnordered: Bool { isNull || isComposite }

  /// What it counts as; nil for everything that does not read as a number.
  var number: Double? {
    switch self {
    case .number(let value), .time(let value): value
    case .boolean(let value): value ? 1 : 0
    case .text(let text): Self.number(text)
    case .null, .map, .list: nil
    }
  }

  /// Digits with at most one point, a sign before and an exponent behind.
  static func number(_ text: String) -> Double? {
    guard let first = text.utf8.first, first < 0x3A else { return nil }
    var rest = text.utf8[...]
    func digits() -> Int {
      let run = rest.prefix { (0x30...0x39).contains($0) }
      rest = rest.dropFirst(run.count)
      return run.count
    }
    func take(_ characters: String) -> Bool {
      guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
      rest = rest.dropFirst()
      return true
    }
    _ = take("+-")
    let whole = digits()
    let fraction = take(".") ? digits() : 0
    guard whole + fraction > 0 else { return nil }
    if take("eE") {
      _ = take("+-")
      guard digits() > 0 else { return nil }
    }
    guard rest.isEmpty, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// How it leaves a query; nil is left out of the row.
  var printed: String? {
    switch self {
    case .null: nil
    case .text(let text): text
    case .boolean(let value): value ? "1" : "0"
    case .number(let value): Self.printed(value)
    case .time(let value): Self.date(value)
    case .map, .list: json
    }
  }

  /// At most four decimals, no exponent.
  static func printed(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    var text = String(format: "%.4f", value)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text == "-0" ? "0" : text
  }

  private static func date(_ milliseconds: Double) -> String {
    formatter.string(from: Date(timeIntervalSince1970: milliseconds / 1_000))
  }

  private static let formatter = {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss.SSS"
    return formatter
  }()

  /// As text in expressions: times are their milliseconds.
  var text: String? {
    switch self {
    case .time(let value): Self.printed(value)
    case .map, .list: nil
    default: printed
    }
  }

  var json: String {
    switch self {
    case .null: "null"
    case .number(let value): Self.printed(value)
    case .text(let text):
      Self.number(text) != nil && !text.hasPrefix("+") ? text : JSONTextWriter.quoted(text)
    case .boolean(let value): value ? "true" : "false"
    case .time(let value): Self.printed(value)
    case .map(let members):
      "{"
        + members.sorted { $0.key < $1.key }
        .map { "\(JSONTextWriter.quoted($0.key)):\($0.value.json)" }
        .joined(separator: ",") + "}"
    case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    }
  }

  // MARK: comparing

  /// Nil when the two cannot be compared: then every comparison is false.
  static func compare(_ left: ReferenceValue, _ right: ReferenceValue) -> ComparisonResult? {
    if left.isNull || right.isNull || left.isComposite || right.isComposite { return nil }
    if let left = left.number, let right = right.number { return order(left, right) }
    switch (left, right) {
    case (.time, _), (_, .time): return nil
    case (.boolean(let value), .text(let text)):
      return order(value ? "true" : "false", text.lowercased())
    case (.text(let text), .boolean(let value)):
      return order(text.lowercased(), value ? "true" : "false")
    default: break
    }
    guard let left = left.text, let right = right.text else { return nil }
    return order(Array(left.utf8), Array(right.utf8))
  }

  static func order<Value: Comparable>(_ left: Value, _ right: Value) -> ComparisonResult {
    left < right ? .orderedAscending : left > right ? .orderedDescending : .orderedSame
  }

  private static func order(_ left: [UInt8], _ right: [UInt8]) -> ComparisonResult {
    left.lexicographicallyPrecedes(right)
      ? .orderedAscending : left == right ? .orderedSame : .orderedDescending
  }

  /// The order of `sort`: texts before numbers; nulls come behind both, whatever the direction.
  static func sortOrder(_ left: ReferenceValue, _ right: ReferenceValue) -> ComparisonResult {
    switch (left.number, right.number) {
    case (let left?, let right?): return order(left, right)
    case (nil, _?): return .orderedAscending
    case (_?, nil): return .orderedDescending
    default: return natural(left.text ?? "", right.text ?? "")
    }
  }

  /// Runs of digits by length, then value; all else by Unicode.
  private static func natural(_ left: String, _ right: String) -> ComparisonResult {
    let left = runs(left)
    let right = runs(right)
    for (left, right) in zip(left, right) where left != right {
      let areDigits =
        left.first?.properties.numericType != nil
        && right.first?.properties.numericType != nil
      if areDigits, left.count != right.count { return order(left.count, right.count) }
      return order(left.map(\.value), right.map(\.value))
    }
    return order(left.count, right.count)
  }

  private static func order(_ left: [UInt32], _ right: [UInt32]) -> ComparisonResult {
    left.lexicographicallyPrecedes(right) ? .orderedAscending : .orderedDescending
  }

  private static func runs(_ text: String) -> [[Unicode.Scalar]] {
    var runs: [[Unicode.Scalar]] = []
    var wasDigit: Bool?
    for scalar in text.unicodeScalars {
      let isDigit = ("0"..."9").contains(scalar)
      if isDigit == wasDigit {
        runs[runs.count - 1].append(scalar)
      } else {
        runs.append([scalar])
      }
      wasDigit = isDigit
    }
    return runs
  }
}

/// Foundation's regular expressions, each compiled once.
enum ReferenceRegex {
  private static let known = Mutex<[String: NSRegularExpression]>([:])

  static func matches(_ pattern: String, in text: String) -> [NSTextCheckingResult] {
    let expression = known.withLock { known in
      if let expression = known[pattern] { return expression as NSRegularExpression? }
      let expression = try? NSRegularExpression(pattern: pattern)
      known[pattern] = expression
      return expression
    }
    return expression?.matches(in: text, range: NSRange(text.startIndex..., in: text)) ?? []
  }
}

enum JSONTextWriter {
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 {
          result += String(format: "\\u%04x", scalar.value)
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
