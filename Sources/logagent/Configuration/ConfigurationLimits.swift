internal import LogModel

/// Bounds of what a configuration may say, and of what reading one may cost.
extension Limits {
  // MARK: configuration file

  /// A configuration file larger than this is refused unread.
  static let configurationBytesMax = 1_048_576
  /// Nesting of lists and maps.
  static let configurationDepthMax = 64
  /// Nodes of a file after aliases are resolved: a file of a few lines can ask for billions.
  static let configurationNodesMax = 100_000
  /// Problems reported of one file; further ones are counted.
  static let diagnosticsMax = 200
  /// Widest source line that a diagnostic shows.
  static let excerptColumnsMax = 160
  /// `stacktape.yml` files of one configuration.
  static let stacktapeFilesMax = 64
  /// A directive, and the text that one makes.
  static let directiveBytesMax = 65_536
  /// Directives in arguments of directives.
  static let directiveDepthMax = 16
  /// Arguments of one directive.
  static let directiveArgumentsMax = 64
  /// Directives that are resolved for one file; values that refer to each other can ask for more.
  static let directiveStepsMax = 10_000
  /// A file that `$File()` reads.
  static let directiveFileBytesMax = 1_048_576
  /// A secret file larger than this is refused.
  static let secretBytesMax = 65_536
  /// Secrets that `secret list` shows, and whose files the daemon watches.
  static let secretsListedMax = 1_000

  // MARK: values

  /// Names of projects, stages, resources and containers.
  static let configuredNameBytesMax = 128
  /// 100 years, unless it is for ever.
  static let retentionDaysMax = 36_500
  /// A minute: much less than a sweep and a commit take could not be kept anyway.
  static let retentionSecondsMin = 60
  /// Seconds of `retention.shrinkGrace`: none at all to 30 days.
  static let shrinkGraceSecondsAllowed = 0...2_592_000
  /// Rules of `match` that are compared with each other.
  static let matchRulesCompared = 2_000
  /// Firehose's limit for an access key.
  static let accessKeyBytesMax = 4_096
  /// Firehose's limit for common attributes of a request.
  static let parametersMax = 50
  /// Firehose's limit for the name of a common attribute, in characters.
  static let parameterNameCharactersMax = 256
  /// Firehose's limit for the value of a common attribute, in characters.
  static let parameterValueCharactersMax = 1_024
  /// Firehose's limit for retrying one batch.
  static let retryDurationSecondsMax = 7_200
  /// Longest endpoint address.
  static let endpointBytesMax = 2_048
  /// The bounds of `limits.maxEventSize`; the store's blocks hold four of the largest.
  static let eventBytesAllowed = 1_024...4_194_304
  /// The bounds of `limits.memory`: below, the queues and one block of each thread do not fit.
  static let memoryBytesAllowed = 33_554_432...68_719_476_736
  /// The smallest `limits.maxDiskUsage`, so that a mistyped unit does not empty the store.
  static let diskBytesMin = 1_048_576
  /// `timeout` of a batch-job: 14 days.
  static let jobSecondsMax = 1_209_600
  /// `retryConfig.attempts` of a batch-job.
  static let jobAttemptsMax = 1_000
  /// `resources.memory` of a batch-job: 16 TiB.
  static let jobMemoryMegabytesMax = 16_777_216
  /// Variables, build arguments and words of a batch-job's command, each.
  static let jobVariablesMax = 1_000
  /// Events of a batch-job.
  static let jobEventsMax = 1_000
  /// The bounds of `forward.flushSeconds`; 900 is Firehose's own longest interval.
  static let flushSecondsAllowed = 1...900
}
