internal import LogModel
internal import Platform

/// Takes from a stacktape.yml what matters on this machine.
///
/// `logging` is checked strictly; everything else may be anything that AWS takes, and is looked at
/// only on the way there. So nothing that logagent does not use is ever a reason to complain.
struct StacktapeDecoder {
  /// A resource with its place in the file.
  struct Found {
    var name: String
    var range: SourceRange
    var resource: StacktapeResource
  }

  /// The keys of a stacktape.yml, for the one question whether `resorces` was meant to be one.
  static let rootKeys = [
    "serviceName", "providerConfig", "variables", "budgetControl", "hooks", "scripts", "directives",
    "deploymentConfig", "stackConfig", "resources", "cloudformationResources",
  ]

  var logging: LoggingDecoder
  /// What logagent.yml says of resources, by simplified name.
  private let overrides: [String: ResourceLogging]

  var values: ValueReader {
    get { logging.values }
    _modify { yield &logging.values }
  }

  init(
    file: String,
    context: DirectiveContext,
    isReadableByAll: Bool,
    allowsInsecure: Bool,
    overrides: [String: ResourceLogging]
  ) {
    logging = LoggingDecoder(file: file, context: context, isReadableByAll: isReadableByAll)
    logging.isStacktape = true
    logging.allowsInsecure = allowsInsecure
    self.overrides = overrides
  }

  mutating func decode(_ root: YAMLNode) -> [Found] {
    guard case .map(let entries) = root.content else {
      values.error(root.range.firstLine, "a stacktape.yml is a map, found \(root.kindDescription)")
      return []
    }
    logging.directives.context.root = root
    logging.directives.context.custom = Self.customDirectives(root)
    readServiceName(root)
    for entry in entries where !Self.rootKeys.contains(entry.key) {
      guard let near = NearestName.find(entry.key, among: Self.rootKeys), near == "resources" else {
        continue
      }
      let shown = ValueReader.shortened(entry.key)
      values.error(entry.keyRange, "unknown key `\(shown)`", help: "did you mean `resources`?")
    }
    guard let resources = entries.first(where: { $0.key == "resources" }) else {
      values.warn(.at(line: 1, column: 1), "the file has no `resources`")
      return []
    }
    let node = logging.resolve(resources.value)
    var found: [Found] = []
    for entry in values.entries(node, "resources") ?? [] {
      guard isName(entry) else { continue }
      guard let resource = resource(entry) else { continue }
      found.append(Found(name: entry.key, range: entry.keyRange, resource: resource))
    }
    return found
  }

  /// `serviceName` is the project, where nothing newer names one.
  private mutating func readServiceName(_ root: YAMLNode) {
    guard logging.directives.context.project == nil, let name = root["serviceName"],
      case .scalar(let scalar) = logging.resolve(name).content, !scalar.text.isEmpty
    else { return }
    logging.directives.context.project = scalar.text
  }

  private static func customDirectives(_ root: YAMLNode) -> Set<String> {
    guard case .list(let items) = root["directives"]?.content else { return [] }
    var names: Set<String> = []
    for item in items {
      if case .scalar(let scalar) = item["name"]?.content { names.insert(scalar.text) }
    }
    return names
  }

  private mutating func isName(_ entry: YAMLEntry) -> Bool {
    let isRight =
      !entry.key.isEmpty && entry.key.utf8.count <= Limits.configuredNameBytesMax
      && entry.key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    if !isRight {
      values.error(
        entry.keyRange,
        "a resource's name has letters and digits only",
        help: "Stacktape takes no other"
      )
    }
    return isRight
  }

  // MARK: one resource

  private mutating func resource(_ entry: YAMLEntry) -> StacktapeResource? {
    let node = logging.resolve(entry.value)
    if skip(node, of: entry.key) { return nil }
    let path = "resources.\(entry.key)"
    guard let members = values.entries(node, path) else { return nil }
    guard let typeEntry = members.first(where: { $0.key == "type" }) else {
      values.error(entry.keyRange, "the resource `\(entry.key)` lacks `type`")
      return nil
    }
    guard let type = type(typeEntry) else { return nil }
    for member in members where !["type", "properties", "overrides"].contains(member.key) {
      guard let near = NearestName.find(member.key, among: ["type", "properties", "overrides"])
      else { continue }
      values.error(
        member.keyRange,
        "unknown key `\(ValueReader.shortened(member.key))` in `\(path)`",
        help: "did you mean `\(near)`?"
      )
    }
    var resource = StacktapeResource(
      type: type,
      project: logging.directives.context.project,
      stage: logging.directives.context.stage
    )
    guard let properties = members.first(where: { $0.key == "properties" }) else {
      return resource
    }
    let inside = logging.resolve(properties.value)
    if inside.isNull || inside.isUnresolved { return resource }
    guard let entries = values.entries(inside, "\(path).properties") else { return resource }
    checkSpelling(entries, type, "\(path).properties")
    readLogging(inside, type, path, override: override(of: entry.key), into: &resource)
    if type == .batchJob {
      resource.batchJob = batchJob(inside)
      if case .image(let image, _) = resource.batchJob?.packaging { resource.image = image }
    } else {
      resource.image = image(of: inside)
    }
    return resource
  }

  /// Without its definition a resource is like one that the file does not have.
  private mutating func skip(_ node: YAMLNode, of key: String) -> Bool {
    guard case .unresolved(let value) = node.content else { return false }
    if !value.isReported {
      values.warn(
        node.range.firstLine,
        "`\(key)`: \(value.reason), so this resource is left out",
        help: "describe it in logagent.yml, under `resources`"
      )
    }
    return true
  }

