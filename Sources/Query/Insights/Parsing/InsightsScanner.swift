/// Cuts a query's text into tokens, one at a time.
///
/// It does not know whether a `/` divides or begins a regular expression: it gives the sign, and
/// whoever knows better reads again from there with `regex`.
struct InsightsScanner {
  let text: String
  let scalars: [Unicode.Scalar]
  private(set) var at = 0

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
  }

  func diagnostic(_ message: String, _ range: Range<Int>, hint: String? = nil) -> QueryDiagnostic {
    QueryDiagnostic(message, in: text, at: range, hint: hint)
  }

  /// The text of a range.
  func text(_ range: Range<Int>) -> String {
    String(String.UnicodeScalarView(scalars[range]))
  }

  private func scalar(_ offset: Int = 0) -> Unicode.Scalar? {
    at + offset < scalars.count ? scalars[at + offset] : nil
  }

  mutating func next() throws(QueryDiagnostic) -> InsightsToken {
    skipBlanks()
    let start = at
    guard let first = scalar() else { return InsightsToken(kind: .end, range: at..<at) }
    let kind: InsightsToken.Kind =
      switch first {
      case "`": try path()
      case "\"", "'": .string(try string(first))
      case _ where Self.isDigit(first): try number()
      case _ where Self.isNamePart(first): try path()
      case "." where scalar(1).map { $0 == "`" || Self.isNamePart($0) } == true: try members()
      default: .symbol(try symbol())
      }
    return InsightsToken(kind: kind, range: start..<at)
  }

  /// Comments and white space.
  private mutating func skipBlanks() {
    while let next = scalar() {
      if next == "#" {
        while let inside = scalar(), inside != "\n" { _ = inside; at += 1 }
      } else if Self.isBlank(next) {
        at += 1
      } else {
        return
      }
    }
  }

  // MARK: names

  private mutating func path() throws(QueryDiagnostic) -> InsightsToken.Kind {
    let isQuoted = scalar() == "`"
    var parts = [try part()]
    try parts.append(contentsOf: moreParts())
    return .path(parts, isWord: !isQuoted && parts.count == 1)
  }

  private mutating func members() throws(QueryDiagnostic) -> InsightsToken.Kind {
    .members(try moreParts())
  }

  /// `.part` as often as it comes.
  private mutating func moreParts() throws(QueryDiagnostic) -> [String] {
    var parts: [String] = []
    while scalar() == "." {
      let dot = at
      at += 1
      guard let next = scalar(), next == "`" || Self.isNamePart(next) else {
        let isQuoted = scalar() == "\"" || scalar() == "'"
        throw diagnostic(
          "a name is missing after the `.`",
          dot..<(dot + 1),
          hint: isQuoted ? "put names with other characters in backticks: a.`b-c`" : nil
        )
      }
      parts.append(try part())
    }
    return parts
  }

  private mutating func part() throws(QueryDiagnostic) -> String {
    let start = at
    guard scalar() == "`" else {
      while let next = scalar(), Self.isNamePart(next) { at += 1 }
      return text(start..<at)
    }
    at += 1
    while let next = scalar(), next != "`" { at += 1 }
    guard scalar() != nil else {
      throw diagnostic("this name has no closing backtick", start..<(start + 1))
    }
    at += 1
    guard at - start > 2 else { throw diagnostic("this name is empty", start..<at) }
    return text((start + 1)..<(at - 1))
  }

  /// A name in which `*` stands for anything, up to a blank, a comma or a pipe.
  mutating func glob(from start: Int) -> String {
    at = start
    while let next = scalar(), next == "*" || next == "." || Self.isNamePart(next) { at += 1 }
    return text(start..<at)
  }

  // MARK: literals

  private mutating func number() throws(QueryDiagnostic) -> InsightsToken.Kind {
    let start = at
    while let next = scalar(), Self.isDigit(next) { at += 1 }
    if scalar() == ".", let digit = scalar(1), Self.isDigit(digit) {
      at += 1
      while let next = scalar(), Self.isDigit(next) { at += 1 }
    }
    let digits = text(start..<at)
    guard let next = scalar(), Self.isNamePart(next) else { return .number(digits) }
    let unitStart = at
    while let next = scalar(), Self.isNamePart(next) { at += 1 }
    let word = text(unitStart..<at)
    guard let unit = InsightsPeriod.Unit(name: word) else {
      throw diagnostic(
        "`\(digits)\(word)` is neither a number nor a period of time",
        start..<at,
        hint: "units are ms, s, m, h, d, w, mo, q and y;"
          + " names that begin with a digit need backticks"
      )
    }
    guard let count = Int(digits), (1...InsightsLimits.periodMax).contains(count) else {
      throw diagnostic(
        "a period is a whole number of units, from 1 to \(InsightsLimits.periodMax)",
        start..<at
      )
    }
    return .period(InsightsPeriod(count, unit))
  }

  /// A text in quotes; a backslash stays unless it is an escape of the language.
  private mutating func string(_ quote: Unicode.Scalar) throws(QueryDiagnostic) -> String {
    let start = at
    at += 1
    var value = String.UnicodeScalarView()
    while let next = scalar(), next != quote {
      at += 1
      guard next == "\\", let escaped = scalar() else {
        value.append(next)
        continue
      }
      at += 1
      switch escaped {
      case "\"", "'", "\\": value.append(escaped)
      case "n": value.append("\n")
      case "r": value.append("\r")
      case "t": value.append("\t")
      default:
        value.append("\\")
        value.append(escaped)
      }
    }
    guard scalar() == quote else {
      throw diagnostic("this text has no closing \(quote)", start..<(start + 1))
    }
    at += 1
    return String(value)
  }

  /// The regular expression whose first slash is at `start`.
  mutating func regex(from start: Int) throws(QueryDiagnostic) -> InsightsRegex {
    at = start + 1
    var pattern = String.UnicodeScalarView()
    while let next = scalar(), next != "/" {
      at += 1
      guard next == "\\", let escaped = scalar() else {
        pattern.append(next)
        continue
      }
      at += 1
      if escaped != "/" { pattern.append("\\") }
      pattern.append(escaped)
    }
    guard scalar() == "/" else {
      throw diagnostic(
        "this regular expression has no closing /",
        start..<(start + 1),
        hint: "a slash inside is written \\/"
      )
    }
    at += 1
    return InsightsRegex(String(pattern), range: TextRange(start, at))
  }

  // MARK: signs

  private static let symbols = [
    "==", "!=", "<=", ">=", "=~", "||", "&&", "<>", "!~", "//",
    "(", ")", "[", "]", ",", "|", "=", "<", ">", "!", "+", "-", "*", "/", "%", "^", ":",
  ]

  private mutating func symbol() throws(QueryDiagnostic) -> String {
    let pair = text(at..<min(at + 2, scalars.count))
    if let found = Self.symbols.first(where: { pair.hasPrefix($0) }) {
      at += found.unicodeScalars.count
      return found
    }
    let hint: String? =
      switch scalars[at] {
      case "\u{201C}", "\u{201D}", "\u{2018}", "\u{2019}": "texts stand in straight quotes"
      case "$": "fields are written without `$`: a.b"
      case ";": "commands are separated by `|`"
      case "{", "}": "lists stand in [ ]"
      case "~": "a regular expression follows `=~` or `like`"
      case "&": "write `and`"
      default: nil
      }
    throw diagnostic(
      "`\(scalars[at])` does not belong into a query",
      at..<(at + 1),
      hint: hint
    )
  }

  // MARK: characters

  static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

  /// Letters of any script, digits, `_` and `@`.
  static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", "@": true
    default: scalar.value >= 0x80 && scalar.properties.isIDContinue
    }
  }
}

extension InsightsPeriod.Unit {
  /// A unit by any of its names; those of more than one letter may have an `s` behind them.
  package init?(name: String) {
    var word = name.lowercased()
    if word.count > 2, word.hasSuffix("s") { word.removeLast() }
    switch word {
    case "ms", "msec", "millisecond": self = .millisecond
    case "s", "sec", "second": self = .second
    case "m", "min", "minute": self = .minute
    case "h", "hr", "hour": self = .hour
    case "d", "day": self = .day
    case "w", "week": self = .week
    case "mo", "mon", "month": self = .month
    case "q", "qtr", "quarter": self = .quarter
    case "y", "yr", "year": self = .year
    default: return nil
    }
  }
}
