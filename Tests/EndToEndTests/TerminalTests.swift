import Foundation
import TestSupport
import Testing

/// `logagent logs` on a real (pseudo) terminal, and in pipes that end early.
@Suite("On a terminal", .serialized)
struct TerminalTests {
  private let directory = TemporaryDirectory("terminal")
  private var data: String { directory.file("data") }

  /// Imports lines that were written just now.
  private func fill(_ messages: [String]) throws {
    let now = Int(Date().timeIntervalSince1970 * 1_000)
    let lines = try messages.enumerated().map { index, message in
      let object: [String: Any] = [
        "timestamp": now - messages.count + index, "message": message, "logStream": "s",
      ]
      return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }
    let path = directory.write("lines.jsonl", lines.joined(separator: "\n") + "\n")
    try Shell.run(
      "\(Agent.binary) import --format jsonl --resource api --data-dir \(data) --quiet \(path)"
    )
  }

  /// What a terminal of 24 lines gets from a command; `PAGER` is a `cat` that says that it ran.
  private func terminal(_ command: String, environment: String = "") throws -> String {
    let script = directory.write(
      "run.sh",
      """
      stty rows 24 cols 80
      unset CI NO_COLOR LESS LOGAGENT_PAGER
      export TERM=xterm LOGAGENT_DATA_DIR=\(data)
      export PAGER='printf PAGED; cat'
      \(environment)
      \(Agent.binary) \(command)
      echo "status $?"
      """
    )
    return try Shell.run("script -qec 'sh \(script)' /dev/null < /dev/null")
      .replacingOccurrences(of: "\r\n", with: "\n")
  }

  @Test("colours for people, the date once, a hint on how to follow")
  func colours() throws {
    try fill(["ERROR broke", "fine"])
    let shown = try terminal("logs api -g fine -g i")
    #expect(shown.contains("\u{1b}[1;7mfine\u{1b}[0m\n"))
    #expect(shown.contains("── 20") && shown.contains("follow with: logagent tail api"))
    #expect(shown.hasSuffix("status 0\n"))
    #expect(try terminal("logs api").contains("\u{1b}[31mERROR\u{1b}[0m broke"))
    let plain = try terminal("logs api --no-color")
    #expect(!plain.contains("\u{1b}"))
    #expect(try !terminal("logs api", environment: "export NO_COLOR=1").contains("\u{1b}"))
    #expect(try !terminal("logs api", environment: "export CI=1").contains("\u{1b}"))
  }

  @Test("what fits is printed, what does not goes through the pager")
  func pager() throws {
    try fill((0..<100).map { "line \($0)" })
    #expect(try !terminal("logs api -n 10").contains("PAGED"))
    let paged = try terminal("logs api -n 100")
    #expect(paged.contains("PAGED") && paged.contains("line 0\n") && paged.contains("line 99\n"))
    #expect(try !terminal("logs api -n 100 --no-pager").contains("PAGED"))
    #expect(try !terminal("logs api -n 100 --agent").contains("PAGED"))
  }

  @Test(
    "nothing that a message holds acts on the terminal, whatever the format",
    arguments: [
      "tty", "plain", "raw", "json", "jsonl", "csv", "logfmt", "table", "template={@message}",
    ]
  )
  func escapes(_ format: String) throws {
    try fill(["a\u{1b}]0;evil\u{07}\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{2066}z\u{8}\u{85}"])
    let shown = try terminal("logs api -o '\(format)' --no-color --no-prefix")
    let harmful = shown.unicodeScalars.filter { scalar in
      scalar.value < 0x20 && scalar != "\n" || (0x7F...0x9F).contains(scalar.value)
        || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }
    #expect(harmful.isEmpty, "\(shown.debugDescription)")
    #expect(shown.contains("z"))
  }

  @Test("an error that quotes what was typed is harmless too")
  func errors() throws {
    try fill(["x"])
    let shown = try terminal("logs \"$(printf 'no\\033[2Jbody')\"")
    #expect(shown.contains("\\x1b[2J") && !shown.contains("\u{1b}"))
    #expect(shown.hasSuffix("status 66\n"))
  }

  @Test("a reader that has enough ends everything quietly with 0")
  func closedPipe() throws {
    try fill((0..<50_000).map { "line \($0)" })
    let text = try Shell.run(
      "bash -c '\(Agent.binary) logs api --data-dir \(data) -n all 2>&1 | head -1; "
        + "echo ${PIPESTATUS[0]}; "
        + "\(Agent.binary) export api --data-dir \(data) 2>&1 | head -1; echo ${PIPESTATUS[0]}'"
    )
    let lines = text.split(separator: "\n")
    #expect(lines.count == 4 && lines[1] == "0" && lines[3] == "0", "\(text)")
  }

  /// Waits until a process in the background, where shells ignore it, listens to SIGINT.
  private static let isListening =
    "until grep -q \"^SigCgt.*[2367abef]$\" /proc/$pid/status; do sleep 0.02; done"

  @Test("Ctrl-C ends a query that would take long with 130, and without half an answer")
  func interruptQuery() throws {
    // A message takes some milliseconds, less than what is refused; all of them many seconds.
    try fill((0..<6_000).map { _ in String(repeating: "a", count: 14) + "!" })
    let out = directory.file("out")
    let query = #"filter @message like /^(a|a)+$/ | stats count(*)"#
    let text = try Shell.run(
      """
      bash -c 'exec 3> \(out)
      \(Agent.binary) logs api --data-dir \(data) -q "\(query)" >&3 & pid=$!
      \(Self.isListening)
      sleep 0.3; kill -INT $pid; wait $pid; echo $?; wc -c < \(out)'
      """
    )
    #expect(text == "130\n0\n")
  }

  @Test("Ctrl-C ends a query that waits for its input with 130")
  func interruptWaiting() throws {
    let pipe = directory.file("pipe")
    let text = try Shell.run(
      """
      mkfifo \(pipe)
      bash -c 'sleep 60 > \(pipe) & writer=$!
      \(Agent.binary) query "stats count(*)" - < \(pipe) > /dev/null & pid=$!
      \(Self.isListening)
      sleep 0.3; kill -INT $pid; wait $pid; echo $?; kill $writer'
      """
    )
    #expect(text == "130\n")
  }

  @Test("Ctrl-C ends a follower with 130")
  func interrupt() throws {
    try fill(["one"])
    let text = try Shell.run(
      """
      bash -c '\(Agent.binary) tail api --data-dir \(data) > \(directory.file("out")) & pid=$!
      for i in $(seq 100); do grep -q one \(directory.file("out")) && break; sleep 0.1; done
      kill -INT $pid; wait $pid; echo $?'
      """
    )
    #expect(text == "130\n")
  }
}
