/// What is wrong with a pattern, a query or a time, where, and what to write instead.
package struct QueryDiagnostic: Error, Sendable, Equatable, CustomStringConvertible {
  package let text: String
  package let message: String
  /// Unicode scalars of `text`, counted from 0; may be empty at its end.
  package let range: Range<Int>
  package let hint: String?

  package init(_ message: String, in text: String, at range: Range<Int>, hint: String? = nil) {
    self.text = text
    self.message = message
    self.range = range
    self.hint = hint
  }

  /// The message, the line with a caret line below the place, and the fix.
  package var description: String {
    let scalars = Array(text.unicodeScalars)
    let place = min(range.lowerBound, scalars.count)
    let lineStart = scalars[..<place].lastIndex(of: "\n").map { $0 + 1 } ?? 0
    let lineEnd = scalars[place...].firstIndex(of: "\n") ?? scalars.count
    let column = place - lineStart
    let number = scalars[..<lineStart].count { $0 == "\n" } + 1
    let isLong = lineEnd - lineStart > Self.widthMax
    let shownStart = isLong ? max(lineStart, place - Self.widthMax / 2) : lineStart
    let shownEnd = isLong ? min(lineEnd, shownStart + Self.widthMax) : lineEnd
    let lead = shownStart > lineStart ? ".." : ""
    let shown = String(
      scalars[shownStart..<shownEnd].map { $0.value < 0x20 ? " " : Character($0) }
    )
    let marked = max(1, min(range.upperBound, shownEnd) - place)
    let caret =
      String(repeating: " ", count: lead.count + place - shownStart)
      + String(repeating: "^", count: marked)
    let line = scalars.contains("\n") ? "line \(number), " : ""
    var lines = [
      "\(message), at \(line)column \(column + 1)",
      "  \(lead)\(shown)\(shownEnd < lineEnd ? ".." : "")", "  \(caret)",
    ]
    if let hint { lines.append("help: \(hint)") }
    return lines.joined(separator: "\n")
  }

  /// A line longer than this is shown around the place only.
  private static let widthMax = 120
}
