import ArgumentParser
import Foundation

@testable import logagent

/// logagent(1), from the commands as the argument parser knows them.
enum CommandManual {
  /// The parts of the parser's own description that the page shows.
  struct Tool: Decodable {
    var command: Command
  }

  struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var aliases: [String]?
    var shouldDisplay: Bool?
    var subcommands: [Command]?
    var arguments: [Argument]?
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String

      var text: String { (kind == "long" ? "--" : "-") + name }
    }

    var kind: String
    var shouldDisplay: Bool
    var isOptional: Bool
    var isRepeating: Bool
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var allValues: [String]?
    var abstract: String?

    var term: String {
      let value = (valueName ?? "value").uppercased()
      if kind == "positional" { return isOptional ? "[\(value)]" : value }
      let words = (names ?? []).sorted { $0.name.count < $1.name.count }.map(\.text)
        .joined(separator: ", ")
      return kind == "flag" ? words : "\(words) \(value)"
    }

    /// As it stands in a synopsis.
    var usage: String? {
      guard kind == "positional" else { return nil }
      let value = (valueName ?? "value").uppercased() + (isRepeating ? " …" : "")
      return isOptional ? "[\(value)]" : value
    }
  }

  static func text(date: String) throws -> String {
    let tool = try JSONDecoder().decode(Tool.self, from: Data(Logagent._dumpHelp().utf8))
    var page = ManualPage(
      "logagent",
      section: 1,
      date: date,
      version: Version.number,
      "container log pipeline: collects, stores, queries and forwards logs"
    )
    page.section("Synopsis")
    page.prose("`logagent` COMMAND [OPTION …] [ARGUMENT …]")
    page.section("Description")
    page.prose(tool.command.abstract ?? "")
    page.paragraph(tool.command.discussion ?? "")
    page.section("Commands")
    for command in visible(tool.command) { add(command, after: "logagent", to: &page) }
    page.section("Environment")
    page.item("LOGAGENT_CONFIG", "The configuration file, where `--config` names none.")
    page.item("LOGAGENT_DATA_DIR", "The data directory, where `--data-dir` names none.")
    page.item("LOGAGENT_SECRET_NAME", "The value of the secret `name`, if no file has it.")
    page.item(
      "CREDENTIALS_DIRECTORY",
      "The folder of systemd's credentials, asked for secrets first."
    )
    page.section("Files")
    page.item("/etc/logagent/logagent.yml", "The configuration, see logagent.yml(5).")
    page.item("/etc/logagent/secrets.d", "Secrets that `logagent secret set` keeps.")
    page.item("/var/lib/logagent", "The data directory.")
    page.section("See also")
    page.prose("`logagent.yml`(5), `zstdcat`(1), `systemd.exec`(5)")
    return page.text
  }

  /// Without what is hidden, and without what the parser adds to every command.
  private static func visible(_ command: Command) -> [Command] {
    (command.subcommands ?? []).filter {
      $0.commandName != "help" && $0.shouldDisplay != false && !($0.abstract ?? "").isEmpty
    }
  }

  private static func add(_ command: Command, after path: String, to page: inout ManualPage) {
    let name = "\(path) \(command.commandName)"
    let shown = (command.arguments ?? []).filter {
      $0.shouldDisplay
        && !["help", "version"].contains($0.names?.first { $0.kind == "long" }?.name)
    }
    let words = shown.compactMap(\.usage)
    let hasOptions = shown.contains { $0.kind != "positional" }
    page.subsection(([name] + (hasOptions ? ["[OPTION …]"] : []) + words).joined(separator: " "))
    page.prose(command.abstract ?? "")
    if let aliases = command.aliases, !aliases.isEmpty {
      page.paragraph("Also `\(aliases.joined(separator: "`, `"))`.")
    }
    if let discussion = command.discussion { page.paragraph(discussion) }
    for argument in shown {
      var more: [String] = []
      if let value = argument.defaultValue { more.append("Default: `\(value)`.") }
      if let values = argument.allValues, !values.isEmpty {
        more.append("One of `\(values.joined(separator: "`, `"))`.")
      }
      page.item(argument.term, argument.abstract ?? "", more: more)
    }
    for subcommand in visible(command) { add(subcommand, after: name, to: &page) }
  }
}
