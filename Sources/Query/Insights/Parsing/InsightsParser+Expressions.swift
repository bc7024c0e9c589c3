/// An expression with its height, which bounds every recursion over it.
struct InsightsNode {
  var expression: InsightsExpression
  var height = 1

  init(_ expression: InsightsExpression, over height: Int = 0) {
    self.expression = expression
    self.height = height + 1
  }
}

extension InsightsParser {
  mutating func expression(after place: String) throws(QueryDiagnostic) -> InsightsExpression {
    try or(after: place).expression
  }

  /// `expression` over operands that are `height` high.
  private func node(
    _ expression: InsightsExpression,
    over height: Int
  ) throws(QueryDiagnostic) -> InsightsNode {
    guard height < InsightsLimits.depthMax else {
      throw diagnostic(
        "this expression is too large: more than \(InsightsLimits.depthMax) levels",
        at: max(0, previousEnd - 1)..<previousEnd
      )
    }
    return InsightsNode(expression, over: height)
  }

  // MARK: conditions

  mutating func or(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    try enter()
    defer { depth -= 1 }
    let first = try and(after: place)
    guard token.keyword == "or" else { return try checked(first) }
    var parts = [first.expression]
    var height = first.height
    while try take(keyword: "or") {
      let next = try and(after: "`or`")
      parts.append(next.expression)
      height = max(height, next.height)
    }
    return try checked(node(.or(parts), over: height))
  }

  /// Signs of other languages right after a whole condition.
  private func checked(_ node: InsightsNode) throws(QueryDiagnostic) -> InsightsNode {
    guard case .symbol(let symbol) = token.kind,
      let hint = InsightsSuggestions.insteadOf(symbol: symbol)
    else { return node }
    throw diagnostic("there is no `\(symbol)` in this language", hint: hint)
  }

  private mutating func and(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    let first = try not(after: place)
    guard token.keyword == "and" else { return first }
    var parts = [first.expression]
    var height = first.height
    while try take(keyword: "and") {
      let next = try not(after: "`and`")
      parts.append(next.expression)
      height = max(height, next.height)
    }
    return try node(.and(parts), over: height)
  }

  private mutating func not(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    guard token.keyword == "not" || token.isSymbol("!") else { return try comparison(after: place) }
    try enter()
    defer { depth -= 1 }
    let sign = "`\(scanner.text(token.range))`"
    try advance()
    let operand = try not(after: sign)
    return try node(.not(operand.expression), over: operand.height)
  }

  private mutating func comparison(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    let left = try sum(after: place)
    let node = try comparison(left)
    guard node.height != left.height, comparisonSign() != nil else { return node }
    throw diagnostic(
      "comparisons cannot follow each other",
      hint: "join two with `and`: a < b and b < c"
    )
  }

  private func comparisonSign() -> InsightsComparison? {
    guard case .symbol(let symbol) = token.kind else { return nil }
    return InsightsComparison(rawValue: symbol == "==" ? "=" : symbol)
  }

  private mutating func comparison(_ left: InsightsNode) throws(QueryDiagnostic) -> InsightsNode {
    if let sign = comparisonSign() {
      let place = "`\(scanner.text(token.range))`"
      try advance()
      if token.isSymbol("/") || token.isSymbol("//") {
        throw diagnostic("a regular expression follows `like` or `=~`, not \(place)")
      }
      let right = try sum(after: place)
      return try node(
        .compare(sign, left.expression, right.expression),
        over: max(left.height, right.height)
      )
    }
    if try take("=~") { return try like(left, isNegated: false, after: "`=~`") }
    let isNegated = token.keyword == "not"
    if isNegated {
      try advance()
      guard token.keyword == "like" || token.keyword == "in" else {
        throw unexpected("`like` or `in`", after: "`not`")
      }
    }
    if try take(keyword: "like") { return try like(left, isNegated: isNegated, after: "`like`") }
    if try take(keyword: "in") { return try membership(left, isNegated: isNegated) }
    return left
  }

  private mutating func like(
    _ left: InsightsNode,
    isNegated: Bool,
    after place: String
  ) throws(QueryDiagnostic) -> InsightsNode {
    let pattern: InsightsTextPattern
    if case .string(let value) = token.kind {
      try advance()
      pattern = .substring(value)
    } else if token.isSymbol("/") || token.isSymbol("//") {
      pattern = .regex(try regex().0)
    } else {
      throw unexpected("a text in quotes or a /regular expression/", after: place)
    }
    return try node(.like(left.expression, pattern, isNegated: isNegated), over: left.height)
  }

  private mutating func membership(
    _ left: InsightsNode,
    isNegated: Bool
  ) throws(QueryDiagnostic) -> InsightsNode {
    if try take("[") {
      var values: [InsightsExpression] = []
      var height = left.height
      if try take("]") {
        return try node(.inList(left.expression, [], isNegated: isNegated), over: height)
      }
      repeat {
        let value = try sum(after: values.isEmpty ? "`[`" : "`,`")
        values.append(value.expression)
        height = max(height, value.height)
      } while try take(",")
      try expect("]", after: "the list")
      return try node(.inList(left.expression, values, isNegated: isNegated), over: height)
    }
    guard token.isSymbol("(") else {
      throw unexpected("a list [..] or a query (..)", after: "`in`")
    }
    try advance()
    switch token.kind {
    case .string, .number:
      throw diagnostic("a list stands in brackets: [..]", hint: "in [\"a\", \"b\"]")
    default: break
    }
    let query = try query()
    try expect(")", after: "the query")
    return try node(.inQuery(left.expression, query, isNegated: isNegated), over: left.height)
  }

  // MARK: arithmetic

  private func arithmeticSign(_ signs: [InsightsArithmetic]) -> InsightsArithmetic? {
    guard case .symbol(let symbol) = token.kind else { return nil }
    return signs.first { $0.rawValue == symbol }
  }

  mutating func sum(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    var left = try term(after: place)
    while let sign = arithmeticSign([.add, .subtract]) {
      try advance()
      let right = try term(after: "`\(sign.rawValue)`")
      left = try node(
        .arithmetic(sign, left.expression, right.expression),
        over: max(left.height, right.height)
      )
    }
    return left
  }

  private mutating func term(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    var left = try power(after: place)
    while let sign = arithmeticSign([.multiply, .divide, .remainder]) {
      try advance()
      let right = try power(after: "`\(sign.rawValue)`")
      left = try node(
        .arithmetic(sign, left.expression, right.expression),
        over: max(left.height, right.height)
      )
    }
    return left
  }

  private mutating func power(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    let base = try unary(after: place)
    guard token.isSymbol("^") else { return base }
    try enter()
    defer { depth -= 1 }
    try advance()
    let exponent = try power(after: "`^`")
    return try node(
      .arithmetic(.power, base.expression, exponent.expression),
      over: max(base.height, exponent.height)
    )
  }

  private mutating func unary(after place: String) throws(QueryDiagnostic) -> InsightsNode {
    guard try take("-") else { return try operand(after: place) }
    let value = try operand(after: "`-`")
    return try node(.negate(value.expression), over: value.height)
  }
}
