import Foundation
import LogModel
import Platform
import Store
import TestSupport
import Testing

@testable import Query
@testable import logagent

@Suite("How events are printed")
struct LogsOutputTests {
  private let directory = TemporaryDirectory("output")
  private static let time: Int64 = 1_795_428_930_118_000_000

  /// A store with one group, for the values that only a store makes.
  private func group(_ name: String = "/stp/shop-prod/ecs/api/service-container/process-logs")
    throws
    -> GroupInfo
  {
    let path = directory.file("store-\(name.utf8.count)")
    var options = StoreOptions(dataDirectory: path)
    options.ballastBytes = 0
    let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    defer { store.close() }
    var batch = EventBatch(group: LogGroup(sanitizing: name), stream: LogStream(sanitizing: "s"))
    batch.append(timestamp: Timestamp(nanoseconds: Self.time), message: [0x61].span)
    let submitted = store.submit(batch)
    let ticket = try #require(submitted)
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    return try #require(try StoreReader(dataDirectory: path).groups().first)
  }

  private func event(
    _ message: [UInt8],
    flags: EventFlags = [],
    after milliseconds: Int64 = 0,
    originalBytes: UInt64? = nil
  ) throws -> MatchedEvent {
    let time = Timestamp(nanoseconds: Self.time + milliseconds * 1_000_000)
    return MatchedEvent(
      timestamp: time,
      ingestion: time,
      group: try group(),
      sequence: 7,
      stream: LogStream(sanitizing: "ecs/api/0123456789ab"),
      flags: flags,
      message: message,
      originalBytes: originalBytes
    )
  }

  private func event(_ message: String, flags: EventFlags = []) throws -> MatchedEvent {
    try event(Array(message.utf8), flags: flags)
  }

  private func printed(
    _ format: EventFormat,
    _ events: [MatchedEvent],
    colour: Bool = false,
    prefix: Bool = false,
    timestamps: TimestampStyle? = nil,
    isTerminal: Bool = false
  ) throws -> [UInt8] {
    let path = directory.file("out-\(UUID().uuidString)")
    let file = try Descriptor(open: path, O_WRONLY | O_CREAT)
    let output = OutputBuffer(file.raw)
    var style = EventStyle(
      format: format,
      time: EventTime(
        timestamps ?? (format == .tty ? .short : .iso),
        now: Timestamp(nanoseconds: Self.time),
        offset: { _ in 0 }
      )
    )
    style.usesColour = colour
    style.showsPrefix = prefix
    style.isTerminal = isTerminal
    let writer = EventWriter(style, output: output)
    for event in events { writer.write(event) }
    writer.finish()
    output.finish()
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("plain is RFC 3339 time and message, byte for byte")
  func plain() throws {
    let bytes = try printed(.plain, [event([0x61, 0xFF, 0x1B])])
    #expect(bytes == Array("2026-11-23T10:15:30.118Z a".utf8) + [0xFF, 0x1B, 0x0A])
  }

  @Test("plain on a terminal is as safe as tty")
  func plainOnTerminal() throws {
    #expect(
      text(try printed(.plain, [event("a\u{1b}[2J")], isTerminal: true))
        == "2026-11-23T10:15:30.118Z a\\x1b[2J\n"
    )
  }

