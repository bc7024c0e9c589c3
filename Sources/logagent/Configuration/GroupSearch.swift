internal import LogModel
internal import Platform

/// Finds the log groups that a person means by a resource's name, `resource/container` or a group's
/// full name, among those that exist.
struct GroupSearch {
  /// Nothing is called so; `near` is what might have been meant, best first, at most five.
  ///
  /// With `stacks`: there are logs of that name, but it does not say which are meant.
  struct NotFound: Error, Equatable, CustomStringConvertible {
    var name: String
    var near: [String] = []
    var stacks: [String] = []
    /// The stack that was asked for.
    var wanted: String?

    var description: String {
      let all = stacks.joined(separator: ", ")
      if let wanted { return "no logs of `\(name)` in the stack \(wanted), but in \(all)" }
      if !stacks.isEmpty {
        return "`\(name)` is in several stacks: \(all); say which with --projectName and --stage"
      }
      let nearest = near.map { "`\($0)`" }.joined(separator: ", ")
      return "no logs of `\(name)`" + (near.isEmpty ? "" : "; did you mean \(nearest)?")
    }
  }

  private struct Candidate {
    var group: LogGroup
    var parts: GroupParts?
  }

  private let candidates: [Candidate]
  /// That of logagent.yml, flags or the environment.
  private let stack: String?
  /// The stacks of the resources that the files know, by their simplified names.
  private let known: [String: Set<String>]
  /// Flags named the stack: no other one is meant.
  private let isStackWanted: Bool
  /// All that may be meant is found, in whatever stack.
  private let isUnsureAllowed: Bool

  var groups: [LogGroup] { candidates.map(\.group) }

  /// `stack` is preferred where several stacks have a resource of one name.
  init(
    _ groups: [LogGroup],
    stack: String? = nil,
    known: [String: Set<String>] = [:],
    isStackWanted: Bool = false,
    isUnsureAllowed: Bool = false
  ) {
    candidates = groups.map { Candidate(group: $0, parts: GroupParts($0.name)) }
    self.stack = stack.map(ResourceName.component)
    self.known = known
    self.isStackWanted = isStackWanted && stack != nil
    self.isUnsureAllowed = isUnsureAllowed
  }

  /// As the daemon names the groups under that configuration.
  init(_ groups: [LogGroup], _ configuration: Configuration, _ choices: StackChoices) {
    let matcher = ResourceMatcher(configuration)
    var known: [String: Set<String>] = [:]
    for resource in configuration.resources {
      guard let stack = matcher.stack(of: resource) else { continue }
      known[ResourceName.simplified(resource.name), default: []].insert(
        ResourceName.component(stack)
      )
    }
    self.init(
      groups,
      stack: configuration.stack,
      known: known,
      isStackWanted: choices.namesStack
    )
  }

  /// The groups of `name`, sorted; `container` narrows to one container of the resource.
  ///
  /// The first of these that finds anything decides: the full name of a group; the exact name of a
  /// resource; the same name but for case and `-_.`; a Compose project.
  func find(_ name: String, container: String? = nil) throws(NotFound) -> [LogGroup] {
    if let whole = candidates.first(where: { $0.group.name == name }) { return [whole.group] }
    var resource = name
    var wanted = container
    if wanted == nil, !name.hasPrefix("/"), let slash = name.firstIndex(of: "/") {
      resource = String(name[..<slash])
      wanted = String(name[name.index(after: slash)...])
    }
    let equal: [(String, String) -> Bool] = [{ $0 == $1 }, { ResourceName.isSame($0, $1) }]
    for same in equal {
      let hits = candidates.filter { candidate in
        guard let parts = candidate.parts else { return false }
        return Self.fits(parts, resource, wanted, same)
      }
      if !hits.isEmpty { return try preferred(hits, of: resource) }
    }
    if wanted == nil {
      for same in equal {
        let hits = candidates.filter { $0.parts?.project.map { same($0, resource) } ?? false }
        if !hits.isEmpty { return try preferred(hits, of: resource) }
      }
    }
    throw NotFound(name: container.map { "\(name)/\($0)" } ?? name, near: near(name, wanted))
  }

  private static func fits(
    _ parts: GroupParts,
    _ resource: String,
    _ container: String?,
    _ same: (String, String) -> Bool
  ) -> Bool {
    guard let container else { return same(parts.resource, resource) }
    if let own = parts.container { return same(parts.resource, resource) && same(own, container) }
    // `/docker/{project}/{service}`, by the two names that it has.
    if let project = parts.project {
      return same(project, resource) && same(parts.resource, container)
    }
    return same(parts.resource, resource) && container == ResourceName.defaultContainer
  }

