import Foundation
import LogModel
import Platform
import Query
import Synchronization
import TestSupport
import Testing

@testable import logagent

@Suite("Pager, colours and progress")
struct LogsPagerTests {
  private let directory = TemporaryDirectory("pager")

  @Test(
    "the user's pager before less, none where nobody can read it",
    arguments: [
      (["LOGAGENT_PAGER": "a", "PAGER": "b", "LESS": "R"], "a"),
      (["PAGER": "b", "LESS": "R"], "b"),
      (["PAGER": "b"], "LESS=FRSX; export LESS; b"),
      (["PAGER": "cat"], nil), (["LOGAGENT_PAGER": "", "PAGER": "b"], nil),
      (["TERM": "dumb", "PAGER": "b"], nil),
    ] as [([String: String], String?)]
  )
  func choice(_ environment: [String: String], _ command: String?) {
    let choice = PagerChoice.find(isTerminal: true, rows: 24, columns: 80) { environment[$0] }
    #expect(choice?.command == command)
    #expect(PagerChoice.find(isTerminal: false, rows: 24, columns: 80) { environment[$0] } == nil)
    #expect(PagerChoice.find(isTerminal: true, rows: 0, columns: 0) { environment[$0] } == nil)
  }

  private func paged(_ text: String, rows: Int) throws -> [String] {
    let direct = directory.file("direct-\(UUID().uuidString)")
    let through = directory.file("paged-\(UUID().uuidString)")
    let file = try Descriptor(open: direct, O_WRONLY | O_CREAT)
    let output = OutputBuffer(
      file.raw,
      pager: PagerChoice(command: "cat > \(through)", rows: rows, columns: 20)
    )
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      output.append(line + "\n")
      output.flush()
    }
    output.finish()
    return [
      try String(contentsOfFile: direct, encoding: .utf8),
      (try? String(contentsOfFile: through, encoding: .utf8)) ?? "",
    ]
  }

  @Test("what fits on the screen is printed, the rest goes through the pager, whole")
  func threshold() throws {
    #expect(try paged("a\nb\nc", rows: 10) == ["a\nb\nc\n", ""])
    let long = (0..<200_000).map(String.init).joined(separator: "\n")
    #expect(try paged(long, rows: 10) == ["", long + "\n"])
    // One line that wraps over all rows.
    let wide = String(repeating: "x", count: 500)
    #expect(try paged(wide, rows: 10) == ["", wide + "\n"])
  }

  @Test("a pager that ends early is a reader that has enough")
  func quits() throws {
    Terminal.ignoreBrokenPipes()
    let file = try Descriptor(open: directory.file("out"), O_WRONLY | O_CREAT)
    let output = OutputBuffer(
      file.raw,
      pager: PagerChoice(command: "head -1 > /dev/null", rows: 2, columns: 80)
    )
    for index in 0..<1_000_000 where !output.isClosed { output.append("line \(index)\n") }
    output.finish()
    #expect(output.isClosed && output.failure == nil)
  }

  @Test("a full disk is an error, not the end of reading")
  func fullDisk() throws {
    let file = try Descriptor(open: "/dev/full", O_WRONLY)
    let output = OutputBuffer(file.raw)
    output.append("x")
    output.finish()
    #expect(output.isClosed && output.failure?.isOutOfSpace == true)
  }

  @Test(
    "--color before NO_COLOR before CLICOLOR_FORCE and FORCE_COLOR before the terminal",
    arguments: [
      (ColourChoice.always, ["NO_COLOR": "1"], false, true),
      (.never, ["FORCE_COLOR": "1"], true, false),
      (.auto, ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"], true, false),
      (.auto, ["NO_COLOR": ""], true, true), (.auto, ["CLICOLOR_FORCE": "1"], false, true),
      (.auto, ["FORCE_COLOR": "1"], false, true), (.auto, ["FORCE_COLOR": "0"], true, false),
      (.auto, [:], true, true), (.auto, [:], false, false), (.auto, ["TERM": "dumb"], true, false),
    ] as [(ColourChoice, [String: String], Bool, Bool)]
  )
  func colour(
    _ choice: ColourChoice,
    _ environment: [String: String],
    _ isTerminal: Bool,
    _ expected: Bool
  ) {
    let isWanted = Colour.isWanted(choice, isTerminal: isTerminal) { environment[$0] }
    #expect(isWanted == expected)
  }

  @Test("progress waits half a second, comes ten times a second, and goes without a trace")
  func progress() {
    let clock = ManualClock()
    let written = Mutex<[String]>([])
    let line = ProgressLine(isShown: true, clock: clock) { text in
      written.withLock { $0.append(text) }
    }
    line.show { "early" }
    clock.advance(seconds: 0.6)
    line.show { "one" }
    line.show { "too soon" }
    clock.advance(seconds: 0.2)
    line.show { "two" }
    line.erase()
    clock.advance(seconds: 1)
    line.show { "late" }
    #expect(
      written.withLock { $0 } == ["\r\u{1b}[Kone", "\r\u{1b}[Ktwo", "\r\u{1b}[K"]
    )
    let silent = ProgressLine(isShown: false, clock: clock) { _ in Issue.record("shown") }
    clock.advance(seconds: 1)
    silent.show { "x" }
    silent.erase()
  }

  @Test("what was looked for is found once where it overlaps")
  func highlights() throws {
    let patterns = [try BytePattern("ab+"), try BytePattern("bc"), try BytePattern("x*")]
    let found = MessageHighlight(patterns).ranges(in: Array("abbc..xx ab".utf8))
    #expect(found == [0..<4, 6..<8, 9..<11])
  }
}
