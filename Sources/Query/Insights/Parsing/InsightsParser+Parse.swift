extension InsightsParser {
  /// `parse [source] form`, after `parse`.
  mutating func parse() throws(QueryDiagnostic) -> InsightsParse {
    let source =
      try hasParseSource()
      ? try operand(after: "`parse`").expression : .field(.message)
    if token.isSymbol("/") || token.isSymbol("//") {
      return InsightsParse(source, try regexForm())
    }
    if case .string(let pattern) = token.kind {
      return InsightsParse(source, try globForm(pattern))
    }
    if try take(keyword: "logfmt") {
      try expect(keyword: "as", after: "`logfmt`")
      return InsightsParse(source, .logfmt(name: try name("a name", after: "`as`")))
    }
    if try take(keyword: "csv") {
      try expect(keyword: "as", after: "`csv`")
      return InsightsParse(source, .csv(names: try names(after: "`as`")))
    }
    throw unexpected(
      "a text with `*`, a regular expression, `logfmt` or `csv`",
      after: "`parse`",
      hint: "parse @message \"user=* \" as user"
    )
  }

  /// False when the form follows at once; `logfmt` and `csv` may also be names of fields.
  private func hasParseSource() throws(QueryDiagnostic) -> Bool {
    guard case .path = token.kind else { return false }
    guard token.keyword == "logfmt" || token.keyword == "csv" else { return true }
    var ahead = self
    try ahead.advance()
    return ahead.token.keyword != "as"
  }

  private mutating func globForm(_ pattern: String) throws(QueryDiagnostic) -> InsightsParseForm {
    let range = token.range
    let stars = pattern.utf8.count { $0 == UInt8(ascii: "*") }
    guard stars > 0 else {
      throw diagnostic(
        "this text has no `*`, so there is nothing to extract",
        hint: "put a `*` where the value stands"
      )
    }
    try advance()
    try expect(keyword: "as", after: "the text")
    let names = try names(after: "`as`")
    guard names.count == stars else {
      throw diagnostic(
        "the text has \(stars) `*`, but \(Self.count(names.count, "name")) after `as`",
        at: range,
        hint: "give one name for each `*`"
      )
    }
    return .glob(pattern, names: names)
  }

  private mutating func regexForm() throws(QueryDiagnostic) -> InsightsParseForm {
    let (regex, pattern) = try regex()
    let range = regex.range.lower..<regex.range.upper
    let captures: [InsightsCapture]
    if try take(keyword: "as") {
      let names = try names(after: "`as`")
      guard names.count == pattern.captureCount else {
        throw diagnostic(
          "the regular expression has \(Self.count(pattern.captureCount, "group")), but "
            + "\(Self.count(names.count, "name")) after `as`",
          at: range,
          hint: "give one name for each ( ), or write (?: ) where no name is wanted"
        )
      }
      captures = names.enumerated().map { InsightsCapture(number: $0 + 1, name: $1) }
    } else {
      captures = pattern.namedCaptures
    }
    guard !captures.isEmpty else {
      throw diagnostic(
        "this regular expression extracts nothing",
        at: range,
        hint: "name what is wanted: (?<name>..), or add `as name` for the groups"
      )
    }
    let isMulti = try take(keyword: "multi")
    return .regex(regex, captures: captures, isMulti: isMulti)
  }

  private static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// The regular expression that begins at the token; one that does not compile is an error.
  mutating func regex() throws(QueryDiagnostic) -> (InsightsRegex, BytePattern) {
    let start = token.range.lowerBound
    let regex = try scanner.regex(from: start)
    let range = start..<scanner.at
    token.range = range
    try advance()
    do throws(BytePatternError) {
      return (regex, try BytePattern(regex.pattern))
    } catch {
      // A slash of the pattern was written with a backslash before it.
      let slashes = regex.pattern.prefix(error.offset).count { $0 == "/" }
      let place = min(start + 1 + error.offset + slashes, range.upperBound - 1)
      throw diagnostic(
        "this regular expression does not compile: \(error.message)",
        at: place..<(place + 1)
      )
    }
  }
}

extension BytePattern {
  /// The named groups in order of their numbers.
  var namedCaptures: [InsightsCapture] {
    names.sorted { $0.group < $1.group }.map { InsightsCapture(number: $0.group, name: $0.name) }
  }
}
