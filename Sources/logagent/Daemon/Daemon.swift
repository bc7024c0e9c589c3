internal import Collect
internal import Forward
internal import LogModel
internal import Logging
internal import Platform
internal import Retain
internal import ServiceLifecycle
internal import Store
internal import Synchronization
internal import UnixSignals

/// The wiring of `logagent run`: which stages there are, what configuration each of them gets, in
/// which order they stop.
final class Daemon: Sendable {
  let logger: Logger
  let store: Store
  let metrics: Metrics
  let clock = SystemClock()
  let notification: ServiceNotification
  let started: Int64
  let location: StoreLocation
  let choices: StackChoices
  let labelled: LabelledRetention
  let collector: Collector
  let forwarder: Forwarder
  let sweeper: RetentionSweeper
  let configuration: Mutex<Configuration>
  let reloadFailure = Mutex<String?>(nil)
  /// The configuration in force came from a file.
  let hasFile: Mutex<Bool>
  let watch: ConfigurationWatch
  /// What the configuration was read from, and how that looked then.
  let watchedAtStart: (files: WatchedFiles, fingerprint: [String: FileStatus])

  /// `files` are those that the configuration was made of.
  init(
    _ configuration: Configuration,
    files: Set<String>,
    location: StoreLocation,
    choices: StackChoices,
    logger: Logger
  ) throws {
    self.logger = logger
    self.location = location
    self.choices = choices
    self.configuration = Mutex(configuration)
    // Before the store, whose recovery may take minutes.
    let watched = Self.watched(files, location)
    watchedAtStart = (watched, watched.fingerprint())
    hasFile = Mutex(Self.isFromFile(location))
    metrics = Metrics()
    notification = ServiceNotification { ProcessEnvironment.value(of: $0) }
    started = clock.now()
    var options = StoreOptions(dataDirectory: configuration.dataDirectory)
    options.codec = configuration.store.compression == .gzip ? .gzip : .zstd
    let memory = MemoryBudget(total: configuration.limits.memory)
    options.queueBytes = memory.queueBytes
    options.commitBytes = memory.commitBytes
    var forwardOptions = ForwardOptions(
      deadLetters: Layout(root: options.dataDirectory).deadLetters
    )
    forwardOptions.bufferBytes = memory.forwardBytes
    let space: FileSystemSpace
    do throws(StoreError) {
      store = try Store.open(options, clock: clock, metrics: metrics) { [notification] error in
        Self.waitForSpace(error, logger, notification)
        return true
      }
    } catch {
      throw CommandFailure(error)
    }
    labelled = LabelledRetention(of: store.layout)
    do throws(SyscallError) {
      space = try FileSystem.space(at: store.layout.root)
      try FileSystem.makeDirectory(store.layout.spool, mode: 0o770)
      watch = try ConfigurationWatch()
      try FileSystem.makeDirectory(store.layout.imports, mode: 0o700)
      collector = try Collector(
        options: Self.collectorOptions(configuration, store.layout),
        sink: store,
        metrics: metrics,
        notify: { notice in logger.log(level: Self.level(notice), "\(notice.text)") },
        placement: Self.placement(configuration, labelled, metrics, logger)
      )
    } catch {
      throw CommandFailure(error)
    }
    sweeper = RetentionSweeper(
      store: store,
      options: Self.retainOptions(configuration, space, labelled),
      clock: clock,
      metrics: metrics
    )
    forwarder = Forwarder(
      store: store,
      options: forwardOptions,
      clock: clock,
      metrics: metrics,
      destinations: Self.destinations(configuration),
      notify: { logger.warning("\($0)") }
    )
  }

  /// The disk is full at the start: readers work, nothing is collected, and it is tried again.
  private static func waitForSpace(
    _ error: StoreError,
    _ logger: Logger,
    _ notification: ServiceNotification
  ) {
    logger.error(
      "the store cannot be opened for writing; waiting for space",
      metadata: ["reason": "\(error)"]
    )
    notification.send("READY=1\nSTATUS=read-only: \(error)\nWATCHDOG=1")
    Poller.wait(readable: [], nanoseconds: 5_000_000_000)
  }

