internal import LogModel

/// Turns the tree of logagent.yml into a `Configuration`, and reports everything that is wrong.
///
/// What could not be read keeps its default, so that the rest is still checked; the caller does not
/// use the result of a file with errors.
struct ConfigurationDecoder {
  var values: ValueReader
  var resolver: SecretResolver
  /// A warning is due when a key stands in a file that everybody can read.
  var isReadableByAll: Bool
  var allowsInsecure = false

  init(file: String, resolver: SecretResolver, isReadableByAll: Bool = false) {
    values = ValueReader(file: file)
    self.resolver = resolver
    self.isReadableByAll = isReadableByAll
  }

  mutating func decode(_ root: YAMLNode) -> Configuration {
    var configuration = Configuration()
    if root.isNull { return configuration }
    let keys = values.map(
      root,
      "",
      known: [
        "project", "stage", "stacktape", "dataDirectory", "sources", "limits", "store", "defaults",
        "resources", "forward",
      ]
    )
    // First, because whether an address is right depends on it.
    if let entry = keys["forward"] { configuration.forward = forward(entry) }
    allowsInsecure = configuration.forward.allowInsecure
    configuration.project = keys["project"].flatMap { name($0) }
    configuration.stage = keys["stage"].flatMap { name($0) }
    checkStack(keys["project"], keys["stage"])
    if let entry = keys["stacktape"] { refuseStacktape(entry) }
    if let path = keys["dataDirectory"].flatMap({ values.path($0) }) {
      configuration.dataDirectory = path
    }
    if let entry = keys["sources"] { configuration.docker = sources(entry) }
    if let entry = keys["limits"] { configuration.limits = limits(entry) }
    if let entry = keys["store"] {
      let store = values.map(entry.value, "store", known: ["compression"])
      if let word = store["compression"].flatMap({
        values.word($0, StoreConfiguration.Compression.self)
      }) {
        configuration.store.compression = word
      }
    }
    if let entry = keys["defaults"] { configuration.defaults = defaults(entry) }
    if let entry = keys["resources"], !entry.value.isNull {
      configuration.resources = resources(entry)
    }
    return configuration
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

  /// An empty list is the default; anything else would be ignored without a word, so it is refused.
  private mutating func refuseStacktape(_ entry: YAMLEntry) {
    if entry.value.isNull { return }
    if case .list(let items) = entry.value.content, items.isEmpty { return }
    values.error(
      entry.keyRange,
      "`stacktape` is not supported by this version: the files would not be read",
      help: "remove it, and give each resource its `logging` under `resources`"
    )
  }

  private mutating func sources(_ entry: YAMLEntry) -> DockerOptions {
    var options = DockerOptions()
    let sources = values.map(entry.value, "sources", known: ["docker"])
    guard let docker = sources["docker"] else { return options }
    let keys = values.map(
      docker.value,
      "sources.docker",
      known: ["enabled", "socket", "root"]
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
      known: ["maxDiskUsage", "minFreeDisk", "maxEventSize", "memory"]
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
    let keys = values.map(entry.value, "forward", known: ["flushSeconds", "allowInsecure"])
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
    let keys = values.map(entry.value, "defaults", known: ["retentionDays", "logging"])
    if let entry = keys["retentionDays"],
      let days = values.integer(entry, in: 1...Limits.retentionDaysMax)
    {
      defaults.retentionDays = days
    }
    guard let entry = keys["logging"] else { return defaults }
    let read = logging(entry, "defaults.logging")
    if let first = keys["retentionDays"], let days = read.retentionDays {
      if let second = read.retentionDaysRange {
        values.error(
          second,
          "the default retention is here twice",
          help: "the other one is at \(first.keyRange.start); keep one of them"
        )
      }
      defaults.retentionDays = days
    } else if let days = read.retentionDays {
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
      resources.append(resource(entry))
    }
    return resources
  }

  private mutating func resource(_ entry: YAMLEntry) -> ResourceConfiguration {
    var resource = ResourceConfiguration(name: entry.key)
    if entry.value.isNull { return resource }
    let path = "resources.\(entry.key)"
    let keys = values.map(entry.value, path, known: ["type", "match", "logging"])
    resource.type = keys["type"].flatMap { values.word($0, ResourceType.self) }
    if let entry = keys["match"] {
      if case .list(let items) = entry.value.content {
        if items.isEmpty {
          values.error(entry.value.range.firstLine, "`match` must not be empty")
        }
        resource.match = items.compactMap { matchRule($0, "\(path).match") }
      } else if let rule = matchRule(entry.value, "\(path).match") {
        resource.match = [rule]
      }
    }
    if let entry = keys["logging"] { resource.logging = logging(entry, "\(path).logging").logging }
    return resource
  }

  private mutating func matchRule(_ node: YAMLNode, _ path: String) -> MatchRule? {
    let before = values.diagnostics.count
    let keys = values.map(node, path, known: ["label", "compose", "name", "image"])
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
    return rule
  }

  private mutating func globs(_ entry: YAMLEntry?) -> [Glob] {
    guard let entry else { return [] }
    return values.texts(entry).map { Glob($0.text) }
  }

  // MARK: logging

  private mutating func logging(
    _ entry: YAMLEntry,
    _ path: String
  ) -> (logging: ResourceLogging, retentionDays: Int?, retentionDaysRange: SourceRange?) {
    var logging = ResourceLogging()
    let keys = values.map(
      entry.value,
      path,
      known: ["disabled", "retentionDays", "logForwarding"]
    )
    logging.disabled = keys["disabled"].flatMap { values.bool($0) }
    logging.retentionDays = keys["retentionDays"].flatMap {
      values.integer($0, in: 1...Limits.retentionDaysMax)
    }
    if let entry = keys["logForwarding"] {
      if entry.value.isNull {
        logging.forwarding = .none
      } else if let destination = destination(entry, "\(path).logForwarding") {
        logging.forwarding = .to(destination)
      }
    }
    return (logging, logging.retentionDays, keys["retentionDays"]?.keyRange)
  }
}
