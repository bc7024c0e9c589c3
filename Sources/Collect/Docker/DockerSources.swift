internal import LogModel
internal import Platform

/// One container as the collector knows it.
final class ContainerSource {
  let id: String
  let directory: String
  let appearedAt: Int64
  var watch: Int32?
  var facts: ContainerFacts?
  /// What only the API said, while the files cannot be read.
  var listed: ContainerFacts?
  var mustReadFacts = true
  var factsReadAt: Int64 = .min
  /// What the metadata file looked like when a scan last saw it.
  var factsStatus: FileStatus?
  /// When the container was first seen not running.
  var stoppedAt: Int64?
  var follower: Follower?
  var placement: Placement?
  var warned = false
  /// Its log was gone before it could be opened, and that was told.
  var wasMissed = false
  /// The last ticket of a tail that was given up: its successor begins only after that is
  /// committed.
  var reopenAfter: UInt64?

  init(id: String, directory: String, appearedAt: Int64) {
    self.id = id
    self.directory = directory
    self.appearedAt = appearedAt
  }

  var logPath: String { "\(directory)/\(id)-json.log" }
  var known: ContainerFacts? { facts ?? listed }
}

/// Finds Docker's containers and follows their json-files.
///
/// Used by the collect thread.
///
/// The directories tell everything; the API, when there is one, only tells it sooner or where the
/// files cannot be read.
final class DockerSources {
  private static let factsIntervalNanoseconds: Int64 = 100_000_000

  private let root: String
  private let hub: WatchHub
  private let context: CollectContext
  var placement: @Sendable (ContainerMetadata) -> Placement
  private var rootWatch: Int32?
  private(set) var containers: [String: ContainerSource] = [:]
  private var byWatch: [Int32: String] = [:]
  private(set) var isRootReadable = false
  private(set) var apiState = "not used"

  init(
    root: String,
    hub: WatchHub,
    context: CollectContext,
    placement: @escaping @Sendable (ContainerMetadata) -> Placement
  ) {
    self.root = root + "/containers"
    self.hub = hub
    self.context = context
    self.placement = placement
  }

  var followers: [Follower] { containers.values.compactMap(\.follower) }

  // MARK: discovery

  /// Lists the containers' directory: finds what appeared and what went without an event.
  func rescan(at now: Int64) {
    if rootWatch == nil { rootWatch = hub.add(root) }
    let names: [String]
    do throws(SyscallError) {
      names = try FileSystem.list(root)
    } catch {
      if isRootReadable || !error.isNotFound {
        context.notify(
          CollectNotice(.warning, "\(error); no container can be read until it is back")
        )
      }
      isRootReadable = false
      if let watch = rootWatch { hub.remove(watch) }
      rootWatch = nil
      for container in containers.values { container.follower?.poke() }
      return
    }
    isRootReadable = true
    for id in names where containers[id] == nil && ContainerFacts.isID(id) { appear(id, at: now) }
    let present = Set(names)
    for container in containers.values {
      if present.contains(container.id) {
        // The event of an atomic replacement may have been lost, or there is no inotify.
        if hasNewFacts(container) { container.mustReadFacts = true }
        openIfPresent(container, at: now)
      } else {
        gone(container)
      }
    }
  }

  /// Takes one event; true when it was ours.
  func handle(_ event: DirectoryWatch.Event, at now: Int64) -> Bool {
    if event.watch == rootWatch {
      switch event.kind {
      case .appeared where ContainerFacts.isID(event.name): appear(event.name, at: now)
      case .directoryGone: rootWatch = nil
      default: break
      }
      return true
    }
    guard let id = byWatch[event.watch], let container = containers[id] else { return false }
    switch event.kind {
    case .directoryGone:
      byWatch[event.watch] = nil
      container.watch = nil
      gone(container)
    case .appeared where event.name == "\(id)-json.log":
      openIfPresent(container, at: now)
      container.follower?.poke()
      if container.follower == nil, container.placement != .disabled,
        isGone(container.logPath)
      {
        tellMissed(container)
      }
    case .appeared where event.name == "config.v2.json" || event.name == "hostconfig.json":
      container.mustReadFacts = true
      container.factsReadAt = .min
    default: break
    }
    return true
  }

