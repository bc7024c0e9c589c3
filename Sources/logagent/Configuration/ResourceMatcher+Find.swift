internal import LogModel

/// The rules that lead from a container to its resource.
extension ResourceMatcher {
  /// The resource that a container was found to be of.
  struct Found {
    /// Nil for a name that only a label knows.
    var resource: ResourceConfiguration?
    var name: String
    var container: String?
    var rule: Rule
    var rival: ResourceConfiguration?
  }

  /// A resource that fits, and the container of it that the name means.
  private struct Fit {
    var resource: ResourceConfiguration
    var container: String?
  }

  func find(_ container: ContainerMetadata) -> Found? {
    findByLabel(container) ?? findByECS(container) ?? findByMatch(container)
      ?? findByCompose(container) ?? findByDev(container) ?? findByName(container)
      ?? findByImage(container)
  }

  private func found(_ fits: [Fit], _ rule: Rule) -> Found? {
    guard let first = fits.first else { return nil }
    let rival = fits.dropFirst().first {
      $0.resource.name != first.resource.name || stack(of: $0.resource) != stack(of: first.resource)
    }
    return Found(
      resource: first.resource,
      name: first.resource.name,
      container: first.container,
      rule: rule,
      rival: rival?.resource
    )
  }

  // MARK: labels

  private func findByLabel(_ container: ContainerMetadata) -> Found? {
    guard let name = Self.label(container, Label.resource) else { return nil }
    let project = Self.label(container, Label.project) ?? configuration.project
    let stage = Self.label(container, Label.stage) ?? configuration.stage
    var stack: String?
    if let project, let stage { stack = ResourceName.component("\(project)-\(stage)") }
    let resource = configured(name, stack: stack)
    return Found(resource: resource, name: resource?.name ?? name, container: nil, rule: .label)
  }

  /// The family of a task is the stack and the resource, in one word; a task of several containers
  /// may also be known by the name of the container.
  private func findByECS(_ container: ContainerMetadata) -> Found? {
    guard let family = Self.label(container, Label.ecsFamily) else { return nil }
    let name = ResourceName.simplified(family)
    let inside = Self.label(container, Label.ecsContainer)
    let own = configuration.resources.filter { resource in
      guard let stack = stack(of: resource) else { return true }
      return name.contains(ResourceName.simplified(stack))
    }
    let named = own.filter { resource in
      let simple = ResourceName.simplified(resource.name)
      guard let stack = stack(of: resource).map(ResourceName.simplified) else {
        return simple == name
      }
      return name.hasPrefix(stack) && name.dropFirst(stack.count) == simple
    }
    if !named.isEmpty {
      return found(named.map { Fit(resource: $0, container: inside) }, .ecsLabel)
    }
    guard let inside else { return nil }
    let holders = own.filter {
      stack(of: $0) != nil && $0.stacktape?.container(inside) != nil
    }
    return holders.count == 1
      ? found(holders.map { Fit(resource: $0, container: inside) }, .ecsLabel) : nil
  }

  // MARK: rules

  private func findByMatch(_ container: ContainerMetadata) -> Found? {
    let fits = configuration.resources.filter { $0.match.contains { $0.fits(container) } }
    return found(fits.map { Fit(resource: $0) }, .match)
  }

  private func findByCompose(_ container: ContainerMetadata) -> Found? {
    guard let service = Self.label(container, Label.composeService) else { return nil }
    let composeProject = Self.label(container, Label.composeProject) ?? ""
    let own = configuration.resources.filter { resource in
      guard let project = resource.stacktape?.project ?? configuration.project else { return true }
      return [project, stack(of: resource)].contains {
        $0.map { ResourceName.isSame($0, composeProject) } ?? false
      }
    }
    return found(fits(service, among: own), .compose)
  }

  /// `stacktape dev` runs a container as `invoke-local-{resource}-{container}`, in lower case.
  private func findByDev(_ container: ContainerMetadata) -> Found? {
    let prefix = "invoke-local-"
    guard container.name.hasPrefix(prefix) else { return nil }
    let job = String(container.name.dropFirst(prefix.count))
    for suffix in ["-default", "-" + ResourceName.defaultContainer] where job.hasSuffix(suffix) {
      let name = String(job.dropLast(suffix.count))
      if let found = found(fits(name, among: configuration.resources), .dev) { return found }
    }
    return found(fits(job, among: configuration.resources), .dev)
  }

