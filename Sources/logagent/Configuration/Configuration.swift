internal import LogModel

/// What logagent.yml and the stacktape.yml files say, checked and with every default filled in.
///
/// A plain value: the daemon compares an old and a new one to see what a reload changes.
struct Configuration: Sendable, Equatable {
  /// With `stage`, the stack's name: `{project}-{stage}`.
  var project: String?
  var stage: String?
  /// A label that `$Region()` gives.
  var region: String?
  var awsAccountID = Self.anyAccount
  /// Values that only AWS knows, by resource or stack and then by name.
  var parameters: [String: [String: Secret]] = [:]
  var stacktape: [StacktapeFile] = []
  var dataDirectory = "/var/lib/logagent"
  var docker = DockerOptions()
  var limits = LimitOptions()
  var store = StoreConfiguration()
  var defaults = LoggingDefaults()
  var retention = RetentionConfiguration()
  /// In the order of the files, which is the order in which `match` rules are tried.
  var resources: [ResourceConfiguration] = []
  var forward = ForwardConfiguration()

  /// What stands where an AWS account's number would.
  static let anyAccount = "000000000000"

  /// `{project}-{stage}`; nil unless both are set.
  var stack: String? {
    guard let project, let stage else { return nil }
    return "\(project)-\(stage)"
  }
}

/// A switch that finds out by itself when it is not set.
enum AutomaticSwitch: Sendable, Equatable {
  case automatic
  case on
  case off
}

/// `sources.docker`.
struct DockerOptions: Sendable, Equatable {
  /// Automatic: used when the socket or the root is there, also when it appears later.
  var enabled = AutomaticSwitch.automatic
  var socket = "/run/docker.sock"
  var root = "/var/lib/docker"
}

/// `limits`.
struct LimitOptions: Sendable, Equatable {
  var maxDiskUsage = DiskAmount.automatic
  var minFreeDisk = DiskAmount.hundredthsOfPercent(500)
  var maxEventSize = Limits.eventBytesMax
  /// What the process may use, in bytes.
  var memory = 134_217_728
}

/// An amount of disk space, absolute or as a part of the file system.
enum DiskAmount: Sendable, Equatable {
  /// The smaller of 20 GB and 10 % of the file system.
  case automatic
  case bytes(Int64)
  /// 5 % is 500.
  case hundredthsOfPercent(Int)

  /// The amount on a file system of `total` bytes.
  func bytes(ofTotal total: UInt64) -> Int64 {
    switch self {
    case .automatic: min(20_000_000_000, Int64(clamping: total / 10))
    case .bytes(let bytes): bytes
    case .hundredthsOfPercent(let part): Int64(clamping: total / 10_000 * UInt64(part))
    }
  }
}

/// `store`.
struct StoreConfiguration: Sendable, Equatable {
  enum Compression: String, Sendable, CaseIterable {
    case zstd
    case gzip
  }

  var compression = Compression.zstd
}

/// `retention`.
struct RetentionConfiguration: Sendable, Equatable {
  /// How long a shorter `retentionDays` waits before it holds.
  var shrinkGraceSeconds = 86_400

  var shrinkGraceNanoseconds: Int64 { Int64(shrinkGraceSeconds) * 1_000_000_000 }
}

/// `defaults`: what holds where a resource says nothing.
struct LoggingDefaults: Sendable, Equatable {
  var disabled = false
  var retentionDays: RetentionPeriod = 90
  var destination: ForwardingDestination?
}

/// An entry of `stacktape`.
struct StacktapeFile: Sendable, Equatable {
  /// A file, or a folder with a `stacktape.yaml`, `.yml` or `.json` in it.
  var path: String
  /// Nil: those of logagent.yml.
  var project: String?
  var stage: String?
}

/// `resources.<name>`, and what a stacktape.yml says of the same resource.
struct ResourceConfiguration: Sendable, Equatable {
  var name: String
  var type: ResourceType?
  /// Any of them makes a container this resource's; empty: Compose service and name decide.
  var match: [MatchRule] = []
  /// Wins over `stacktape`, key by key.
  var logging = ResourceLogging()
  var stacktape: StacktapeResource?
}

/// One rule of `match`: everything that it names must fit.
struct MatchRule: Sendable, Equatable {
  /// `name` or `name=value`, globs.
  var labels: [Glob] = []
  /// `service` or `project/service`, globs.
  var compose: [Glob] = []
  /// Globs over the container's name.
  var names: [Glob] = []
  /// Globs over the image reference, with or without its tag.
  var images: [Glob] = []
}

/// `logging` of a resource; nil: as in `defaults`.
struct ResourceLogging: Sendable, Equatable {
  var disabled: Bool?
  var retentionDays: RetentionPeriod?
  var forwarding = ForwardingChoice.inherited
}

/// What `logForwarding` of a resource says.
enum ForwardingChoice: Sendable, Equatable {
  /// Nothing: the one of `defaults`, if any.
  case inherited
  /// `logForwarding: null`: nothing is forwarded, whatever `defaults` says.
  case none
  case to(ForwardingDestination)
}

/// Where the events of a log group are sent, with the presets of its type filled in.
struct ForwardingDestination: Sendable, Equatable {
  enum Kind: String, Sendable, CaseIterable {
    case httpEndpoint = "http-endpoint"
    case highlight
    case datadog
  }

  /// A common attribute of every request; its value may come from a secret.
  struct Attribute: Sendable, Equatable {
    var name: String
    var value: Secret
  }

  var kind: Kind
  var endpointURL: String
  /// Sent as the access key; Datadog's `apiKey`.
  var accessKey: Secret?
  var attributes: [Attribute] = []
  var gzip: Bool
  var retryDurationSeconds: Int
  /// Why nothing may be sent yet, such as a secret that was not found.
  ///
  /// Events wait in the store.
  var pausedReason: String?
}

/// `forward`.
struct ForwardConfiguration: Sendable, Equatable {
  /// How long events gather before a request is made, in seconds.
  var flushSeconds = 5
  /// `http://` endpoints are accepted.
  var allowInsecure = false
}
