internal import LogModel

/// Turns the tree of logagent.yml into a `Configuration`, and reports everything that is wrong.
///
/// What could not be read keeps its default, so that the rest is still checked; the caller does not
/// use the result of a file with errors.
struct ConfigurationDecoder {
  var logging: LoggingDecoder
  let choices: StackChoices
  /// Where the type of a resource stands, for whoever finds that a stacktape.yml says another.
  private(set) var typeRanges: [String: SourceRange] = [:]
  /// Where resources stand, by simplified names, and their rules.
  private(set) var resourceRanges: [String: SourceRange] = [:]
  private(set) var rules: [ResourcePlaces.Rule] = []

  var values: ValueReader {
    get { logging.values }
    _modify { yield &logging.values }
  }

  init(
    file: String,
    secrets: SecretResolver,
    choices: StackChoices = StackChoices(),
    isReadableByAll: Bool = false
  ) {
    var context = DirectiveContext(secrets: secrets)
    context.directory = secrets.directory
    context.arguments = choices.arguments
    logging = LoggingDecoder(file: file, context: context, isReadableByAll: isReadableByAll)
    self.choices = choices
  }

  mutating func decode(_ root: YAMLNode) -> Configuration {
    var configuration = Configuration()
    configuration.project = choices.project
    configuration.stage = choices.stage
    if root.isNull { return configuration }
    let keys = values.map(
      root,
      "",
      known: ConfigurationKeys.names(in: "")
    )
    // First, because whether an address is right depends on it.
    if let entry = keys["forward"] { configuration.forward = forward(entry) }
    logging.allowsInsecure = configuration.forward.allowInsecure
    readStack(keys, into: &configuration)
    logging.directives.context.take(configuration)
    logging.directives.context.root = root
    if let entry = keys["stacktape"] {
      configuration.stacktape = stacktape(entry)
      if configuration.stage == nil, configuration.stacktape.contains(where: { $0.stage == nil }) {
        values.warn(
          entry.keyRange,
          "`stacktape` has no stage, so log groups are not named as Stacktape names them",
          help: "set `project` and `stage`, or LOGAGENT_PROJECT and LOGAGENT_STAGE"
        )
      }
    }
    if let path = keys["dataDirectory"].flatMap({ values.path($0) }) {
      configuration.dataDirectory = path
    }
    if let entry = keys["sources"] { configuration.docker = sources(entry) }
    if let entry = keys["limits"] { configuration.limits = limits(entry) }
    if let entry = keys["store"] {
      let store = values.map(entry.value, "store", known: ConfigurationKeys.names(in: "store"))
      if let word = store["compression"].flatMap({
        values.word($0, StoreConfiguration.Compression.self)
      }) {
        configuration.store.compression = word
      }
    }
    if let entry = keys["defaults"] { configuration.defaults = defaults(entry) }
    if let entry = keys["retention"] {
      let keys = values.map(
        entry.value,
        "retention",
        known: ConfigurationKeys.names(in: "retention")
      )
      if let seconds = keys["shrinkGrace"].flatMap({
        values.duration($0, in: Limits.shrinkGraceSecondsAllowed)
      }) {
        configuration.retention.shrinkGraceSeconds = seconds
      }
    }
    if let entry = keys["resources"], !entry.value.isNull {
      configuration.resources = resources(entry)
    }
    return configuration
  }

