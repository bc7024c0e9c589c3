internal import LogModel

/// One key of logagent.yml, as the documentation and the decoder know it.
struct ConfigurationKey: Sendable, Equatable {
  /// From the top, with dots; `<name>` stands for a name of the user's.
  var path: String
  var type: String
  /// As one would write it; nil where there is none.
  var standard: String?
  /// What the value may be, beyond its type.
  var allowed: String?
  /// The version that read it first.
  var since = "0.1.0"
  var meaning: String

  init(
    _ path: String,
    _ type: String,
    _ standard: String?,
    allowed: String? = nil,
    _ meaning: String
  ) {
    self.path = path
    self.type = type
    self.standard = standard
    self.allowed = allowed
    self.meaning = meaning
  }

  /// The path of the map that it stands in; empty at the top.
  var parent: String {
    path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
  }

  var name: String {
    path.lastIndex(of: ".").map { String(path[path.index(after: $0)...]) } ?? path
  }
}

/// Every key of logagent.yml: the decoder takes these and no others, `docs/configuration.md` and
/// logagent.yml(5) are written from them.
enum ConfigurationKeys {
  static let all: [ConfigurationKey] = stack + storage + logging + resources

  /// The keys of the map at a path; empty: of the file.
  static func names(in parent: String) -> [String] {
    all.filter { $0.parent == parent && $0.name != "<name>" }.map(\.name)
  }

  private static let stack = [
    ConfigurationKey(
      "project",
      "text",
      nil,
      allowed: "letters, digits, `-` and `_`",
      "with `stage` the stack, `{project}-{stage}`, which is part of group names"
    ),
    ConfigurationKey("stage", "text", nil, allowed: "as `project`", "see `project`"),
    ConfigurationKey("region", "text", nil, "what `$Region()` gives; a label only"),
    ConfigurationKey(
      "awsAccountId",
      "text",
      "\"\(Configuration.anyAccount)\"",
      allowed: "12 digits",
      "what `$AwsAccountId()` gives; a label only"
    ),
    ConfigurationKey(
      "params",
      "map",
      "{}",
      "values that only AWS knows, by resource or stack and then by name, for `$ResourceParam()` "
        + "and its like"
    ),
    ConfigurationKey(
      "stacktape",
      "list",
      "[]",
      allowed: "at most \(Limits.stacktapeFilesMax) paths or maps",
      "files to take resources from, see stacktape.md: each a path from this file's folder, of a "
        + "`stacktape.yml`, `.yaml` or `.json` or of a folder with one"
    ),
    ConfigurationKey("stacktape[].path", "path", nil, "a file of another stack"),
    ConfigurationKey("stacktape[].project", "text", nil, "without it `project`"),
    ConfigurationKey("stacktape[].stage", "text", nil, "without it `stage`"),
    ConfigurationKey(
      "dataDirectory",
      "path",
      "/var/lib/logagent",
      allowed: "an absolute path",
      "everything that is stored"
    ),
    ConfigurationKey("sources", "map", nil, "where logs come from"),
    ConfigurationKey("sources.docker", "map", nil, "containers of a Docker Engine"),
    ConfigurationKey(
      "sources.docker.enabled",
      "word or boolean",
      "auto",
      allowed: "`auto`, `true`, `false`",
      "`auto`: collect when the socket or the root is there, also if it appears later; `true`: the "
        + "same, and complain until then; `false`: never"
    ),
    ConfigurationKey(
      "sources.docker.socket",
      "path",
      "/run/docker.sock",
      "the Engine's API, for names, labels and images"
    ),
    ConfigurationKey(
      "sources.docker.root",
      "path",
      "/var/lib/docker",
      "Docker's data root, with `containers/` in it"
    ),
  ]

  private static let storage = [
    ConfigurationKey("limits", "map", nil, "what logagent may take of the machine"),
    ConfigurationKey(
      "limits.maxDiskUsage",
      "size",
      "auto",
      allowed: "a size, a percentage of the file system, or `auto`: 20 GB or 10 %, the smaller",
      "the most that the data directory may take; the oldest logs of the largest groups go first"
    ),
    ConfigurationKey(
      "limits.minFreeDisk",
      "size",
      "5%",
      allowed: "a size or a percentage",
      "what stays free on its file system, whoever fills it"
    ),
    ConfigurationKey(
      "limits.maxEventSize",
      "size",
      "1MiB",
      allowed: range(Limits.eventBytesAllowed),
      "longer events are cut and marked"
    ),
    ConfigurationKey(
      "limits.memory",
      "size",
      "128MiB",
      allowed: range(Limits.memoryBytesAllowed),
      "what the process may use"
    ),
    ConfigurationKey("store", "map", nil, "how segments are written"),
    ConfigurationKey(
      "store.compression",
      "word",
      "zstd",
      allowed: "`zstd`, `gzip`",
      "`zstdcat` or `zcat` reads the segments"
    ),
    ConfigurationKey("retention", "map", nil, "how retention is carried out"),
    ConfigurationKey(
      "retention.shrinkGrace",
      "duration",
      "24h",
      allowed: "0s to \(DurationText.format(Limits.shrinkGraceSecondsAllowed.upperBound))",
      "how long a shorter `retentionDays` waits before anything more is deleted or hidden"
    ),
    ConfigurationKey("forward", "map", nil, "how events are forwarded"),
    ConfigurationKey(
      "forward.flushSeconds",
      "integer",
      "5",
      allowed: range(Limits.flushSecondsAllowed, unit: "seconds"),
      "how long events gather before a request is made"
    ),
    ConfigurationKey(
      "forward.allowInsecure",
      "boolean",
      "false",
      "`http://` endpoints are accepted: logs and keys then travel in the clear"
    ),
  ]