  /// Watches first and looks second: a file made in between is found by the look.
  private func appear(_ id: String, at now: Int64) {
    if containers[id] != nil { return }
    let container = ContainerSource(id: id, directory: "\(root)/\(id)", appearedAt: now)
    containers[id] = container
    if let watch = hub.add(container.directory, counting: "\(id)-json.log") {
      container.watch = watch
      byWatch[watch] = id
    }
    openIfPresent(container, at: now)
    if container.follower == nil, isGone(container.directory) {
      tellMissed(container)
      forget(container)
    }
  }

  private func isGone(_ path: String) -> Bool {
    do throws(SyscallError) {
      return try FileSystem.statusIfPresent(of: path) == nil
    } catch {
      // What cannot be looked at is not known to be gone.
      return false
    }
  }

  /// It came and went while this thread waited for the store, or for its turn on a busy machine.
  private func tellMissed(_ container: ContainerSource) {
    if container.wasMissed { return }
    container.wasMissed = true
    context.metrics.add("logagent_containers_missed_total")
    context.notify(
      CollectNotice(
        .warning,
        "container \(container.id.prefix(12)) was removed before its log could be opened; what it "
          + "wrote, if anything, is lost"
      )
    )
  }

  /// The directory is gone: what is open is read to its end, then the container is forgotten.
  private func gone(_ container: ContainerSource) {
    if let follower = container.follower {
      follower.poke()
    } else {
      forget(container)
    }
  }

  private func forget(_ container: ContainerSource) {
    if let watch = container.watch {
      byWatch[watch] = nil
      hub.remove(watch)
    }
    containers[container.id] = nil
  }

  /// Opens the log the moment it exists, whatever else is still unknown: `--rm` may remove it in
  /// 300 ms.
  private func openIfPresent(_ container: ContainerSource, at now: Int64) {
    if container.mustReadFacts { readFacts(container, at: now) }
    guard container.follower == nil, container.placement != .disabled,
      isFileDriver(container), FileSystem.exists(container.logPath)
    else { return }
    if let ticket = container.reopenAfter {
      if context.sink.committed < ticket { return }
      container.reopenAfter = nil
    }
    let tail = FileTail(
      source: "docker:\(container.id)",
      chain: .docker(base: container.logPath),
      format: .dockerJSON,
      group: LogGroup(sanitizing: "/docker/default/\(container.id.prefix(12))"),
      stream: LogStream(sanitizing: String(container.id.prefix(12))),
      context: context
    )
    if let watch = container.watch {
      tail.countRotations = { [hub] in hub.count(watch) }
    }
    tail.rotatedFilesMax = container.facts?.rotatedFilesMax
    tail.writerStartedAt = container.facts?.startedAt
    let follower = Follower(tail, context: context)
    container.follower = follower
    do throws(CollectError) {
      _ = try tail.openChain()
    } catch {
      // The first turn meets the same error and reports it.
    }
    place(container, at: now)
  }

  private func isFileDriver(_ container: ContainerSource) -> Bool {
    (container.facts?.metadata.logDriver ?? "json-file") == "json-file"
  }

  // MARK: metadata and placement

  private func readFacts(_ container: ContainerSource, at now: Int64) {
    container.mustReadFacts = false
    container.factsReadAt = now
    do throws(CollectError) {
      guard let facts = try ContainerFacts.read(directory: container.directory, id: container.id)
      else { return }
      let isNew = facts.metadata != container.facts?.metadata
      container.facts = facts
      noteState(container, isRunning: facts.isRunning, at: now)
      container.follower?.tail.decoder.isTTY = facts.metadata.isTTY
      if isNew { place(container, at: now) }
      warn(container, facts)
    } catch {
      if container.facts == nil, !container.warned {
        container.warned = true
        context.notify(CollectNotice(.warning, "container \(container.id.prefix(12)): \(error)"))
      }
    }
  }

  /// Whether the file that Docker replaces at every change of state is another one than was read.
  private func hasNewFacts(_ container: ContainerSource) -> Bool {
    let status: FileStatus?
    do throws(SyscallError) {
      status = try FileSystem.statusIfPresent(of: container.directory + "/config.v2.json")
    } catch {
      return container.facts == nil
    }
    guard let status, status != container.factsStatus else { return false }
    container.factsStatus = status
    return true
  }

