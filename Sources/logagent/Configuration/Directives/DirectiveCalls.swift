internal import LogModel
internal import Platform

/// What each directive means on this machine.
extension DirectiveResolver {
  mutating func call(
    _ builtIn: Directive.BuiltIn,
    _ directive: Directive,
    _ arguments: [YAMLNode],
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    switch builtIn {
    case .stage:
      return known(
        context.stage,
        "the stage",
        help: "give `--stage`, set LOGAGENT_STAGE, or `stage` in logagent.yml",
        at: range
      )
    case .region:
      return known(context.region, "the region", help: "set `region` in logagent.yml", at: range)
    case .profile: return .text("", at: range)
    case .awsAccountID: return .text(context.awsAccountID, at: range)
    case .format, .cfFormat: return try format(builtIn, arguments, at: range)
    case .file: return try file(try text(directive, arguments, 0), at: range)
    case .fileRaw:
      let bytes = try bytes(of: try text(directive, arguments, 0))
      return .text(String(decoding: bytes, as: UTF8.self), at: range)
    case .cliArgs: return try cliArgument(directive, arguments, at: range)
    case .gitInfo: return try gitInformation(directive, arguments, at: range)
    case .secret:
      return value(of: try SecretReference(named: try text(directive, arguments, 0)), at: range)
    case .ssmParam:
      return value(of: try SecretReference(parameter: try text(directive, arguments, 0)), at: range)
    case .resourceParam, .cfResourceParam, .stackOutput, .cfStackOutput:
      return parameter(
        builtIn,
        try text(directive, arguments, 0),
        try text(directive, arguments, 1),
        at: range
      )
    case .variable, .this:
      // Both look into the file, which the resolver does itself.
      throw DirectiveProblem("`\(directive.shown)` takes no arguments")
    }
  }

  // MARK: arguments

  private func text(
    _ directive: Directive,
    _ arguments: [YAMLNode],
    _ index: Int
  ) throws(DirectiveProblem) -> String {
    guard index < arguments.count else {
      throw DirectiveProblem(
        "`\(directive.shown)` needs \(index + 1) argument\(index == 0 ? "" : "s")",
        help: Self.example(directive)
      )
    }
    guard case .scalar(let scalar) = arguments[index].content, !scalar.text.isEmpty else {
      throw DirectiveProblem("argument \(index + 1) of `\(directive.shown)` must be a text")
    }
    return scalar.text
  }

  private static func example(_ directive: Directive) -> String? {
    switch directive.builtIn {
    case .secret: "such as `$Secret('datadog.apiKey')`"
    case .ssmParam: "such as `$SsmParam('/shop/key')`"
    case .file, .fileRaw: "such as `$\(directive.name)('settings.json')`"
    case .cliArgs: "such as `$CliArgs('days', 30)`"
    case .gitInfo: "one of `commit`, `branch`, `username`, `gitUrl`"
    case .resourceParam, .cfResourceParam: "such as `$\(directive.name)('mainDb', 'host')`"
    case .stackOutput, .cfStackOutput: "such as `$\(directive.name)('other-prod', 'url')`"
    default: nil
    }
  }

  private func known(
    _ text: String?,
    _ subject: String,
    help: String,
    at range: SourceRange
  ) -> YAMLNode {
    if let text { return .text(text, at: range) }
    return .unresolved("\(subject) is not known", help: help, at: range)
  }

  // MARK: texts