  /// Runs until SIGTERM or SIGINT; every stage has stopped and everything is committed when it
  /// returns.
  func run() async throws {
    // Stopped in reverse: first nothing new comes, then what came is committed, then it is
    // delivered.
    let services: [any Service] = [
      ThreadService(name: "retain") { [sweeper] in sweeper.run(until: $0) },
      ThreadService(name: "forward") { [forwarder] in forwarder.run(until: $0) },
      ThreadService(name: "collect") { [self] in collect(until: $0) },
      ThreadService(name: "report") { [self] in report(until: $0) },
      ThreadService(name: "configuration") { [self] in watchConfiguration(until: $0) },
      ReloadService(watch: watch),
    ]
    var group = ServiceGroupConfiguration(
      services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
      gracefulShutdownSignals: [.sigterm, .sigint],
      logger: Logger(label: "lifecycle") { _ in
        SwiftLogNoOpLogHandler()
      }
    )
    group.maximumGracefulShutdownDuration = .seconds(9)
    for notice in store.notices { logger.warning("\(notice)") }
    noteReload(isValid: true)
    try await ServiceGroup(configuration: group).run()
    store.close()
    logger.info("stopped, everything is committed")
  }

  private func collect(until stop: StopSignal) {
    collector.run(until: stop)
    // What was handed over last is committed before forwarding drains.
    let deadline = clock.monotonic() + 2_000_000_000
    while store.backlogBytes > 0, clock.monotonic() < deadline {
      Poller.wait(readable: [], nanoseconds: 20_000_000)
    }
    if let ticket = store.apply([]) {
      _ = store.waitCommitted(ticket, timeoutNanoseconds: 2_000_000_000)
    }
  }

  // MARK: configuration

  private static func collectorOptions(
    _ configuration: Configuration,
    _ layout: Layout
  ) -> CollectorOptions {
    let isOff = configuration.docker.enabled == .off
    return CollectorOptions(
      dockerRoot: isOff ? nil : configuration.docker.root,
      dockerSocket: isOff ? nil : configuration.docker.socket,
      spoolDirectory: layout.spool,
      importsDirectory: layout.imports,
      eventBytesMax: configuration.limits.maxEventSize
    )
  }

  static func placement(
    _ configuration: Configuration,
    _ labelled: LabelledRetention,
    _ metrics: Metrics,
    _ logger: Logger
  ) -> Collector.Resolver {
    let matcher = ResourceMatcher(configuration)
    return { container in
      let resolution = matcher.resolve(container)
      let name = container.name.isEmpty ? container.shortID : container.name
      if let problem = labelled.note(resolution, created: container.created) {
        logger.warning("\(problem)", metadata: ["container": "\(name)"])
      }
      for note in resolution.notes { logger.warning("\(note)", metadata: ["container": "\(name)"]) }
      if let rival = resolution.rival {
        metrics.add("logagent_containers_ambiguous_total")
        logger.warning(
          "the container fits two resources, the first has it",
          metadata: [
            "container": "\(name)", "first": "\(resolution.resource ?? "")",
            "second": "\(rival.name)",
          ]
        )
      }
      return resolution.placement
    }
  }

  static func retainOptions(
    _ configuration: Configuration,
    _ space: FileSystemSpace,
    _ labelled: LabelledRetention
  ) -> RetainOptions {
    let matcher = ResourceMatcher(configuration)
    return RetainOptions(
      period: { labelled.period(of: $0) ?? matcher.settings(ofGroup: $0).retentionDays },
      maxDiskBytes: configuration.limits.maxDiskUsage.bytes(ofTotal: space.totalBytes),
      minFreeBytes: configuration.limits.minFreeDisk.bytes(ofTotal: space.totalBytes),
      shrinkGraceNanoseconds: configuration.retention.shrinkGraceNanoseconds
    )
  }

  static func destinations(
    _ configuration: Configuration
  ) -> @Sendable (LogGroup) -> [Destination] {
    let matcher = ResourceMatcher(configuration)
    return { group in
      let settings = matcher.settings(ofGroup: group)
      guard !settings.isDisabled, let chosen = settings.destination else { return [] }
      return [destination(chosen, configuration.forward)]
    }
  }

  private static func destination(
    _ chosen: ForwardingDestination,
    _ forward: ForwardConfiguration
  ) -> Destination {
    let kind: Destination.Kind =
      switch chosen.kind {
      case .httpEndpoint: .httpEndpoint
      case .highlight: .highlight
      case .datadog: .datadog
      }
    return Destination(
      kind: kind,
      endpointURL: chosen.endpointURL,
      accessKey: chosen.accessKey.map { Credential($0.reveal()) },
      attributes: chosen.attributes.map { ($0.name, Credential($0.value.reveal())) },
      gzip: chosen.gzip,
      retryDurationSeconds: chosen.retryDurationSeconds,
      flushSeconds: forward.flushSeconds,
      allowsPlaintext: forward.allowInsecure,
      pausedReason: chosen.pausedReason
    )
  }

