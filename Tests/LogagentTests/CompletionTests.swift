import Foundation
import LogModel
import TestSupport
import Testing

@testable import logagent

@Suite("Completion")
struct CompletionTests {
  private let fixture = LogsFixture()

  private func fill() throws {
    try fixture.add(
      LogsFixture.api,
      [
        .init(
          0,
          "{\"status\":1,\"user\":{\"id\":2,\"deep\":{\"er\":{\"x\":1}}}}",
          stream: "ecs/api/1"
        ),
        .init(1, "plain", stream: "evil$(touch x)"),
        .init(2, "INFO {\"after\":1}", stream: "ecs/api/2"),
      ]
    )
    try fixture.add(LogsFixture.web, [.init(0, "w")])
  }

  private var words: [String] { ["logs", "api", "--data-dir", fixture.data] }

  @Test("resources, streams and fields are those of the store")
  func live() throws {
    try fill()
    #expect(LiveCompletion.resources(words, 0, "") == ["api", "shop/web"])
    #expect(LiveCompletion.resources(words, 0, "sh") == ["shop/web"])
    #expect(LiveCompletion.resources(words, 0, "/stp") == [LogsFixture.api])
    #expect(LiveCompletion.streams(words, 0, "ecs") == ["ecs/api/2", "ecs/api/1"])
    let fields = LiveCompletion.fields(words, 0, "")
    #expect(fields.contains("status") && fields.contains("user.id") && fields.contains("after"))
    #expect(fields.contains("@level"))
    #expect(LiveCompletion.fields(words, 0, "status,us") == ["status,user.id"])
  }

  @Test("a name that a shell would expand is not offered")
  func plainNames() throws {
    try fill()
    #expect(!LiveCompletion.streams(words, 0, "").contains { $0.contains("$") })
  }

  @Test("without a store there is nothing, and nothing is said")
  func silent() {
    let words = ["logs", "--data-dir", "/nonexistent"]
    #expect(LiveCompletion.resources(words, 0, "").isEmpty)
    #expect(LiveCompletion.streams(words, 0, "").isEmpty)
    #expect(LiveCompletion.resources(["logs", "--config", "/nonexistent"], 0, "").isEmpty)
  }

  /// What bash offers for a command line that ends where the cursor is.
  private func bash(_ line: [String]) throws -> [String] {
    let script = fixture.directory.file("logagent.bash")
    if !FileManager.default.fileExists(atPath: script) {
      _ = try Shell.run("\(Agent.binary) completions bash > \(script)")
    }
    let words = line.map { "'\($0)'" }.joined(separator: " ")
    let test = """
      export PATH=\(URL(fileURLWithPath: Agent.binary).deletingLastPathComponent().path):$PATH
      export LOGAGENT_DATA_DIR=\(fixture.data)
      source \(script)
      COMP_WORDS=(\(words)); COMP_CWORD=\(line.count - 1)
      COMP_LINE='\(line.joined(separator: " "))'; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
      function=$(complete -p logagent | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      "$function" logagent "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let path = fixture.directory.write("test.bash", test)
    return try Shell.run("bash \(path)").split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  @Test("bash completes commands, flags, resources, streams and fields")
  func shell() throws {
    try fill()
    #expect(try bash(["logagent", "lo"]) == ["logs"])
    #expect(try bash(["logagent", "logs", "--fail"]) == ["--fail-if-match"])
    #expect(try bash(["logagent", "logs", "sh"]) == ["shop/web"])
    #expect(try bash(["logagent", "logs", "api", "--log-stream", "ecs/api/1"]) == ["ecs/api/1"])
    #expect(try bash(["logagent", "logs", "api", "--fields", "sta"]) == ["status"])
    #expect(try bash(["logagent", "logs", "api", "--level", "wa"]) == ["warn"])
    #expect(try bash(["logagent", "export", "ap"]) == ["api"])
  }

  @Test("the answer comes in less time than a person notices")
  func fast() throws {
    try fixture.add(
      LogsFixture.api,
      (0..<40_000).map { .init(Double($0) / 1_000, "{\"status\":\($0),\"path\":\"/x/\($0)\"}") }
    )
    let command = "LOGAGENT_DATA_DIR=\(fixture.data) \(Agent.binary) complete fields --target api"
    #expect(try Shell.run(command).contains("path"))
    let times = try (0..<5).map { _ in
      let began = ContinuousClock.now
      _ = try Shell.run(command)
      return ContinuousClock.now - began
    }
    // Debug builds on busy machines are slow; the release binary takes about 10 ms.
    #expect(times.min() ?? .seconds(9) < .seconds(1))
  }
}
