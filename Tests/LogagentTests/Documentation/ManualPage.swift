/// A manual page in the macros of man(7).
struct ManualPage {
  private(set) var text: String

  init(_ name: String, section: Int, date: String, version: String, _ about: String) {
    text = """
      .\\" Written by `make docs` from the program's own definitions: change those.
      .TH \(name.uppercased()) \(section) "\(date)" "logagent \(version)" "logagent"
      .SH NAME
      \(Self.escaped(name)) \\- \(Self.escaped(about))

      """
  }

  mutating func section(_ title: String) { text += ".SH \(Self.escaped(title).uppercased())\n" }

  mutating func subsection(_ title: String) { text += ".SS \(Self.escaped(title))\n" }

  /// Paragraphs are separated by an empty line; `code` is bold, and lines that are indented are an
  /// example.
  mutating func prose(_ words: String) {
    for (index, paragraph) in words.components(separatedBy: "\n\n").enumerated() {
      if paragraph.hasPrefix("  ") {
        example(paragraph.split(separator: "\n").map { $0.dropFirst(2) }.joined(separator: "\n"))
        continue
      }
      if index > 0 { text += ".PP\n" }
      text += Self.styled(paragraph.replacing("\n", with: " ")) + "\n"
    }
  }

  mutating func paragraph(_ words: String) {
    text += ".PP\n"
    prose(words)
  }

  /// A term and what it means.
  mutating func item(_ term: String, _ words: String, more: [String] = []) {
    text += ".TP\n.B \(Self.escaped(term))\n\(Self.styled(words))\n"
    for line in more { text += ".br\n\(Self.styled(line))\n" }
  }

  mutating func example(_ lines: String) {
    // A heading is a paragraph already.
    let isFirst = text.split(separator: "\n").last?.hasPrefix(".S") ?? false
    text += (isFirst ? "" : ".PP\n") + ".RS 4\n.nf\n"
    for line in lines.split(separator: "\n", omittingEmptySubsequences: false) {
      text += Self.escaped(String(line)) + "\n"
    }
    text += ".fi\n.RE\n"
  }

  /// `word` becomes bold, and lines have at most 78 bytes where words allow.
  private static func styled(_ words: String) -> String {
    var lines = [""]
    for word in bold(words).split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty || last.utf8.count + word.utf8.count < 78 {
        lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.map(\.guarded).joined(separator: "\n")
  }

  private static func bold(_ words: String) -> String {
    words.components(separatedBy: "`").enumerated().map { index, part in
      index % 2 == 0 || part.isEmpty ? plain(part) : "\\fB\(plain(part))\\fR"
    }.joined()
  }

  private static func escaped(_ words: String) -> String { plain(words).guarded }

  private static func plain(_ words: String) -> String {
    var text = ""
    for character in words {
      switch character {
      case "\\": text += "\\e"
      case "-": text += "\\-"
      case "…": text += "..."
      case "→": text += "\\->"
      case "·": text += "\\(bu"
      case "'": text += "\\(aq"
      case "^": text += "\\(ha"
      case "~": text += "\\(ti"
      default: text.append(character)
      }
    }
    return text
  }
}

extension String {
  /// A line that begins with a dot or a quote would be a macro.
  fileprivate var guarded: String { hasPrefix(".") || hasPrefix("'") ? "\\&" + self : self }
}
