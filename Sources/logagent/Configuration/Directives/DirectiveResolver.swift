internal import LogModel
internal import Platform

/// Replaces directives by what they stand for on this machine.
///
/// A file can ask for endless work (values that refer to each other, texts that double), so depth,
/// steps and sizes are bounded, and a value that leads back to itself is found out.
struct DirectiveResolver {
  struct Report: Equatable {
    var severity: Diagnostic.Severity
    var range: SourceRange
    var message: String
    var help: String?
  }

  var context: DirectiveContext
  /// What is wrong with directives; the owner takes it.
  var reports: [Report] = []
  /// Files that were read for `$File()`, relative to the context's directory.
  private(set) var files: Set<String> = []
  private var steps = 0
  /// The paths below `$This()` that are being resolved right now.
  private var active: [String] = []

  init(_ context: DirectiveContext) { self.context = context }

  // MARK: nodes

  /// The node with every directive in it resolved.
  mutating func expand(_ node: YAMLNode) -> YAMLNode { expand(node, depth: 0) }

  /// The node itself, if it is a directive, resolved; what is inside stays as it is.
  mutating func resolve(_ node: YAMLNode) -> YAMLNode {
    guard case .scalar(let scalar) = node.content else { return node }
    switch Directive.read(scalar.text) {
    case .text: return node
    case .embedded(let name):
      reportEmbedded(name, at: node.range)
      return node
    case .malformed(let problem):
      return failed(problem, at: node.range)
    case .directive(let directive):
      do throws(DirectiveProblem) {
        return try evaluate(directive, at: node.range, depth: 1)
      } catch {
        return failed(error, at: node.range)
      }
    }
  }

  private mutating func expand(_ node: YAMLNode, depth: Int) -> YAMLNode {
    guard depth <= Limits.configurationDepthMax else {
      return failed(DirectiveProblem("directives make this nest too deep"), at: node.range)
    }
    var node = resolve(node)
    switch node.content {
    case .scalar, .secret, .unresolved: break
    case .list(let items): node.content = .list(items.map { expand($0, depth: depth + 1) })
    case .map(let entries):
      node.content = .map(
        entries.map { entry in
          var entry = entry
          entry.value = expand(entry.value, depth: depth + 1)
          return entry
        }
      )
    }
    return node
  }

  private mutating func reportEmbedded(_ name: String, at range: SourceRange) {
    let isSecret = name == "Secret" || name == "SsmParam"
    reports.append(
      Report(
        severity: isSecret ? .error : .warning,
        range: range.firstLine,
        message: "`$\(name)()` inside a longer text is not resolved",
        help: isSecret
          ? "make it the whole value, and put the whole text into the secret"
          : "make it the whole value, such as `$Format('{}-x', $\(name)(…))`"
      )
    )
  }

  private mutating func failed(_ problem: DirectiveProblem, at range: SourceRange) -> YAMLNode {
    reports.append(
      Report(
        severity: .error,
        range: range.firstLine,
        message: problem.message,
        help: problem.help
      )
    )
    let value = UnresolvedValue(reason: problem.message, help: problem.help, isReported: true)
    return YAMLNode(content: .unresolved(value), range: range)
  }

  // MARK: directives

  /// The value of a directive; its arguments and its path are resolved on the way.
  mutating func evaluate(
    _ directive: Directive,
    at range: SourceRange,
    depth: Int
  ) throws(DirectiveProblem) -> YAMLNode {
    steps += 1
    guard steps <= Limits.directiveStepsMax, depth <= Limits.configurationDepthMax else {
      throw DirectiveProblem("resolving `\(directive.shown)` takes too many steps")
    }
    guard let builtIn = directive.builtIn else { return try custom(directive, at: range) }
    if !builtIn.isRuntime {
      for case .directive(let inner) in directive.arguments where inner.builtIn?.isRuntime == true {
        throw DirectiveProblem(
          "`\(directive.shown)` cannot take `\(inner.shown)`, whose value is known on AWS only",
          help: builtIn == .format ? "use `$CfFormat()`" : nil
        )
      }
    }
    switch builtIn {
    case .variable, .this:
      let root = try member(of: builtIn, at: range)
      return try walk(root, directive, prefix: builtIn == .variable ? ["variables"] : [], depth)
    case .secret, .ssmParam:
      guard directive.path.isEmpty else {
        throw DirectiveProblem(
          "`\(directive.shown)` must be the whole value",
          help: "name the member inside: `$Secret('name.key')`"
        )
      }
    default: break
    }
    let arguments = try resolve(directive.arguments, of: directive, at: range, depth: depth)
    if let unresolved = arguments.first(where: \.isUnresolved) {
      return YAMLNode(content: unresolved.content, range: range)
    }
    let value = try call(builtIn, directive, arguments, at: range)
    return try walk(value, directive, prefix: nil, depth)
  }

