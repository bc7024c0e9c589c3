extension InsightsParser {
  mutating func command() throws(QueryDiagnostic) -> InsightsCommand {
    guard let keyword = token.keyword else { throw notACommand() }
    let word = token
    if InsightsSuggestions.unimplementedCommands.contains(keyword) {
      throw diagnostic(
        "the command `\(scanner.text(word.range))` is not implemented",
        hint: InsightsSuggestions.insteadOf(command: keyword)
      )
    }
    try advance()
    let place = "`\(scanner.text(word.range))`"
    switch keyword {
    case "fields": return .fields(try items(after: place))
    case "display": return .display(try items(after: place))
    case "filter", "where", "filterindex": return .filter(try condition(after: place))
    case "stats": return .stats(try stats())
    case "sort", "order": return .sort(try sortKeys(after: place))
    case "limit", "head": return try limit(after: place, mayBeAny: keyword == "limit")
    case "parse": return .parse(try parse())
    case "dedup": return .dedup(try fields(after: place))
    case "pattern": return .pattern(try expression(after: place))
    case "diff": return .diff
    case "unnest": return try unnest()
    case "unmask": return try unmask(from: word.range.lowerBound)
    case "source": return .source(try source())
    case "join": return .join(try join())
    case "fillmissing": return .fillMissing(try fills())
    case "filldown": return .fillDown(try globs())
    default: throw unknownCommand(word)
    }
  }

  private mutating func condition(after place: String) throws(QueryDiagnostic) -> InsightsExpression
  {
    let value = try expression(after: place)
    if let hint = InsightsSuggestions.afterCondition(token, text: scanner.text(token.range)) {
      throw diagnostic(
        "expected `|`, `and`, `or` or the end after a condition, but \(found)",
        hint: hint
      )
    }
    return value
  }

  private mutating func stats() throws(QueryDiagnostic) -> InsightsStats {
    var stats = InsightsStats(items: try items(after: "`stats`"), keys: [])
    guard try take(keyword: "by") else { return stats }
    stats.keys = try items(after: "`by`")
    if try take(keyword: "offset") {
      guard case .period(let period) = token.kind else {
        throw unexpected("a period such as `5m`", after: "`offset`")
      }
      try advance()
      stats.offset = period
    }
    return stats
  }

  private mutating func sortKeys(after place: String) throws(QueryDiagnostic) -> [InsightsSortKey] {
    let hasBy = token.keyword == "by" ? try isBeforeKey() : false
    if hasBy { try advance() }
    var keys = [try sortKey(after: hasBy ? "`by`" : place)]
    while try take(",") { keys.append(try sortKey(after: "`,`")) }
    return keys
  }

  /// False when the word `by` is itself the key.
  private func isBeforeKey() throws(QueryDiagnostic) -> Bool {
    var ahead = self
    try ahead.advance()
    return ahead.token.kind != .end && ![",", "|", ")"].contains { ahead.token.isSymbol($0) }
  }

  private mutating func sortKey(after place: String) throws(QueryDiagnostic) -> InsightsSortKey {
    let start = token.range.lowerBound
    let expression = try expression(after: place)
    let range = TextRange(start, previousEnd)
    let isDescending = try take(keyword: "desc")
    if !isDescending { _ = try take(keyword: "asc") }
    return InsightsSortKey(expression, isDescending: isDescending, range: range)
  }

  private mutating func limit(
    after place: String,
    mayBeAny: Bool
  ) throws(QueryDiagnostic) -> InsightsCommand {
    let isAny = mayBeAny ? try take(keyword: "any") : false
    let rule = "a whole number from 1 to \(InsightsLimits.rowsMax)"
    guard case .number(let digits) = token.kind else {
      throw unexpected(rule, after: isAny ? "`any`" : place)
    }
    guard let count = Int(digits), (1...InsightsLimits.rowsMax).contains(count) else {
      throw diagnostic("a limit is \(rule)")
    }
    try advance()
    return .limit(count, isAny: isAny)
  }

  private mutating func fields(after place: String) throws(QueryDiagnostic) -> [InsightsField] {
    var fields = [try field(after: place)]
    while try take(",") { fields.append(try field(after: "`,`")) }
    return fields
  }

  private mutating func unnest() throws(QueryDiagnostic) -> InsightsCommand {
    let list = try operand(after: "`unnest`").expression
    try expect(keyword: "into", after: "the list")
    return .unnest(list, into: try name("a name", after: "`into`"))
  }

  /// The command `unmask x` shows the column `unmask(x)`.
  private mutating func unmask(from start: Int) throws(QueryDiagnostic) -> InsightsCommand {
    let value = try expression(after: "`unmask`")
    let range = TextRange(start, previousEnd)
    let call = InsightsExpression.call(.unmask, [value], range)
    let text = InsightsPrinter.text(of: call)
    return .fields([InsightsItem(call, text: text, range: range)])
  }

  private mutating func source() throws(QueryDiagnostic) -> InsightsSource {
    guard try take(keyword: "loggroups") else {
      var groups = [try text("the name of a log group in quotes", after: "`SOURCE`")]
      while try take(",") {
        groups.append(try text("the name of a log group in quotes", after: "`,`"))
      }
      return .groups(groups)
    }
    try expect("(", after: "`logGroups`")
    guard try !take(")") else { return .prefixes([]) }
    var prefixes: [String] = []
    repeat {
      let argument = token
      guard try take(keyword: "nameprefix") else {
        let known = ["accountidentifiers", "class"]
        throw known.contains(token.keyword ?? "")
          ? diagnostic("`\(scanner.text(token.range))` of `logGroups` is not implemented")
          : unexpected("`namePrefix: [..]`", after: "`(`")
      }
      try expect(":", after: "`namePrefix`")
      try expect("[", after: "`:`")
      repeat {
        prefixes.append(try text("the beginning of a name in quotes", after: "`[`"))
      } while try take(",")
      try expect("]", after: "the names")
      guard prefixes.count <= InsightsLimits.sourcePrefixesMax else {
        throw diagnostic(
          "`namePrefix` takes at most \(InsightsLimits.sourcePrefixesMax) names",
          at: argument.range
        )
      }
    } while try take(",")
    try expect(")", after: "`]`")
    return .prefixes(prefixes)
  }

  private mutating func fills() throws(QueryDiagnostic) -> [InsightsFill] {
    guard try take(keyword: "with") else { return [] }
    var fills: [InsightsFill] = []
    repeat {
      let value = try expression(after: "`with`")
      try expect(keyword: "for", after: "the value")
      fills.append(InsightsFill(value, for: try field(after: "`for`")))
    } while try take(",")
    return fills
  }

  private mutating func globs() throws(QueryDiagnostic) -> [String] {
    var globs: [String] = []
    while token.kind != .end, !token.isSymbol("|"), !token.isSymbol(")") {
      if case .path(let parts, isWord: false) = token.kind,
        scanner.text(token.range).contains("`")
      {
        globs.append(parts.joined(separator: "."))
        try advance()
      } else {
        let start = token.range.lowerBound
        let glob = scanner.glob(from: start)
        guard !glob.isEmpty else {
          throw unexpected("names of fields, with `*` for anything", after: "`filldown`")
        }
        globs.append(glob)
        token.range = start..<scanner.at
        try advance()
      }
      _ = try take(",")
    }
    return globs
  }
}
