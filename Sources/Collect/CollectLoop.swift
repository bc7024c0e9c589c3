internal import LogModel
internal import Platform

/// The collect thread's loop: events, turns, and sleep until the next thing is due.
final class CollectLoop {
  private static let statusNanoseconds: Int64 = 1_000_000_000
  /// Without inotify directories are listed this often.
  private static let blindRescanNanoseconds: Int64 = 1_000_000_000

  private let context: CollectContext
  private let hub: WatchHub
  private let docker: DockerSources?
  private let spools: SpoolSources?
  private let imports: ImportSources?
  private let api: DockerAPI?
  private let wake: WakeSignal
  private var nextRescan: Int64 = 0
  private var nextStatus: Int64 = 0
  private var overflowsSeen = 0

  init(
    context: CollectContext,
    hub: WatchHub,
    docker: DockerSources?,
    spools: SpoolSources?,
    imports: ImportSources?,
    api: DockerAPI?,
    wake: WakeSignal
  ) {
    self.context = context
    self.hub = hub
    self.docker = docker
    self.spools = spools
    self.imports = imports
    self.api = api
    self.wake = wake
  }

  func run(
    until stop: StopSignal,
    placement: () -> Collector.Resolver?,
    publish: (CollectorStatus) -> Void
  ) {
    do throws(CollectError) {
      while !stop.isRaised {
        let now = context.clock.monotonic()
        wake.clear()
        if let resolver = placement() {
          docker?.placement = resolver
          docker?.replaceAll(at: now)
        }
        takeEvents(at: now)
        try docker?.turn(at: now)
        try spools?.turn(at: now)
        try imports?.turn(at: now)
        if now >= nextStatus {
          boundHeldFiles()
          let current = status()
          report(current)
          // With very many containers the picture itself would be the cost of being idle.
          nextStatus = now + Self.statusNanoseconds * (current.containers.count > 100 ? 5 : 1)
          publish(current)
        }
        sleep(until: stop)
      }
      try handOver()
      publish(status())
    } catch {
      // The sink is closing: nothing more can be handed over, and everything is read again.
    }
  }

  private func takeEvents(at now: Int64) {
    for update in api?.takeUpdates() ?? [] { docker?.apply(update, at: now) }
    for event in hub.takeEvents() {
      if event.kind == .overflow { continue }
      if docker?.handle(event, at: now) == true { continue }
      if imports?.handle(event) == true { continue }
      spools?.handle(event, at: now)
    }
    if now >= nextRescan || hub.overflows != overflowsSeen {
      overflowsSeen = hub.overflows
      nextRescan =
        now + (hub.isAvailable ? CaptureLimits.rescanNanoseconds : Self.blindRescanNanoseconds)
      docker?.rescan(at: now)
      spools?.rescan(at: now)
      imports?.rescan(at: now)
      // A directory that is not there yet cannot announce itself.
      if docker?.isRootReadable == false { nextRescan = now + Self.blindRescanNanoseconds }
      if spools?.isRootWatched == false { nextRescan = now + Self.blindRescanNanoseconds }
    }
  }

  private func sleep(until stop: StopSignal) {
    let now = context.clock.monotonic()
    var next = min(nextRescan, nextStatus)
    if let docker { next = min(next, docker.nextWake(after: now)) }
    if let spools { next = min(next, spools.nextWake(after: now)) }
    if let imports { next = min(next, imports.nextWake(after: now)) }
    if next <= now { return }
    var descriptors = [stop.descriptor, wake.descriptor]
    if let descriptor = hub.descriptor { descriptors.append(descriptor) }
    Poller.wait(readable: descriptors, nanoseconds: next - now)
  }

  private var followers: [Follower] { (docker?.followers ?? []) + (spools?.followers ?? []) }

  /// Hands over what was gathered, at the end.
  private func handOver() throws(CollectError) {
    for follower in followers { try follower.tail.submit() }
  }

  /// Deleted files that are still open use disk that nobody sees: beyond the bound the oldest goes.
  private func boundHeldFiles() {
    var sizes = followers.filter { $0.tail.segments.count > 1 }.map {
      ($0, $0.tail.heldDeletedBytes)
    }
    while sizes.reduce(0, { $0 + $1.1 }) > Limits.heldDeletedBytesMax {
      guard let index = sizes.indices.max(by: { sizes[$0].1 < sizes[$1].1 }) else { return }
      sizes[index].0.tail.dropOldestHeld()
      let left = sizes[index].0.tail.heldDeletedBytes
      if left >= sizes[index].1 { return }
      sizes[index].1 = left
    }
  }

  private func report(_ status: CollectorStatus) {
    guard let docker else { return }
    var states: [CollectorStatus.State: Int] = [
      .collected: 0, .disabled: 0, .unsupported: 0, .waiting: 0,
    ]
    var backlog: [String: Int64] = [:]
    for container in status.containers {
      states[container.state, default: 0] += 1
      if container.state == .collected {
        backlog[container.group, default: 0] += container.lagBytes
      }
    }
    for (state, count) in states {
      context.metrics.set("logagent_containers", Double(count), [("state", state.rawValue)])
    }
    for (group, bytes) in backlog {
      context.metrics.set("logagent_source_backlog_bytes", Double(bytes), [("resource", group)])
    }
    context.metrics.set(
      "logagent_source_up",
      docker.isRootReadable ? 1 : 0,
      [("source", "docker-files")]
    )
  }

  private func status() -> CollectorStatus {
    var status = CollectorStatus()
    status.containers = docker?.statuses() ?? []
    status.runs = spools?.statuses() ?? []
    status.isDockerRootReadable = docker?.isRootReadable ?? false
    status.dockerAPI = docker?.apiState ?? "not used"
    status.usesInotify = hub.isAvailable
    status.inotifyOverflows = hub.overflows
    return status
  }
}

extension DockerSources {
  func statuses() -> [CollectorStatus.Container] {
    containers.values.map { container in
      let metadata = container.known?.metadata
      let tail = container.follower?.tail
      var state = CollectorStatus.State.waiting
      if let metadata, metadata.logDriver != "json-file" {
        state = .unsupported
      } else if container.placement == .disabled {
        state = .disabled
      } else if tail != nil, container.placement != nil {
        state = .collected
      }
      return CollectorStatus.Container(
        id: container.id,
        name: metadata?.name ?? "",
        group: state == .collected ? tail?.group.name ?? "" : "",
        stream: state == .collected ? tail?.stream.name ?? "" : "",
        state: state,
        isRunning: container.stoppedAt == nil,
        lagBytes: tail?.lagBytes ?? 0,
        events: tail?.eventCount ?? 0,
        logDriver: metadata?.logDriver ?? ""
      )
    }.sorted { $0.id < $1.id }
  }
}