  /// Who the stack is, and what AWS would know of it.
  private mutating func readStack(
    _ keys: [String: YAMLEntry],
    into configuration: inout Configuration
  ) {
    let project = keys["project"].flatMap { name($0) }
    let stage = keys["stage"].flatMap { name($0) }
    configuration.project = choices.project ?? project
    configuration.stage = choices.stage ?? stage
    if (configuration.project == nil) != (configuration.stage == nil) {
      checkStack(keys["project"], keys["stage"])
    }
    configuration.region = keys["region"].flatMap { name($0) }
    if let entry = keys["awsAccountId"], !entry.value.isNull, let text = values.text(entry) {
      if text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
        configuration.awsAccountID = text
      } else {
        values.error(entry.value.range, "`awsAccountId` must be 12 digits", help: "quote them")
      }
    }
    guard let entry = keys["params"], !entry.value.isNull else { return }
    let params = logging.expand(entry)
    for owner in values.entries(params.value, "params") ?? [] {
      for entry in values.entries(owner.value, "params.\(owner.key)") ?? [] {
        switch entry.value.content {
        case .secret(let secret):
          configuration.parameters[owner.key, default: [:]][entry.key] = secret
        case .unresolved: continue
        default:
          guard let text = values.text(entry) else { continue }
          configuration.parameters[owner.key, default: [:]][entry.key] = Secret(text)
        }
      }
    }
  }

  /// A name that becomes part of group names; null stands for not set.
  private mutating func name(_ entry: YAMLEntry) -> String? {
    if entry.value.isNull { return nil }
    guard let text = values.text(entry) else { return nil }
    guard Self.isName(text, extra: "-_") else {
      values.error(
        entry.value.range,
        "`\(entry.key)` may hold letters, digits, `-` and `_` only",
        help: "it becomes part of log group names"
      )
      return nil
    }
    return text
  }

  private static func isName(_ text: String, extra: String) -> Bool {
    !text.isEmpty && text.utf8.count <= Limits.configuredNameBytesMax
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || extra.contains($0)) }
  }

  private mutating func checkStack(_ project: YAMLEntry?, _ stage: YAMLEntry?) {
    let hasProject = project.map { !$0.value.isNull } ?? false
    let hasStage = stage.map { !$0.value.isNull } ?? false
    guard hasProject != hasStage, let entry = hasProject ? project : stage else { return }
    let other = hasProject ? "stage" : "project"
    values.warn(
      entry.keyRange,
      "`\(entry.key)` names no stack without `\(other)`",
      help: "add `\(other)`: log groups are then named /stp/{project}-{stage}/…"
    )
  }

  /// Paths, or maps with a path and a stack of its own.
  private mutating func stacktape(_ entry: YAMLEntry) -> [StacktapeFile] {
    if entry.value.isNull { return [] }
    guard case .list(let items) = entry.value.content else {
      values.mismatch(entry, "a list", help: "such as `[/srv/shop/stacktape.yml]`")
      return []
    }
    if items.count > Limits.stacktapeFilesMax {
      values.error(entry.keyRange, "`stacktape` has more than \(Limits.stacktapeFilesMax) files")
    }
    return items.prefix(Limits.stacktapeFilesMax).compactMap { item in
      let item = logging.expand(YAMLEntry(key: "stacktape", keyRange: entry.keyRange, value: item))
      guard case .map = item.value.content else {
        return values.text(item).map { StacktapeFile(path: $0) }
      }
      let keys = values.map(
        item.value,
        "stacktape",
        known: ConfigurationKeys.names(in: "stacktape[]")
      )
      guard let path = keys["path"] else {
        values.error(item.value.range.firstLine, "an entry of `stacktape` lacks `path`")
        return nil
      }
      let project = keys["project"].flatMap { name($0) }
      let stage = keys["stage"].flatMap { name($0) }
      return values.text(path).map { StacktapeFile(path: $0, project: project, stage: stage) }
    }
  }

  private mutating func sources(_ entry: YAMLEntry) -> DockerOptions {
    var options = DockerOptions()
    let sources = values.map(entry.value, "sources", known: ConfigurationKeys.names(in: "sources"))
    guard let docker = sources["docker"] else { return options }
    let keys = values.map(
      docker.value,
      "sources.docker",
      known: ConfigurationKeys.names(in: "sources.docker")
    )
    if let entry = keys["enabled"], let enabled = automaticSwitch(entry) {
      options.enabled = enabled
    }
    if let path = keys["socket"].flatMap({ values.path($0) }) { options.socket = path }
    if let path = keys["root"].flatMap({ values.path($0) }) { options.root = path }
    return options
  }

  private mutating func automaticSwitch(_ entry: YAMLEntry) -> AutomaticSwitch? {
    guard case .scalar(let scalar) = entry.value.content else {
      values.mismatch(entry, "`auto`, `true` or `false`")
      return nil
    }
    if scalar.value == .string("auto") { return .automatic }
    if case .bool = scalar.value {
    } else if ValueReader.oldBoolean(scalar.text) == nil {
      values.mismatch(entry, "`auto`, `true` or `false`")
      return nil
    }
    return values.bool(entry).map { $0 ? .on : .off }
  }

  private mutating func limits(_ entry: YAMLEntry) -> LimitOptions {
    var options = LimitOptions()
    let keys = values.map(
      entry.value,
      "limits",
      known: ConfigurationKeys.names(in: "limits")
    )
    if let entry = keys["maxDiskUsage"],
      let amount = values.diskAmount(entry, allowsAutomatic: true)
    {
      options.maxDiskUsage = amount
    }
    if let entry = keys["minFreeDisk"],
      let amount = values.diskAmount(entry, allowsAutomatic: false)
    {
      options.minFreeDisk = amount
    }
    if let entry = keys["maxEventSize"],
      let size = values.byteSize(entry, in: Limits.eventBytesAllowed)
    {
      options.maxEventSize = size
    }
    if let entry = keys["memory"], let size = values.byteSize(entry, in: Limits.memoryBytesAllowed)
    {
      options.memory = size
    }
    return options
  }

  private mutating func forward(_ entry: YAMLEntry) -> ForwardConfiguration {
    var options = ForwardConfiguration()
    let keys = values.map(entry.value, "forward", known: ConfigurationKeys.names(in: "forward"))
    if let entry = keys["flushSeconds"],
      let seconds = values.integer(entry, in: Limits.flushSecondsAllowed)
    {
      options.flushSeconds = seconds
    }
    if let value = keys["allowInsecure"].flatMap({ values.bool($0) }) {
      options.allowInsecure = value
    }
    return options
  }

  private mutating func defaults(_ entry: YAMLEntry) -> LoggingDefaults {
    var defaults = LoggingDefaults()
    let keys = values.map(entry.value, "defaults", known: ConfigurationKeys.names(in: "defaults"))
    if let entry = keys["retentionDays"],
      let period = values.retention(entry)
    {
      defaults.retentionDays = period
    }
    guard let entry = keys["logging"] else { return defaults }
    let read = logging.read(entry, "defaults.logging")
    if let first = keys["retentionDays"], let days = read.logging.retentionDays {
      if let second = read.retentionDaysRange {
        values.error(
          second,
          "the default retention is here twice",
          help: "the other one is at \(first.keyRange.start); keep one of them"
        )
      }
      defaults.retentionDays = days
    } else if let days = read.logging.retentionDays {
      defaults.retentionDays = days
    }
    defaults.disabled = read.logging.disabled ?? false
    if case .to(let destination) = read.logging.forwarding { defaults.destination = destination }
    return defaults
  }

  // MARK: resources

  private mutating func resources(_ entry: YAMLEntry) -> [ResourceConfiguration] {
    var resources: [ResourceConfiguration] = []
    var simplified: [String: SourceRange] = [:]
    for entry in values.entries(entry.value, "resources") ?? [] {
      guard Self.isName(entry.key, extra: "-_.") else {
        values.error(
          entry.keyRange,
          "a resource's name may hold letters, digits, `-`, `_` and `.` only",
          help: "it becomes part of log group names"
        )
        continue
      }
      let simple = ResourceName.simplified(entry.key)
      if let first = simplified[simple] {
        values.error(
          entry.keyRange,
          "the resource `\(entry.key)` cannot be told from the one at \(first.start)",
          help: "names are compared without case and without `-`, `_` and `.`"
        )
      }
      simplified[simple] = simplified[simple] ?? entry.keyRange
      resourceRanges[simple] = simplified[simple]
      resources.append(resource(entry))
    }
    return resources
  }

  private mutating func resource(_ entry: YAMLEntry) -> ResourceConfiguration {
    var resource = ResourceConfiguration(name: entry.key)
    if entry.value.isNull { return resource }
    let path = "resources.\(entry.key)"
    let keys = values.map(entry.value, path, known: ConfigurationKeys.names(in: "resources.<name>"))
    resource.type = keys["type"].flatMap { values.word($0, ResourceType.self) }
    typeRanges[entry.key] = keys["type"]?.value.range
    if let entry = keys["match"] {
      if case .list(let items) = entry.value.content {
        if items.isEmpty {
          values.error(entry.value.range.firstLine, "`match` must not be empty")
        }
        resource.match = items.compactMap { matchRule($0, of: resource.name) }
      } else if let rule = matchRule(entry.value, of: resource.name) {
        resource.match = [rule]
      }
    }
    if let entry = keys["logging"] {
      resource.logging = logging.read(entry, "\(path).logging").logging
    }
    return resource
  }

  private mutating func matchRule(_ node: YAMLNode, of resource: String) -> MatchRule? {
    let before = values.diagnostics.count
    let keys = values.map(
      node,
      "resources.\(resource).match",
      known: ConfigurationKeys.names(in: "resources.<name>.match")
    )
    guard !keys.isEmpty else {
      if values.diagnostics.count == before {
        values.error(
          node.range.firstLine,
          "`match` must not be empty",
          help: "give `label`, `compose`, `name` or `image`"
        )
      }
      return nil
    }
    var rule = MatchRule()
    rule.labels = globs(keys["label"])
    rule.names = globs(keys["name"])
    rule.images = globs(keys["image"])
    if let entry = keys["compose"] {
      for (text, range) in values.texts(entry) {
        if text.split(separator: "/", omittingEmptySubsequences: false).count > 2
          || text.hasPrefix("/") || text.hasSuffix("/")
        {
          values.error(
            range,
            "`compose` must be `service` or `project/service`",
            help: "such as `shop/redis`"
          )
        } else {
          rule.compose.append(Glob(text))
        }
      }
    }
    if values.diagnostics.count == before {
      rules.append(ResourcePlaces.Rule(resource: resource, rule: rule, range: node.range))
    }
    return rule
  }

  private mutating func globs(_ entry: YAMLEntry?) -> [Glob] {
    guard let entry else { return [] }
    return values.texts(entry).map { Glob($0.text) }
  }
}
