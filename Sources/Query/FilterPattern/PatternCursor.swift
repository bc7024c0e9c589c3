/// A place in the text of a filter pattern, with what every part of the parser needs.
///
/// Counts Unicode scalars, so that an accent behind a quote cannot hide the quote; diagnostics
/// count characters, as a reader does.
struct PatternCursor {
  let text: String
  let scalars: [Unicode.Scalar]
  var at = 0

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
  }

  var isAtEnd: Bool { at >= scalars.count }

  /// The scalar at the place, or one behind it; nil at the end.
  func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    at + offset < scalars.count ? scalars[at + offset] : nil
  }

  /// Whether this ASCII text stands at the place.
  func starts(with word: String) -> Bool {
    var index = at
    for scalar in word.unicodeScalars {
      guard index < scalars.count, scalars[index] == scalar else { return false }
      index += 1
    }
    return true
  }

  /// Takes this ASCII text if it stands here.
  mutating func take(_ word: String) -> Bool {
    guard starts(with: word) else { return false }
    at += word.unicodeScalars.count
    return true
  }

  mutating func skipBlanks() {
    while let next = peek(), Self.isBlank(next) { at += 1 }
  }

  func string(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range])
    return String(view)
  }

  /// A refusal at these scalars.
  func failure(_ message: String, at range: Range<Int>, hint: String? = nil) -> QueryDiagnostic {
    var start = 0
    var end = 0
    var passed = 0
    for character in text {
      if passed < range.upperBound { end += 1 }
      passed += character.unicodeScalars.count
      // A scalar inside a character marks the whole of it.
      if passed <= range.lowerBound { start += 1 }
    }
    return QueryDiagnostic(message, in: text, at: start..<max(start, end), hint: hint)
  }

  /// A refusal of the scalar at `index`, or of the end of the text.
  func failure(_ message: String, at index: Int, hint: String? = nil) -> QueryDiagnostic {
    let start = min(index, scalars.count)
    return failure(message, at: start..<min(start + 1, scalars.count), hint: hint)
  }

  /// What stands at the place, for a message.
  var shown: String {
    guard let next = peek() else { return "the end" }
    return "`\(next)`"
  }

  static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
  }

  /// A letter, digit or underscore: what a term holds without quotes.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "0"..."9", "A"..."Z", "a"..."z", "_": true
    default: false
    }
  }

  static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}

extension PatternCursor {
  /// Takes a quoted text whose opening quote is at the place; `\"` and `\\` are escapes.
  mutating func phrase() throws(QueryDiagnostic) -> String {
    let start = at
    at += 1
    var value = String.UnicodeScalarView()
    while let next = peek() {
      at += 1
      if next == "\"" { return String(value) }
      if next == "\\", let escaped = peek(), escaped == "\"" || escaped == "\\" {
        value.append(escaped)
        at += 1
      } else {
        value.append(next)
      }
    }
    throw failure("this quote is not closed", at: start, hint: "add a \" at the end")
  }

  /// A text in quotes, as `phrase` reads it.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
