internal import LogModel

/// The lines of a configuration file as a diagnostic may show them.
///
/// Only lines that are shown are ever decoded: a file may be a megabyte without a mistake.
struct SourceText {
  private let bytes: [UInt8]
  private var lines: [Range<Int>] = []
  private var masks: [SourceRange] = []
  /// What follows `accessKey:` and the like is masked by its looks, for want of a tree.
  private let masksByWords: Bool
  /// The last lines that were decoded, by number.
  private var decoded: [Int: [Unicode.Scalar]] = [:]

  init(_ bytes: [UInt8], masksByWords: Bool = true) {
    self.bytes = bytes
    self.masksByWords = masksByWords
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var at = start
    while at < bytes.count {
      let length = Self.lineBreak(bytes, at)
      if length > 0 {
        lines.append(start..<at)
        start = at + length
      }
      at += max(length, 1)
    }
    lines.append(start..<bytes.count)
  }

  /// Makes a value one that no output may show.
  mutating func mask(_ range: SourceRange) { masks.append(range) }

  /// A line by its number from 1; empty when there is none.
  mutating func line(_ number: Int) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars(number))
    return String(text)
  }

  /// The line of `range` and the two before it; of wide lines the part around the column.
  mutating func excerpt(of range: SourceRange) -> [Diagnostic.ExcerptLine] {
    guard range.line >= 1, range.line <= lines.count else { return [] }
    let widest = Limits.excerptColumnsMax
    // All lines are moved alike, so that they still stand below each other.
    let start = range.column > widest * 3 / 4 ? range.column - widest / 2 : 0
    var excerpt: [Diagnostic.ExcerptLine] = []
    for number in max(1, range.line - 2)...range.line {
      let whole = scalars(number)
      let part = whole.dropFirst(start).prefix(widest)
      var text = String.UnicodeScalarView(part)
      if start > 0 { text.insert("…", at: text.startIndex) }
      if start + part.count < whole.count { text.append("…") }
      let shift = start > 0 ? start - 1 : 0
      excerpt.append(Diagnostic.ExcerptLine(number: number, text: String(text), shift: shift))
    }
    return excerpt
  }

  private mutating func scalars(_ number: Int) -> [Unicode.Scalar] {
    if let known = decoded[number] { return known }
    guard number >= 1, number <= lines.count else { return [] }
    let text = String(decoding: bytes[lines[number - 1]], as: UTF8.self)
    var line = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      let isControl = scalar.value < 0x20 && scalar != "\t" || (0x7F...0x9F).contains(scalar.value)
      return isControl ? "?" : scalar
    }
    for mask in masks where (mask.line...max(mask.line, mask.endLine)).contains(number) {
      let start = number == mask.line ? mask.column - 1 : 0
      let end = number == mask.endLine ? mask.endColumn - 1 : line.count
      Self.hide(&line, from: start, to: end)
    }
    if masksByWords { Self.maskByWords(&line) }
    if decoded.count >= 4 { decoded.removeAll() }
    decoded[number] = line
    return line
  }

  /// The length of a line break at `at`, or 0.
  ///
  /// YAML has five: CR LF, CR, LF, NEL, and LS or PS; the
  /// lines must be those that the parser counts, or a mask would miss its value.
  private static func lineBreak(_ bytes: [UInt8], _ at: Int) -> Int {
    switch bytes[at] {
    case 0x0A: return 1
    case 0x0D: return at + 1 < bytes.count && bytes[at + 1] == 0x0A ? 2 : 1
    case 0xC2: return at + 1 < bytes.count && bytes[at + 1] == 0x85 ? 2 : 0
    case 0xE2:
      guard at + 2 < bytes.count, bytes[at + 1] == 0x80 else { return 0 }
      return bytes[at + 2] == 0xA8 || bytes[at + 2] == 0xA9 ? 3 : 0
    default: return 0
    }
  }

  private static func hide(_ line: inout [Unicode.Scalar], from start: Int, to end: Int) {
    let end = min(end, line.count)
    guard start < end else { return }
    for index in start..<end { line[index] = "*" }
  }

  /// Hides what follows `accessKey:` and `apiKey:`, and the user part of addresses.
  private static func maskByWords(_ line: inout [Unicode.Scalar]) {
    for word in ["accessKey", "apiKey"] {
      var from = 0
      while let start = index(of: word, in: line, from: from) {
        from = start + word.utf8.count
        guard let value = line[from...].firstIndex(where: { !isOneOf($0, "\"': \t") }),
          line[value] != "$"
        else { continue }
        let end = line[value...].firstIndex { isOneOf($0, ",}\"'") } ?? line.count
        hide(&line, from: value, to: end)
      }
    }
    var from = 0
    while let scheme = index(of: "://", in: line, from: from) {
      from = scheme + 3
      let end = line[from...].firstIndex { isOneOf($0, " \t,}\"'") } ?? line.count
      if let at = line[from..<end].lastIndex(of: "@") { hide(&line, from: from, to: at) }
    }
  }

  private static func isOneOf(_ scalar: Unicode.Scalar, _ set: String) -> Bool {
    set.unicodeScalars.contains(scalar)
  }

  private static func index(of word: String, in line: [Unicode.Scalar], from: Int) -> Int? {
    let pattern = Array(word.unicodeScalars)
    guard let first = pattern.first, line.count >= from + pattern.count else { return nil }
    for start in from...(line.count - pattern.count) where line[start] == first {
      if line[start..<(start + pattern.count)].elementsEqual(pattern) { return start }
    }
    return nil
  }
}
