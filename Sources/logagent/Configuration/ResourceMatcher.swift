internal import LogModel

/// Decides to which resource a container belongs, where its output is stored and what holds for it.
///
/// A pure decision over the configuration: the same container always gets the same answer. The
/// rules are tried in this order and the first that fits wins: labels, ECS labels, `match` rules in
/// the order of the file, Compose project and service, the container's name. A resource with
/// `match` rules is found by them and by labels only. Safe from any thread.
struct ResourceMatcher: Sendable {
  /// What decided.
  enum Rule: String, Sendable {
    case label
    case ecsLabel
    case match
    case compose
    case name
    case unmatched
  }

  /// Where a container's output goes, and what is kept of it for how long.
  struct Resolution: Sendable, Equatable {
    /// Nil for a container that belongs to no resource.
    var resource: String?
    var container: String
    var group: LogGroup
    var stream: LogStream
    var settings: GroupSettings
    var rule: Rule
    /// Labels that could not be used, for the agent's own log.
    var notes: [String] = []

    var placement: Placement {
      settings.isDisabled ? .disabled : .collect(group: group, stream: stream)
    }
  }

  /// What holds for a log group.
  struct GroupSettings: Sendable, Equatable {
    var isDisabled: Bool
    var retentionDays: Int
    var destination: ForwardingDestination?
  }

  /// The resource that a container was found to be of.
  private struct Found {
    var resource: String
    var container: String?
    var rule: Rule
  }

  private enum Label {
    static let resource = "logagent.resource"
    static let container = "logagent.container"
    static let project = "logagent.project"
    static let stage = "logagent.stage"
    static let disabled = "logagent.disabled"
    static let retentionDays = "logagent.retentionDays"
    static let run = "logagent.run"
    static let attempt = "logagent.attempt"
    static let ecsFamily = "com.amazonaws.ecs.task-definition-family"
    static let ecsContainer = "com.amazonaws.ecs.container-name"
    static let composeProject = "com.docker.compose.project"
    static let composeService = "com.docker.compose.service"
  }

  let configuration: Configuration

  init(_ configuration: Configuration) { self.configuration = configuration }

  /// The one question that collecting asks.
  func resolve(_ container: ContainerMetadata) -> Resolution {
    let found = find(container)
    var resolution: Resolution
    if let found {
      resolution = placed(container, found)
    } else {
      let service = Self.label(container, Label.composeService)
      let name = service ?? (container.name.isEmpty ? container.shortID : container.name)
      resolution = Resolution(
        resource: nil,
        container: name,
        group: ResourceName.unmatchedGroup(
          project: Self.label(container, Label.composeProject),
          service: name
        ),
        stream: LogStream(sanitizing: container.shortID),
        settings: settings(of: nil),
        rule: .unmatched
      )
    }
    applyLabels(of: container, to: &resolution)
    return resolution
  }

  // MARK: settings

  /// What holds for a resource of the file; nil: for everything else.
  func settings(of resource: ResourceConfiguration?) -> GroupSettings {
    let defaults = configuration.defaults
    var settings = GroupSettings(
      isDisabled: resource?.logging.disabled ?? defaults.disabled,
      retentionDays: resource?.logging.retentionDays ?? defaults.retentionDays,
      destination: defaults.destination
    )
    switch resource?.logging.forwarding {
    case .to(let destination): settings.destination = destination
    case .some(.none): settings.destination = nil
    case .inherited, nil: break
    }
    return settings
  }

  /// What holds for a group that exists, also when its containers are long gone.
  func settings(ofGroup group: LogGroup) -> GroupSettings {
    // Any stack's: a changed `stage` must not change how long the old stage's logs are kept.
    guard let parts = GroupParts(group.name), parts.project == nil else { return settings(of: nil) }
    return settings(of: configured(parts.resource))
  }

  /// The resource of the file that a name means; exact before similar.
  func configured(_ name: String) -> ResourceConfiguration? {
    configuration.resources.first { $0.name == name }
      ?? configuration.resources.first { ResourceName.isSame($0.name, name) }
  }

  /// Where a resource's output goes.
  func group(of resource: ResourceConfiguration, container: String?) -> LogGroup {
    group(resource.name, type: resource.type, container: container, stack: configuration.stack)
  }

