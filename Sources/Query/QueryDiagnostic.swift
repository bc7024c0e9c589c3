/// What is wrong with a pattern, a query or a time, where, and what to write instead.
package struct QueryDiagnostic: Error, Sendable, Equatable, CustomStringConvertible {
  package let text: String
  package let message: String
  /// Characters of `text`, counted from 0; may be empty at its end.
  package let range: Range<Int>
  package let hint: String?

  package init(_ message: String, in text: String, at range: Range<Int>, hint: String? = nil) {
    self.text = text
    self.message = message
    self.range = range
    self.hint = hint
  }

  /// The message, the text with a caret line below the place, and the fix.
  package var description: String {
    let shown = String(text.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
    let caret =
      String(repeating: " ", count: range.lowerBound)
      + String(repeating: "^", count: max(1, range.count))
    var lines = ["\(message), at column \(range.lowerBound + 1)", "  \(shown)", "  \(caret)"]
    if let hint { lines.append("help: \(hint)") }
    return lines.joined(separator: "\n")
  }
}
