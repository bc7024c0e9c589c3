internal import LogModel

/// The tree of a YAML file, built under bounds: no file can cost more than they allow.
///
/// Aliases are resolved into copies (which share memory), and counted as if they were written out.
/// A value that was reached through an alias keeps the place where it was written.
struct YAMLDocument {
  /// Nil when the file holds nothing but comments.
  private(set) var root: YAMLNode?
  private(set) var problems: [Diagnostic]

  private struct Open {
    var isMap: Bool
    var anchor: String?
    var range: SourceRange
    var items: [YAMLNode] = []
    var entries: [YAMLEntry] = []
    /// The place of every key so far, for duplicates.
    var keys: [String: SourceRange] = [:]
    var pendingKey: (text: String, range: SourceRange, isMerge: Bool)?
    /// What `<<` brings in, the first of a key winning; a key of the map's own wins over all.
    var merged: [YAMLEntry] = []
    /// Nodes inside, aliases written out.
    var nodes = 1
    /// Levels below this one.
    var height = 0
  }

  private struct Anchored {
    var node: YAMLNode
    var nodes: Int
    var height: Int
  }

  private let file: String
  /// CloudFormation's `!Sub` and the like are taken as the texts that they stand before.
  private let allowsTags: Bool
  private var open: [Open] = []
  private var anchors: [String: Anchored] = [:]
  private var nodeCount = 0
  private var documentCount = 0

  /// Parses a file; what is wrong with it is in `problems`, and then there may be no root.
  init(_ bytes: [UInt8], file: String, allowsTags: Bool = false) {
    self.file = file
    self.allowsTags = allowsTags
    problems = []
    guard bytes.count <= Limits.configurationBytesMax else {
      report(.wholeFile, "the file is larger than \(Limits.configurationBytesMax) bytes")
      return
    }
    let failure = YAMLParser.parse(bytes) { take($0) }
    if let failure {
      report(failure.range, failure.problem, help: Self.help(for: failure, in: bytes))
    }
  }

  /// Takes the next event; false ends the parse.
  private mutating func take(_ event: YAMLEvent) -> Bool {
    switch event.kind {
    case .border: return true
    case .documentStart:
      documentCount += 1
      if documentCount == 1 { return true }
      report(event.range, "a second document starts here", help: "keep one document in the file")
      return false
    case .scalar(let scalar, let anchor):
      if let tag = scalar.tag, !allowsTags, !Self.isKnown(tag) {
        report(
          event.range,
          "the tag `\(ValueReader.shortened(tag))` is not supported",
          help: "remove the tag"
        )
      }
      let node = YAMLNode(content: .scalar(scalar), range: event.range)
      return add(node, nodes: 1, height: 0, anchor: anchor)
    case .alias(let name):
      guard let target = anchors[name] else {
        let short = ValueReader.shortened(name)
        report(event.range, "the alias `*\(short)` has no anchor `&\(short)` that ends before it")
        return false
      }
      return add(
        target.node,
        nodes: target.nodes,
        height: target.height,
        anchor: nil,
        at: event.range
      )
    case .listStart(let anchor, _): return start(isMap: false, anchor: anchor, at: event.range)
    case .mapStart(let anchor, _): return start(isMap: true, anchor: anchor, at: event.range)
    case .listEnd, .mapEnd: return end(at: event.range)
    }
  }

  private mutating func start(isMap: Bool, anchor: String?, at range: SourceRange) -> Bool {
    if open.count >= Limits.configurationDepthMax {
      report(range, "nested deeper than \(Limits.configurationDepthMax) levels")
      return false
    }
    if let last = open.last, last.isMap, last.pendingKey == nil {
      report(range, "a key must be a plain word, not a list or a map", help: Self.bracesHelp)
      return false
    }
    open.append(Open(isMap: isMap, anchor: anchor, range: range))
    return true
  }

  private mutating func end(at range: SourceRange) -> Bool {
    guard let last = open.popLast() else { return false }
    var whole = last.range
    whole.endLine = range.endLine
    whole.endColumn = range.endColumn
    var entries = last.entries
    var known = Set(last.keys.keys)
    for entry in last.merged where known.insert(entry.key).inserted { entries.append(entry) }
    let content: YAMLNode.Content = last.isMap ? .map(entries) : .list(last.items)
    let node = YAMLNode(content: content, range: whole)
    return add(node, nodes: last.nodes, height: last.height + 1, anchor: last.anchor, closes: true)
  }

