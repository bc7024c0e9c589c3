internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform
internal import Store

/// What a shell may complete: names that are in the store at this moment.
///
/// Says nothing about errors, since there is nowhere to say it. Only names of plain characters are
/// given: a shell expands what it is offered, and a name must not be able to run anything.
enum LiveCompletion {
  private static let groupsMax = 1_000
  private static let streamsMax = 500
  private static let fieldsMax = 200
  /// Events of the newest block that are looked at for fields.
  private static let sampledEvents = 200
  /// How deep objects in objects are looked into.
  private static let depthMax = 3

  @Sendable static func resources(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    // Silence is right: there is nowhere to say it.
    guard let reader = reader(words), let groups = try? reader.groups() else { return [] }
    var names: Set<String> = []
    for group in groups.prefix(groupsMax) {
      if let parts = GroupParts(group.group.name) { names.insert(parts.shown) }
      // Full names are many and long: they come once their beginning is typed.
      if prefix.hasPrefix("/") { names.insert(group.group.name) }
    }
    return offered(names.sorted(), prefix)
  }

  @Sendable static func streams(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    guard let reader = reader(words) else { return [] }
    var names: [String] = []
    for group in groups(words, reader) {
      // Silence is right: there is nowhere to say it.
      let streams = (try? reader.streams(of: group.id)) ?? []
      names += streams.reversed().prefix(streamsMax).map(\.name.name)
    }
    return offered(names, prefix)
  }

  /// The last word of a list such as `status,user.` is completed.
  @Sendable static func fields(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
    let own = EventField.Kind.allCases.map(\.rawValue)
    guard let reader = reader(words) else { return offered(own, prefix) }
    var names: Set<String> = []
    for group in groups(words, reader).prefix(4) where group.nextSequence > 0 {
      sample(group, reader) { message in
        guard let start = message.firstIndex(of: 0x7B),
          let object = JSONValue(parsing: Array(message[start...]))
        else { return }
        collect(object, "", depth: 0, into: &names)
      }
    }
    let head = prefix.lastIndex(of: ",").map { String(prefix[...$0]) } ?? ""
    return offered((names.sorted().prefix(fieldsMax) + own).map { head + $0 }, prefix)
  }

  private static func collect(
    _ value: JSONValue,
    _ path: String,
    depth: Int,
    into names: inout Set<String>
  ) {
    guard case .object(let members) = value, depth < depthMax else { return }
    for (key, member) in members where names.count < fieldsMax {
      let name = path.isEmpty ? key : "\(path).\(key)"
      if case .object = member {
        collect(member, name, depth: depth + 1, into: &names)
      } else {
        names.insert(name)
      }
    }
  }

  private static func sample(
    _ group: GroupInfo,
    _ reader: StoreReader,
    _ body: ([UInt8]) -> Void
  ) {
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    // Silence is right: there is nowhere to say it.
    guard
      let newest = try? reader.blocks(
        of: group.id,
        sequence: group.nextSequence - 1,
        limit: 1
      ).last,
      // The same.
      (try? blocks.messages(of: newest, into: &bytes)) != nil,
      let columns = try? blocks.columns(of: newest)
    else { return }
    for record in columns.records.suffix(sampledEvents) { body(Array(bytes[record.range])) }
  }

  /// The groups that the targets on the command line name; all when there are none.
  private static func groups(_ words: [String], _ reader: StoreReader) -> [GroupInfo] {
    // Silence is right: there is nowhere to say it.
    guard let all = try? reader.groups() else { return [] }
    let search = TargetSearch(GroupSearch(all.map(\.group), isUnsureAllowed: true))
    var found: Set<LogGroup> = []
    for word in words where !word.hasPrefix("-") {
      // Most words are no targets.
      if let hits = try? search.find([word]) { found.formUnion(hits) }
    }
    return found.isEmpty ? Array(all.prefix(20)) : all.filter { found.contains($0.group) }
  }

  /// The store of the command line's `--data-dir` or `--config`, else of the environment's.
  private static func reader(_ words: [String]) -> StoreReader? {
    func value(_ flags: [String]) -> String? {
      for (index, word) in words.enumerated() {
        for flag in flags {
          if word == flag, index + 1 < words.count { return words[index + 1] }
          if word.hasPrefix(flag + "=") { return String(word.dropFirst(flag.count + 1)) }
        }
      }
      return nil
    }
    let loaded = Configuration.load(
      path: value(["--config", "--configPath", "--cp", "-cp"])
        ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG"),
      dataDirectory: value(["--data-dir"]) ?? ProcessEnvironment.value(of: "LOGAGENT_DATA_DIR")
    )
    guard let directory = loaded.configuration?.dataDirectory else { return nil }
    // Silence is right: there is nowhere to say it.
    return try? StoreReader(dataDirectory: directory)
  }

  private static func offered(_ names: [String], _ prefix: String) -> [String] {
    var seen: Set<String> = []
    return names.filter { name in
      name.hasPrefix(prefix) && name.utf8.allSatisfy(isPlain) && seen.insert(name).inserted
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case 0x5F, 0x2D, 0x2F, 0x2E, 0x23, 0x40, 0x2C, 0x2B: true
    default: false
    }
  }
}

/// Prints the script that teaches a shell to complete.
struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Prints a completion script for bash, zsh or fish.",
    discussion: """
      Flags come from the script; resources, log streams and field names from the store at the \
      moment.

        logagent completions bash > /etc/bash_completion.d/logagent
        logagent completions zsh > /usr/share/zsh/vendor-completions/_logagent
        logagent completions fish > /etc/fish/completions/logagent.fish
      """
  )

  @Argument(help: "bash, zsh or fish.")
  var shell: ShellName

  func run() throws {
    StandardError.writeData(Logagent.completionScript(for: shell.shell) + "\n")
  }
}

enum ShellName: String, ExpressibleByArgument, CaseIterable {
  case bash
  case zsh
  case fish

  var shell: CompletionShell {
    switch self {
    case .bash: .bash
    case .zsh: .zsh
    case .fish: .fish
    }
  }
}

/// What a shell's own script can ask: names, one a line.
struct CompleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete",
    abstract: "Prints what a word may become; for completion scripts.",
    shouldDisplay: false
  )

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case resources
    case streams
    case fields
  }

  @Argument var kind: Kind
  @Argument var prefix = ""
  @Option(help: .hidden) var target: [String] = []
  @OptionGroup var location: StoreLocation

  func run() throws {
    var words = target
    if let config = location.config { words += ["--config", config] }
    if let directory = location.dataDirectory { words += ["--data-dir", directory] }
    let names =
      switch kind {
      case .resources: LiveCompletion.resources(words, 0, prefix)
      case .streams: LiveCompletion.streams(words, 0, prefix)
      case .fields: LiveCompletion.fields(words, 0, prefix)
      }
    if !names.isEmpty { StandardError.writeData(names.joined(separator: "\n") + "\n") }
  }
}
