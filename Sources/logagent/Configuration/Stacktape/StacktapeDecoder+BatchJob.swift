internal import LogModel
internal import Platform

/// The fields of a batch-job that say how it runs.
///
/// A value of a wrong type is an error; one that only AWS knows is left out.
extension StacktapeDecoder {
  mutating func batchJob(_ properties: YAMLNode) -> BatchJobDefinition {
    var job = BatchJobDefinition()
    checkSpelling(properties, Self.jobKeys)
    if let container = properties["container"] {
      let node = logging.resolve(container)
      if let packaging = node["packaging"] { job.packaging = self.packaging(packaging) }
      job.environment = variables(node["environment"])
    }
    if let resources = properties["resources"] {
      let node = logging.resolve(resources)
      checkSpelling(node, ["cpu", "memory", "gpu"])
      job.cpu = number(node.entry("cpu"), from: 0)
      job.memoryMegabytes = integer(
        node.entry("memory"),
        in: 1...Limits.jobMemoryMegabytesMax,
        help: "write megabytes without a unit"
      )
      job.gpu = integer(node.entry("gpu"), in: 0...1_024)
    }
    job.timeoutSeconds = integer(
      properties.entry("timeout"),
      in: 1...Limits.jobSecondsMax,
      help: "write seconds without a unit"
    )
    if let entry = known(properties.entry("useSpotInstances")), let value = values.bool(entry) {
      job.usesSpotInstances = value
    }
    if let retry = properties["retryConfig"] {
      let node = logging.resolve(retry)
      checkSpelling(node, ["attempts", "retryIntervalSeconds", "retryIntervalMultiplier"])
      job.attempts = integer(node.entry("attempts"), in: 1...Limits.jobAttemptsMax) ?? 1
      job.retryIntervalSeconds = number(node.entry("retryIntervalSeconds"), from: 0) ?? 0
      job.retryIntervalMultiplier = number(node.entry("retryIntervalMultiplier"), from: 0) ?? 1
    }
    readEvents(properties["events"], into: &job)
    return job
  }

  private static let jobKeys = [
    "container", "resources", "timeout", "useSpotInstances", "logging", "retryConfig", "events",
    "connectTo", "iamRoleStatements",
  ]

  /// A misspelt key would be taken for something of AWS's, and what it says would not hold.
  private mutating func checkSpelling(_ node: YAMLNode, _ keys: [String]) {
    guard case .map(let entries) = node.content else { return }
    for entry in entries where !keys.contains(entry.key) {
      // What is near to `logging` is an error of its own.
      guard let near = NearestName.find(entry.key, among: keys), near != "logging" else { continue }
      values.warn(
        entry.keyRange,
        "`\(ValueReader.shortened(entry.key))` is no key of a batch-job",
        help: "did you mean `\(near)`?"
      )
    }
  }

  // MARK: container

  private mutating func packaging(_ node: YAMLNode) -> BatchJobDefinition.Packaging? {
    let definition = logging.resolve(node)
    guard let type = text(definition["type"]) else { return nil }
    let properties = definition["properties"].map { logging.resolve($0) }
    switch type {
    case "prebuilt-image":
      return .image(text(properties?["image"]), command: texts(properties?["command"]))
    case "custom-dockerfile":
      return .dockerfile(
        folder: text(properties?["buildContextPath"]),
        file: text(properties?["dockerfilePath"]),
        arguments: variables(properties?["buildArgs"], name: "argName"),
        command: texts(properties?["command"])
      )
    default: return .foreign(type)
    }
  }

  /// `{ name, value }`; a value is a text, a number, a boolean or a secret.
  private mutating func variables(
    _ node: YAMLNode?,
    name key: String = "name"
  ) -> [BatchJobDefinition.Variable] {
    guard let node, case .list(let items) = logging.resolve(node).content else { return [] }
    var variables: [BatchJobDefinition.Variable] = []
    for item in items.prefix(Limits.jobVariablesMax) {
      let pair = logging.resolve(item)
      guard let name = text(pair[key]) else { continue }
      var value: Secret?
      if let node = pair["value"] {
        // What a job gets is nobody's business before it runs: an unknown value is just not given.
        switch logging.directives.resolve(node).content {
        case .scalar(let scalar): value = Secret(scalar.text)
        case .secret(let secret): value = secret
        case .list, .map, .unresolved: break
        }
        logging.directives.reports = []
      }
      variables.append(.init(name: name, value: value))
    }
    return variables
  }

  // MARK: events

  private mutating func readEvents(_ node: YAMLNode?, into job: inout BatchJobDefinition) {
    guard let node, case .list(let items) = logging.resolve(node).content else { return }
    for item in items.prefix(Limits.jobEventsMax) {
      let event = logging.resolve(item)
      guard let type = text(event["type"]) else { continue }
      guard type == "schedule" else {
        job.foreignEvents.append(type)
        continue
      }
      guard let properties = event["properties"], case let inside = logging.resolve(properties),
        let rate = inside.entry("scheduleRate"), let entry = known(rate),
        let expression = values.text(entry)
      else { continue }
      if Self.isSchedule(expression) {
        job.schedules.append(expression)
      } else {
        values.error(
          entry.value.range.firstLine,
          "`scheduleRate` must be `rate(…)` or `cron(…)` with six fields",
          help: "such as `rate(1 day)` or `cron(0 2 * * ? *)`"
        )
      }
    }
  }

  /// The two forms that AWS takes.
  static func isSchedule(_ text: String) -> Bool {
    guard let open = text.firstIndex(of: "("), text.hasSuffix(")") else { return false }
    let fields = text[text.index(after: open)...].dropLast().split(separator: " ")
    switch text[..<open] {
    case "cron": return fields.count == 6
    case "rate":
      guard fields.count == 2, let count = Int(fields[0]), count > 0 else { return false }
      let units = ["minute", "minutes", "hour", "hours", "day", "days"]
      return units.contains(String(fields[1]))
    default: return false
    }
  }

  // MARK: values

  /// The entry with its value resolved; nil when it is not there or not known here.
  private mutating func known(_ entry: YAMLEntry?) -> YAMLEntry? {
    guard var entry else { return nil }
    entry.value = logging.resolve(entry.value)
    return entry.value.isUnresolved || entry.value.isNull ? nil : entry
  }

  private mutating func integer(
    _ entry: YAMLEntry?,
    in allowed: ClosedRange<Int>,
    help: String? = nil
  ) -> Int? {
    guard let entry = known(entry) else { return nil }
    return values.integer(entry, in: allowed, help: help)
  }

  private mutating func number(_ entry: YAMLEntry?, from least: Double) -> Double? {
    guard let entry = known(entry) else { return nil }
    if case .scalar(let scalar) = entry.value.content {
      switch scalar.value {
      case .integer(let value) where Double(value) >= least: return Double(value)
      case .float(let value) where value >= least && value.isFinite: return value
      default: break
      }
    }
    values.mismatch(entry, "a number that is not negative")
    return nil
  }

  private mutating func text(_ node: YAMLNode?) -> String? {
    guard let node, case .scalar(let scalar) = logging.resolve(node).content,
      scalar.value != .null
    else { return nil }
    return scalar.text
  }

  private mutating func texts(_ node: YAMLNode?) -> [String] {
    guard let node, case .list(let items) = logging.resolve(node).content else { return [] }
    return items.prefix(Limits.jobVariablesMax).compactMap { text($0) }
  }
}