  private static let logging = [
    ConfigurationKey("defaults", "map", nil, "what holds where a resource says nothing"),
    ConfigurationKey(
      "defaults.retentionDays",
      "retention",
      "90",
      allowed: RetentionPeriod.allowedWords,
      "how long events are kept, by their timestamps"
    ),
    ConfigurationKey(
      "defaults.logging",
      "map",
      nil,
      "the same keys as `logging` of a resource; of its `retentionDays` and the one above only one"
    ),
  ]

  private static let resources =
    [
      ConfigurationKey(
        "resources",
        "map",
        "{}",
        "what belongs to a resource, and what holds for it"
      ),
      ConfigurationKey(
        "resources.<name>",
        "map",
        nil,
        allowed: "letters, digits, `-`, `_` and `.`",
        "a resource; names are compared without case and without `-`, `_` and `.`"
      ),
      ConfigurationKey(
        "resources.<name>.type",
        "word",
        nil,
        allowed: ResourceType.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "),
        "how groups and streams are named; without it a service"
      ),
      ConfigurationKey(
        "resources.<name>.match",
        "map or list of maps",
        nil,
        "which containers belong to it: all that a rule names must fit, and one rule is enough"
      ),
      ConfigurationKey(
        "resources.<name>.match.compose",
        "text or list",
        nil,
        "`project/service`, or `service` in any project; `*` and `?` are wildcards"
      ),
      ConfigurationKey(
        "resources.<name>.match.label",
        "text or list",
        nil,
        "`name=value`, or `name` with any value"
      ),
      ConfigurationKey(
        "resources.<name>.match.name",
        "text or list",
        nil,
        "the container's name"
      ),
      ConfigurationKey(
        "resources.<name>.match.image",
        "text or list",
        nil,
        "the image; a pattern without a tag fits every tag and digest"
      ),
      ConfigurationKey(
        "resources.<name>.logging",
        "map",
        nil,
        "the same map as in a `stacktape.yml`"
      ),
    ] + keys(ofLogging: "resources.<name>.logging")

  private static func keys(ofLogging path: String) -> [ConfigurationKey] {
    [
      ConfigurationKey(
        "\(path).disabled",
        "boolean",
        "false",
        "`true`: nothing is stored and nothing is forwarded"
      ),
      ConfigurationKey(
        "\(path).retentionDays",
        "retention",
        nil,
        allowed: RetentionPeriod.allowedWords,
        "how long events are kept; without it what a `stacktape.yml` or its type says, else "
          + "`defaults.retentionDays`"
      ),
      ConfigurationKey(
        "\(path).logForwarding",
        "map",
        "null",
        "where events are sent; `null`: nowhere"
      ),
      ConfigurationKey(
        "\(path).logForwarding.type",
        "word",
        nil,
        allowed: ForwardingDestination.Kind.allCases.map { "`\($0.rawValue)`" }
          .joined(separator: ", "),
        "the protocol's preset"
      ),
      ConfigurationKey("\(path).logForwarding.properties", "map", nil, "what the type needs"),
    ] + keys(ofForwarding: "\(path).logForwarding.properties")
  }

  private static func keys(ofForwarding path: String) -> [ConfigurationKey] {
    [
      ConfigurationKey(
        "\(path).endpointUrl",
        "text",
        nil,
        allowed: "`https://`; `http://` with `forward.allowInsecure`",
        "where requests are sent; `http-endpoint` needs it, the others have one of their own"
      ),
      ConfigurationKey(
        "\(path).accessKey",
        "text",
        nil,
        allowed: "at most \(Limits.accessKeyBytesMax) bytes in one line",
        "for `http-endpoint`: sent as the access key"
      ),
      ConfigurationKey(
        "\(path).gzipEncodingEnabled",
        "boolean",
        "false",
        "for `http-endpoint`: requests are packed; the others always are"
      ),
      ConfigurationKey(
        "\(path).retryDuration",
        "integer",
        "300",
        allowed: range(0...Limits.retryDurationSecondsMax, unit: "seconds"),
        "for `http-endpoint`: how long a batch is repeated; `datadog` has 60 seconds"
      ),
      ConfigurationKey(
        "\(path).parameters",
        "map of texts",
        nil,
        allowed: "at most \(Limits.parametersMax)",
        "for `http-endpoint`: sent as common attributes"
      ),
      ConfigurationKey("\(path).projectId", "text", nil, "for `highlight`, which needs it"),
      ConfigurationKey("\(path).apiKey", "text", nil, "for `datadog`, which needs it"),
    ]
  }

  private static func range(_ allowed: ClosedRange<Int>) -> String {
    "\(ByteSize.format(Int64(allowed.lowerBound))) to \(ByteSize.format(Int64(allowed.upperBound)))"
  }

  private static func range(_ allowed: ClosedRange<Int>, unit: String) -> String {
    "\(allowed.lowerBound) to \(allowed.upperBound) \(unit)"
  }
}