  private func group(
    _ resource: String,
    type: ResourceType?,
    container: String?,
    stack: String?
  ) -> LogGroup {
    guard let stack else { return ResourceName.plainGroup(resource: resource) }
    let container = container ?? ResourceName.defaultContainer
    if type == .batchJob { return ResourceName.batchGroup(stack: stack, resource: resource) }
    return ResourceName.containerGroup(stack: stack, resource: resource, container: container)
  }

  // MARK: finding

  private func find(_ container: ContainerMetadata) -> Found? {
    if let name = Self.label(container, Label.resource) {
      return Found(resource: configured(name)?.name ?? name, rule: .label)
    }
    return findByECS(container) ?? findByMatch(container) ?? findByCompose(container)
      ?? findByName(container)
  }

  /// The family of a task is the stack and the resource, in one word.
  private func findByECS(_ container: ContainerMetadata) -> Found? {
    guard let family = Self.label(container, Label.ecsFamily) else { return nil }
    var name = ResourceName.simplified(family)
    if let stack = configuration.stack.map(ResourceName.simplified) {
      guard name.hasPrefix(stack) else { return nil }
      name = String(name.dropFirst(stack.count))
    }
    guard let resource = configured(name) else { return nil }
    return Found(
      resource: resource.name,
      container: Self.label(container, Label.ecsContainer),
      rule: .ecsLabel
    )
  }

  private func findByMatch(_ container: ContainerMetadata) -> Found? {
    for resource in configuration.resources
    where resource.match.contains(where: { $0.fits(container) }) {
      return Found(resource: resource.name, rule: .match)
    }
    return nil
  }

  private func findByCompose(_ container: ContainerMetadata) -> Found? {
    guard let service = Self.label(container, Label.composeService) else { return nil }
    if let project = configuration.project {
      let own = [project, configuration.stack].compactMap(\.self)
      let composeProject = Self.label(container, Label.composeProject) ?? ""
      guard own.contains(where: { ResourceName.isSame($0, composeProject) }) else { return nil }
    }
    return same(service, rule: .compose) ?? workload(service, rule: .compose)
  }

  private func findByName(_ container: ContainerMetadata) -> Found? {
    // Compose makes the names of its containers; its labels have already said everything.
    guard Self.label(container, Label.composeService) == nil, !container.name.isEmpty else {
      return nil
    }
    var candidates: [String] = []
    let name = container.name
    if let stack = configuration.stack,
      name.lowercased().hasPrefix(stack.lowercased()), name.utf8.count > stack.utf8.count + 1
    {
      let rest = name.dropFirst(stack.count)
      if let separator = rest.first, "-_.".contains(separator) {
        candidates.append(String(rest.dropFirst()))
      }
    }
    candidates.append(name)
    for candidate in candidates {
      if let found = same(candidate, rule: .name) { return found }
      // `api-2` is the second container of `api`, unless a resource is called so.
      let stem = Self.withoutNumber(candidate)
      if let found = same(stem, rule: .name) ?? workload(stem, rule: .name) { return found }
    }
    return nil
  }

  /// `api` for `api-2`; the name itself when no number stands behind a separator.
  private static func withoutNumber(_ name: String) -> String {
    let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
    let stem = name.dropLast(digits)
    guard digits > 0, let separator = stem.last, "-_.".contains(separator) else { return name }
    return String(stem.dropLast())
  }

  /// The resource that `name` is.
  private func same(_ name: String, rule: Rule) -> Found? {
    let open = configuration.resources.filter { $0.match.isEmpty }
    let same = open.first { $0.name == name } ?? open.first { ResourceName.isSame($0.name, name) }
    return same.map { Found(resource: $0.name, rule: rule) }
  }

  /// The container that `{resource}-{container}` is of a workload; the longest resource name wins.
  private func workload(_ name: String, rule: Rule) -> Found? {
    let open = configuration.resources.filter {
      $0.match.isEmpty && $0.type == .multiContainerWorkload
    }
    var end = name.endIndex
    while let at = name[..<end].lastIndex(where: { "-_.".contains($0) }) {
      let container = String(name[name.index(after: at)...])
      let resource = String(name[..<at])
      if !container.isEmpty,
        let workload = open.first(where: { ResourceName.isSame($0.name, resource) })
      {
        return Found(resource: workload.name, container: container, rule: rule)
      }
      end = at
    }
    return nil
  }