  private func findByName(_ container: ContainerMetadata) -> Found? {
    // Compose makes the names of its containers; its labels have already said everything.
    guard Self.label(container, Label.composeService) == nil, !container.name.isEmpty else {
      return nil
    }
    let name = container.name
    var stacks: [String] = []
    for stack in configuration.resources.compactMap({ stack(of: $0) }) where !stacks.contains(stack)
    {
      stacks.append(stack)
    }
    for stack in stacks
    where name.lowercased().hasPrefix(stack.lowercased()) && name.utf8.count > stack.utf8.count + 1
    {
      let rest = name.dropFirst(stack.count)
      guard let separator = rest.first, "-_.".contains(separator) else { continue }
      let own = configuration.resources.filter { self.stack(of: $0) == stack }
      if let found = numbered(String(rest.dropFirst()), among: own) { return found }
    }
    return numbered(name, among: configuration.resources)
  }

  /// `api-2` is the second container of `api`, unless a resource is called so.
  private func numbered(_ name: String, among resources: [ResourceConfiguration]) -> Found? {
    let open = resources.filter(isOpen)
    let stem = Self.withoutNumber(name)
    return found(same(name, open), .name) ?? found(inner(name, open, isListed: true), .name)
      ?? found(same(stem, open), .name) ?? found(inner(stem, open), .name)
  }

  /// `api` for `api-2`; the name itself when no number stands behind a separator.
  private static func withoutNumber(_ name: String) -> String {
    let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
    let stem = name.dropLast(digits)
    guard digits > 0, let separator = stem.last, "-_.".contains(separator) else { return name }
    return String(stem.dropLast())
  }

  /// The prebuilt image of a stacktape.yml, when a single container of all runs it.
  private func findByImage(_ container: ContainerMetadata) -> Found? {
    guard !container.image.isEmpty else { return nil }
    var fits: [Fit] = []
    for resource in configuration.resources where isOpen(resource) {
      if resource.stacktape?.image == container.image { fits.append(Fit(resource: resource)) }
      for inner in resource.stacktape?.containers ?? [] where inner.image == container.image {
        fits.append(Fit(resource: resource, container: inner.name))
      }
    }
    return fits.count == 1 ? found(fits, .image) : nil
  }

  // MARK: names

  /// Whether names and images lead to it, and not its rules alone.
  private func isOpen(_ resource: ResourceConfiguration) -> Bool {
    resource.match.isEmpty && resource.type?.locality != .emulated
  }

  /// The resources that `name` is, or else whose container it is as `{resource}-{container}`.
  private func fits(_ name: String, among resources: [ResourceConfiguration]) -> [Fit] {
    let open = resources.filter(isOpen)
    let same = same(name, open)
    return same.isEmpty ? inner(name, open) : same
  }

  /// The resources that `name` is; exact ones go before similar ones.
  private func same(_ name: String, _ open: [ResourceConfiguration]) -> [Fit] {
    let exact = open.filter { $0.name == name }
    let same = exact.isEmpty ? open.filter { ResourceName.isSame($0.name, name) } : exact
    return same.map { Fit(resource: $0) }
  }

  /// Those whose container `name` is; the longest resource name wins.
  private func inner(
    _ name: String,
    _ open: [ResourceConfiguration],
    isListed: Bool = false
  ) -> [Fit] {
    var end = name.endIndex
    while let at = name[..<end].lastIndex(where: { "-_.".contains($0) }) {
      let container = String(name[name.index(after: at)...])
      let resource = String(name[..<at])
      let fits = open.filter { ResourceName.isSame($0.name, resource) }.compactMap {
        isListed && $0.stacktape == nil ? nil : fit($0, container)
      }
      if !fits.isEmpty { return fits }
      end = at
    }
    return []
  }

  /// The container of a resource that has a name; without a list of them any name is one.
  private func fit(_ resource: ResourceConfiguration, _ name: String) -> Fit? {
    if name.isEmpty { return nil }
    if let known = resource.stacktape {
      if let container = known.container(name) {
        return Fit(resource: resource, container: container.name)
      }
      let isMain = ResourceName.isSame(name, ResourceName.defaultContainer)
      return isMain && resource.type != .multiContainerWorkload ? Fit(resource: resource) : nil
    }
    guard resource.type == .multiContainerWorkload else { return nil }
    return Fit(resource: resource, container: name)
  }
}
