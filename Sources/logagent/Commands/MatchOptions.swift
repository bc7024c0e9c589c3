internal import ArgumentParser
internal import LogModel

/// What an event must be, besides matching the filter.
struct MatchOptions: ParsableArguments {
  @Option(
    name: [.customLong("grep"), .customShort("g")],
    parsing: .unconditionalSingleValue,
    help: "A regular expression (PCRE2) that the message matches; repeatable, all must."
  )
  var grep: [String] = []

  @Option(
    name: [.customLong("exclude"), .customShort("e")],
    parsing: .unconditionalSingleValue,
    help: "A regular expression that the message does not match; repeatable."
  )
  var exclude: [String] = []

  @Flag(
    name: [.customLong("ignore-case"), .customShort("i")],
    help: "Case does not count in --grep, --exclude and --highlight."
  )
  var ignoreCase = false

  @Option(
    help: "Levels, as `error,warn`, or one and the worse, as `warn+`; see docs/querying.md.",
    completion: .list(LogLevel.allCases.map(\.name))
  )
  var level: LevelChoice?

  @Option(help: "stdout or stderr only.")
  var stream: StandardStreamChoice?

  @Option(
    name: .customLong("log-stream"),
    help: "One log stream, by its name, or those that fit a pattern with `*`.",
    completion: .custom(LiveCompletion.streams)
  )
  var logStream: String?

  @Option(
    name: [.customLong("after-context"), .customShort("A", allowingJoined: true)],
    help: "So many events of the same stream behind every match."
  )
  var after: Int?

  @Option(
    name: [.customLong("before-context"), .customShort("B", allowingJoined: true)],
    help: "So many in front of it."
  )
  var before: Int?

  @Option(name: [.customLong("context"), .customShort("C", allowingJoined: true)], help: "Both.")
  var around: Int?

  /// Events in front of and behind every match; nil when none were asked for.
  var context: (before: Int, after: Int)? {
    let sides = (before: before ?? around ?? 0, after: after ?? around ?? 0)
    return sides.before > 0 || sides.after > 0 ? sides : nil
  }

  /// Most events of context on one side.
  static let contextMax = 10_000

  func validate() throws {
    for count in [before, after, around].compactMap({ $0 }) {
      guard (0...Self.contextMax).contains(count) else {
        throw ValidationError("-A, -B and -C take 0 to \(Self.contextMax) events")
      }
    }
  }
}

/// `error,warn` or `warn+`.
struct LevelChoice: ExpressibleByArgument, Equatable {
  let levels: LogLevelSet

  init?(argument: String) {
    var levels: LogLevelSet = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let isOpen = part.hasSuffix("+")
      guard let level = LogLevel(word: String(isOpen ? part.dropLast() : part)) else { return nil }
      levels.formUnion(isOpen ? LogLevelSet(from: level) : LogLevelSet(level))
    }
    self.levels = levels
  }
}

enum StandardStreamChoice: String, ExpressibleByArgument, CaseIterable {
  case stdout
  case stderr
}

/// How a job goes on where its last run ended.
struct CursorOptions: ParsableArguments {
  @Option(
    name: .customLong("after-cursor"),
    help: "Everything that was stored after this cursor, whatever its time."
  )
  var after: String?

  @Option(
    name: .customLong("cursor-file"),
    help: "The same with the cursor in a file, which is replaced afterwards.",
    completion: .file()
  )
  var file: String?

  @Flag(name: .customLong("show-cursor"), help: "Print the cursor on standard error at the end.")
  var show = false

  /// The answer is everything since a cursor, or will be next time.
  var isUsed: Bool { after != nil || file != nil }

  func validate() throws {
    if after != nil, file != nil {
      throw ValidationError("--after-cursor and --cursor-file exclude each other")
    }
  }
}