  private static func level(_ notice: CollectNotice) -> Logger.Level {
    switch notice.severity {
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }

  // MARK: report

  /// Every second: the watchdog, the health of the store; every two: the report for `status`.
  private func report(until stop: StopSignal) {
    // Said by a service, because signals are handled only when services run.
    logger.info(
      "started",
      metadata: ["data": "\(store.layout.root)", "version": "\(Version.number)"]
    )
    notification.send("READY=1\nSTATUS=collecting")
    var turn = 0
    var lastState = StoreState.ok
    while !stop.isRaised {
      let state = store.state
      if state != lastState { tell(state) }
      lastState = state
      if notification.watchdogNanoseconds != nil { notification.send("WATCHDOG=1") }
      if turn % 2 == 0 {
        noteUsage()
        statusReport(state).write(to: store.layout.status)
      }
      if turn % 60 == 59 {
        Heap.trim()
        labelled.saveAgain()
      }
      turn += 1
      stop.wait(nanoseconds: min(1_000_000_000, notification.watchdogNanoseconds ?? .max))
    }
    notification.send("STOPPING=1")
    statusReport(store.state).write(to: store.layout.status)
  }

  private func noteUsage() {
    if let count = ProcessUsage.openDescriptors { metrics.set("process_open_fds", Double(count)) }
    if let bytes = ProcessUsage.residentBytes {
      metrics.set("process_resident_memory_bytes", Double(bytes))
    }
  }

  private func tell(_ state: StoreState) {
    switch state {
    case .ok:
      logger.notice("the store commits again")
      notification.send("STATUS=collecting")
    case .degraded(let reason):
      logger.error("the store cannot commit; sources wait", metadata: ["reason": "\(reason)"])
      notification.send("STATUS=degraded: \(reason)")
    case .failed(let reason):
      // Going on could lie; a restart recovers, and everything uncommitted is read again.
      logger.critical("the store has failed", metadata: ["reason": "\(reason)"])
      ProcessExit.now(CommandFailure.Status.io)
    }
  }

  private func statusReport(_ state: StoreState) -> StatusReport {
    let collected = collector.status
    let retained = sweeper.status
    var report = StatusReport(
      processID: ProcessExit.processID,
      startedMilliseconds: started / 1_000_000,
      writtenMilliseconds: clock.now() / 1_000_000,
      state: "ok",
      configuration: location.config ?? Configuration.defaultPath,
      containers: collected.containers.count,
      unsupported: collected.unsupported.map(\.name),
      docker: collected.dockerAPI,
      backlogBytes: store.backlogBytes,
      usedBytes: retained.usedBytes,
      limitBytes: Int64(metrics.value("logagent_storage_limit_bytes")),
      isClockTrusted: retained.isClockTrusted,
      lanes: forwarder.status.map { lane in
        StatusReport.Lane(
          group: lane.group.name,
          destination: lane.destination,
          queuedEvents: lane.queuedEvents,
          oldestUnsentMilliseconds: lane.oldestUnsent?.milliseconds,
          lastError: lane.lastError,
          nextAttemptSeconds: lane.nextAttemptSeconds,
          paused: lane.pausedReason,
          deadLetterEvents: lane.deadLetterEvents
        )
      },
      metrics: metrics.snapshot().map { ($0.0.name + $0.0.labels, $0.1) }
    )
    report.waiting = retained.waiting.map {
      StatusReport.Waiting(
        group: $0.change.group.name,
        from: $0.change.from,
        to: $0.change.to,
        dueMilliseconds: $0.due.milliseconds
      )
    }
    report.reloadFailed = reloadFailure.withLock { $0 }
    switch state {
    case .ok: break
    case .degraded(let reason): (report.state, report.reason) = ("degraded", reason)
    case .failed(let reason): (report.state, report.reason) = ("failed", reason)
    }
    if !retained.isClockTrusted, report.state == "ok" {
      (report.state, report.reason) = ("degraded", "the clock jumped ahead; nothing expires")
    }
    return report
  }
}

/// SIGHUP reads the configuration again, also when no file has changed.
private struct ReloadService: Service {
  let watch: ConfigurationWatch

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown()
    for await _ in signals { watch.request() }
  }
}