  // MARK: placing

  private func placed(_ container: ContainerMetadata, _ found: Found) -> Resolution {
    let resource = configuration.resources.first { $0.name == found.resource }
    let name = Self.label(container, Label.container) ?? found.container
    let project = Self.label(container, Label.project) ?? configuration.project
    let stage = Self.label(container, Label.stage) ?? configuration.stage
    var stack: String?
    if let project, let stage { stack = "\(project)-\(stage)" }
    let stream: String
    if stack == nil {
      stream =
        name.map { "\(ResourceName.component($0))/\(container.shortID)" } ?? container.shortID
    } else if resource?.type == .batchJob {
      let run = Self.label(container, Label.run) ?? container.shortID
      stream = ResourceName.batchStream(run: run, attempt: Self.label(container, Label.attempt))
    } else {
      let part = ResourceName.component(name ?? ResourceName.defaultContainer)
      stream = "ecs/\(part)/\(container.shortID)"
    }
    return Resolution(
      resource: found.resource,
      container: name ?? ResourceName.defaultContainer,
      group: group(found.resource, type: resource?.type, container: name, stack: stack),
      stream: LogStream(sanitizing: stream),
      settings: settings(of: resource),
      rule: found.rule
    )
  }

  private func applyLabels(of container: ContainerMetadata, to resolution: inout Resolution) {
    switch Self.label(container, Label.disabled)?.lowercased() {
    case nil: break
    case "true", "1": resolution.settings.isDisabled = true
    case "false", "0": resolution.settings.isDisabled = false
    default: resolution.notes.append("the label \(Label.disabled) is neither true nor false")
    }
    if let text = Self.label(container, Label.retentionDays) {
      if let days = Int(text), (1...Limits.retentionDaysMax).contains(days) {
        resolution.settings.retentionDays = days
      } else {
        resolution.notes.append(
          "the label \(Label.retentionDays) is not a number from 1 to \(Limits.retentionDaysMax)"
        )
      }
    }
  }

  /// A label that is set and not empty.
  private static func label(_ container: ContainerMetadata, _ name: String) -> String? {
    guard let value = container.labels[name], !value.isEmpty else { return nil }
    return value
  }
}

extension ResourceName {
  /// `batch/default/{runId}-{attempt}`; attempts count from 1.
  static func batchStream(run: String, attempt: String?) -> String {
    "batch/default/\(component(run))-\(component(attempt ?? "1"))"
  }
}

extension MatchRule {
  /// Everything that the rule names fits; of a list, any one.
  func fits(_ container: ContainerMetadata) -> Bool {
    if !labels.isEmpty, !labels.contains(where: { Self.fits($0, container.labels) }) {
      return false
    }
    if !names.isEmpty, !names.contains(where: { $0.matches(container.name) }) { return false }
    if !images.isEmpty, !images.contains(where: { Self.fits($0, image: container.image) }) {
      return false
    }
    if compose.isEmpty { return true }
    guard let service = container.labels["com.docker.compose.service"] else { return false }
    let project = container.labels["com.docker.compose.project"] ?? ""
    return compose.contains {
      $0.matches($0.pattern.contains("/") ? "\(project)/\(service)" : service)
    }
  }

  private static func fits(_ glob: Glob, _ labels: [String: String]) -> Bool {
    let isPair = glob.pattern.contains("=")
    return labels.contains { glob.matches(isPair ? "\($0.key)=\($0.value)" : $0.key) }
  }

  /// `redis` is `redis:7` too: a pattern without a tag or digest leaves them open.
  private static func fits(_ glob: Glob, image: String) -> Bool {
    if glob.matches(image) { return true }
    var name = image[...]
    if let digest = name.firstIndex(of: "@") { name = name[..<digest] }
    if glob.matches(String(name)) { return true }
    let path = name.lastIndex(of: "/") ?? name.startIndex
    guard let tag = name[path...].firstIndex(of: ":") else { return false }
    return glob.matches(String(name[..<tag]))
  }
}
