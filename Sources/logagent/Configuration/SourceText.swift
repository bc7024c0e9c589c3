internal import LogModel
internal import Platform

/// The lines of a configuration file as a diagnostic may show them.
struct SourceText {
  private var lines: [[Unicode.Scalar]] = []

  init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    var current: [UInt8] = []
    for byte in rest {
      if byte == 0x0A {
        append(current)
        current.removeAll(keepingCapacity: true)
      } else {
        current.append(byte)
      }
    }
    append(current)
  }

  private mutating func append(_ line: [UInt8]) {
    let bytes = line.last == 0x0D ? line.dropLast() : line[...]
    let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
    lines.append(scalars.map { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F ? "?" : $0 })
  }

  /// A line by its number from 1; empty when there is none.
  func line(_ number: Int) -> String {
    guard number >= 1, number <= lines.count else { return "" }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: lines[number - 1])
    return String(text)
  }

  /// Replaces the characters of a value that no output may show.
  mutating func mask(_ range: SourceRange) {
    guard range.line >= 1 else { return }
    for number in range.line...max(range.line, range.endLine) where number <= lines.count {
      let start = number == range.line ? range.column - 1 : 0
      let end = number == range.endLine ? range.endColumn - 1 : lines[number - 1].count
      mask(number, from: start, to: end)
    }
  }

  private mutating func mask(_ number: Int, from start: Int, to end: Int) {
    let count = lines[number - 1].count
    for index in min(start, count)..<max(min(start, count), min(end, count)) {
      lines[number - 1][index] = "*"
    }
  }

  /// Masks what follows `accessKey:` and `apiKey:` and the user part of addresses, for files whose
  /// tree could not be built.
  mutating func maskByWords() {
    for number in lines.indices.map({ $0 + 1 }) {
      let text = Array(line(number).unicodeScalars)
      for word in ["accessKey", "apiKey"] {
        let pattern = Array(word.unicodeScalars)
        guard text.count > pattern.count else { continue }
        for start in 0..<(text.count - pattern.count)
        where text[start..<(start + pattern.count)].elementsEqual(pattern) {
          let value = text[(start + pattern.count)...].firstIndex {
            !"\"': \t".unicodeScalars.contains($0)
          }
          guard let value, text[value] != "$" else { continue }
          let end = text[value...].firstIndex { ",}\"'".unicodeScalars.contains($0) } ?? text.count
          mask(number, from: value, to: end)
        }
      }
      if let scheme = Self.index(of: "://", in: text),
        let at = text[scheme...].firstIndex(of: "@")
      {
        mask(number, from: scheme + 3, to: at)
      }
    }
  }

  private static func index(of word: String, in text: [Unicode.Scalar]) -> Int? {
    let pattern = Array(word.unicodeScalars)
    guard text.count >= pattern.count else { return nil }
    return (0...(text.count - pattern.count)).first {
      text[$0..<($0 + pattern.count)].elementsEqual(pattern)
    }
  }

  /// The line of `range` and the one before it; a line beyond the width is cut.
  func excerpt(of range: SourceRange) -> [Diagnostic.ExcerptLine] {
    guard range.line >= 1, range.line <= lines.count else { return [] }
    let first = max(1, range.line - 1)
    return (first...range.line).map { number in
      let text = line(number)
      let cut = text.unicodeScalars.count > Limits.excerptColumnsMax && range.column < 120
      guard cut else { return Diagnostic.ExcerptLine(number: number, text: text) }
      var short = String.UnicodeScalarView()
      short.append(contentsOf: text.unicodeScalars.prefix(Limits.excerptColumnsMax))
      return Diagnostic.ExcerptLine(number: number, text: String(short) + "…")
    }
  }
}