  /// Puts a complete node where it belongs; `nodes` is what it counts with aliases written out.
  private mutating func add(
    _ node: YAMLNode,
    nodes: Int,
    height: Int,
    anchor: String?,
    at range: SourceRange? = nil,
    closes: Bool = false
  ) -> Bool {
    let place = range ?? node.range
    // What is inside a collection was counted when it was added.
    nodeCount += closes ? 1 : nodes
    guard nodeCount <= Limits.configurationNodesMax else {
      report(
        place,
        "the file has more than \(Limits.configurationNodesMax) values with aliases resolved"
      )
      return false
    }
    guard open.count + height <= Limits.configurationDepthMax else {
      report(place, "nested deeper than \(Limits.configurationDepthMax) levels")
      return false
    }
    if let anchor { anchors[anchor] = Anchored(node: node, nodes: nodes, height: height) }
    guard !open.isEmpty else {
      root = node
      return true
    }
    let top = open.count - 1
    open[top].nodes += nodes
    open[top].height = max(open[top].height, height)
    guard open[top].isMap else {
      open[top].items.append(node)
      return true
    }
    guard let key = open[top].pendingKey else { return takeKey(node, at: place) }
    open[top].pendingKey = nil
    if key.isMerge {
      merge(node, at: key.range)
      return true
    }
    if let first = open[top].keys[key.text] {
      report(
        key.range,
        "the key `\(ValueReader.shortened(key.text))` is here twice",
        help: "the other one is at \(first.start); keep one of them"
      )
      return true
    }
    open[top].keys[key.text] = key.range
    open[top].entries.append(YAMLEntry(key: key.text, keyRange: key.range, value: node))
    return true
  }

  private mutating func takeKey(_ node: YAMLNode, at range: SourceRange) -> Bool {
    guard case .scalar(let scalar) = node.content else {
      report(range, "a key must be a plain word, not a list or a map", help: Self.bracesHelp)
      return false
    }
    let isMerge = scalar.text == "<<" && scalar.style == .plain
    open[open.count - 1].pendingKey = (scalar.text, range, isMerge)
    return true
  }

  /// `<<: *base`, which YAML 1.1 had and every reader of stacktape.yml still takes.
  ///
  /// What it brings in was counted with the alias.
  private mutating func merge(_ node: YAMLNode, at range: SourceRange) {
    var maps: [YAMLNode] = [node]
    if case .list(let items) = node.content { maps = items }
    for map in maps {
      guard case .map(let entries) = map.content else {
        report(range, "`<<` merges maps only", help: "such as `<<: *base`, with `&base` at a map")
        return
      }
      open[open.count - 1].merged += entries
    }
  }

  private mutating func report(_ range: SourceRange, _ message: String, help: String? = nil) {
    problems.append(Diagnostic(.error, file: file, at: range, message, help: help))
  }

  // MARK: words

  private static let bracesHelp = "quote it if it starts with `{`, `[` or `*`"

  private static func isKnown(_ tag: String) -> Bool {
    switch tag {
    case "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:bool",
      "tag:yaml.org,2002:float", "tag:yaml.org,2002:null":
      true
    default: false
    }
  }

  /// What usually led to one of libyaml's messages.
  private static func help(for failure: YAMLSyntaxError, in bytes: [UInt8]) -> String? {
    var source = SourceText(bytes)
    let line = source.line(failure.range.line)
    if failure.problem.contains("cannot start any token") {
      let start = line.drop { $0 == " " }
      if start.first == "\t" { return "indent with spaces: YAML takes no tabs" }
      return "quote the value: `\"…\"`"
    }
    if failure.problem.contains("mapping values are not allowed") {
      return "quote a value that holds `: `, and check the indentation"
    }
    if failure.problem.contains("could not find expected ':'") {
      return "write `key: value`, with a space after the colon"
    }
    if failure.problem.contains("did not find expected alphabetic") {
      return "quote a value that begins with `*` or `&`, such as a cron expression: `\"* * * * *\"`"
    }
    if failure.problem.contains("did not find expected ','"), line.contains("$"),
      line.contains("(")
    {
      return "quote a directive with commas inside `{ }` or `[ ]`: `\"$Format('{}-x', $Stage())\"`"
    }
    if failure.problem.contains("did not find expected") {
      return "check indentation, brackets and quotes here and on the line before"
    }
    return nil
  }
}
