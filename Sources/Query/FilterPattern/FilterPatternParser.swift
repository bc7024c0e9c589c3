/// Parses the terms form of CloudWatch's filter patterns; the others are refused by name.
///
/// Rules and limits are CloudWatch's: terms are case-sensitive substrings; what is not a letter,
/// digit or underscore needs quotes; `-term` excludes; `?term` is optional, and ignored unless all
/// terms are; a blank phrase matches everything; at most 1,024 characters.
package struct FilterPatternParser {
  package static let charactersMax = 1_024

  private let text: String
  private let characters: [Character]
  private var at = 0

  private init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  package static func parse(_ text: String) throws(QueryDiagnostic) -> FilterPattern {
    var parser = FilterPatternParser(text)
    return try parser.pattern()
  }

  private mutating func pattern() throws(QueryDiagnostic) -> FilterPattern {
    guard characters.count <= Self.charactersMax else {
      throw QueryDiagnostic(
        "a filter pattern has at most 1024 characters, this one has \(characters.count)",
        in: text,
        at: Self.charactersMax..<(Self.charactersMax + 1)
      )
    }
    skipBlanks()
    guard at < characters.count else { return .all }
    let kinds: [Character: String] = ["{": "JSON", "[": "space-delimited", "%": "regex"]
    if let kind = kinds[characters[at]] {
      throw QueryDiagnostic(
        "\(kind) filter patterns are not supported in this version",
        in: text,
        at: at..<(at + 1),
        hint: "use terms, such as `ERROR \"status 500\" -DEBUG`"
      )
    }
    return try terms()
  }

  private enum Kind {
    case required, excluded, optional
  }

  private mutating func terms() throws(QueryDiagnostic) -> FilterPattern {
    var pattern = TermPattern()
    var optional: [(bytes: [UInt8], shown: String)] = []
    var others = 0
    while at < characters.count {
      let start = at
      let kind = try prefix()
      let word = try operand(after: start)
      let isBlank = word.allSatisfy { $0 == " " || $0 == "\t" }
      let bytes = Array(word.utf8)
      switch kind {
      case .optional: optional.append((bytes, String(characters[start..<at])))
      case .excluded:
        others += 1
        // Excluding what is in every event leaves none; AWS reads it the same way.
        pattern.excluded.append(isBlank ? [] : bytes)
      case .required:
        others += 1
        if !isBlank { pattern.required.append(bytes) }
      }
      skipBlanks()
    }
    if others > 0 {
      pattern.ignored = optional.map(\.shown)
    } else if !optional.contains(where: { entry in entry.bytes.allSatisfy { $0 == 0x20 } }) {
      pattern.anyOf = optional.map(\.bytes)
    }
    if pattern.required.isEmpty && pattern.excluded.isEmpty && pattern.anyOf.isEmpty
      && pattern.ignored.isEmpty
    {
      return .all
    }
    return .terms(pattern)
  }

  private mutating func prefix() throws(QueryDiagnostic) -> Kind {
    switch characters[at] {
    case "?":
      at += 1
      return .optional
    case "-":
      at += 1
      let afterMinus = at
      skipBlanks()
      if at > afterMinus, at < characters.count, characters[at] != "\"" { at = afterMinus }
      return .excluded
    default: return .required
    }
  }

  private mutating func operand(after start: Int) throws(QueryDiagnostic) -> String {
    guard at < characters.count, !Self.isBlank(characters[at]) else {
      throw QueryDiagnostic(
        "`\(characters[start])` stands alone",
        in: text,
        at: start..<(start + 1),
        hint: "write the term right behind it, or quote it: \"\(characters[start])\""
      )
    }
    return characters[at] == "\"" ? try phrase() : try word()
  }

  private mutating func phrase() throws(QueryDiagnostic) -> String {
    let start = at
    at += 1
    var value = ""
    while at < characters.count {
      let character = characters[at]
      if character == "\"" {
        at += 1
        if at < characters.count, !Self.isBlank(characters[at]) {
          throw QueryDiagnostic(
            "text right behind a closing quote",
            in: text,
            at: at..<(at + 1),
            hint: "put a blank between two terms, and \\\" for a quote inside a phrase"
          )
        }
        return value
      }
      if character == "\\", at + 1 < characters.count, "\"\\".contains(characters[at + 1]) {
        at += 1
      }
      value.append(characters[at])
      at += 1
    }
    throw QueryDiagnostic(
      "this quote is not closed",
      in: text,
      at: start..<(start + 1),
      hint: "add a \" at the end"
    )
  }

  private mutating func word() throws(QueryDiagnostic) -> String {
    let start = at
    var end = at
    while end < characters.count, !Self.isBlank(characters[end]) { end += 1 }
    for index in start..<end where !Self.isWord(characters[index]) {
      let whole = String(characters[start..<end]).replacingQuotes
      throw QueryDiagnostic(
        "`\(characters[index])` needs quotes",
        in: text,
        at: index..<(index + 1),
        hint: "write \"\(whole)\""
      )
    }
    at = end
    return String(characters[start..<end])
  }

  private mutating func skipBlanks() {
    while at < characters.count, Self.isBlank(characters[at]) { at += 1 }
  }

  private static func isBlank(_ character: Character) -> Bool {
    character == " " || character == "\t" || character == "\n" || character == "\r"
  }

  private static func isWord(_ character: Character) -> Bool {
    guard let byte = character.asciiValue else { return false }
    return (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || byte == 95
  }
}

extension String {
  /// With `\` and `"` escaped, as a phrase needs them.
  fileprivate var replacingQuotes: String {
    reduce(into: "") { result, character in
      if character == "\"" || character == "\\" { result.append("\\") }
      result.append(character)
    }
  }
}
