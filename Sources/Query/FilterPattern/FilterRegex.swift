/// A regular expression as filter patterns have them: `%...%`.
///
/// A small language: no groups, no look-around, no lazy repeats. What it allows means the same in
/// PCRE2, into which `FilterRegexParser` translates it.
package struct FilterRegex: Sendable, Equatable {
  /// What stands between the percent signs.
  package let source: String
  /// The same, translated and compiled.
  let pattern: BytePattern

  package static func == (left: FilterRegex, right: FilterRegex) -> Bool {
    left.source == right.source
  }
}

/// Checks an expression and translates it, with a fix for everything that is refused.
struct FilterRegexParser {
  /// Largest count in braces; PCRE2's own limit.
  private static let countMax = 65_535

  private var cursor: PatternCursor
  private let start: Int
  private let end: Int
  private var compiled = ""

  /// Takes the expression whose opening `%` is at the cursor's place.
  static func parse(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> FilterRegex {
    let start = cursor.at + 1
    guard let end = cursor.scalars[start...].firstIndex(of: "%") else {
      throw cursor.failure(
        "this regex is not closed",
        at: cursor.at,
        hint: "add a % at the end; a percent sign inside is \\x25"
      )
    }
    var parser = FilterRegexParser(cursor: cursor, start: start, end: end)
    let regex = try parser.run()
    cursor.at = end + 1
    return regex
  }

  private init(cursor: PatternCursor, start: Int, end: Int) {
    self.cursor = cursor
    self.start = start
    self.end = end
    self.cursor.at = start
  }

  private mutating func run() throws(QueryDiagnostic) -> FilterRegex {
    while cursor.at < end { try piece() }
    let source = cursor.string(start..<end)
    do throws(BytePatternError) {
      return FilterRegex(source: source, pattern: try BytePattern(compiled))
    } catch {
      // What is left to PCRE2 is size alone, such as many large counts.
      throw cursor.failure("this regex does not compile: \(error.message)", at: start..<end)
    }
  }

  /// One item with its repeat, or an anchor or bar.
  private mutating func piece() throws(QueryDiagnostic) {
    let place = cursor.at
    let scalar = cursor.scalars[place]
    switch scalar {
    case "^", "$", "|":
      cursor.at += 1
      compiled.unicodeScalars.append(scalar)
      return
    case ".":
      cursor.at += 1
      compiled += "."
    case "\\":
      let (text, _) = try escape()
      compiled += text
    case "[": try characterClass()
    case "?", "*", "+", "{":
      throw cursor.failure(
        "there is nothing here that `\(scalar)` could repeat",
        at: place,
        hint: "put it behind a character or class; the character itself is \\\(scalar)"
      )
    case "]", "}":
      throw cursor.failure(
        "`\(scalar)` closes nothing",
        at: place,
        hint: "write \\\(scalar) for the character"
      )
    default:
      try check(scalar, at: place)
      cursor.at += 1
      compiled.unicodeScalars.append(scalar)
    }
    try quantifier()
  }

  private mutating func quantifier() throws(QueryDiagnostic) {
    guard cursor.at < end else { return }
    switch cursor.scalars[cursor.at] {
    case "?", "*", "+":
      compiled.unicodeScalars.append(cursor.scalars[cursor.at])
      cursor.at += 1
    case "{": try counts()
    default: return
    }
    guard cursor.at < end, ["?", "*", "+", "{"].contains(cursor.scalars[cursor.at]) else { return }
    throw cursor.failure(
      "a repeat cannot be repeated: there are no lazy or possessive forms",
      at: cursor.at,
      hint: "leave out `\(cursor.scalars[cursor.at])`"
    )
  }

  /// `{m}`, `{m,}`, `{,n}` or `{m,n}`, with or without a blank behind the comma.
  private mutating func counts() throws(QueryDiagnostic) {
    let open = cursor.at
    cursor.at += 1
    let least = try count()
    var most = least
    if cursor.at < end, cursor.take(",") {
      while cursor.at < end, cursor.take(" ") {}
      most = try count()
    } else if least == nil {
      throw cursor.failure("a count is missing", at: cursor.at, hint: "write {2} or {2,5}")
    }
    guard cursor.at < end, cursor.take("}") else {
      throw cursor.failure(
        "this count is not closed",
        at: open,
        hint: "write {2} or {2,5}; the brace itself is \\{"
      )
    }
    if let least, let most, least > most {
      throw cursor.failure(
        "the first count is larger than the second",
        at: open..<cursor.at,
        hint: "write {\(most),\(least)}"
      )
    }
    if let most, most == least {
      compiled += "{\(most)}"
    } else {
      compiled += "{\(least ?? 0),\(most.map(String.init) ?? "")}"
    }
  }

  private mutating func count() throws(QueryDiagnostic) -> Int? {
    let first = cursor.at
    var value = 0
    while cursor.at < end, PatternCursor.isDigit(cursor.scalars[cursor.at]) {
      value = value * 10 + Int(cursor.scalars[cursor.at].value - 48)
      guard value <= Self.countMax else {
        throw cursor.failure(
          "a count is at most \(Self.countMax)",
          at: first..<(cursor.at + 1),
          hint: "write {n,} for any larger number"
        )
      }
      cursor.at += 1
    }
    return cursor.at > first ? value : nil
  }

  /// An escape, translated; its scalar when it stands for a single one.
  private mutating func escape() throws(QueryDiagnostic) -> (text: String, scalar: Unicode.Scalar?)
  {
    let place = cursor.at
    guard place + 1 < end else {
      throw cursor.failure(
        "a backslash at the end escapes nothing",
        at: place,
        hint: "write \\\\ for a backslash, \\x25 for a percent sign"
      )
    }
    let scalar = cursor.scalars[place + 1]
    switch scalar {
    case "d", "D", "s", "S", "w", "W":
      cursor.at += 2
      return ("\\\(scalar)", nil)
    case "x":
      let digits = cursor.scalars[(place + 2)..<min(place + 4, end)]
      var hex = String.UnicodeScalarView()
      hex.append(contentsOf: digits)
      guard digits.count == 2, let value = UInt8(String(hex), radix: 16), digits.first != "+" else {
        throw cursor.failure(
          "\\x takes two hexadecimal digits",
          at: place..<min(place + 2 + digits.count, end),
          hint: "such as \\x28 for a parenthesis"
        )
      }
      guard value < 0x80 else {
        throw cursor.failure(
          "\\x stands for ASCII characters only, from \\x00 to \\x7F",
          at: place..<(place + 4),
          hint: "write . for any one character"
        )
      }
      cursor.at += 4
      return ("\\x\(String(hex))", Unicode.Scalar(value))
    case "^", "$", "?", "[", "]", "{", "}", "|", "\\", "*", "+", ".":
      cursor.at += 2
      return ("\\\(scalar)", scalar)
    default:
      try check(scalar, at: place + 1, escaped: true)
      let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
      throw cursor.failure(
        "a regex here knows no \\\(scalar)",
        at: place..<(place + 2),
        hint: isLetter || PatternCursor.isDigit(scalar)
          ? "the escapes are \\d \\D \\s \\S \\w \\W, \\xhh, and \\ before an operator"
          : "`\(scalar)` needs no backslash"
      )
    }
  }

  private mutating func characterClass() throws(QueryDiagnostic) {
    let open = cursor.at
    cursor.at += 1
    compiled += "["
    if cursor.at < end, cursor.take("^") { compiled += "^" }
    let first = cursor.at
    while cursor.at < end {
      if cursor.scalars[cursor.at] == "]" {
        guard cursor.at > first else {
          throw cursor.failure(
            "a class holds at least one character",
            at: open..<(cursor.at + 1),
            hint: "write \\] for the bracket itself"
          )
        }
        cursor.at += 1
        compiled += "]"
        return
      }
      try range()
    }
    throw cursor.failure(
      "this class is not closed",
      at: open,
      hint: "add a ]; the bracket itself is \\["
    )
  }

  /// One member of a class, or a range of them.
  private mutating func range() throws(QueryDiagnostic) {
    let place = cursor.at
    guard let low = try member() else { return }
    guard cursor.at + 1 < end, cursor.scalars[cursor.at] == "-",
      cursor.scalars[cursor.at + 1] != "]"
    else { return }
    cursor.at += 1
    compiled += "-"
    let high = try member()
    guard let high, low.value <= high.value else {
      throw cursor.failure(
        high == nil ? "a range ends with a character" : "this range runs backwards",
        at: place..<cursor.at,
        hint: "write the - first in the class for the character itself"
      )
    }
  }

  /// Takes a member, and gives it when it is a single character.
  private mutating func member() throws(QueryDiagnostic) -> Unicode.Scalar? {
    let place = cursor.at
    let scalar = cursor.scalars[place]
    if scalar == "\\" {
      let (text, scalar) = try escape()
      compiled += text
      return scalar
    }
    if scalar == "[", place + 1 < end, [":", ".", "="].contains(cursor.scalars[place + 1]) {
      throw cursor.failure(
        "there are no named classes such as [:alpha:]",
        at: place..<(place + 2),
        hint: "write [A-Za-z], or \\[ for the bracket itself"
      )
    }
    if !["^", "$", "?", "[", "{", "}", "|", "*", "+", "."].contains(scalar) {
      try check(scalar, at: place)
    }
    cursor.at += 1
    if ["[", "^", "-"].contains(scalar) { compiled += "\\" }
    compiled.unicodeScalars.append(scalar)
    return scalar
  }

  /// Refuses what may not stand in an expression.
  private func check(
    _ scalar: Unicode.Scalar,
    at index: Int,
    escaped: Bool = false
  ) throws(QueryDiagnostic) {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", " ", ":", "_", "#", "=", "@", "/", ";", ",", "-": return
    default: break
    }
    let place = (escaped ? index - 1 : index)..<(index + 1)
    guard scalar.isASCII else {
      throw cursor.failure(
        "a regex holds ASCII characters only, not `\(scalar)`",
        at: place,
        hint: "write . for it, or a term in quotes"
      )
    }
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let hex = digits.count < 2 ? "0" + digits : digits
    let name = scalar.value < 0x20 || scalar.value == 0x7F ? "this character" : "`\(scalar)`"
    throw cursor.failure(
      scalar == "(" || scalar == ")"
        ? "a regex here has no groups and holds no \(name)" : "a regex cannot hold \(name)",
      at: place,
      hint: "write \\x\(hex) for the character itself"
    )
  }
}
