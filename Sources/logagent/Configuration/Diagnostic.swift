/// Something that is wrong with a configuration, at its place, with what to do about it.
struct Diagnostic: Sendable, Equatable {
  enum Severity: String, Sendable {
    case error
    case warning
  }

  struct ExcerptLine: Sendable, Equatable {
    var number: Int
    /// Without control characters, and with secrets masked.
    var text: String
    /// Columns by which `text` is moved to the left of where the file has it.
    var shift = 0
  }

  var severity: Severity
  var file: String
  var range: SourceRange
  var message: String
  var help: String?
  /// The lines that the printer shows: the two before and the one it is about.
  var excerpt: [ExcerptLine] = []

  init(
    _ severity: Severity,
    file: String,
    at range: SourceRange,
    _ message: String,
    help: String? = nil
  ) {
    self.severity = severity
    self.file = file
    self.range = range
    self.message = Self.printable(message)
    self.help = help.map(Self.printable)
  }

  /// Names from a file may hold anything, also what moves a terminal's cursor.
  private static func printable(_ text: String) -> String {
    var view = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
      view.append(isControl ? "?" : scalar)
    }
    return String(view)
  }

  var line: Int { range.line }
  var column: Int { range.column }
  var endColumn: Int { range.endColumn }

  /// `file:line:col: error: message`, in one line: the form for logs and editors.
  var headline: String {
    let place = range.line > 0 ? "\(file):\(range.line):\(range.column)" : file
    return "\(place): \(severity.rawValue): \(message)"
  }
}

/// Writes diagnostics for people: headline, source with a caret, help, and a count at the end.
enum DiagnosticPrinter {
  /// Every diagnostic and the count line; empty when there is none.
  static func render(_ diagnostics: [Diagnostic]) -> String {
    guard !diagnostics.isEmpty else { return "" }
    var text = ""
    for diagnostic in diagnostics {
      text += render(diagnostic)
      text += "\n"
    }
    return text + countLine(diagnostics) + "\n"
  }

  static func render(_ diagnostic: Diagnostic) -> String {
    var text = diagnostic.headline + "\n"
    let width = diagnostic.excerpt.map { String($0.number).count }.max() ?? 0
    let margin = String(repeating: " ", count: width + 2)
    for line in diagnostic.excerpt {
      let number = String(line.number)
      text += " " + String(repeating: " ", count: width - number.count) + number + " | "
      text += line.text + "\n"
      if line.number == diagnostic.line {
        text += margin + "| " + caret(under: line, diagnostic.range) + "\n"
      }
    }
    if let help = diagnostic.help { text += margin + "help: " + help + "\n" }
    return text
  }

  /// `2 errors, 1 warning`.
  static func countLine(_ diagnostics: [Diagnostic]) -> String {
    func count(_ severity: Diagnostic.Severity) -> String? {
      let number = diagnostics.count { $0.severity == severity }
      guard number > 0 else { return nil }
      return "\(number) \(severity.rawValue)\(number == 1 ? "" : "s")"
    }
    return [count(.error), count(.warning)].compactMap(\.self).joined(separator: ", ")
  }

  /// Spaces up to the column (tabs stay tabs, so that it lines up), then one caret per character.
  private static func caret(under line: Diagnostic.ExcerptLine, _ range: SourceRange) -> String {
    let scalars = Array(line.text.unicodeScalars)
    let column = max(1, range.column - line.shift)
    var text = ""
    for index in 0..<(column - 1) {
      text += index < scalars.count && scalars[index] == "\t" ? "\t" : " "
    }
    let end = range.endLine == range.line ? range.endColumn - line.shift : scalars.count + 1
    let width = max(1, min(end, scalars.count + 1) - column)
    return text + String(repeating: "^", count: width)
  }
}
