import Platform

@testable import Query

/// What a filter pattern means, written the short way: everything is parsed whole, then compared.
enum NaiveFilter {
  /// Nil where a regular expression is given up, or a number is out of this evaluator's reach.
  static func matches(_ pattern: FilterPattern, _ message: [UInt8]) -> Bool? {
    switch pattern {
    case .all: return true
    case .terms(let terms):
      return terms.required.allSatisfy { contains(message, $0) }
        && !terms.excluded.contains { contains(message, $0) }
        && (terms.anyOf.isEmpty || terms.anyOf.contains { contains(message, $0) })
    case .regex(let regex): return try? regex.pattern.matches(message.span)
    case .json(let condition):
      var parser = NaiveJSON(message)
      guard let value = parser.whole() else { return false }
      return holds(condition, value)
    case .delimited(let pattern): return holds(pattern, message)
    }
  }

  static func contains(_ bytes: [UInt8], _ needle: [UInt8]) -> Bool {
    guard bytes.count >= needle.count else { return false }
    return (0...(bytes.count - needle.count)).contains {
      bytes[$0..<($0 + needle.count)].elementsEqual(needle)
    }
  }

  // MARK: JSON

  private static func holds(_ condition: JSONCondition, _ value: NaiveJSON.Value) -> Bool? {
    switch condition {
    case .all(let parts):
      return parts.reduce(true) { all, part in
        guard let all, let one = holds(part, value) else { return nil }
        return all && one
      }
    case .any(let parts):
      return parts.reduce(false) { any, part in
        guard let any, let one = holds(part, value) else { return nil }
        return any || one
      }
    case .test(let selector, let test):
      let found = selector.steps.reduce([value]) { values, step in
        values.flatMap { select(step, $0) }
      }
      if test == .notExists { return found.isEmpty }
      return found.reduce(false) { any, one in
        guard let any, let holds = holds(test, one) else { return nil }
        return any || holds
      }
    }
  }

  private static func select(
    _ step: JSONSelector.Step,
    _ value: NaiveJSON.Value
  ) -> [NaiveJSON.Value] {
    switch (step, value) {
    case (.name(let name), .object(let members)):
      members.last { $0.name == name }.map { [$0.value] } ?? []
    case (.anyMember, .object(let members)): members.map(\.value)
    case (.index(let index), .array(let values)): index < values.count ? [values[index]] : []
    case (.anyMember, .array(let values)), (.anyElement, .array(let values)): values
    default: []
    }
  }

  private static func holds(_ test: JSONTest, _ value: NaiveJSON.Value) -> Bool? {
    switch (test, value) {
    case (.isNull, .null), (.isTrue, .boolean(true)), (.isFalse, .boolean(false)): true
    case (.compare(let comparison), .string(let text)): holds(comparison, text, isNumber: false)
    case (.compare(let comparison), .number(let text)): holds(comparison, text, isNumber: true)
    case (.compare(let comparison), .boolean(let flag)):
      comparison
        == Comparison(
          operation: .equal,
          operand: .text(
            TextOperand(literal: Array((flag ? "true" : "false").utf8), isQuoted: false)
          )
        )
    default: false
    }
  }

  // MARK: values

  private static func holds(_ comparison: Comparison, _ text: [UInt8], isNumber: Bool) -> Bool? {
    var isEqual = false
    switch comparison.operand {
    case .regex(let regex):
      guard let found = try? regex.pattern.matches(text.span) else { return nil }
      isEqual = found
    case .text(let operand):
      isEqual = matches(operand, text)
    case .number(let literal):
      guard isNumber else {
        isEqual = Array(literal.utf8) == text
        break
      }
      guard let left = NaiveDecimal(text), let right = NaiveDecimal(Array(literal.utf8)) else {
        return nil
      }
      switch comparison.operation {
      case .equal: return left == right
      case .notEqual: return left != right
      case .less: return left < right
      case .greater: return right < left
      case .lessOrEqual: return !(right < left)
      case .greaterOrEqual: return !(left < right)
      }
    }
    switch comparison.operation {
    case .equal: return isEqual
    case .notEqual: return !isEqual
    default: return false
    }
  }

  private static func matches(_ operand: TextOperand, _ text: [UInt8]) -> Bool {
    let literal = operand.literal
    switch (operand.isOpenAtStart, operand.isOpenAtEnd) {
    case (true, true): return contains(text, literal)
    case (true, false): return text.suffix(literal.count).elementsEqual(literal)
    case (false, true): return text.prefix(literal.count).elementsEqual(literal)
    case (false, false): return text == literal
    }
  }

  // MARK: space-delimited

  private static func holds(_ pattern: DelimitedPattern, _ message: [UInt8]) -> Bool? {
    if pattern.slots.allSatisfy({ $0 == .ellipsis }) { return true }
    var fields = split(message)
    let slots = pattern.slots
    var wanted: [(DelimitedPattern.Slot, [UInt8])] = []
    if let gap = slots.firstIndex(of: .ellipsis) {
      let back = slots[(gap + 1)...]
      guard fields.count >= slots.count - 1 else { return false }
      wanted += zip(slots[..<gap], fields.prefix(gap)).map { ($0, $1.text) }
      wanted += zip(back, fields.suffix(back.count)).map { ($0, $1.text) }
    } else {
      guard fields.count >= slots.count else { return false }
      if fields.count > slots.count {
        var rest = Array(message[fields[slots.count - 1].start...])
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        fields[slots.count - 1].text = rest
      }
      wanted = zip(slots, fields).map { ($0, $1.text) }
    }
    var holdsAll = true
    for case (.field(_, let condition?), let text) in wanted {
      var holdsAny = false
      for all in condition.alternatives {
        var isTrue = true
        for comparison in all {
          let isNumber = ComparisonParser.isNumber(String(decoding: text, as: UTF8.self))
          guard let one = holds(comparison, text, isNumber: isNumber) else { return nil }
          isTrue = isTrue && one
        }
        holdsAny = holdsAny || isTrue
      }
      holdsAll = holdsAll && holdsAny
    }
    return holdsAll
  }

