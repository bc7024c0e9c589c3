internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query
internal import Store

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes stored events to files that `import` reads back unchanged.",
    discussion: """
      Everything that is stored, oldest first, if nothing else is said. jsonl has Stacktape's keys \
      first; a message that is not UTF-8 stands in `messageBase64` too, byte for byte, and \
      `nanoseconds` is what a time has beyond the milliseconds. csv holds messages as they are. \
      A file appears when it is complete, and not before.

        logagent export api > api.jsonl
        logagent export api --since 7d --level error --to errors.csv.gz
        logagent export '*' --since 2026-11-01 --until 2026-12-01 --compress zst --to archive/
      """
  )

  @Argument(
    help: "Resources, `resource/container`, full log group names, or patterns with `*`.",
    completion: .custom(LiveCompletion.resources)
  )
  var targets: [String] = []

  @Option(
    name: [.customLong("since"), .customLong("startTime"), .customShort("S")],
    help: "From when (default: from the first event on)."
  )
  var since: String?

  @Option(
    name: [.customLong("until"), .customLong("endTime"), .customShort("U")],
    help: "Until when, included."
  )
  var until: String?

  @Option(
    name: [.customLong("filter"), .customShort("f")],
    parsing: .unconditional,
    help: "A CloudWatch filter pattern."
  )
  var filter: String?

  @OptionGroup(title: "Matching") var match: ExportMatchOptions

  @Option(
    name: [.customLong("output"), .customShort("o"), .customLong("outputFormat")],
    help: "jsonl or csv (default: by the name of --to, else jsonl)."
  )
  var format: ExportFormat?

  @Option(help: "gz, zst or none (default: by the name of --to).")
  var compress: ExportCompression?

  @Option(
    name: .customLong("to"),
    help: "A file, or a directory for one file per log group (default: standard output).",
    completion: .file()
  )
  var destination: String?

  @Flag(help: "Times that are typed are in UTC.")
  var utc = false

  @Flag(help: "No progress on standard error.")
  var quiet = false

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  func run() throws {
    Priority.giveWay()
    try ExportRun(self).run()
  }
}

/// What an exported event must be.
struct ExportMatchOptions: ParsableArguments {
  @Option(help: "Levels, as `error,warn`, or one and the worse, as `warn+`.")
  var level: LevelChoice?

  @Option(help: "stdout or stderr only.")
  var stream: StandardStreamChoice?

  @Option(name: .customLong("log-stream"), help: "One log stream, or a pattern with `*`.")
  var logStream: String?
}

enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
  case jsonl
  case csv

  init?(argument: String) {
    self.init(rawValue: argument == "ndjson" ? "jsonl" : argument)
  }
}

enum ExportCompression: String, ExpressibleByArgument, CaseIterable {
  case none
  case gz
  case zst

  init?(argument: String) {
    let known = ["gzip": "gz", "zstd": "zst"]
    self.init(rawValue: known[argument] ?? argument)
  }

  var codec: Codec? {
    switch self {
    case .none: nil
    case .gz: .gzip
    case .zst: .zstd
    }
  }
}

/// Where an export goes and in which form, as far as flags and file name say it.
struct ExportPlan: Equatable {
  enum Place: Equatable {
    case standardOutput
    case file(String)
    case directory(String)
  }

  let place: Place
  let format: ExportFormat
  let compression: ExportCompression

  init(
    destination: String?,
    isDirectory: Bool,
    format: ExportFormat?,
    compression: ExportCompression?
  ) {
    guard let destination else {
      place = .standardOutput
      self.format = format ?? .jsonl
      self.compression = compression ?? .none
      return
    }
    if isDirectory || destination.hasSuffix("/") {
      place = .directory(destination.hasSuffix("/") ? String(destination.dropLast()) : destination)
      self.format = format ?? .jsonl
      self.compression = compression ?? .none
      return
    }
    place = .file(destination)
    var name = destination
    var named = ExportCompression.none
    for one in [ExportCompression.gz, .zst] where name.hasSuffix(".\(one.rawValue)") {
      named = one
      name.removeLast(one.rawValue.count + 1)
    }
    self.compression = compression ?? named
    self.format = format ?? (name.hasSuffix(".csv") ? .csv : .jsonl)
  }

  /// The file of a group: its name with `+` for `/`, which no group's name has.
  func fileName(of group: LogGroup) -> String {
    let name = group.name.hasPrefix("/") ? String(group.name.dropFirst()) : "=" + group.name
    let plain = String(name.map { $0 == "/" ? "+" : $0 })
    return plain + ".\(format.rawValue)"
      + (compression == .none ? "" : ".\(compression.rawValue)")
  }
}