  private func warn(_ container: ContainerSource, _ facts: ContainerFacts) {
    if container.warned { return }
    let name = "container \(facts.metadata.name) (\(facts.metadata.shortID))"
    if facts.metadata.logDriver != "json-file" {
      container.warned = true
      context.notify(
        CollectNotice(
          .warning,
          "\(name) uses the log driver \(facts.metadata.logDriver); only json-file's files are "
            + "read, so its output is not collected. Use --log-driver json-file"
        )
      )
    } else if facts.isNonBlocking {
      container.warned = true
      context.notify(
        CollectNotice(
          .warning,
          "\(name) logs with mode=non-blocking: Docker drops lines silently when its buffer is full"
        )
      )
    }
  }

  private func noteState(_ container: ContainerSource, isRunning: Bool, at now: Int64) {
    if isRunning {
      container.stoppedAt = nil
    } else if container.stoppedAt == nil {
      container.stoppedAt = now
    }
  }

  /// Decides where the output goes.
  ///
  /// A change applies from the current offset on.
  private func place(_ container: ContainerSource, at now: Int64) {
    let isLate = now - container.appearedAt >= CaptureLimits.metadataWaitNanoseconds
    guard
      let metadata = container.known?.metadata
        ?? (isLate ? ContainerMetadata(id: container.id) : nil)
    else { return }
    let decided = placement(metadata)
    if decided == container.placement, container.follower == nil { return }
    container.placement = decided
    guard let follower = container.follower else { return }
    switch decided {
    case .collect(let group, let stream):
      if follower.tail.group != group || follower.tail.stream != stream {
        handOver(follower)
        follower.tail.group = group
        follower.tail.stream = stream
      }
      follower.tail.decoder.isTTY = metadata.isTTY
      follower.poke()
    case .disabled:
      handOver(follower)
      container.reopenAfter = follower.tail.lastTicket
      container.follower = nil
    }
  }

  private func handOver(_ follower: Follower) {
    do throws(CollectError) {
      try follower.tail.submit()
    } catch {
      // Only a closing sink refuses; the loop ends for the same reason.
    }
  }

  /// Applies a new placement to every container.
  func replaceAll(at now: Int64) {
    for container in containers.values {
      if container.known != nil { place(container, at: now) }
      if container.placement != .disabled { openIfPresent(container, at: now) }
    }
  }

  func apply(_ update: DockerUpdate, at now: Int64) {
    switch update {
    case .connected: apiState = "connected"
    case .unavailable(let reason):
      apiState = "unavailable: \(reason)"
      context.notify(
        CollectNotice(.info, "Docker API \(apiState); containers are found by their directories")
      )
    case .listed(let all):
      if all.contains(where: { containers[$0.metadata.id] == nil }) { rescan(at: now) }
      for facts in all {
        guard let container = containers[facts.metadata.id] else { continue }
        container.listed = facts
        if container.facts == nil { place(container, at: now) }
      }
    case .started(let id):
      containers[id].map { noteState($0, isRunning: true, at: now) }
    case .died(let id):
      guard let container = containers[id] else { return }
      container.mustReadFacts = true
      container.factsReadAt = .min
      noteState(container, isRunning: false, at: now)
      container.follower?.poke()
    case .destroyed(let id):
      containers[id]?.follower?.poke()
    }
  }

  // MARK: turns

  /// Gives every source that is due its turn.
  func turn(at now: Int64) throws(CollectError) {
    for container in containers.values {
      if container.mustReadFacts, now - Self.factsIntervalNanoseconds >= container.factsReadAt {
        readFacts(container, at: now)
      }
      guard let follower = container.follower else { continue }
      if container.placement == nil { place(container, at: now) }
      guard case .collect = container.placement, now >= follower.nextPoll else { continue }
      follower.tail.writerGoneAt = container.mustReadFacts ? nil : container.stoppedAt
      try follower.turn(at: now)
      if follower.tail.isFinished { forget(container) }
    }
  }

  /// When something has to be done next, were no event to come.
  func nextWake(after now: Int64) -> Int64 {
    var next = now + CaptureLimits.rescanNanoseconds
    for container in containers.values {
      if container.mustReadFacts { next = min(next, now + Self.factsIntervalNanoseconds) }
      guard let follower = container.follower else { continue }
      next = min(
        next,
        container.placement == nil ? now + Limits.pollMinNanoseconds : follower.nextPoll
      )
    }
    return next
  }
}
