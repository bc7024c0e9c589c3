/// What a stacktape.yml says of a resource, as far as it matters on this machine.
struct StacktapeResource: Sendable, Equatable {
  /// A container, or a kind of log, with `logging` of its own.
  struct Container: Sendable, Equatable {
    var name: String
    var logging = ResourceLogging()
    /// Its prebuilt image.
    var image: String?
  }

  var type: ResourceType
  var project: String?
  var stage: String?
  /// Holds for the container that has no `logging` of its own.
  var logging = ResourceLogging()
  /// Side containers, and those of a multi-container-workload.
  var containers: [Container] = []
  /// The prebuilt image of the main container.
  var image: String?
  var batchJob: BatchJobDefinition?

  var stack: String? {
    guard let project, let stage else { return nil }
    return "\(project)-\(stage)"
  }

  func container(_ name: String?) -> Container? {
    guard let name else { return nil }
    return containers.first { $0.name == name }
      ?? containers.first { ResourceName.isSame($0.name, name) }
  }

  /// The `logging` of a container, or of the main one.
  func logging(of container: String?) -> ResourceLogging {
    if let own = self.container(container) { return own.logging }
    if case .kinds = type.loggingPlace { return containers.first?.logging ?? logging }
    return logging
  }
}

/// What a batch-job's definition says about its runs.
struct BatchJobDefinition: Sendable, Equatable {
  enum Packaging: Sendable, Equatable {
    case image(String?, command: [String])
    case dockerfile(folder: String?, file: String?, arguments: [Variable], command: [String])
    /// Built by Stacktape in ways that do not exist here.
    case foreign(String)
  }

  struct Variable: Sendable, Equatable {
    var name: String
    /// Nil: not known on this machine.
    var value: Secret?
  }

  var packaging: Packaging?
  var environment: [Variable] = []
  var cpu: Double?
  var memoryMegabytes: Int?
  var gpu: Int?
  /// For each attempt.
  var timeoutSeconds: Int?
  /// The contract of spot instances: SIGTERM and 120 seconds, then a further attempt.
  var usesSpotInstances = false
  /// All attempts, the first one included: what Stacktape runs.
  var attempts = 1
  var retryIntervalSeconds = 0.0
  var retryIntervalMultiplier = 1.0
  /// `rate()` and `cron()` expressions.
  var schedules: [String] = []
  /// Types of the events that only AWS can deliver.
  var foreignEvents: [String] = []

  /// Seconds between an attempt that failed, counted from 1, and the next.
  func wait(after attempt: Int) -> Double {
    var wait = retryIntervalSeconds
    for _ in 1..<max(1, min(attempt, attempts)) { wait *= retryIntervalMultiplier }
    return wait
  }
}
