/// The formats that `$File()` reads besides YAML and JSON.
enum DirectiveFile {
  enum Kind {
    case yaml
    case environment
    case ini

    /// By the end of the name; nil for all others.
    init?(_ path: String) {
      let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
      if name == ".env" || name.hasPrefix(".env.") || name.hasSuffix(".env") {
        self = .environment
      } else if name.hasSuffix(".json") || name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
        self = .yaml
      } else if name.hasSuffix(".ini") {
        self = .ini
      } else {
        return nil
      }
    }
  }

  /// `NAME=value` lines, with or without `export` and quotes; `#` begins a comment.
  static func environment(_ bytes: [UInt8], at range: SourceRange) -> YAMLNode {
    var names: [String] = []
    var values: [String: String] = [:]
    for line in lines(bytes) where !line.hasPrefix("#") {
      let pair = line.hasPrefix("export ") ? trimmed(line.dropFirst(7)) : line
      guard let equals = pair.firstIndex(of: "=") else { continue }
      let name = String(trimmed(pair[..<equals]))
      if values[name] == nil { names.append(name) }
      values[name] = value(trimmed(pair[pair.index(after: equals)...]))
    }
    return map(names, at: range) { .text(values[$0] ?? "", at: range) }
  }

  /// `name = value` lines in `[sections]`; what stands before the first section is on top.
  static func ini(_ bytes: [UInt8], at range: SourceRange) -> YAMLNode {
    var names: [String] = []
    var top: [String: YAMLNode] = [:]
    var section: String?
    for line in lines(bytes) where !line.hasPrefix("#") && !line.hasPrefix(";") {
      if line.hasPrefix("["), line.hasSuffix("]") {
        section = String(trimmed(line.dropFirst().dropLast()))
        continue
      }
      guard let equals = line.firstIndex(of: "=") else { continue }
      let name = String(trimmed(line[..<equals]))
      let node = YAMLNode.text(value(trimmed(line[line.index(after: equals)...])), at: range)
      let key = section ?? name
      if top[key] == nil { names.append(key) }
      if section == nil {
        top[key] = node
      } else {
        var entries: [YAMLEntry] = []
        if case .map(let known) = top[key]?.content { entries = known }
        entries.removeAll { $0.key == name }
        entries.append(YAMLEntry(key: name, keyRange: range, value: node))
        top[key] = YAMLNode(content: .map(entries), range: range)
      }
    }
    return map(names, at: range) { top[$0] ?? .text("", at: range) }
  }

  private static func map(
    _ names: [String],
    at range: SourceRange,
    _ value: (String) -> YAMLNode
  ) -> YAMLNode {
    let entries = names.map { YAMLEntry(key: $0, keyRange: range, value: value($0)) }
    return YAMLNode(content: .map(entries), range: range)
  }

  private static func lines(_ bytes: [UInt8]) -> [Substring] {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map(trimmed).filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// Without its quotes, or without the comment behind it.
  private static func value(_ text: Substring) -> String {
    if let quote = text.first, quote == "\"" || quote == "'",
      let close = text.dropFirst().firstIndex(of: quote)
    {
      return String(text[text.index(after: text.startIndex)..<close])
    }
    var end = text.endIndex
    if let comment = text.firstRange(of: " #") { end = comment.lowerBound }
    return String(trimmed(text[..<end]))
  }
}
