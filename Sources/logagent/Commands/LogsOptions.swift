internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query

/// The flags of `stacktape logs`, with both forms of their aliases, and those of our own.
struct LogsOptions: ParsableArguments {
  @Argument(
    help: "A resource, `resource/container`, a full log group name, or a pattern with `*`.",
    completion: .custom(LiveCompletion.resources)
  )
  var targets: [String] = []

  @Option(
    name: [
      .customLong("resourceName"), .customLong("rn"), .customLong("rn", withSingleDash: true),
    ],
    help: "The same as a target; repeatable.",
    completion: .custom(LiveCompletion.resources)
  )
  var resourceName: [String] = []

  @Option(
    name: [
      .customLong("container"), .customLong("cnt"), .customLong("cnt", withSingleDash: true),
      .customShort("c"),
    ],
    help: "One container of the resource."
  )
  var container: String?

  @Option(
    name: [.customLong("stage"), .customShort("s")],
    help: "The stage, in place of the configuration's."
  )
  var stage: String?

  @Option(
    name: [
      .customLong("projectName"), .customLong("prj"), .customLong("prj", withSingleDash: true),
    ],
    help: "The project, in place of the configuration's."
  )
  var projectName: String?

  @Option(
    name: .customLong("arg"),
    help: ArgumentHelp("A value for $CliArgs(), may be repeated.", valueName: "name=value")
  )
  var arguments: [String] = []

  @Option(name: [.customLong("region"), .customShort("r")], help: "Accepted; a label only.")
  var region: String?

  @Option(
    name: [
      .customLong("startTime"), .customLong("st"), .customLong("st", withSingleDash: true),
      .customLong("since"), .customShort("S"),
    ],
    help: "From when: 30m, 1h30m, today, 2026-11-23, RFC 3339, epoch (default 1h)."
  )
  var startTime: String?

  @Option(
    name: [.customLong("endTime"), .customLong("until"), .customShort("U")],
    help: "Until when, included; relative start times count back from it."
  )
  var endTime: String?

  @Option(
    name: [.customLong("filter"), .customShort("f")],
    // `-DEBUG` is a pattern, not a flag.
    parsing: .unconditional,
    help: "A CloudWatch filter pattern: `ERROR -timeout`, `{ $.status >= 500 }`, `[ip, ...]`."
  )
  var filter: String?

  @Option(
    name: [.customLong("query"), .customShort("q")],
    help: "A Logs Insights query, in place of the other conditions."
  )
  var query: String?

  @Option(
    name: [
      .customLong("limit"), .customLong("lim"), .customLong("lim", withSingleDash: true),
      .customShort("n", allowingJoined: true), .customLong("tail"), .customLong("lines"),
    ],
    help: "The newest N events, printed oldest first; `all` or 0: no limit (default 100)."
  )
  var limit: String?

  @Option(help: "The oldest N events instead.")
  var head: Int?

  @Flag(
    name: [.customLong("raw"), .customLong("rw"), .customLong("rw", withSingleDash: true)],
    help: "One JSON object, as `stacktape logs --raw` prints it."
  )
  var raw = false

  @Flag(
    name: [.customLong("agent"), .customLong("ag"), .customLong("ag", withSingleDash: true)],
    help: "As --raw, without colours and hints."
  )
  var agent = false

  @Option(
    name: [
      .customLong("configPath"), .customLong("cp"), .customLong("cp", withSingleDash: true),
      .customLong("config"),
    ],
    help: "The configuration file.",
    completion: .file()
  )
  var configPath: String?

  @Option(
    name: .customLong("data-dir"),
    help: "The data directory, in place of the configuration's.",
    completion: .directory
  )
  var dataDirectory: String?

  @Option(
    name: [
      .customLong("currentWorkingDirectory"), .customLong("cwd"),
      .customLong("cwd", withSingleDash: true),
    ],
    help: "What a relative configuration path is relative to."
  )
  var currentWorkingDirectory: String?

  @Option(
    name: [.customLong("logLevel"), .customLong("ll"), .customLong("ll", withSingleDash: true)],
    help: "Accepted: info, debug or error."
  )
  var logLevel: String?

  @Option(name: [.customLong("profile"), .customShort("p")], help: "Accepted and ignored.")
  var profile: String?

  @Option(
    name: [.customLong("awsAccount"), .customLong("aa"), .customLong("aa", withSingleDash: true)],
    help: "Accepted and ignored."
  )
  var awsAccount: String?

  @Option(
    name: [.customLong("templateId"), .customLong("ti"), .customLong("ti", withSingleDash: true)],
    help: .hidden
  )
  var templateID: String?

  @Flag(help: "The newest event first; with --limit or --head only.")
  var reverse = false

  @Flag(help: "Print the number of matching events only.")
  var count = false

  @Flag(help: "What was read and how long it took, on standard error.")
  var stats = false

  @Flag(name: .customLong("exit-status"), help: "End with 1 when nothing matched.")
  var exitStatus = false

  @Flag(name: .customLong("fail-if-match"), help: "End with 1 when anything matched.")
  var failIfMatch = false

  @OptionGroup(title: "Matching") var match: MatchOptions
  @OptionGroup(title: "Going on later") var cursor: CursorOptions
  @OptionGroup(title: "Looks") var view: ViewOptions
}
