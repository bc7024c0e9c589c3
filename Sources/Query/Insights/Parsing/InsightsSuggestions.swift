internal import Platform

/// What to write instead of what is not part of the language.
enum InsightsSuggestions {
  static let commands = [
    "fields", "display", "filter", "where", "filterIndex", "stats", "sort", "order", "limit",
    "head", "parse", "dedup", "pattern", "diff", "unnest", "unmask", "SOURCE", "join",
    "fillmissing", "filldown",
  ]

  /// Commands of CloudWatch that this implementation does not have, in lower case.
  static let unimplementedCommands: Set = [
    "accum", "addtotals", "anomaly", "appendcols", "autoregress", "cidrlookup", "countfrequent",
    "expand", "json", "logcompare", "lookup", "outlier", "relevantfields", "search", "sessionize",
    "tail",
  ]

  /// Functions of CloudWatch that this implementation does not have, in lower case.
  static let unimplementedFunctions: Set = [
    "rate", "countovertime", "count_over_time", "sumovertime", "sum_over_time",
  ]

  static func insteadOf(command: String) -> String? {
    switch command {
    case "search": "write `filter @message like \"text\"`"
    case "tail": "sort the other way round and `limit`"
    case "json": "write `fields jsonParse(f).k.sub as a`"
    case "countfrequent": "write `stats count(*) as n by f | sort n desc`"
    default: nil
    }
  }

  static func insteadOf(symbol: String) -> String? {
    switch symbol {
    case "||": "write `or`"
    case "&&": "write `and`"
    case "<>": "write `!=`"
    case "!~": "write `not like /../`"
    case "//": "comments begin with `#`"
    default: nil
    }
  }

  /// Words that would be an operand, but are the beginning of other languages' forms.
  static func insteadOf(word: String?, before next: InsightsToken) -> String? {
    guard word == "case", next.keyword == "when" else { return nil }
    return "write case(condition, value, .., default) or if(condition, value, other)"
  }

  /// What a word right after a condition was meant to say.
  static func afterCondition(_ token: InsightsToken, text: String) -> String? {
    switch token.keyword {
    case "exists", "present": "write `ispresent(field)`"
    case "is": "write `ispresent(field)` or `not ispresent(field)`"
    case "between": "write `field >= low and field <= high`"
    case "contains", "matches", "has", "startswith", "endswith", "ilike", "rlike", "regexp":
      "write `field like \"text\"` or `field like /regex/`"
    case "equals", "eq": "write `field = value`"
    default: nil
    }
  }

  static func command(near word: String) -> String? {
    switch word.lowercased() {
    case "select": "write `fields a, b | filter c = 1 | limit 10`"
    case "group", "groupby", "summarize", "aggregate", "count":
      "write `stats count(*) by field`"
    case "take", "top", "first": "write `limit 10`"
    case "orderby": "write `sort field desc`"
    case "extract", "rex", "grok": "write `parse @message \"..*..\" as name`"
    case "distinct", "unique", "uniq": "write `dedup field` or `stats count(*) by field`"
    case "eval", "extend", "let", "set": "write `fields expression as name`"
    case "from": "write `SOURCE 'group'`"
    default:
      NearestName.find(word, among: commands).map { "did you mean `\($0)`?" }
    }
  }

  static func function(near word: String) -> String? {
    switch word.lowercased() {
    case "ago":
      "write `toMillis(@timestamp) > now() * 1000 - 1800000`, or give the time outside of the query"
    case "count_if", "countif", "sumif": "write `sum(condition)`"
    case "distinct", "dc", "dcount", "uniq", "countdistinct", "cardinality":
      "write `count_distinct(field)`"
    case "exists", "isnotnull", "isnull", "isnotempty": "write `ispresent(field)`"
    case "contains", "has", "instr", "indexof": "write `strcontains(text, part)`"
    case "percentile", "p", "quantile", "perc": "write `pct(field, 95)`"
    case "len", "length": "write `strlen(text)`"
    case "lower", "lcase": "write `tolower(text)`"
    case "upper", "ucase": "write `toupper(text)`"
    case "date_trunc", "time_bucket", "bucket": "write `bin(5m)`"
    case "first": "write `earliest(field)`"
    case "last": "write `latest(field)`"
    case "regex_replace", "regexp_replace": "write `regexReplace(text, regex, replacement)`"
    default:
      NearestName.find(
        word,
        among: InsightsAggregate.allCases.map(\.rawValue)
          + InsightsFunction.allCases.map(\.rawValue)
      ).map { "did you mean `\($0)`?" }
    }
  }
}

extension InsightsParser {
  /// What stands where a command should be.
  func notACommand() -> QueryDiagnostic {
    switch token.kind {
    case .end:
      return diagnostic("the query ends where a command is expected")
    case .symbol("|"):
      return diagnostic("a command is missing before this `|`")
    case .symbol("//"):
      return diagnostic("comments begin with `#`, not `//`")
    case .path, .string, .number:
      return diagnostic(
        "expected a command, but there is `\(scanner.text(token.range))`",
        hint: "conditions follow `filter`, columns follow `fields`"
      )
    default:
      return diagnostic("expected a command, but there is `\(scanner.text(token.range))`")
    }
  }

  /// `token` is the one after the word.
  func unknownCommand(_ word: InsightsToken) -> QueryDiagnostic {
    let text = scanner.text(word.range)
    let isCall = token.isSymbol("(")
    let isCondition =
      ["like", "in", "not"].contains(token.keyword)
      || ["=", "==", "!=", "<", ">", "<=", ">=", "=~"].contains { token.isSymbol($0) }
    let hint: String? =
      if isCall, InsightsAggregate(name: text) != nil {
        "aggregates follow `stats`"
      } else if isCall || isCondition {
        "conditions follow `filter`"
      } else {
        InsightsSuggestions.command(near: text)
      }
    return diagnostic("there is no command `\(text)`", at: word.range, hint: hint)
  }

  func unknownFunction(_ name: InsightsToken, _ word: String) -> QueryDiagnostic {
    if InsightsSuggestions.unimplementedFunctions.contains(word.lowercased()) {
      return diagnostic("the function `\(word)` is not implemented", at: name.range)
    }
    if let keyword = name.keyword, ["and", "or", "in", "like", "by", "as"].contains(keyword) {
      return diagnostic("expected a value before `\(word)`", at: name.range)
    }
    return diagnostic(
      "there is no function `\(word)`",
      at: name.range,
      hint: InsightsSuggestions.function(near: word)
    )
  }

  /// What follows a whole command without a pipe.
  func unexpectedAfterCommand() -> QueryDiagnostic {
    let text = scanner.text(token.range)
    if token.isSymbol(")") { return diagnostic("this parenthesis was not opened") }
    if case .symbol(let symbol) = token.kind,
      let hint = InsightsSuggestions.insteadOf(symbol: symbol)
    {
      return diagnostic("there is no `\(symbol)` in this language", hint: hint)
    }
    let isCommand = token.keyword.map { keyword in
      InsightsSuggestions.commands.contains { $0.lowercased() == keyword }
    }
    let hint: String? =
      if isCommand == true {
        "put a `|` before it"
      } else if token.keyword == "group" {
        "write `by`"
      } else if case .path = token.kind {
        "put a `,` between columns and a `|` between commands"
      } else {
        nil
      }
    return diagnostic("`\(text)` does not belong here", hint: hint)
  }
}