  /// Those of the own stack, else of the one stack that the files have the resource in, else of the
  /// only stack that has it; and those that belong to none.
  private func preferred(
    _ hits: [Candidate],
    of name: String
  ) throws(NotFound) -> [LogGroup] {
    let plain = hits.filter { $0.parts?.stack == nil }
    var others: [String: [Candidate]] = [:]
    for hit in hits { if let stack = hit.parts?.stack { others[stack, default: []].append(hit) } }
    if let stack, let own = others[stack] { return (own + plain).map(\.group).sorted() }
    if isStackWanted {
      if plain.isEmpty {
        throw NotFound(name: name, stacks: others.keys.sorted(), wanted: stack)
      }
      return plain.map(\.group).sorted()
    }
    let configured = known[ResourceName.simplified(name)] ?? []
    let mine = others.filter { configured.contains($0.key) }
    if !mine.isEmpty { others = mine }
    guard others.count <= 1 || isUnsureAllowed else {
      throw NotFound(name: name, stacks: others.keys.sorted())
    }
    return (others.values.flatMap(\.self) + plain).map(\.group).sorted()
  }

  /// Names that a person could have typed instead.
  private func near(_ name: String, _ container: String?) -> [String] {
    var names: Set<String> = []
    for candidate in candidates {
      guard let parts = candidate.parts, !name.hasPrefix("/") else {
        names.insert(candidate.group.name)
        continue
      }
      names.insert(parts.resource)
      if container != nil, let own = parts.container ?? parts.project {
        names.insert(
          parts.container == nil ? "\(own)/\(parts.resource)" : "\(parts.resource)/\(own)"
        )
      }
    }
    var near: [String] = []
    var rest = names.sorted()
    while near.count < 5, let next = NearestName.find(name, among: rest) {
      near.append(next)
      rest.removeAll { $0 == next }
    }
    return near
  }
}

/// Where the output of a command, or of a file that is imported, is stored under a name.
extension ResourceMatcher {
  /// A place that a person named.
  struct NamedPlace: Sendable, Equatable {
    var group: LogGroup
    var stream: LogStream
    var settings: GroupSettings
  }

  /// The place of a run of `logagent exec --resource NAME`.
  ///
  /// A batch-job of the configuration with a stack gets the names of a batch-job's attempt;
  /// anything else is `/exec/{resource}`, stream `exec/{runId}`. A name that starts with `/` is the
  /// group's own.
  func place(ofRun run: String, resource name: String) -> NamedPlace {
    if let group = Self.groupName(name) {
      return NamedPlace(
        group: group,
        stream: LogStream(sanitizing: "exec/\(ResourceName.component(run))"),
        settings: settings(ofGroup: group)
      )
    }
    let resource = configured(name, stack: configuration.stack)
    if let resource, resource.type == .batchJob, let stack = stack(of: resource) {
      return NamedPlace(
        group: ResourceName.batchGroup(stack: stack, resource: resource.name),
        stream: LogStream(sanitizing: ResourceName.batchStream(run: run, attempt: nil)),
        settings: settings(of: resource)
      )
    }
    return NamedPlace(
      group: ResourceName.execGroup(resource: resource?.name ?? name),
      stream: LogStream(sanitizing: "exec/\(ResourceName.component(run))"),
      settings: settings(of: resource)
    )
  }

  /// The place of a file that `logagent import --resource NAME` reads.
  ///
  /// The group of a resource of the configuration, else `/import/{name}`; a name that starts with
  /// `/` is the group's own.
  func place(ofImport stream: String, resource name: String) -> NamedPlace {
    let stream = LogStream(sanitizing: stream)
    if let group = Self.groupName(name) {
      return NamedPlace(group: group, stream: stream, settings: settings(ofGroup: group))
    }
    guard let resource = configured(name, stack: configuration.stack) else {
      return NamedPlace(
        group: ResourceName.importGroup(resource: name),
        stream: stream,
        settings: settings(of: nil)
      )
    }
    return NamedPlace(
      group: group(of: resource, container: nil),
      stream: stream,
      settings: settings(of: resource)
    )
  }

  private static func groupName(_ name: String) -> LogGroup? {
    name.hasPrefix("/") ? LogGroup(name) : nil
  }
}
