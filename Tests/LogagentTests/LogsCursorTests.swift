import Foundation
import LogModel
import TestSupport
import Testing

@testable import logagent

@Suite("Going on where the last run ended")
struct LogsCursorTests {
  private let fixture = LogsFixture()
  private var file: String { fixture.directory.file("cursor") }

  private func news(_ arguments: String...) throws -> [String] {
    let answer = try fixture.run(
      (arguments.isEmpty ? ["api"] : arguments) + ["--cursor-file", file, "-o", "raw"]
    )
    #expect(answer.status == 0, "\(answer.message)")
    return answer.lines
  }

  @Test("every event is seen once, in order, those that come late too")
  func once() throws {
    try fixture.add(LogsFixture.api, [.init(0, "a"), .init(1, "b")])
    #expect(try news() == ["a", "b"])
    #expect(try news().isEmpty)
    // One is older than everything that was seen, and older than the default range.
    try fixture.add(LogsFixture.api, [.init(2, "d"), .init(-90_000, "late"), .init(1.5, "c")])
    #expect(try news() == ["late", "c", "d"])
    #expect(try news().isEmpty)
    try fixture.add(LogsFixture.api, (0..<1_000).map { .init(3, "many \($0)") })
    #expect(try news().count == 1_000)
    #expect(try news().isEmpty)
  }

  @Test("a group that comes later is seen from its first event")
  func newGroup() throws {
    try fixture.add(LogsFixture.api, [.init(0, "a")])
    #expect(try news("*") == ["a"])
    try fixture.add(LogsFixture.web, [.init(0, "w")])
    #expect(try news("*") == ["w"])
    #expect(try news("*").isEmpty)
  }

  @Test("what does not match is passed over for ever")
  func filtered() throws {
    try fixture.add(LogsFixture.api, [.init(0, "ERROR a"), .init(1, "b")])
    #expect(try news("api", "-f", "ERROR") == ["ERROR a"])
    #expect(try news().isEmpty)
  }

  @Test("a cursor of another store, of an older one, or of nobody is refused with 65")
  func refused() throws {
    try fixture.add(LogsFixture.api, [.init(0, "a")])
    for text in ["", "c1", "c1:x", "c2:x:1=2", "c1:x:1=2,1=3", "c1:x:1", "c1:other:1=1"] {
      let answer = try fixture.run("api", "--after-cursor", text)
      #expect(answer.status == 65, "\(text)")
    }
    _ = try news()
    let cursor = try #require(
      StoreCursor(try String(contentsOfFile: file, encoding: .utf8).filter { $0 != "\n" })
    )
    let ahead = cursor.moved(to: [1: 1_000])
    #expect(try fixture.run("api", "--after-cursor", "\(ahead)").status == 65)
    #expect(try fixture.run("api", "--after-cursor", "\(cursor)").output.isEmpty)
  }

  @Test("a file that cannot be written is an error, and a missing or empty one is a first run")
  func files() throws {
    try fixture.add(LogsFixture.api, [.init(0, "a")])
    #expect(
      try fixture.run("api", "--cursor-file", fixture.directory.file("none/cursor")).status != 0
    )
    fixture.directory.write("cursor", "")
    #expect(try news() == ["a"])
  }

  @Test(
    "what would lose events is refused with 64",
    arguments: [
      ["--limit", "5"], ["--head", "5"], ["--endTime", "now"], ["--count"], ["--raw"], ["-C", "1"],
      ["--reverse"],
    ]
  )
  func exclusive(_ flags: [String]) throws {
    let answer = try fixture.run(["api", "--cursor-file", file] + flags)
    #expect(answer.status == 64)
  }

  @Test("the text of a cursor is the same when it is read back")
  func text() {
    let cursor = StoreCursor(store: "abc").moved(to: [3: 7, 1: .max])
    #expect(cursor.description == "c1:abc:1=18446744073709551615,3=7")
    #expect(StoreCursor(cursor.description) == cursor)
    #expect(cursor.moved(to: [3: 5]) == cursor)
  }
}