  private func custom(
    _ directive: Directive,
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    guard context.custom.contains(directive.name) else {
      let near = NearestName.find(directive.name, among: Directive.BuiltIn.allCases.map(\.rawValue))
      throw DirectiveProblem(
        "there is no directive `\(directive.shown)`",
        help: near.map { "did you mean `$\($0)()`?" } ?? "the file's `directives` do not define it"
      )
    }
    let value = UnresolvedValue(
      reason: "`\(directive.shown)` is code of the file's `directives`, which is never run here",
      help: "set the value in logagent.yml, under `resources`"
    )
    return YAMLNode(content: .unresolved(value), range: range)
  }

  private mutating func resolve(
    _ arguments: [Directive.Argument],
    of directive: Directive,
    at range: SourceRange,
    depth: Int
  ) throws(DirectiveProblem) -> [YAMLNode] {
    var values: [YAMLNode] = []
    for argument in arguments {
      switch argument {
      case .quoted(let text): values.append(.text(text, at: range))
      case .plain(let text): values.append(.plain(text, at: range))
      case .directive(let inner):
        let value = try evaluate(inner, at: range, depth: depth + 1)
        values.append(YAMLNode(content: value.content, range: range))
      }
    }
    return values
  }

  private func member(
    of builtIn: Directive.BuiltIn,
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    guard let root = context.root else {
      throw DirectiveProblem("`$\(builtIn.rawValue)()` has no file to look into")
    }
    if builtIn == .this { return root }
    guard case .map(let entries) = root.content,
      let variables = entries.first(where: { $0.key == "variables" })
    else { throw DirectiveProblem("the file has no `variables`") }
    return variables.value
  }

  // MARK: paths

  /// Takes members along the directive's path; values on the way may be directives themselves.
  ///
  /// With a `prefix` the value is a part of the file, where it could lead back to itself.
  private mutating func walk(
    _ start: YAMLNode,
    _ directive: Directive,
    prefix: [String]?,
    _ depth: Int
  ) throws(DirectiveProblem) -> YAMLNode {
    var node = start
    var place = prefix ?? []
    for part in directive.path {
      if prefix != nil { node = try resolved(node, place, directive, depth) }
      if case .unresolved = node.content { return node }
      place.append(part)
      node = try step(node, part, directive)
    }
    return prefix == nil ? node : try resolved(node, place, directive, depth)
  }

  /// A value of the file that may be a directive, with the place kept in mind while it is resolved.
  private mutating func resolved(
    _ node: YAMLNode,
    _ place: [String],
    _ directive: Directive,
    _ depth: Int
  ) throws(DirectiveProblem) -> YAMLNode {
    guard case .scalar(let scalar) = node.content else { return node }
    switch Directive.read(scalar.text) {
    case .text, .embedded: return node
    case .malformed(let problem): throw problem
    case .directive(let inner):
      let name = place.joined(separator: ".")
      guard !active.contains(name) else {
        throw DirectiveProblem("`\(name)` leads back to itself", help: "break the circle")
      }
      active.append(name)
      defer { active.removeLast() }
      return try evaluate(inner, at: node.range, depth: depth + 1)
    }
  }

  private func step(
    _ node: YAMLNode,
    _ part: String,
    _ directive: Directive
  ) throws(DirectiveProblem) -> YAMLNode {
    switch node.content {
    case .map(let entries):
      if let entry = entries.first(where: { $0.key == part }) { return entry.value }
      let near = NearestName.find(part, among: entries.map(\.key))
      throw DirectiveProblem(
        "`\(directive.shown)` has no `\(ValueReader.shortened(part))`",
        help: near.map { "did you mean `\(ValueReader.shortened($0))`?" }
      )
    case .list(let items):
      if let index = Int(part), items.indices.contains(index) { return items[index] }
      throw DirectiveProblem(
        "`\(directive.shown)` is a list of \(items.count) there, and has no item "
          + "`\(ValueReader.shortened(part))`"
      )
    case .scalar, .secret, .unresolved:
      throw DirectiveProblem(
        "`\(directive.shown)` has no `\(ValueReader.shortened(part))`: it is no map there"
      )
    }
  }

  /// Remembers a file, for whoever watches what the configuration was made of.
  mutating func note(file: String) { files.insert(file) }
}

extension YAMLNode {
  /// A text whatever it looks like.
  static func text(_ text: String, at range: SourceRange) -> YAMLNode {
    YAMLNode(content: .scalar(YAMLScalar(text: text, style: .quoted)), range: range)
  }

  /// What the text stands for when it is written without quotes.
  static func plain(_ text: String, at range: SourceRange) -> YAMLNode {
    YAMLNode(content: .scalar(YAMLScalar(text: text, style: .plain)), range: range)
  }

  var isUnresolved: Bool {
    if case .unresolved = content { true } else { false }
  }

  /// The same with one place for everything in it.
  func placed(at range: SourceRange) -> YAMLNode {
    var node = self
    node.range = range
    switch content {
    case .scalar, .secret, .unresolved: break
    case .list(let items): node.content = .list(items.map { $0.placed(at: range) })
    case .map(let entries):
      node.content = .map(
        entries.map {
          YAMLEntry(key: $0.key, keyRange: range, value: $0.value.placed(at: range))
        }
      )
    }
    return node
  }
}
