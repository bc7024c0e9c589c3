/// Reads the text of a Logs Insights query: its form, not yet its sense.
///
/// By recursive descent with one token of look-ahead. Keywords are known by their position, so that
/// fields may be called `count` or `limit`. The first error ends it.
package struct InsightsParser {
  var scanner: InsightsScanner
  var token: InsightsToken
  /// Where the token before ended.
  var previousEnd = 0
  /// Expressions that are open.
  var depth = 0
  /// Queries that are open; one may stand in another, but not deeper.
  private var queries = 0

  package static func parse(_ text: String) throws(QueryDiagnostic) -> InsightsQuery {
    let count = text.unicodeScalars.count
    guard count <= InsightsLimits.charactersMax else {
      throw QueryDiagnostic(
        "a query has at most \(InsightsLimits.charactersMax) characters, this one has \(count)",
        in: text,
        at: InsightsLimits.charactersMax..<(InsightsLimits.charactersMax + 1)
      )
    }
    var parser = InsightsParser(text)
    try parser.advance()
    let query = try parser.query()
    guard parser.token.kind == .end else { throw parser.unexpectedAfterCommand() }
    return query
  }

  private init(_ text: String) {
    scanner = InsightsScanner(text)
    token = InsightsToken(kind: .end, range: 0..<0)
  }

  // MARK: tokens

  mutating func advance() throws(QueryDiagnostic) {
    previousEnd = token.range.upperBound
    token = try scanner.next()
  }

  /// True, and one token further, when the next one is this sign.
  mutating func take(_ symbol: String) throws(QueryDiagnostic) -> Bool {
    guard token.isSymbol(symbol) else { return false }
    try advance()
    return true
  }

  mutating func take(keyword: String) throws(QueryDiagnostic) -> Bool {
    guard token.keyword == keyword else { return false }
    try advance()
    return true
  }

  mutating func expect(_ symbol: String, after what: String) throws(QueryDiagnostic) {
    guard try take(symbol) else { throw unexpected("`\(symbol)`", after: what) }
  }

  mutating func expect(keyword: String, after what: String) throws(QueryDiagnostic) {
    guard try take(keyword: keyword) else { throw unexpected("`\(keyword)`", after: what) }
  }

  /// A name as `as` and its like need it: a path becomes one name.
  mutating func name(_ what: String, after place: String) throws(QueryDiagnostic) -> String {
    guard case .path(let parts, _) = token.kind else { throw unexpected(what, after: place) }
    try advance()
    return parts.joined(separator: ".")
  }

  mutating func names(after place: String) throws(QueryDiagnostic) -> [String] {
    var names = [try name("a name", after: place)]
    while try take(",") { names.append(try name("a name", after: "`,`")) }
    return names
  }

  mutating func field(after place: String) throws(QueryDiagnostic) -> InsightsField {
    guard case .path(let parts, _) = token.kind else {
      throw unexpected("the name of a field", after: place)
    }
    let range = TextRange(token.range.lowerBound, token.range.upperBound)
    try advance()
    return InsightsField(parts: parts, range: range)
  }

  mutating func text(_ what: String, after place: String) throws(QueryDiagnostic) -> String {
    guard case .string(let value) = token.kind else { throw unexpected(what, after: place) }
    try advance()
    return value
  }

  // MARK: errors

  func diagnostic(
    _ message: String,
    at range: Range<Int>? = nil,
    hint: String? = nil
  ) -> QueryDiagnostic {
    scanner.diagnostic(message, range ?? token.range, hint: hint)
  }

  /// How a message names the next token.
  var found: String {
    token.kind == .end ? "the query ends" : "there is `\(scanner.text(token.range))`"
  }

  func unexpected(_ what: String, after place: String, hint: String? = nil) -> QueryDiagnostic {
    diagnostic("expected \(what) after \(place), but \(found)", hint: hint)
  }

  // MARK: query

  /// Commands up to the end or a closing parenthesis.
  mutating func query() throws(QueryDiagnostic) -> InsightsQuery {
    guard queries < 2 else {
      throw diagnostic("a query inside of a query cannot contain a third one")
    }
    queries += 1
    defer { queries -= 1 }
    var commands: [InsightsCommand] = []
    var ranges: [TextRange] = []
    guard token.kind != .end else {
      throw diagnostic("the query is empty", hint: "write a command, such as `fields @message`")
    }
    repeat {
      let start = token.range.lowerBound
      commands.append(try command())
      ranges.append(TextRange(start, previousEnd))
    } while try take("|")
    return InsightsQuery(commands, ranges: ranges)
  }

  mutating func enter() throws(QueryDiagnostic) {
    depth += 1
    guard depth <= InsightsLimits.depthMax else {
      throw diagnostic(
        "this is nested too deeply: more than \(InsightsLimits.depthMax) levels",
        at: token.range.lowerBound..<min(token.range.lowerBound + 1, scanner.scalars.count)
      )
    }
  }

  /// `expression [as name]`, separated by commas.
  mutating func items(after place: String) throws(QueryDiagnostic) -> [InsightsItem] {
    var items = [try item(after: place)]
    while try take(",") { items.append(try item(after: "`,`")) }
    return items
  }

  private mutating func item(after place: String) throws(QueryDiagnostic) -> InsightsItem {
    let start = token.range.lowerBound
    let expression = try expression(after: place)
    let range = start..<previousEnd
    var alias: String?
    if try take(keyword: "as") { alias = try name("a name", after: "`as`") }
    return InsightsItem(
      expression,
      alias: alias,
      text: scanner.text(range),
      range: TextRange(range.lowerBound, range.upperBound)
    )
  }
}
