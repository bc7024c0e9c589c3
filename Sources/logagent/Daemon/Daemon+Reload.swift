internal import Collect
internal import Forward
internal import Logging
internal import Platform
internal import Retain
internal import Store
internal import Synchronization

/// Reading the configuration again while everything runs.
extension Daemon {
  /// The file that is read at every load; nil: the default one, if it is there.
  private var path: String? { Self.path(location) }

  private static func path(_ location: StoreLocation) -> String? {
    location.config ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG")
  }

  /// What to watch: the files that a load has read, and all folders that may hold secrets.
  static func watched(_ files: Set<String>, _ location: StoreLocation) -> WatchedFiles {
    let path = path(location) ?? Configuration.defaultPath
    let resolver = SecretResolver(
      directory: FileSystem.parent(of: path),
      environment: { ProcessEnvironment.value(of: $0) }
    )
    return WatchedFiles(
      files: files.union([path]),
      folders: Set([resolver.files, resolver.credentials, resolver.mounted].compactMap { $0 })
    )
  }

  static func isFromFile(_ location: StoreLocation) -> Bool {
    !Configuration.isAbsent(path(location) ?? Configuration.defaultPath)
  }

  /// Until the daemon stops: a reload for every SIGHUP, and whenever files have changed.
  func watchConfiguration(until stop: StopSignal) {
    watch.run(watchedAtStart, until: stop, clock: clock) { reload() }
  }

  /// Parse, validate, compare, apply: a valid configuration is applied where it differs, an invalid
  /// one leaves everything as it is.
  ///
  /// - Returns: What to watch from now on.
  func reload() -> WatchedFiles {
    notification.send("RELOADING=1")
    defer { notification.send("READY=1") }
    let loaded = Configuration.load(
      path: path,
      dataDirectory: location.dataDirectory ?? ProcessEnvironment.value(of: "LOGAGENT_DATA_DIR"),
      choices: choices
    )
    var next = loaded.configuration
    var problem = loaded.diagnostics.first { $0.severity == .error }?.headline ?? "unreadable"
    if hasFile.withLock({ $0 }), !Self.isFromFile(location) {
      // Without the file the defaults would hold, which nobody has asked for.
      next = nil
      problem = "\(path ?? Configuration.defaultPath) is gone"
    }
    noteReload(isValid: next != nil)
    guard let next else {
      reloadFailure.withLock { $0 = problem }
      logger.error(
        "the configuration is invalid, the old one stays; run `logagent check`",
        metadata: ["first": "\(problem)"]
      )
      return Self.watched(loaded.files, location)
    }
    hasFile.withLock { $0 = Self.isFromFile(location) }
    reloadFailure.withLock { $0 = nil }
    apply(next)
    return Self.watched(loaded.files, location)
  }

  func noteReload(isValid: Bool) {
    metrics.set("logagent_config_last_reload_successful", isValid ? 1 : 0)
    if isValid {
      metrics.set(
        "logagent_config_last_reload_success_timestamp_seconds",
        Double(clock.now() / 1_000_000_000)
      )
    }
  }

  private func apply(_ loaded: Configuration) {
    let current = configuration.withLock { $0 }
    let (next, late) = loaded.keepingFixed(of: current)
    if !late.isEmpty {
      logger.warning("\(late.joined(separator: ", ")) will hold after the next start only")
    }
    let changes = ConfigurationChanges.describe(from: current, to: next)
    guard next != current else {
      logger.info("configuration reloaded, nothing changed")
      return
    }
    configuration.withLock { $0 = next }
    collector.reload(placement: Self.placement(next, labelled, metrics, logger))
    forwarder.replace(Self.destinations(next))
    do throws(SyscallError) {
      let space = try FileSystem.space(at: store.layout.root)
      sweeper.replace(Self.retainOptions(next, space, labelled))
    } catch {
      logger.warning("limits and retention stay as they were until the next reload: \(error)")
    }
    logger.info(
      "configuration reloaded",
      metadata: ["changes": "\(ConfigurationChanges.joined(changes))"]
    )
  }
}

extension Configuration {
  /// This configuration with what cannot change while the daemon runs as it was, and the keys that
  /// are concerned.
  func keepingFixed(of current: Configuration) -> (configuration: Configuration, late: [String]) {
    var next = self
    var late: [String] = []
    if dataDirectory != current.dataDirectory { late.append("dataDirectory") }
    if docker != current.docker { late.append("sources") }
    if store != current.store { late.append("store") }
    if limits.maxEventSize != current.limits.maxEventSize { late.append("limits.maxEventSize") }
    if limits.memory != current.limits.memory { late.append("limits.memory") }
    next.dataDirectory = current.dataDirectory
    next.docker = current.docker
    next.store = current.store
    next.limits.maxEventSize = current.limits.maxEventSize
    next.limits.memory = current.limits.memory
    return (next, late)
  }
}
