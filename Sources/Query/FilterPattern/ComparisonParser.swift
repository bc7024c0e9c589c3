/// Reads `= value` and its like, which JSON and space-delimited patterns share.
struct ComparisonParser {
  private var regexes = 0

  /// Reads an operator and its value; `subject` names what is compared, for messages.
  mutating func comparison(
    _ cursor: inout PatternCursor,
    subject: String
  ) throws(QueryDiagnostic) -> Comparison {
    let operation = try self.operation(&cursor, subject: subject)
    cursor.skipBlanks()
    let start = cursor.at
    let operand = try self.operand(&cursor, operation)
    if case .number = operand { return Comparison(operation: operation, operand: operand) }
    guard !operation.isOrdering else {
      throw cursor.failure(
        "`\(operation.rawValue)` compares numbers only",
        at: start..<cursor.at,
        hint: "write a number without quotes, or use = and !="
      )
    }
    return Comparison(operation: operation, operand: operand)
  }

  /// Whether an operator stands here.
  static func isOperator(_ cursor: PatternCursor) -> Bool {
    guard let next = cursor.peek() else { return false }
    return next == "=" || next == "!" || next == "<" || next == ">"
  }

  private func operation(
    _ cursor: inout PatternCursor,
    subject: String
  ) throws(QueryDiagnostic) -> Comparison.Operator {
    let start = cursor.at
    let found: Comparison.Operator
    if cursor.take("<=") {
      found = .lessOrEqual
    } else if cursor.take(">=") {
      found = .greaterOrEqual
    } else if cursor.take("!=") {
      found = .notEqual
    } else if cursor.take("<") {
      found = .less
    } else if cursor.take(">") {
      found = .greater
    } else if cursor.take("=") {
      found = .equal
    } else {
      throw cursor.failure(
        "an operator is missing behind `\(subject)`, before \(cursor.shown)",
        at: start,
        hint: "one of = != < > <= >="
      )
    }
    if let next = cursor.peek(), ["=", "<", ">", "!", "~"].contains(next) {
      let written = cursor.string(start..<(cursor.at + 1))
      throw cursor.failure(
        "there is no operator `\(written)`",
        at: start..<(cursor.at + 1),
        hint: written == "==" ? "write =" : "the operators are = != < > <= >="
      )
    }
    return found
  }

  private mutating func operand(
    _ cursor: inout PatternCursor,
    _ operation: Comparison.Operator
  ) throws(QueryDiagnostic) -> Comparison.Operand {
    let start = cursor.at
    switch cursor.peek() {
    case "\"": return .text(TextOperand(wildcards: try cursor.phrase(), isQuoted: true))
    case "%":
      regexes += 1
      guard regexes <= FilterPatternParser.regexesMax else {
        throw cursor.failure(
          "a pattern has at most 2 regexes",
          at: start,
          hint: "join two of them with |, or use wildcards: *text*"
        )
      }
      return .regex(try FilterRegexParser.parse(&cursor))
    default: break
    }
    while let next = cursor.peek(), Self.isBare(next) { cursor.at += 1 }
    let bare = cursor.string(start..<cursor.at)
    guard !bare.isEmpty else {
      throw cursor.failure(
        "a value is missing behind `\(operation.rawValue)`, before \(cursor.shown)",
        at: start,
        hint: cursor.peek() == "'"
          ? "quotes are double: \"text\"" : "write a number, \"text\" or %regex%"
      )
    }
    if Self.isNumber(bare) { return .number(bare) }
    return .text(TextOperand(wildcards: bare, isQuoted: false))
  }

  /// What a value may hold without quotes.
  private static func isBare(_ scalar: Unicode.Scalar) -> Bool {
    if PatternCursor.isBlank(scalar) { return false }
    switch scalar {
    case "\"", "%", "(", ")", "[", "]", "{", "}", "&", "|", ",", "<", ">", "=", "!": return false
    default: return true
    }
  }

  /// `55`, `+1000`, `10e-3`: digits, with a sign, a fraction and an exponent as one likes.
  static func isNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    func digits(_ rest: inout Substring.UTF8View) -> Bool {
      let count = rest.prefix { (0x30...0x39).contains($0) }.count
      rest = rest.dropFirst(count)
      return count > 0
    }
    func sign(_ rest: inout Substring.UTF8View) {
      if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
    }
    sign(&rest)
    guard digits(&rest) else { return false }
    if rest.first == 0x2E {
      rest = rest.dropFirst()
      guard digits(&rest) else { return false }
    }
    if rest.first == 0x65 || rest.first == 0x45 {
      rest = rest.dropFirst()
      sign(&rest)
      guard digits(&rest) else { return false }
    }
    return rest.isEmpty
  }
}

extension TextOperand {
  /// A star at either end is a wildcard, any other one a star.
  init(wildcards text: String, isQuoted: Bool) {
    var literal = Array(text.utf8)
    var isOpenAtStart = false
    var isOpenAtEnd = false
    if literal.first == 0x2A {
      isOpenAtStart = true
      literal.removeFirst()
    }
    if literal.last == 0x2A {
      isOpenAtEnd = true
      literal.removeLast()
    }
    self.init(
      literal: literal,
      isOpenAtStart: isOpenAtStart,
      isOpenAtEnd: isOpenAtEnd,
      isQuoted: isQuoted
    )
  }

  /// `*`: whatever is there.
  var isAnything: Bool { literal.isEmpty && (isOpenAtStart || isOpenAtEnd) }
}