  private func format(
    _ builtIn: Directive.BuiltIn,
    _ arguments: [YAMLNode],
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    let name = "$\(builtIn.rawValue)()"
    guard case .scalar(let scalar) = arguments.first?.content else {
      throw DirectiveProblem("`\(name)` needs a text with `{}` in it", help: "`$Format('{}-x', …)`")
    }
    var pieces: [String] = [""]
    var rest = scalar.text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "{", rest.first == "}" {
        rest.removeFirst()
        pieces.append("")
      } else {
        pieces[pieces.count - 1].unicodeScalars.append(scalar)
      }
    }
    guard pieces.count == arguments.count else {
      throw DirectiveProblem(
        "`\(name)` has \(pieces.count - 1) `{}` for \(arguments.count - 1) values"
      )
    }
    var text = pieces[0]
    var isSecret = false
    for (value, piece) in zip(arguments.dropFirst(), pieces.dropFirst()) {
      switch value.content {
      case .scalar(let scalar): text += scalar.text
      case .secret(let secret):
        text += secret.reveal()
        isSecret = true
      case .list, .map, .unresolved:
        throw DirectiveProblem("a value of `\(name)` is \(value.kindDescription), not a text")
      }
      text += piece
      guard text.utf8.count <= Limits.directiveBytesMax else {
        throw DirectiveProblem("`\(name)` makes more than \(Limits.directiveBytesMax) bytes")
      }
    }
    if isSecret { return YAMLNode(content: .secret(Secret(text)), range: range) }
    return .text(text, at: range)
  }

  private func cliArgument(
    _ directive: Directive,
    _ arguments: [YAMLNode],
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    let name = try text(directive, arguments, 0)
    if let value = context.arguments[name] { return .plain(value, at: range) }
    switch name {
    case "stage": if let stage = context.stage { return .text(stage, at: range) }
    case "region": if let region = context.region { return .text(region, at: range) }
    case "projectName": if let project = context.project { return .text(project, at: range) }
    default: break
    }
    if arguments.count > 1 { return arguments[1] }
    return .unresolved(
      "`\(directive.shown)` has no `\(ValueReader.shortened(name))`",
      help: "give `--arg \(ValueReader.shortened(name))=VALUE`",
      at: range
    )
  }

  // MARK: files

  private mutating func bytes(of path: String) throws(DirectiveProblem) -> [UInt8] {
    let shown = ValueReader.shortened(path)
    guard let directory = context.directory else {
      throw DirectiveProblem("`\(shown)` cannot be read: there is no folder to look into")
    }
    note(file: path)
    do throws(ConfinedFile.Refusal) {
      return try ConfinedFile.read(path, below: directory, atMost: Limits.directiveFileBytesMax)
    } catch {
      switch error {
      case .outside:
        throw DirectiveProblem(
          "`\(shown)` leads out of the configuration's folder",
          help: "only files below the folder of this file are read"
        )
      case .symbolicLink:
        throw DirectiveProblem(
          "`\(shown)` is, or leads through, a symbolic link",
          help: "put the file itself there"
        )
      case .notAFile: throw DirectiveProblem("`\(shown)` is not a file")
      case .tooLarge:
        throw DirectiveProblem("`\(shown)` is larger than \(Limits.directiveFileBytesMax) bytes")
      case .failed(let error): throw DirectiveProblem("`\(shown)`: \(error.reason)")
      }
    }
  }

  private mutating func file(
    _ path: String,
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    guard let kind = DirectiveFile.Kind(path) else {
      throw DirectiveProblem(
        "`$File()` reads .env, .json, .yml, .yaml and .ini files",
        help: "`$FileRaw()` takes any file as a text"
      )
    }
    let bytes = try bytes(of: path)
    switch kind {
    case .environment: return DirectiveFile.environment(bytes, at: range)
    case .ini: return DirectiveFile.ini(bytes, at: range)
    case .yaml:
      let document = YAMLDocument(bytes, file: path)
      // The file's own text may hold secrets, so only the place of its mistake is shown.
      if let problem = document.problems.first {
        throw DirectiveProblem(
          "`\(ValueReader.shortened(path))` is not valid: line \(problem.line)",
          help: "`logagent check` does not read it by itself; mend it there"
        )
      }
      return (document.root ?? .plain("", at: range)).placed(at: range)
    }
  }

  // MARK: what AWS or git knows

  private func gitInformation(
    _ directive: Directive,
    _ arguments: [YAMLNode],
    at range: SourceRange
  ) throws(DirectiveProblem) -> YAMLNode {
    let name = directive.arguments.isEmpty ? directive.path.first : nil
    let wanted: String
    if let name { wanted = name } else { wanted = try text(directive, arguments, 0) }
    guard let field = GitInformation.Field(rawValue: wanted) else {
      throw DirectiveProblem(
        "`$GitInfo()` does not know that",
        help: "one of "
          + GitInformation.Field.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
      )
    }
    let found = context.directory.flatMap { GitInformation(searchingFrom: $0)?.value(of: field) }
    guard let found else {
      return .unresolved(
        "`$GitInfo()` finds no `\(field.rawValue)` in `.git`",
        help: "git is never run; only its files are read",
        at: range
      )
    }
    return name == nil
      ? .text(found, at: range)
      : YAMLNode(
        content: .map([
          YAMLEntry(key: name ?? "", keyRange: range, value: .text(found, at: range))
        ]),
        range: range
      )
  }

  private func value(of reference: SecretReference, at range: SourceRange) -> YAMLNode {
    switch context.secrets.resolve(reference) {
    case .found(let secret): YAMLNode(content: .secret(secret), range: range)
    case .missing(let reason, let help): .unresolved(reason, help: help, at: range)
    }
  }

  private func parameter(
    _ builtIn: Directive.BuiltIn,
    _ owner: String,
    _ name: String,
    at range: SourceRange
  ) -> YAMLNode {
    if let value = context.parameters[owner]?[name] {
      return YAMLNode(content: .secret(value), range: range)
    }
    if builtIn == .resourceParam, let arn = syntheticARN(owner, name) {
      return .text(arn, at: range)
    }
    let shown = "params: { \(ValueReader.shortened(owner)): { "
    return .unresolved(
      "`$\(builtIn.rawValue)()` is known on AWS only",
      help: "give it in logagent.yml: `\(shown)\(ValueReader.shortened(name)): … } }`",
      at: range
    )
  }

  /// Names that stay the same for the same resource, for whatever only wants to tell them apart.
  private func syntheticARN(_ resource: String, _ name: String) -> String? {
    guard let stack = context.stack, let type = resourceType(resource) else { return nil }
    let place = "\(context.region ?? "local"):\(context.awsAccountID)"
    let group =
      type == .batchJob
      ? ResourceName.batchGroup(stack: stack, resource: resource)
      : ResourceName.containerGroup(
        stack: stack,
        resource: resource,
        container: ResourceName.defaultContainer
      )
    switch name {
    case "logGroupArn": return "arn:aws:logs:\(place):log-group:\(group.name):*"
    case "jobDefinitionArn" where type == .batchJob:
      return "arn:aws:batch:\(place):job-definition/\(stack)-\(resource)"
    case "stateMachineArn" where type == .batchJob:
      return "arn:aws:states:\(place):stateMachine:\(stack)-\(resource)"
    default: return nil
    }
  }

  private func resourceType(_ resource: String) -> ResourceType? {
    guard let type = context.root?["resources"]?[resource]?["type"],
      case .scalar(let scalar) = type.content
    else { return nil }
    return ResourceType(rawValue: scalar.text)
  }
}

extension YAMLNode {
  static func unresolved(_ reason: String, help: String?, at range: SourceRange) -> YAMLNode {
    YAMLNode(content: .unresolved(UnresolvedValue(reason: reason, help: help)), range: range)
  }

  /// A member of a map.
  subscript(key: String) -> YAMLNode? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }
}
