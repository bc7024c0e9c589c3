internal import LogModel

/// Decides to which resource a container belongs, where its output is stored and what holds for it.
///
/// A pure decision over the configuration: the same container always gets the same answer. The
/// rules are tried in this order and the first that fits wins: labels, ECS labels, `match` rules in
/// the order of the files, Compose project and service, names of `stacktape dev`, the container's
/// name, a prebuilt image. A resource with `match` rules is found by them and by labels only. Safe
/// from any thread.
struct ResourceMatcher: Sendable {
  /// What decided.
  enum Rule: String, Sendable {
    case label
    case ecsLabel
    case match
    case compose
    case dev
    case name
    case image
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
    /// The resource of the files, with its stack.
    var reference: Reference?
    /// Another resource that the same rule fits; the one of the earlier place in the files won.
    var rival: Reference?
    /// How long to keep the group by the container's label.
    var labelledRetention: RetentionPeriod?
    /// Labels that could not be used, for the agent's own log.
    var notes: [String] = []

    var placement: Placement {
      settings.isDisabled ? .disabled : .collect(group: group, stream: stream)
    }
  }

  /// A resource of the files; several stacks may have one of the same name.
  struct Reference: Sendable, Equatable {
    var name: String
    var stack: String?
  }

  /// What holds for a log group.
  struct GroupSettings: Sendable, Equatable {
    var isDisabled: Bool
    var retentionDays: RetentionPeriod
    var destination: ForwardingDestination?
  }

  enum Label {
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
    var resolution: Resolution
    if let found = find(container) {
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

  /// What holds for a container of a resource; nil: for everything else.
  ///
  /// logagent.yml wins over stacktape.yml, key by key. Where neither says how long, a resource of a
  /// stacktape.yml has Stacktape's default for its type, and everything else has `defaults`.
  func settings(
    of resource: ResourceConfiguration?,
    container: String? = nil
  ) -> GroupSettings {
    let defaults = configuration.defaults
    let declared = resource?.stacktape?.logging(of: container)
    let standard = resource?.stacktape.map { $0.type.defaultRetention(container: container) }
    var settings = GroupSettings(
      isDisabled: resource?.logging.disabled ?? declared?.disabled ?? defaults.disabled,
      retentionDays: resource?.logging.retentionDays ?? declared?.retentionDays ?? standard
        ?? defaults.retentionDays,
      destination: defaults.destination
    )
    for choice in [declared?.forwarding, resource?.logging.forwarding] {
      switch choice {
      case .to(let destination): settings.destination = destination
      case .some(.none): settings.destination = nil
      case .inherited, nil: break
      }
    }
    return settings
  }

  /// What holds for a group that exists, also when its containers are long gone.
  func settings(ofGroup group: LogGroup) -> GroupSettings {
    // Of another stack too: a changed `stage` must not change how long the old one's logs are kept.
    guard let parts = GroupParts(group.name), parts.project == nil else { return settings(of: nil) }
    return settings(of: configured(parts.resource, stack: parts.stack), container: parts.container)
  }

  /// The resource of the files that a name means; the stack's own before others, and exact before
  /// similar.
  func configured(_ name: String, stack: String? = nil) -> ResourceConfiguration? {
    let same = configuration.resources.filter { ResourceName.isSame($0.name, name) }
    let own = same.filter {
      stack != nil && self.stack(of: $0).map(ResourceName.component) == stack
    }
    let chosen = own.isEmpty ? same : own
    return chosen.first { $0.name == name } ?? chosen.first
  }

  /// The stack that a resource belongs to.
  func stack(of resource: ResourceConfiguration) -> String? {
    resource.stacktape?.stack ?? configuration.stack
  }

  private func reference(_ resource: ResourceConfiguration) -> Reference {
    Reference(name: resource.name, stack: stack(of: resource))
  }

  /// Where a resource's output goes.
  func group(of resource: ResourceConfiguration, container: String?) -> LogGroup {
    group(resource.name, type: resource.type, container: container, stack: stack(of: resource))
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

  // MARK: placing

  private func placed(_ container: ContainerMetadata, _ found: Found) -> Resolution {
    let resource = found.resource
    let labelled = Self.label(container, Label.container)
    let name =
      labelled.map { resource?.stacktape?.container($0)?.name ?? $0 } ?? found.container
    let project =
      Self.label(container, Label.project) ?? resource?.stacktape?.project ?? configuration.project
    let stage =
      Self.label(container, Label.stage) ?? resource?.stacktape?.stage ?? configuration.stage
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
      resource: found.name,
      container: name ?? ResourceName.defaultContainer,
      group: group(found.name, type: resource?.type, container: name, stack: stack),
      stream: LogStream(sanitizing: stream),
      settings: settings(of: resource, container: name),
      rule: found.rule,
      reference: resource.map(reference),
      rival: found.rival.map(reference)
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
      if let period = RetentionPeriod(text), period.isAllowed {
        resolution.settings.retentionDays = period
        resolution.labelledRetention = period
      } else {
        resolution.notes.append(
          "the label \(Label.retentionDays) is not \(RetentionPeriod.allowedWords)"
        )
      }
    }
  }

  /// A label that is set and not empty.
  static func label(_ container: ContainerMetadata, _ name: String) -> String? {
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
