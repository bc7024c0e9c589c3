internal import LogModel

/// What a configuration means on this machine: resource → containers → retention → forwarding.
struct EffectiveMapping: Equatable {
  /// A resource, or one container of it.
  struct Line: Equatable {
    var name: String
    var type: String
    var group: String
    /// Names of running containers.
    var containers: [String] = []
    var retention: String
    var forwarding: String
    /// What a batch-job's definition says of its runs.
    var detail: String?
  }

  /// Where a container goes that belongs to no resource, or that fits several.
  struct Stray: Equatable {
    var container: String
    var group: String
    var retention: String
    var rivals: [String] = []
  }

  var title: String
  var lines: [Line] = []
  var strays: [Stray] = []
  /// Errors: containers that fit several resources equally well.
  var ambiguities: [Diagnostic] = []
  /// Why no container is listed; nil when the Engine was asked.
  var blindness: String?

  /// `running` is nil when nothing could tell which containers there are, and `blindness` says why.
  init(
    _ configuration: Configuration,
    title: String,
    running: [ContainerMetadata]?,
    blindness: String?,
    places: ResourcePlaces = ResourcePlaces(),
    file: String = ""
  ) {
    self.title = title
    self.blindness = blindness
    let matcher = ResourceMatcher(configuration)
    for resource in configuration.resources { lines += Self.lines(of: resource, matcher) }
    for container in running ?? [] { place(container, matcher, places, file) }
  }

  private mutating func place(
    _ container: ContainerMetadata,
    _ matcher: ResourceMatcher,
    _ places: ResourcePlaces,
    _ file: String
  ) {
    let resolution = matcher.resolve(container)
    let name = container.name.isEmpty ? container.shortID : container.name
    let retention = Self.retention(resolution.settings)
    if let index = lines.firstIndex(where: { $0.group == resolution.group.name }) {
      lines[index].containers.append(name)
      guard let rival = resolution.rival, let resource = resolution.resource else { return }
      strays.append(
        Stray(
          container: name,
          group: resolution.group.name,
          retention: retention,
          rivals: [resource, rival.name]
        )
      )
      if let problem = resolution.ambiguity(of: name, places, file: file) {
        ambiguities.append(problem)
      }
      return
    }
    strays.append(Stray(container: name, group: resolution.group.name, retention: retention))
  }

  // MARK: lines

  /// One line for the resource, and one for each container with `logging` of its own.
  static func lines(of resource: ResourceConfiguration, _ matcher: ResourceMatcher) -> [Line] {
    var names: [String?] = (resource.stacktape?.containers ?? []).map(\.name)
    switch resource.type?.loggingPlace {
    case .containers where resource.stacktape != nil, .kinds where !names.isEmpty, .members: break
    default: names.insert(nil, at: 0)
    }
    return names.map { name in
      let settings = matcher.settings(of: resource, container: name)
      return Line(
        name: name.map { "\(resource.name)/\($0)" } ?? resource.name,
        type: resource.type?.rawValue ?? "–",
        group: matcher.group(of: resource, container: name).name,
        retention: retention(settings),
        forwarding: forwarding(settings),
        detail: name == nil ? resource.stacktape?.batchJob.flatMap(BatchJobText.describe) : nil
      )
    }
  }

  private static func retention(_ settings: ResourceMatcher.GroupSettings) -> String {
    settings.isDisabled ? "disabled" : settings.retentionDays.words
  }

  /// The type and the host: the rest of an address may hold what should not be shown.
  private static func forwarding(_ settings: ResourceMatcher.GroupSettings) -> String {
    guard !settings.isDisabled, let destination = settings.destination else { return "–" }
    var text = destination.kind.rawValue
    if destination.kind == .httpEndpoint, let scheme = destination.endpointURL.firstRange(of: "://")
    {
      text += " " + destination.endpointURL[scheme.upperBound...].prefix { !"/?#".contains($0) }
    }
    return destination.pausedReason == nil ? text : text + " (paused)"
  }

  // MARK: text

  var text: String {
    var text = title + "\n"
    var table = TextTable(["RESOURCE", "TYPE", "CONTAINERS", "RETENTION", "FORWARD"])
    for line in lines {
      let running = Self.running(line, isKnown: blindness == nil)
      table.add([line.name, line.type, running, line.retention, line.forwarding])
    }
    if !lines.isEmpty { text += table.text }
    for line in lines {
      if let detail = line.detail { text += "\(line.name): \(detail)\n" }
    }
    for stray in strays {
      let name = TerminalText.string(stray.container)
      if stray.rivals.isEmpty {
        text += "not matched: \(name) → \(stray.group), \(stray.retention)\n"
      } else {
        text += "ambiguous: \(name) fits \(stray.rivals.joined(separator: " and ")); "
        text += "the first has it\n"
      }
    }
    if let blindness { text += "running containers are not known: \(blindness)\n" }
    return text
  }

  private static func running(_ line: Line, isKnown: Bool) -> String {
    if !line.containers.isEmpty {
      return line.containers.map { TerminalText.string($0) }.joined(separator: ", ")
    }
    if let type = ResourceType(rawValue: line.type), type.locality != .containers {
      return "– not a local container"
    }
    return isKnown ? "none" : "?"
  }
}

/// A batch-job's definition in one line.
enum BatchJobText {
  /// Nil when it says nothing.
  static func describe(_ job: BatchJobDefinition) -> String? {
    var parts: [String] = []
    switch job.packaging {
    case .image(let image, let command):
      parts.append("image \(image ?? "not known here")")
      if !command.isEmpty { parts.append("command \(command.joined(separator: " "))") }
    case .dockerfile(let folder, let file, let arguments, let command):
      parts.append("built from \(folder ?? ".")/\(file ?? "Dockerfile")")
      if !arguments.isEmpty { parts.append("\(arguments.count) build arguments") }
      if !command.isEmpty { parts.append("command \(command.joined(separator: " "))") }
    case .foreign(let type): parts.append("packaged by \(type), which only Stacktape builds")
    case nil: break
    }
    if let cpu = job.cpu { parts.append("cpu \(plain(cpu))") }
    if let memory = job.memoryMegabytes { parts.append("memory \(memory) MB") }
    if let gpu = job.gpu, gpu > 0 { parts.append("gpu \(gpu)") }
    if let timeout = job.timeoutSeconds { parts.append("timeout \(timeout) s an attempt") }
    if job.attempts > 1 {
      let waits = (1..<min(job.attempts, 4)).map { plain(job.wait(after: $0)) + " s" }
      let more = job.attempts > 4 ? ", …" : ""
      parts.append("\(job.attempts) attempts, waits \(waits.joined(separator: ", "))\(more)")
    }
    if job.usesSpotInstances { parts.append("interruptible") }
    if !job.environment.isEmpty {
      let unknown = job.environment.count { $0.value == nil }
      let hidden = unknown > 0 ? " (\(unknown) not known here)" : ""
      parts.append("\(job.environment.count) variables\(hidden)")
    }
    if !job.schedules.isEmpty { parts.append("schedule " + job.schedules.joined(separator: ", ")) }
    if !job.foreignEvents.isEmpty {
      parts.append("not local: " + job.foreignEvents.joined(separator: ", "))
    }
    return parts.isEmpty ? nil : TerminalText.string(parts.joined(separator: " · "))
  }

  private static func plain(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
  }
}
