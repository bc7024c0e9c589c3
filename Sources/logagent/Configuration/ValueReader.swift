internal import LogModel
internal import Platform

/// Reads typed values from nodes, and collects what is wrong with them.
///
/// Every method reports at the value's own place and then goes on: one run finds everything.
struct ValueReader {
  let file: String
  private(set) var diagnostics: [Diagnostic] = []
  /// Places of values that no output may show.
  private(set) var secretRanges: [SourceRange] = []

  init(file: String) { self.file = file }

  mutating func error(_ range: SourceRange, _ message: String, help: String? = nil) {
    diagnostics.append(Diagnostic(.error, file: file, at: range, message, help: help))
  }

  mutating func warn(_ range: SourceRange, _ message: String, help: String? = nil) {
    diagnostics.append(Diagnostic(.warning, file: file, at: range, message, help: help))
  }

  mutating func hide(_ range: SourceRange) { secretRanges.append(range) }

  /// The entries of a map by key; keys that are not `known` are reported with the nearest one.
  mutating func map(
    _ node: YAMLNode,
    _ name: String,
    known: [String]
  ) -> [String: YAMLEntry] {
    guard let entries = entries(node, name) else { return [:] }
    var found: [String: YAMLEntry] = [:]
    for entry in entries {
      if known.contains(entry.key) {
        found[entry.key] = entry
        continue
      }
      let place = name.isEmpty ? "" : " in `\(name)`"
      let help: String
      if let nearest = NearestName.find(entry.key, among: known) {
        help = "did you mean `\(nearest)`?"
      } else {
        help = "known here: " + known.map { "`\($0)`" }.joined(separator: ", ")
      }
      error(entry.keyRange, "unknown key `\(Self.shortened(entry.key))`\(place)", help: help)
    }
    return found
  }

  /// All entries of a map whose keys are names of the user's.
  mutating func entries(_ node: YAMLNode, _ name: String) -> [YAMLEntry]? {
    if case .map(let entries) = node.content { return entries }
    let subject = name.isEmpty ? "the file" : "`\(name)`"
    if reportUnresolved(node, subject) { return nil }
    error(node.range.firstLine, "\(subject) must be a map of keys, found \(node.kindDescription)")
    return nil
  }

  mutating func bool(_ entry: YAMLEntry) -> Bool? {
    if case .scalar(let scalar) = entry.value.content {
      if case .bool(let value) = scalar.value { return value }
      if scalar.style == .plain, let meant = Self.oldBoolean(scalar.text) {
        warn(
          entry.value.range,
          "`\(scalar.text)` is text in YAML 1.2; `\(entry.key)` takes it as `\(meant)`",
          help: "write `\(meant)`"
        )
        return meant
      }
    }
    var help: String?
    if case .scalar(let scalar) = entry.value.content, scalar.style != .plain,
      ["true", "false"].contains(scalar.text)
    {
      help = "remove the quotes"
    }
    mismatch(entry, "`true` or `false`", help: help)
    return nil
  }

