import ArgumentParser
import Foundation
import Testing

@testable import logagent

/// Help texts as people see them; `UPDATE_GOLDEN=1` writes them anew, and the diff is the review.
@Suite("Help texts")
struct HelpTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden/help")

  @Test(
    "the help of a command is the one that was reviewed",
    arguments: ["logs", "tail", "export", "import", "completions"]
  )
  func golden(_ name: String) throws {
    let commands: [String: any ParsableCommand.Type] = [
      "logs": LogsCommand.self, "tail": TailCommand.self, "export": ExportCommand.self,
      "import": ImportCommand.self, "completions": CompletionsCommand.self,
    ]
    let command = try #require(commands[name])
    let text = Logagent.helpMessage(for: command, columns: 100) + "\n"
    let file = Self.folder.appendingPathComponent("\(name).txt")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text)
  }
}
