import ArgumentParser
import Foundation
import Testing

@testable import logagent

/// Every command that the documents and the help texts show is one that the program takes.
@Suite("Examples")
struct ExampleTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// `logagent …` lines of README and docs, with where they stand.
  static let documented: [(place: String, line: String)] = {
    let docs = root.appendingPathComponent("docs")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: docs.path)) ?? []
    let files =
      [root.appendingPathComponent("README.md")]
      + names.filter { $0.hasSuffix(".md") }.sorted().map { docs.appendingPathComponent($0) }
    return files.flatMap { file -> [(place: String, line: String)] in
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      return examples(in: text).map {
        (place: "\(file.lastPathComponent):\($0.number)", line: $0.line)
      }
    }
  }()

  /// The same of all help texts.
  static let helped: [(place: String, line: String)] = commands(Logagent.self).flatMap { command in
    examples(in: command.configuration.discussion).map {
      (place: command.configuration.commandName ?? "", line: $0.line)
    }
  }

  private static func commands(_ root: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
    [root]
      + (root.configuration.subcommands
      + root.configuration.groupedSubcommands.flatMap(\.subcommands)).flatMap(commands)
  }

  private static func examples(in text: String) -> [(number: Int, line: String)] {
    var found: [(number: Int, line: String)] = []
    var isOpen = false
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      if line.hasPrefix("```") { isOpen.toggle() }
      let isCode = isOpen || line.hasPrefix("    ") || line.hasPrefix("  ")
      var words = line.drop { $0 == " " || $0 == "$" }
      for lead in ["sudo "] where words.hasPrefix(lead) { words = words.dropFirst(lead.count) }
      if isCode, words.hasPrefix("logagent ") {
        found.append((number: number + 1, line: String(words)))
      }
    }
    return found
  }

  /// The words of the first command of a shell line; nil where a quote is left open.
  static func words(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    for character in line {
      if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
        continue
      }
      switch character {
      case "'", "\"":
        quote = character
        word = word ?? ""
      case "|", ">", ";", "&", "<":
        if let word { words.append(word) }
        return words
      case "#" where word == nil: return words
      case " ":
        if let done = word { words.append(done) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    if let word { words.append(word) }
    return quote == nil ? words : nil
  }

  @Test("every example of README and docs is taken by the parser")
  func documents() throws {
    #expect(Self.documented.count >= 20)
    for (place, line) in Self.documented { try check(line, place) }
  }

  @Test("every example of a help text is taken by the parser")
  func help() throws {
    #expect(Self.helped.count >= 10)
    for (place, line) in Self.helped { try check(line, place) }
  }

  private func check(_ line: String, _ place: String) throws {
    let words = try #require(Self.words(line), "\(place): \(line)")
    do {
      _ = try Logagent.parseAsRoot(Array(words.dropFirst()))
    } catch {
      // `--help` and `--version` end the parser too, with success.
      #expect(
        Logagent.exitCode(for: error) == .success,
        "\(place): \(line)\n\(Logagent.message(for: error))"
      )
    }
  }

  @Test("the shell's words are found")
  func shellWords() {
    #expect(
      Self.words("logagent logs 'a b' -f \"x -y\" --raw | jq .") == [
        "logagent", "logs", "a b", "-f", "x -y", "--raw",
      ]
    )
    #expect(Self.words("logagent check   # all of it") == ["logagent", "check"])
    #expect(Self.words("logagent logs 'open") == nil)
  }
}
