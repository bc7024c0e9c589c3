internal import ArgumentParser
internal import Platform

/// The name of everything: `logagent COMMAND`.
struct Logagent: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logagent",
    abstract: "Collects, stores, queries and forwards the logs of this machine's containers.",
    discussion: """
      Logs are stored in compressed segments below the data directory and stay readable when the \
      container, or logagent itself, is gone. A resource is named as in the configuration, or by \
      its \
      full log group name.

      Exit status: 0 done · 1 nothing matched (with --exit-status) · 64 usage · 65 bad filter or \
      time · 66 no such resource or data directory · 70 a bug in logagent · 74 input or output \
      failed · 75 in use by another logagent · 77 not permitted · 78 invalid configuration.
      """,
    version: Version.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Reading:",
        subcommands: [
          LogsCommand.self, TailCommand.self, QueryCommand.self, FilterCommand.self,
          GroupsCommand.self,
          StreamsCommand.self,
          ExportCommand.self, StatusCommand.self,
        ]
      ),
      CommandGroup(
        name: "Capturing:",
        subcommands: [RunCommand.self, ExecCommand.self, ImportCommand.self]
      ),
      CommandGroup(
        name: "Setting up:",
        subcommands: [
          CheckCommand.self, SecretCommand.self, RetentionCommand.self, ReceiveCommand.self,
          CompletionsCommand.self, VersionCommand.self,
        ]
      ),
      CommandGroup(name: "", subcommands: [ExecShimCommand.self, CompleteCommand.self]),
    ]
  )

  /// Stacktape spells `secret set` as `secret:set`.
  static func separatingColons(_ words: [String]) -> [String] {
    var words = Array(words.dropFirst())
    guard let first = words.first, !first.hasPrefix("-") else { return words }
    let parts = first.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) {
      words.replaceSubrange(0..<1, with: parts)
    }
    return words
  }
}

@main
enum Main {
  static func main() async {
    Heap.tune()
    Terminal.ignoreBrokenPipes()
    do {
      var command = try Logagent.parseAsRoot(Logagent.separatingColons(CommandLine.arguments))
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let failure as CommandFailure {
      failure.report()
      Logagent.exit(withError: ExitCode(failure.status))
    } catch {
      Logagent.exit(withError: error)
    }
  }
}

/// What this binary is.
enum Version {
  static let number = "0.1.0"
  static let text = "logagent \(number)"
}
