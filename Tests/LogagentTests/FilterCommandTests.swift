import ArgumentParser
import Foundation
import Platform
import TestSupport
import Testing

@testable import logagent

/// `logagent filter` as a person types it.
@Suite("filter over files")
struct FilterCommandTests {
  private let directory = TemporaryDirectory("filter")

  private struct Answer {
    var bytes = Data()
    var status: Int32 = 0
    var message = ""
    var output: String { String(decoding: bytes, as: UTF8.self) }
  }

  private func file(_ name: String, _ text: String) throws -> String {
    try file(name, Data(text.utf8))
  }

  private func file(_ name: String, _ data: Data) throws -> String {
    let path = directory.file(name)
    try data.write(to: URL(fileURLWithPath: path))
    return path
  }

  private func run(_ arguments: String...) throws -> Answer {
    let path = directory.file("out-\(UUID().uuidString)")
    let file = try Descriptor(open: path, O_WRONLY | O_CREAT)
    let parsed = try Logagent.parseAsRoot(["filter", "--quiet"] + arguments)
    let command = try #require(parsed as? FilterCommand)
    var answer = Answer()
    do {
      answer.status = try FilterRun(command, output: OutputBuffer(file.raw)).run()
    } catch {
      answer.status = error.status
      answer.message = error.message
    }
    answer.bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    return answer
  }

  private static let lines = "ERROR one\nINFO two\nERROR three\nlast ERROR"

  @Test("prints the lines that match, and says by its status whether any did")
  func lines() throws {
    let path = try file("a.log", Self.lines)
    let answer = try run("ERROR", path)
    #expect(answer.output == "ERROR one\nERROR three\nlast ERROR\n")
    #expect(answer.status == 0)
    #expect(try run("absent", path).status == 1)
    #expect(try run("ERROR", path, "--count").output == "3\n")
    let none = try run("absent", path, "--count")
    #expect(none.output == "0\n" && none.status == 1)
    #expect(try run("", path).output == Self.lines + "\n")
  }

  @Test("several files are read one after the other, packed ones too")
  func files() throws {
    let first = try file("a.log", "ERROR 1\n")
    let second = try file("b.log", "ERROR 2")
    try Shell.run("gzip -k '\(second)'")
    #expect(try run("ERROR", first, second + ".gz", first).output == "ERROR 1\nERROR 2\nERROR 1\n")
    let missing = try run("ERROR", first, directory.file("none"))
    #expect(missing.status == 66)
    #expect(missing.output == "")
    #expect(missing.message.contains("none"))
  }

  @Test("bytes pass through as they are")
  func bytes() throws {
    let data = Data([0xFF, 0x00, 0x1B] + Array("ERROR\r\n".utf8) + [0x0A])
    let path = try file("a.log", data)
    #expect(try run("ERROR", path).bytes == data.dropLast())
    #expect(try run("", path).bytes == data)
  }

  @Test("a line over the limit is cut, and what follows is read on")
  func longLine() throws {
    let long = String(repeating: "a", count: 3_000_000)
    let path = try file("a.log", "ERROR \(long)\nERROR after\n\(long)ERROR\n")
    let answer = try run("ERROR", path)
    let lines = answer.output.split(separator: "\n")
    #expect(lines.map(\.count) == [LineInput.lineBytesMax, 11])
  }

  @Test("a bad pattern is shown with its caret")
  func refusal() throws {
    let answer = try run("a@b", try file("a.log", ""))
    #expect(answer.status == 65)
    #expect(answer.message.contains("at column 2\n  a@b\n   ^"))
  }

  @Test("a regex that is given up ends with 65")
  func runaway() throws {
    let path = try file("a.log", String(repeating: "a", count: 20_000))
    let answer = try run("%a*a*a*a*a*[bc]%", path)
    #expect(answer.status == 65)
    #expect(answer.message.contains("given up"))
  }

  private static let objects = """
    {"message":"ERROR \\u0041","timestamp":1700000000000,"logStream":"s","logGroup":"g"}
    {"message":"ERROR 2","extra":[1],"timestamp":null}
    {"message":"INFO","logGroup":"g"}

    """

  @Test("jsonl input gives messages, and each key that it had")
  func jsonl() throws {
    let path = try file("a.jsonl", Self.objects)
    #expect(
      try run("ERROR", path, "--input", "jsonl").output
        == "2023-11-14T22:13:20.000Z ERROR A\nERROR 2\n"
    )
    #expect(try run("ERROR", path, "--input", "jsonl", "-o", "raw").output == "ERROR A\nERROR 2\n")
    #expect(
      try run("ERROR", path, "--input", "jsonl", "-o", "jsonl").output == """
        {"timestamp":1700000000000,"message":"ERROR A","logStream":"s","logGroup":"g"}
        {"message":"ERROR 2"}

        """
    )
  }

  @Test("--agent is Stacktape's object, one for each run of a group")
  func agent() throws {
    let path = try file("a.jsonl", Self.objects)
    #expect(
      try run("ERROR", path, "--input", "jsonl", "--agent").output == """
        {"logGroup":"g","events":[{"timestamp":1700000000000,"message":"ERROR A","logStream":"s"}]}
        {"events":[{"message":"ERROR 2"}]}

        """
    )
    let none = try run("absent", path, "--raw")
    #expect(none.output == "{\"events\":[]}\n")
    #expect(none.status == 1)
    let text = try file("b.log", Self.lines)
    #expect(
      try run("last", text, "--raw").output == "{\"events\":[{\"message\":\"last ERROR\"}]}\n"
    )
  }

  @Test(
    "lines that are no events are counted, and the others are filtered",
    arguments: [
      "not json", "[]", "{}", "{\"message\":1}", "{\"message\":\"x\",\"timestamp\":\"now\"}",
      "{\"message\":\"x\"} y", "{\"message\":\"x\",\"timestamp\":1.5}", "{\"message\":\"x",
      "{\"message\":\"x\",\"logStream\":1}", "",
    ]
  )
  func badLines(_ line: String) throws {
    let path = try file("a.jsonl", "{\"message\":\"ERROR\"}\n\(line)\n{\"message\":\"ERROR\"}\n")
    let answer = try run("ERROR", path, "--input", "jsonl")
    #expect(answer.output == "ERROR\nERROR\n")
    #expect(answer.status == 65)
  }

  @Test("the first bad line is named with what is wrong")
  func complaint() throws {
    let path = try file("a.jsonl", "{\"message\":\"a\"}\nx\ny\n")
    let events = InputEvents([path], format: .jsonl)
    var count = 0
    try events.forEach(pause: {}) { _ in
      count += 1
      return true
    }
    #expect(count == 1)
    #expect(events.complaint == "\(path), line 2, and 1 more: not a JSON object")
  }
}
