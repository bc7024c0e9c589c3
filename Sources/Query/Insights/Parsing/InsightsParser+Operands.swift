extension InsightsParser {
  /// A literal, field, call or parenthesis, with the parts behind it.
  mutating func operand(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    var node = try primary(after: place)
    while true {
      if case .members(let names) = token.kind {
        guard isIndexable(node.expression) else {
          throw diagnostic("only fields and results of functions have parts")
        }
        try advance()
        for name in names { node = try member(node, name) }
      } else if token.isSymbol("["), isIndexable(node.expression) {
        try advance()
        guard case .number(let digits) = token.kind, let index = Int(digits) else {
          throw unexpected("a position, counted from 0,", after: "`[`")
        }
        try advance()
        try expect("]", after: "the position")
        node = try member(node, String(index))
      } else {
        return node
      }
    }
  }

  private func isIndexable(_ expression: InsightsExpression) -> Bool {
    switch expression {
    case .field, .call, .member: true
    default: false
    }
  }

  /// A part of a value; parts of a field are fields.
  private func member(
    _ node: InsightsNode,
    _ name: String
  ) throws(QueryDiagnostic) -> InsightsNode {
    switch node.expression {
    case .field(var field):
      field.parts.append(name)
      field.range.upper = previousEnd
      return InsightsNode(.field(field))
    default:
      guard node.height < InsightsLimits.depthMax else {
        throw diagnostic("this has more than \(InsightsLimits.depthMax) parts")
      }
      return InsightsNode(.member(node.expression, name), over: node.height)
    }
  }

  private mutating func primary(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    let start = token
    switch token.kind {
    case .number(let digits):
      try advance()
      return InsightsNode(.number(digits))
    case .string(let value):
      try advance()
      return InsightsNode(.string(value))
    case .period(let period):
      try advance()
      return InsightsNode(.period(period))
    case .path(let parts, let isWord):
      try advance()
      if token.isSymbol("(") { return try call(start, isWord: isWord) }
      if isWord, let value = Self.boolean(parts) { return InsightsNode(.boolean(value)) }
      if let hint = InsightsSuggestions.insteadOf(word: start.keyword, before: token) {
        throw diagnostic("there is no `\(parts[0])` in this language", at: start.range, hint: hint)
      }
      return InsightsNode(
        .field(
          InsightsField(
            parts: parts,
            range: TextRange(start.range.lowerBound, start.range.upperBound)
          )
        )
      )
    case .symbol("("):
      try advance()
      return try closing(start.range)
    default:
      throw missingOperand(after: place)
    }
  }

  private static func boolean(_ parts: [String]) -> Bool? {
    switch parts[0].lowercased() {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// What stands in the parenthesis that opened.
  private mutating func closing(_ open: Range<Int>) throws(QueryDiagnostic) -> InsightsNode {
    let inside = try or(after: "`(`")
    guard try take(")") else {
      throw token.kind == .end || token.isSymbol("|")
        ? diagnostic("this parenthesis is not closed", at: open)
        : unexpected("`)`", after: "the expression in parentheses")
    }
    return inside
  }

  private func missingOperand(after place: String) -> QueryDiagnostic {
    let what = "a field, a value or a function"
    switch token.kind {
    case .symbol("//"):
      return diagnostic("comments begin with `#`, not `//`")
    case .symbol("*"):
      return unexpected(
        what,
        after: place,
        hint: "name the fields; without `fields` a query gives @timestamp and @message"
      )
    case .symbol("/"):
      return diagnostic(
        "a regular expression stands after `like`, `=~` and `parse` only",
        hint: "@message like /.../"
      )
    default:
      return unexpected(what, after: place)
    }
  }

  // MARK: calls

  private mutating func call(
    _ name: InsightsToken,
    isWord: Bool
  ) throws(QueryDiagnostic) -> InsightsNode {
    let word = scanner.text(name.range)
    guard isWord else { throw diagnostic("`\(word)` is not a function", at: name.range) }
    let function = InsightsFunction(name: word)
    let aggregate = InsightsAggregate(name: word)
    guard function != nil || aggregate != nil else { throw unknownFunction(name, word) }
    let open = token.range
    try advance()
    var arguments: [InsightsNode] = []
    if token.isSymbol("*") {
      guard aggregate == .count else {
        throw diagnostic("`*` stands in `count(*)` only")
      }
      try advance()
      try close(open, of: word)
    } else if try !take(")") {
      repeat {
        let isDistinct = token.keyword == "distinct"
        let place = token.range
        arguments.append(try or(after: arguments.isEmpty ? "`(`" : "`,`"))
        if isDistinct, case .path(let parts, _) = token.kind {
          throw diagnostic(
            "there is no `distinct` in this language",
            at: place,
            hint: "write count_distinct(\(parts.joined(separator: ".")))"
          )
        }
      } while try take(",")
      try close(open, of: word)
    }
    let range = name.range.lowerBound..<previousEnd
    let allowed = function?.arguments ?? aggregate?.arguments ?? 0...0
    guard allowed.contains(arguments.count) else {
      throw wrongCount(arguments.count, allowed, of: word, at: range)
    }
    let height = arguments.map(\.height).max() ?? 0
    let values = arguments.map(\.expression)
    let place = TextRange(range.lowerBound, range.upperBound)
    if let function { return InsightsNode(.call(function, values, place), over: height) }
    return InsightsNode(.aggregate(aggregate ?? .count, values, place), over: height)
  }

  private mutating func close(
    _ open: Range<Int>,
    of word: String
  ) throws(QueryDiagnostic) {
    guard try !take(")") else { return }
    throw token.kind == .end || token.isSymbol("|")
      ? diagnostic("this parenthesis is not closed", at: open)
      : unexpected("`,` or `)`", after: "an argument of `\(word)`")
  }

  private func wrongCount(
    _ count: Int,
    _ allowed: ClosedRange<Int>,
    of word: String,
    at range: Range<Int>
  ) -> QueryDiagnostic {
    let rule =
      switch (allowed.lowerBound, allowed.upperBound) {
      case (0, 0): "no argument"
      case (1, 1): "1 argument"
      case (let low, let high) where low == high: "\(low) arguments"
      case (let low, let high): "\(low) to \(high) arguments"
      }
    return diagnostic("`\(word)` takes \(rule), not \(count)", at: range)
  }
}
