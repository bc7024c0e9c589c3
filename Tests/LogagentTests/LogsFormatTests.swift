import Foundation
import LogModel
import Platform
import TestSupport
import Testing

@testable import logagent

@Suite("Formats of logs")
struct LogsFormatTests {
  private let fixture = LogsFixture()
  private static let json =
    #"{"level":"error","status":502,"user":{"id":"u-1","a.b":7},"tags":["x","y"]}"#

  private func fill() throws {
    try fixture.add(
      LogsFixture.api,
      [
        .init(0, "WARN slow, \"very\""), .init(1.5, Self.json, flags: .stderr),
        .init(61, "two\nlines"),
      ]
    )
  }

  private func shown(_ arguments: String...) throws -> String {
    let answer = try fixture.run(["api"] + arguments)
    #expect(answer.status == 0, "\(answer.message)")
    return answer.output
  }

  @Test("json is one array that any parser reads, an empty one too")
  func array() throws {
    try fill()
    let parsed = try JSONSerialization.jsonObject(with: Data(try shown("-o", "json").utf8))
    let events = try #require(parsed as? [[String: Any]])
    #expect(events.count == 3)
    #expect(events[2]["message"] as? String == "two\nlines")
    let none = try JSONSerialization.jsonObject(
      with: Data(try shown("-o", "json", "-f", "absent").utf8)
    )
    #expect((none as? [Any])?.isEmpty == true)
  }

  @Test("csv quotes what needs it, under a heading")
  func csv() throws {
    try fill()
    let text = try shown("-o", "csv", "-t", "unix")
    let start = LogsFixture.begin / 1_000_000
    let lines = text.split(separator: "\n", maxSplits: 2).map(String.init)
    #expect(lines[0] == "timestamp,logGroup,logStream,stream,message")
    #expect(lines[1] == "\(start),\(LogsFixture.api),s,stdout,\"WARN slow, \"\"very\"\"\"")
    #expect(text.hasSuffix(",\"two\nlines\"\n"))
    #expect(
      try shown("-o", "csv", "-f", "absent") == "timestamp,logGroup,logStream,stream,message\n"
    )
  }

  @Test("logfmt quotes with JSON's escapes, one line an event")
  func logfmt() throws {
    try fill()
    let lines = try shown("-o", "logfmt", "-t", "unix").split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0].hasSuffix("log_stream=s stream=stdout msg=\"WARN slow, \\\"very\\\"\""))
    #expect(lines[2].hasSuffix("msg=\"two\\nlines\""))
  }

  @Test("a table is aligned, with one row an event")
  func table() throws {
    try fill()
    let lines = try shown("-o", "table", "--fields", "@level,status,@message").split(
      separator: "\n"
    )
    #expect(
      lines == [
        "@level  status  @message", "warn    -       WARN slow, \"very\"",
        "error   502     \(Self.json)"[...], "-       -       two\\nlines",
      ]
    )
  }

  @Test("fields are members of a JSON message, or the event's own")
  func fields() throws {
    try fill()
    #expect(
      try shown("-o", "jsonl", "--fields", "user.id,user.a.b,tags.1,@level,absent")
        .split(separator: "\n")[1]
        == "{\"user.id\":\"u-1\",\"user.a.b\":7,\"tags.1\":\"y\",\"@level\":\"error\"}"
    )
    #expect(
      try shown("-o", "plain", "-t", "none", "--fields", "status,tags,@stream,@resource")
        .split(separator: "\n")[1] == "502\t[\"x\",\"y\"]\tstderr\tapi"
    )
    #expect(
      try shown("-o", "csv", "--fields", "status,user").split(separator: "\n").prefix(3) == [
        "status,user", ",", "502,\"{\"\"a.b\"\":7,\"\"id\"\":\"\"u-1\"\"}\"",
      ]
    )
  }

  @Test("a template is a line of text and fields")
  func template() throws {
    try fill()
    #expect(
      try shown("-o", "template={{{@level}}} {status}\\t{@logStream}") == """
        {warn} \ts
        {error} 502\ts
        {} \ts

        """
    )
  }

  @Test(
    "what is no template, format, field or zone is a usage error that says why",
    arguments: [
      (["-o", "template={"], "`{` without `}`"), (["-o", "template=}"], "`}` without `{`"),
      (["-o", "template={}"], "names no field"), (["-o", "template=\\x"], "followed by"),
      (["-o", "template={@mesage}"], "did you mean @message"), (["-o", "xml"], "jsonl"),
      (["--fields", "@nothing"], "there is no field"), (["--fields", ","], "no field"),
      (["--timezone", "Mars/Olympus"], "no time zone"), (["--utc", "-z", "UTC"], "exclude"),
    ]
  )
  func refused(_ arguments: [String], _ words: String) {
    #expect {
      _ = try Logagent.parseAsRoot(["logs", "api"] + arguments)
    } throws: { error in
      Logagent.exitCode(for: error).rawValue == 64 && Logagent.message(for: error).contains(words)
    }
  }

  @Test("times can be shown in a zone, typed in it, and as what has passed")
  func times() throws {
    try fill()
    let first = try shown("-o", "plain", "-z", "+02:00", "--head", "1")
    #expect(first.contains("+02:00 WARN"))
    #expect(try shown("-o", "plain", "--utc", "--head", "1").contains("Z WARN"))
    let delta = try shown("-o", "plain", "-t", "delta").split(separator: "\n")
    #expect(delta[0].hasPrefix("+0.000 ") && delta[1].hasPrefix("+1.500 "))
    #expect(delta[2].hasPrefix("+59.500 "))
    #expect(try shown("-o", "plain", "-t", "relative", "--head", "1").contains("m ago WARN"))
    // 10:00 in a zone that is ahead of UTC is earlier than 10:00 UTC.
    let now = Timestamp(nanoseconds: LogsFixture.begin)
    let options = try #require(
      try Logagent.parseAsRoot(["logs", "-z", "+02:00", "-S", "2026-11-23 10:00"]) as? LogsCommand
    ).options
    let range = try LogsRequest(options: options, follows: false).timeRange(now: now)
    #expect(LogModel.Calendar.formatRFC3339(range.from, decimals: 0) == "2026-11-23T08:00:00Z")
  }

  @Test("what has an end cannot be followed", arguments: ["json", "table"])
  func endless(_ format: String) throws {
    let answer = try fixture.run("api", "--follow", "-o", format)
    #expect(answer.status == 64)
    #expect(answer.help.contains("jsonl"))
  }

  @Test(
    "a query has its own filters: others are refused",
    arguments: [
      ["-f", "x"], ["-g", "x"], ["--level", "error"], ["-C", "1"], ["--count"], ["--head", "1"],
      ["--follow"],
    ]
  )
  func queryAlone(_ flags: [String]) throws {
    #expect(try fixture.run(["api", "-q", "fields @message"] + flags).status == 64)
  }

  @Test("spans of time are short words")
  func spans() {
    #expect(EventTime.ago(59_999_999_999) == "59s ago")
    #expect(EventTime.ago(3_600_000_000_000) == "1h ago")
    #expect(EventTime.ago(-3_000_000_000) == "in 3s")
    #expect(EventTime.ago(200_000_000_000_000) == "2d ago")
    #expect(EventTime.delta(1_002_000_000) == "+1.002" && EventTime.delta(-5_000_000) == "-0.005")
  }
}
