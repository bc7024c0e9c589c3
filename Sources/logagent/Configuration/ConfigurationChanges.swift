internal import LogModel

/// What differs between two configurations, in words for the agent's own log; never a secret.
enum ConfigurationChanges {
  /// More than this are counted only.
  private static let shownMax = 20

  static func joined(_ changes: [String]) -> String {
    if changes.isEmpty { return "values that only affect how names are matched" }
    var shown = changes.prefix(shownMax).joined(separator: "; ")
    if changes.count > shownMax { shown += "; and \(changes.count - shownMax) more" }
    return shown
  }

  static func describe(from old: Configuration, to new: Configuration) -> [String] {
    var changes: [String] = []
    func note<Value: Equatable>(_ name: String, _ path: (Configuration) -> Value) {
      if path(old) != path(new) { changes.append("\(name) \(path(old)) → \(path(new))") }
    }
    note("project") { $0.project ?? "not set" }
    note("stage") { $0.stage ?? "not set" }
    note("region") { $0.region ?? "not set" }
    note("stacktape") { $0.stacktape.map(\.path).joined(separator: ", ") }
    note("limits.maxDiskUsage") { $0.limits.maxDiskUsage.words }
    note("limits.minFreeDisk") { $0.limits.minFreeDisk.words }
    note("retention.shrinkGrace") { DurationText.format($0.retention.shrinkGraceSeconds) }
    note("forward.flushSeconds") { $0.forward.flushSeconds }
    note("forward.allowInsecure") { $0.forward.allowInsecure }
    changes += settings(
      "defaults",
      ResourceMatcher(old).settings(of: nil),
      ResourceMatcher(new).settings(of: nil)
    )
    return changes + resources(old, new)
  }

  private static func resources(_ old: Configuration, _ new: Configuration) -> [String] {
    var changes: [String] = []
    let before = byName(old)
    let after = byName(new)
    for name in Set(before.keys).union(after.keys).sorted() {
      switch (before[name], after[name]) {
      case (nil, _?): changes.append("\(name) added")
      case (_?, nil): changes.append("\(name) removed")
      case (let one?, let other?) where one != other:
        let containers = [one, other].flatMap { $0.stacktape?.containers.map(\.name) ?? [] }
        var found: [String] = []
        for container in [nil] + Set(containers).sorted().map(Optional.some) {
          found += settings(
            container.map { "\(name)/\($0)" } ?? name,
            ResourceMatcher(old).settings(of: one, container: container),
            ResourceMatcher(new).settings(of: other, container: container)
          )
        }
        if one.match != other.match { found.append("\(name) match changed") }
        if one.type != other.type {
          found.append("\(name) type \(one.type.words) → \(other.type.words)")
        }
        changes += found.isEmpty ? ["\(name) changed"] : found
      default: break
      }
    }
    return changes
  }

  /// With the stack of a file of its own, since two stacks may have resources of one name.
  private static func byName(_ configuration: Configuration) -> [String: ResourceConfiguration] {
    let named = configuration.resources.map { resource in
      (resource.stacktape?.stack.map { "\($0)/\(resource.name)" } ?? resource.name, resource)
    }
    return Dictionary(named) { first, _ in first }
  }

  private static func settings(
    _ name: String,
    _ old: ResourceMatcher.GroupSettings,
    _ new: ResourceMatcher.GroupSettings
  ) -> [String] {
    var changes: [String] = []
    if old.isDisabled != new.isDisabled {
      changes.append("\(name) \(new.isDisabled ? "disabled" : "enabled")")
    }
    if old.retentionDays != new.retentionDays {
      changes.append(
        "\(name) retentionDays \(old.retentionDays.configured) → "
          + "\(new.retentionDays.configured)"
      )
    }
    if let change = forwarding(old.destination, new.destination) {
      changes.append("\(name) \(change)")
    }
    return changes
  }

  private static func forwarding(
    _ old: ForwardingDestination?,
    _ new: ForwardingDestination?
  ) -> String? {
    switch (old, new) {
    case (nil, nil): return nil
    case (nil, let new?): return "forwards to \(new.kind.rawValue)"
    case (let old?, nil): return "no longer forwards to \(old.kind.rawValue)"
    case (let old?, let new?) where old == new: return nil
    case (let old?, let new?) where old.kind != new.kind:
      return "forwards to \(new.kind.rawValue), no longer to \(old.kind.rawValue)"
    case (let old?, let new?):
      var parts: [String] = []
      if old.pausedReason == nil, new.pausedReason != nil { parts.append("is paused") }
      if old.pausedReason != nil, new.pausedReason == nil { parts.append("goes on") }
      if old.endpointURL != new.endpointURL { parts.append("has another endpoint") }
      if old.accessKey != new.accessKey, old.accessKey != nil, new.accessKey != nil {
        parts.append("has another key")
      }
      if old.attributes != new.attributes { parts.append("has other attributes") }
      if old.gzip != new.gzip || old.retryDurationSeconds != new.retryDurationSeconds {
        parts.append("has other properties")
      }
      if parts.isEmpty { parts.append("changed") }
      return "forwarding to \(new.kind.rawValue) \(parts.joined(separator: ", "))"
    }
  }
}

extension ResourceType? {
  fileprivate var words: String { self?.rawValue ?? "not set" }
}

extension DiskAmount {
  /// As a configuration spells it.
  fileprivate var words: String {
    switch self {
    case .automatic: "auto"
    case .bytes(let bytes): ByteSize.format(bytes)
    case .hundredthsOfPercent(let part):
      part % 100 == 0 ? "\(part / 100)%" : "\(Double(part) / 100)%"
    }
  }
}