  /// `yes`, `on` and their opposites, which were booleans in YAML 1.1.
  static func oldBoolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "yes", "on", "y": true
    case "no", "off", "n": false
    default: nil
    }
  }

  /// `help` is for what is no number at all.
  mutating func integer(
    _ entry: YAMLEntry,
    in allowed: ClosedRange<Int>,
    help: String? = nil
  ) -> Int? {
    let expected = "an integer from \(allowed.lowerBound) to \(allowed.upperBound)"
    guard case .scalar(let scalar) = entry.value.content, case .integer(let value) = scalar.value
    else {
      var help = help
      if case .scalar(let scalar) = entry.value.content, scalar.style != .plain,
        Int(scalar.text) != nil
      {
        help = "remove the quotes"
      }
      mismatch(entry, expected, help: help)
      return nil
    }
    guard let number = Int(exactly: value), allowed.contains(number) else {
      error(entry.value.range, "`\(entry.key)` must be \(expected), found \(value)")
      return nil
    }
    return number
  }

  /// A text that is not empty; numbers count as the text that they were written as.
  mutating func text(_ entry: YAMLEntry) -> String? {
    guard case .scalar(let scalar) = entry.value.content else {
      mismatch(entry, "a text")
      return nil
    }
    switch scalar.value {
    case .null, .bool:
      mismatch(entry, "a text", help: scalar.value == .null ? nil : "quote it")
      return nil
    case .integer, .float, .string: break
    }
    if scalar.text.isEmpty {
      error(entry.value.range, "`\(entry.key)` must not be empty")
      return nil
    }
    if scalar.text.unicodeScalars.contains("\0") {
      error(entry.value.range, "`\(entry.key)` must not hold a NUL character")
      return nil
    }
    return scalar.text
  }

  /// One of a closed set of words.
  mutating func word<Word: RawRepresentable<String> & CaseIterable>(
    _ entry: YAMLEntry,
    _ type: Word.Type
  ) -> Word? {
    let words = Word.allCases.map(\.rawValue)
    let list = words.map { "`\($0)`" }.joined(separator: ", ")
    guard case .scalar(let scalar) = entry.value.content, case .string(let text) = scalar.value
    else {
      mismatch(entry, "one of \(list)")
      return nil
    }
    if let word = Word(rawValue: text) { return word }
    let nearest = NearestName.find(text, among: words)
    error(
      entry.value.range,
      "`\(entry.key)` must be one of \(list), found `\(Self.shortened(text))`",
      help: nearest.map { "did you mean `\($0)`?" }
    )
    return nil
  }

  /// A size in bytes, such as `1MiB`.
  mutating func byteSize(_ entry: YAMLEntry, in allowed: ClosedRange<Int>) -> Int? {
    guard let size = sizeText(entry).flatMap(ByteSize.parse) else {
      mismatch(entry, "a size", help: Self.sizeHelp)
      return nil
    }
    guard let value = Int(exactly: size), allowed.contains(value) else {
      let low = ByteSize.format(Int64(allowed.lowerBound))
      let high = ByteSize.format(Int64(allowed.upperBound))
      error(entry.value.range, "`\(entry.key)` must be from \(low) to \(high)")
      return nil
    }
    return value
  }

  /// A duration in seconds, such as `24h`.
  mutating func duration(_ entry: YAMLEntry, in allowed: ClosedRange<Int>) -> Int? {
    guard case .scalar(let scalar) = entry.value.content,
      let seconds = DurationText.parse(scalar.text)
    else {
      mismatch(entry, "a duration", help: "write it as `24h`, `90m`, `30s` or `7d`")
      return nil
    }
    guard allowed.contains(seconds) else {
      let low = DurationText.format(allowed.lowerBound)
      let high = DurationText.format(allowed.upperBound)
      error(entry.value.range, "`\(entry.key)` must be from \(low) to \(high)")
      return nil
    }
    return seconds
  }

  /// A size in bytes or a part of the disk; `auto` where that is allowed.
  mutating func diskAmount(_ entry: YAMLEntry, allowsAutomatic: Bool) -> DiskAmount? {
    let text = sizeText(entry)
    if allowsAutomatic, text == "auto" { return .automatic }
    if let part = text.flatMap(ByteSize.parsePercent) { return .hundredthsOfPercent(part) }
    guard let size = text.flatMap(ByteSize.parse) else {
      let expected = allowsAutomatic ? "a size, a percentage or `auto`" : "a size or a percentage"
      mismatch(entry, expected, help: Self.sizeHelp + ", or as `5%` (more than 0, at most 100)")
      return nil
    }
    guard size >= Limits.diskBytesMin else {
      error(
        entry.value.range,
        "`\(entry.key)` must be at least \(ByteSize.format(Int64(Limits.diskBytesMin)))",
        help: "a number without a unit counts bytes"
      )
      return nil
    }
    return .bytes(size)
  }

  private static let sizeHelp = "write it as `20GB` (decimal), `20GiB` (binary) or in bytes"

  private func sizeText(_ entry: YAMLEntry) -> String? {
    guard case .scalar(let scalar) = entry.value.content else { return nil }
    switch scalar.value {
    case .string, .integer: return scalar.text
    case .null, .bool, .float: return nil
    }
  }

  /// An absolute path.
  mutating func path(_ entry: YAMLEntry) -> String? {
    guard let text = text(entry) else { return nil }
    guard text.hasPrefix("/") else {
      let help = text.hasPrefix("unix:") ? "write the path alone, without `unix://`" : nil
      error(
        entry.value.range,
        "`\(entry.key)` must be an absolute path",
        help: help ?? "start it with `/`"
      )
      return nil
    }
    guard text.utf8.count < 4_096 else {
      error(entry.value.range, "`\(entry.key)` is longer than a path can be")
      return nil
    }
    return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  /// A text, or a list of texts with at least one.
  mutating func texts(_ entry: YAMLEntry) -> [(text: String, range: SourceRange)] {
    guard case .list(let items) = entry.value.content else {
      return text(entry).map { [($0, entry.value.range)] } ?? []
    }
    if items.isEmpty { error(entry.value.range.firstLine, "`\(entry.key)` must not be empty") }
    return items.compactMap { item in
      text(YAMLEntry(key: entry.key, keyRange: entry.keyRange, value: item)).map {
        ($0, item.range)
      }
    }
  }

  /// Says what was expected and what kind of value is there, but never the value.
  mutating func mismatch(_ entry: YAMLEntry, _ expected: String, help: String? = nil) {
    if reportUnresolved(entry.value, "`\(entry.key)`") { return }
    error(
      entry.value.range.isEmpty ? entry.keyRange : entry.value.range.firstLine,
      "`\(entry.key)` must be \(expected), found \(entry.value.kindDescription)",
      help: help
    )
  }

  /// A directive whose value is needed here and not known is an error of its own.
  private mutating func reportUnresolved(_ node: YAMLNode, _ subject: String) -> Bool {
    guard case .unresolved(let value) = node.content else { return false }
    if !value.isReported {
      error(node.range.firstLine, "\(subject): \(value.reason)", help: value.help)
    }
    return true
  }

  /// Takes what was found out about directives.
  mutating func take(_ reports: [DirectiveResolver.Report]) {
    for report in reports {
      diagnostics.append(
        Diagnostic(
          report.severity,
          file: file,
          at: report.range,
          report.message,
          help: report.help
        )
      )
    }
  }

  static func shortened(_ text: String) -> String {
    text.count > 60 ? text.prefix(60) + "…" : text
  }
}

extension SourceRange {
  /// Nothing was written there, as after `key:`.
  var isEmpty: Bool { line == endLine && column == endColumn }

  /// The part in the first line, so that a caret does not underline a whole block.
  var firstLine: SourceRange { endLine == line ? self : .at(line: line, column: column) }
}