  @Test("tty shows the day when it changes, then times of day")
  func terminal() throws {
    let later = try event(Array("b".utf8), after: 86_400_000)
    #expect(
      text(try printed(.tty, [event("a"), event("x\u{1b}]0;t"), later], prefix: true)) == """
        ── 2026-11-23 ──
        api 10:15:30.118 a
        api 10:15:30.118 x\\x1b]0;t
        ── 2026-11-24 ──
        api 10:15:30.118 b

        """
    )
  }

  @Test("colours end on their line, also those of the message")
  func colours() throws {
    let shown = text(try printed(.tty, [event("\u{1b}[32mok", flags: .stderr)], colour: true))
    #expect(shown.hasSuffix("\u{1b}[31m\u{1b}[32mok\u{1b}[0m\u{1b}[0m\n"))
  }

  @Test(
    "the style of times can be chosen",
    arguments: [
      (TimestampStyle.none, "a\n"), (.unix, "1795428930118 a\n"),
      (.iso, "2026-11-23T10:15:30.118Z a\n"), (.short, "10:15:30.118 a\n"),
    ]
  )
  func styles(_ style: TimestampStyle, _ expected: String) throws {
    #expect(text(try printed(.plain, [event("a")], timestamps: style)) == expected)
  }

  @Test("level words are in colour, what was looked for stands out")
  func highlights() throws {
    let shown = text(try printed(.tty, [event("WARN slow")], colour: true))
    #expect(shown.hasSuffix("\u{1b}[33mWARN\u{1b}[0m slow\n"))
  }

  @Test(
    "no format lets a message act on a terminal",
    arguments: [
      EventFormat.tty, .plain, .jsonl, .raw, .json, .csv, .logfmt, .table,
    ]
  )
  func terminalSafety(_ format: EventFormat) throws {
    let evil = "a\u{1b}]0;title\u{07}\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{2066}b\u{0}"
    for template in [format, .template(try EventTemplate("{@message}"))] {
      let shown = text(try printed(template, [event(evil)], isTerminal: true))
      let harmful = shown.unicodeScalars.filter { scalar in
        scalar.value < 0x20 && scalar != "\n" || (0x7F...0x9F).contains(scalar.value)
          || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      }
      #expect(harmful.isEmpty, "\(shown.debugDescription)")
    }
    if format == .jsonl {
      let line = try printed(format, [event(evil)], isTerminal: true)
      let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
      #expect(object?["message"] as? String == evil)
    }
  }

  @Test("an error that quotes a message is as harmless")
  func errors() {
    #expect(TerminalText.lines("a\u{1b}[2J\nb\u{9b}\n  ^") == "a\\x1b[2J\nb\\u{9b}\n  ^")
  }

  @Test("gaps and cut events can be told from messages")
  func marks() throws {
    let gap = try event("12 events lost", flags: .gap)
    let cut = try event(Array("abc".utf8), flags: .truncated, originalBytes: 2_000_000)
    #expect(
      text(try printed(.plain, [gap, cut])) == """
        2026-11-23T10:15:30.118Z ── 12 events lost ──
        2026-11-23T10:15:30.118Z abc … [truncated: 2000000 bytes]

        """
    )
    let lines = text(try printed(.jsonl, [gap, cut])).split(separator: "\n")
    #expect(lines[0].contains("\"gap\":true"))
    #expect(lines[1].contains("\"truncated\":true,\"originalBytes\":2000000"))
  }

  @Test("raw is the message and a newline")
  func raw() throws {
    #expect(try printed(.raw, [event([0x00, 0xFF, 0x0D])]) == [0x00, 0xFF, 0x0D, 0x0A])
  }

  @Test("jsonl is one object a line that any parser reads, with Stacktape's keys first")
  func jsonLines() throws {
    let message = "say \"hi\"\\ \u{1b}[31m\u{0}\u{7f}\n\té\u{2028}"
    let line = text(try printed(.jsonl, [event(message, flags: .stderr)]))
    #expect(line.hasPrefix("{\"timestamp\":1795428930118,\"message\":\"say"))
    #expect(line.filter { $0 == "\n" }.count == 1)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    )
    #expect(object["message"] as? String == message)
    #expect(object["logStream"] as? String == "ecs/api/0123456789ab")
    #expect(
      object["logGroup"] as? String == "/stp/shop-prod/ecs/api/service-container/process-logs"
    )
    #expect(object["stream"] as? String == "stderr")
    #expect((object["id"] as? String)?.count == 56)
  }

  @Test("broken UTF-8 becomes U+FFFD in JSON")
  func brokenJSON() throws {
    let line = try printed(.jsonl, [event([0x61, 0xFF, 0xC3, 0x28])])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
    )
    #expect(object["message"] as? String == "a\u{FFFD}\u{FFFD}(")
  }

  @Test("a reader that went away is noticed and nothing more is written")
  func closedPipe() throws {
    Terminal.ignoreBrokenPipes()
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let idle = OutputBuffer(ends[1])
    idle.checkReader()
    #expect(!idle.isClosed)
    close(ends[0])
    idle.checkReader()
    #expect(idle.isClosed)
    let output = OutputBuffer(ends[1])
    output.append("x")
    output.flush()
    #expect(output.isClosed)
    close(ends[1])
  }
}