  private mutating func type(_ entry: YAMLEntry) -> ResourceType? {
    let node = logging.resolve(entry.value)
    if skip(node, of: "type") { return nil }
    guard let text = values.text(YAMLEntry(key: "type", keyRange: entry.keyRange, value: node))
    else { return nil }
    if let type = ResourceType(rawValue: text) { return type }
    // A type that is not known here may be newer than logagent; one that is nearly known is not.
    let known = ResourceType.allCases.map(\.rawValue)
    if !ResourceType.withoutLogs.contains(text), let near = NearestName.find(text, among: known) {
      values.warn(
        node.range,
        "`\(ValueReader.shortened(text))` is no resource type that logagent knows",
        help: "did you mean `\(near)`?"
      )
    }
    return nil
  }

  private func override(of name: String) -> ResourceLogging {
    overrides[ResourceName.simplified(name)] ?? ResourceLogging()
  }

  // MARK: logging

  private mutating func readLogging(
    _ properties: YAMLNode,
    _ type: ResourceType,
    _ path: String,
    override: ResourceLogging,
    into resource: inout StacktapeResource
  ) {
    let path = "\(path).properties"
    switch type.loggingPlace {
    case .properties:
      resource.logging = logging(in: properties, type, path, override)
    case .propertiesAndSideContainers:
      resource.logging = logging(in: properties, type, path, override)
      resource.containers = containers("sideContainers", in: properties, type, path, override)
    case .containers:
      if let entry = properties.entry("logging") {
        values.error(
          entry.keyRange,
          "a `\(type.rawValue)` has no `logging` of its own",
          help: "give it to each of `containers`"
        )
      }
      resource.containers = containers("containers", in: properties, type, path, override)
    case .serverLambda:
      guard let lambda = properties["serverLambda"] else { return }
      let node = logging.resolve(lambda)
      resource.logging = logging(in: node, type, "\(path).serverLambda", override)
    case .members(let names):
      for name in names {
        guard let member = properties[name] else { continue }
        let node = logging.resolve(member)
        let kind = name == "database" ? ResourceType.relationalDatabase : type
        resource.containers.append(
          .init(name: name, logging: logging(in: node, kind, "\(path).\(name)", override))
        )
      }
    case .kinds(let names):
      guard var entry = properties.entry("logging") else { return }
      entry.value = logging.resolve(entry.value)
      if entry.value.isNull { return }
      let keys = values.map(entry.value, "\(path).logging", known: names)
      for name in names {
        guard let entry = keys[name] else {
          resource.containers.append(.init(name: name))
          continue
        }
        let read = logging.read(entry, "\(path).logging.\(name)", override: override)
        resource.containers.append(.init(name: name, logging: read.logging))
      }
    }
  }

  private mutating func logging(
    in node: YAMLNode,
    _ type: ResourceType,
    _ path: String,
    _ override: ResourceLogging
  ) -> ResourceLogging {
    guard let entry = node.entry("logging") else { return ResourceLogging() }
    return logging.read(
      entry,
      "\(path).logging",
      further: type.furtherLoggingKeys,
      override: override
    ).logging
  }

  private mutating func containers(
    _ key: String,
    in properties: YAMLNode,
    _ type: ResourceType,
    _ path: String,
    _ override: ResourceLogging
  ) -> [StacktapeResource.Container] {
    guard let list = properties[key] else { return [] }
    guard case .list(let items) = logging.resolve(list).content else { return [] }
    var containers: [StacktapeResource.Container] = []
    for (index, item) in items.enumerated() {
      let node = logging.resolve(item)
      guard case .map(let entries) = node.content else { continue }
      let place = "\(path).\(key)[\(index)]"
      checkSpelling(entries, type, place)
      let logging = logging(in: node, type, place, override)
      guard let name = node.entry("name") else {
        values.error(node.range.firstLine, "a container of `\(key)` lacks `name`")
        continue
      }
      guard case .scalar(let scalar) = self.logging.resolve(name.value).content,
        !scalar.text.isEmpty
      else { continue }
      if let first = containers.first(where: { ResourceName.isSame($0.name, scalar.text) }) {
        values.error(
          name.value.range,
          "two containers of `\(key)` are called `\(ValueReader.shortened(first.name))`",
          help: "names are compared without case and without `-`, `_` and `.`"
        )
        continue
      }
      containers.append(.init(name: scalar.text, logging: logging, image: image(of: node)))
    }
    return containers
  }

  /// `loging` must not be taken for something of AWS's.
  private mutating func checkSpelling(
    _ entries: [YAMLEntry],
    _ type: ResourceType,
    _ path: String
  ) {
    for entry in entries where entry.key != "logging" {
      let bytes = Array(entry.key.lowercased().utf8.prefix(64))
      guard NearestName.distance(bytes, Array("logging".utf8)) <= 2 else { continue }
      values.error(
        entry.keyRange,
        "unknown key `\(ValueReader.shortened(entry.key))` in `\(path)`",
        help: "did you mean `logging`?"
      )
    }
  }

  /// The prebuilt image that a container of this definition runs.
  private mutating func image(of node: YAMLNode) -> String? {
    if let image = node["image"], case .scalar(let scalar) = logging.resolve(image).content {
      return scalar.text
    }
    guard let packaging = node["packaging"] else { return nil }
    let definition = logging.resolve(packaging)
    guard case .scalar(let type) = definition["type"]?.content, type.text == "prebuilt-image",
      let properties = definition["properties"],
      let image = logging.resolve(properties)["image"],
      case .scalar(let scalar) = logging.resolve(image).content
    else { return nil }
    return scalar.text
  }
}

extension YAMLNode {
  /// A member of a map, with its key.
  func entry(_ key: String) -> YAMLEntry? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key == key }
  }
}
