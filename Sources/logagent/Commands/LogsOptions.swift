internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query

/// The flags of `stacktape logs`, with both forms of their aliases, and those of our own.
struct LogsOptions: ParsableArguments {
  @Argument(
    help: "A resource, `resource/container`, a full log group name, or a pattern with `*`."
  )
  var targets: [String] = []

  @Option(
    name: [
      .customLong("resourceName"), .customLong("rn"), .customLong("rn", withSingleDash: true),
    ],
    help: "The same as a target; repeatable."
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
    help: "A CloudWatch filter pattern of terms: `ERROR \"status 500\" -DEBUG`, `?a ?b`."
  )
  var filter: String?

  @Option(name: [.customLong("query"), .customShort("q")], help: .hidden)
  var query: String?

  @Option(
    name: [
      .customLong("limit"), .customLong("lim"), .customLong("lim", withSingleDash: true),
      .customShort("n"), .customLong("tail"), .customLong("lines"),
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
      .customLong("outputFormat"), .customLong("ofmt"), .customLong("ofmt", withSingleDash: true),
      .customLong("output"), .customShort("o"),
    ],
    help: "tty, plain, jsonl or raw (default: tty on a terminal, else plain)."
  )
  var outputFormat: EventFormat?

  @Option(
    name: [
      .customLong("configPath"), .customLong("cp"), .customLong("cp", withSingleDash: true),
      .customLong("config"),
    ],
    help: "The configuration file."
  )
  var configPath: String?

  @Option(
    name: .customLong("data-dir"),
    help: "The data directory, in place of the configuration's."
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

  @Option(help: "stdout or stderr only.")
  var stream: StandardStreamChoice?

  @Option(name: .customLong("log-stream"), help: "One log stream, by its name.")
  var logStream: String?

  @Flag(
    inversion: .prefixedNo,
    help: "The resource in front of every line (default: with several)."
  )
  var prefix: Bool?

  @Flag(help: "The newest event first; with --limit or --head only.")
  var reverse = false

  @Option(
    name: [.customLong("timestamps"), .customShort("t")],
    help: "short (time of day), iso, unix (milliseconds) or none; for tty and plain."
  )
  var timestamps: TimestampStyle?

  @Flag(help: "Times in UTC.")
  var utc = false

  @Option(help: "auto, always or never.")
  var color = "auto"

  @Flag(name: .customLong("no-color"), help: "The same as --color never.")
  var noColor = false

  @Flag(help: "No hints on standard error.")
  var quiet = false

  @Flag(help: "What was read and how long it took, on standard error.")
  var stats = false

  @Flag(name: .customLong("exit-status"), help: "End with 1 when nothing matched.")
  var exitStatus = false

  @Flag(name: .customLong("fail-if-match"), help: "End with 1 when anything matched.")
  var failIfMatch = false

  @Flag(help: "Print the number of matching events only.")
  var count = false
}

enum StandardStreamChoice: String, ExpressibleByArgument, CaseIterable {
  case stdout
  case stderr
}

extension EventFormat: ExpressibleByArgument {}
extension TimestampStyle: ExpressibleByArgument {}

struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Prints stored log events, as `stacktape logs` does.",
    discussion: """
      Without --limit the newest 100 events of the last hour, oldest first. Works while the daemon \
      runs, while it is stopped, and on a copied data directory.

        logagent logs api --startTime 2h --filter ERROR
        logagent logs api importCatalog -S today -n 1000 -o jsonl
        logagent logs nightlyReport --raw | jq '.events[].message'
        logagent logs '*' --filter '"card declined"' --fail-if-match
      """
  )

  @OptionGroup var options: LogsOptions

  @Flag(
    name: [.customLong("follow"), .customShort("F")],
    help: "Go on with what comes, as `tail`."
  )
  var follow = false

  func run() throws {
    try LogsRun(options, follows: follow).run()
  }
}

struct TailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "Prints the newest events, then every new one as it is stored.",
    discussion: "The same as `logs --follow`; all filters apply. Ends with Ctrl-C."
  )

  @OptionGroup var options: LogsOptions

  func run() throws {
    try LogsRun(options, follows: true).run()
  }
}