  private static func split(_ message: [UInt8]) -> [(text: [UInt8], start: Int)] {
    var fields: [(text: [UInt8], start: Int)] = []
    var rest = message[...]
    while true {
      rest = rest.drop { isBlank($0) }
      guard let first = rest.first else { return fields }
      let closing: UInt8? = first == 0x22 ? 0x22 : first == 0x5B ? 0x5D : nil
      if let closing, let end = rest.dropFirst().firstIndex(of: closing) {
        fields.append((Array(rest[(rest.startIndex + 1)..<end]), rest.startIndex))
        rest = rest[(end + 1)...]
      } else {
        let word = rest.prefix { !isBlank($0) }
        fields.append((Array(word), word.startIndex))
        rest = rest[word.endIndex...]
      }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
}

/// A decimal with its digits written out.
struct NaiveDecimal: Comparable {
  private var isNegative: Bool
  /// Digits before the point without leading zeros, and behind it without trailing ones.
  private var whole: [UInt8]
  private var fraction: [UInt8]

  /// Nil where there would be thousands of digits.
  init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    isNegative = rest.first == 0x2D
    if rest.first == 0x2D || rest.first == 0x2B { rest = rest.dropFirst() }
    let mantissa = rest.prefix { $0 | 0x20 != 0x65 }
    var exponent = 0
    if mantissa.endIndex < rest.endIndex {
      var text = String(decoding: rest[(mantissa.endIndex + 1)...], as: UTF8.self)
      if text.first == "+" { text.removeFirst() }
      guard let value = Int(text), abs(value) < 2_000 else { return nil }
      exponent = value
    }
    let parts = mantissa.split(separator: 0x2E, omittingEmptySubsequences: false)
    whole = Array(parts[0])
    fraction = parts.count > 1 ? Array(parts[1]) : []
    while exponent > 0 {
      whole.append(fraction.isEmpty ? 0x30 : fraction.removeFirst())
      exponent -= 1
    }
    while exponent < 0 {
      fraction.insert(whole.popLast() ?? 0x30, at: 0)
      exponent += 1
    }
    whole = Array(whole.drop { $0 == 0x30 })
    while fraction.last == 0x30 { fraction.removeLast() }
    if whole.isEmpty && fraction.isEmpty { isNegative = false }
  }

  static func < (left: NaiveDecimal, right: NaiveDecimal) -> Bool {
    if left.isNegative != right.isNegative { return left.isNegative }
    let (small, large) = left.isNegative ? (right, left) : (left, right)
    if small.whole.count != large.whole.count { return small.whole.count < large.whole.count }
    if small.whole != large.whole { return small.whole.lexicographicallyPrecedes(large.whole) }
    return small.fraction.lexicographicallyPrecedes(large.fraction)
  }
}

/// JSON as a tree.
struct NaiveJSON {
  indirect enum Value {
    case null
    case boolean(Bool)
    case number([UInt8])
    case string([UInt8])
    case array([Value])
    case object([(name: [UInt8], value: Value)])
  }

  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func whole() -> Value? {
    guard let value = value() else { return nil }
    blank()
    return at == bytes.count ? value : nil
  }

  private mutating func blank() {
    while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
  }

  private mutating func take(_ text: String) -> Bool {
    guard bytes[at...].starts(with: text.utf8) else { return false }
    at += text.utf8.count
    return true
  }

  private mutating func value() -> Value? {
    blank()
    if take("null") { return .null }
    if take("true") { return .boolean(true) }
    if take("false") { return .boolean(false) }
    if take("[") { return array() }
    if take("{") { return object() }
    if at < bytes.count, bytes[at] == 0x22 { return string().map { .string($0) } }
    return number()
  }

  private mutating func array() -> Value? {
    var values: [Value] = []
    blank()
    if take("]") { return .array([]) }
    while let one = value() {
      values.append(one)
      blank()
      if take("]") { return .array(values) }
      guard take(",") else { return nil }
    }
    return nil
  }

  private mutating func object() -> Value? {
    var members: [(name: [UInt8], value: Value)] = []
    blank()
    if take("}") { return .object([]) }
    while true {
      blank()
      guard let name = string() else { return nil }
      blank()
      guard take(":"), let one = value() else { return nil }
      members.append((name, one))
      blank()
      if take("}") { return .object(members) }
      guard take(",") else { return nil }
    }
  }

  private mutating func string() -> [UInt8]? {
    guard at < bytes.count, bytes[at] == 0x22 else { return nil }
    var end = at + 1
    while end < bytes.count, bytes[end] != 0x22 {
      if bytes[end] < 0x20 { return nil }
      end += bytes[end] == 0x5C ? 2 : 1
    }
    var text: [UInt8] = []
    let close = JSONString.unescape(bytes.span, from: at + 1, to: bytes.count, into: &text)
    guard let close, close == end else { return nil }
    at = close + 1
    return text
  }

  private mutating func number() -> Value? {
    let start = at
    func isDigit() -> Bool { at < bytes.count && (0x30...0x39).contains(bytes[at]) }
    _ = take("-")
    guard isDigit() else { return nil }
    if !take("0") { while isDigit() { at += 1 } }
    if take(".") {
      guard isDigit() else { return nil }
      while isDigit() { at += 1 }
    }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard isDigit() else { return nil }
      while isDigit() { at += 1 }
    }
    return .number(Array(bytes[start..<at]))
  }
}
