import Foundation
import LogModel
import Store
import TestSupport
import Testing

@testable import logagent

@Suite("Export and import")
struct ExportTests {
  private let fixture = LogsFixture()

  /// Everything that text can do to a format.
  private static let messages: [[UInt8]] = [
    Array("plain".utf8), [], [0x00, 0x01, 0x1F, 0x7F], [0xFF, 0xFE, 0x80], [0x61, 0xC3],
    Array("two\nlines\n".utf8), Array("cr\r".utf8), Array("\r\n".utf8),
    Array("quote \" back \\ tab \t".utf8), Array("\"\"".utf8), Array("a,b,\"c\"".utf8),
    Array("héllo 漢 👩‍💻 \u{2028}\u{FEFF}\u{FFFD}".utf8), [0xED, 0xA0, 0x80],
    Array("{\"json\":true}".utf8), Array(",".utf8), Array("  blanks  ".utf8),
    [0x0A], [0x22], [0x22, 0x0A, 0x22, 0xFF, 0x2C],
  ]

  private func fill() throws {
    var events: [LogsFixture.Event] = []
    for (index, message) in Self.messages.enumerated() {
      var event = LogsFixture.Event(Double(index), "", stream: "ecs/web/\(index % 3)")
      event.message = message
      event.time += [0, 1, 999_999, 123_456_789][index % 4]
      event.flags =
        [[], .stderr, .unterminated, [.stderr, .malformed], .gap, .repaired][index % 6]
      if index % 5 == 4 {
        event.flags.insert(.truncated)
        event.originalBytes = 5_000_000
      }
      events.append(event)
    }
    // The same time twice: their order is that of storing.
    events.append(.init(3, "first"))
    events.append(.init(3, "second"))
    events.append(.init(-90_000, "long ago"))
    try fixture.add(LogsFixture.api, events)
  }

  private func export(_ name: String, from data: String, _ more: String...) throws -> Data {
    let path = fixture.directory.file(name)
    var arguments = ["export", "--data-dir", fixture.directory.file(data), "--quiet", "--to", path]
    arguments += more.isEmpty ? [LogsFixture.api] : more
    var command = try Logagent.parseAsRoot(arguments)
    try command.run()
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test(
    "what is exported is imported unchanged: exporting it again gives the same bytes",
    arguments: ["x.jsonl", "x.jsonl.gz", "x.jsonl.zst", "x.csv", "x.csv.gz", "x.csv.zst"]
  )
  func roundTrip(_ name: String) throws {
    try fill()
    let first = try export(name, from: "data")
    #expect(!first.isEmpty)
    let format = name.contains("csv") ? "csv" : "jsonl"
    let imported = try fixture.command(
      "import",
      "--data-dir",
      fixture.directory.file("other"),
      "--quiet",
      "--format",
      format,
      "--resource",
      LogsFixture.api,
      fixture.directory.file(name)
    )
    #expect(imported.status == 0, "\(imported.message)")
    #expect(try export("again-\(name)", from: "other") == first)
    let before = try StoredState(fixture.directory.file("data"))
    let after = try StoredState(fixture.directory.file("other"))
    #expect(before.events == after.events)
    #expect(before.events.count == Self.messages.count + 3)
  }

  @Test("random events survive in both formats")
  func random() throws {
    var random = SystemRandomNumberGenerator()
    let alphabet: [UInt8] = [
      0x22, 0x2C, 0x0A, 0x0D, 0x5C, 0x00, 0x61, 0xC3, 0xA9, 0xFF, 0x75, 0x7B,
    ]
    let events = (0..<3_000).map { index -> LogsFixture.Event in
      var event = LogsFixture.Event(Double(index / 7), "", stream: "s\(index % 4)")
      event.message = (0..<Int.random(in: 0...30, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? 0
      }
      event.time += Int64.random(in: 0...1_000_000_000, using: &random)
      return event
    }
    try fixture.add(LogsFixture.api, events)
    for format in ["jsonl", "csv"] {
      let name = "r.\(format).zst"
      let first = try export(name, from: "data")
      let imported = try fixture.command(
        "import",
        "--data-dir",
        fixture.directory.file("copy-\(format)"),
        "--quiet",
        "--format",
        format,
        "--resource",
        LogsFixture.api,
        fixture.directory.file(name)
      )
      #expect(imported.status == 0, "\(imported.message)")
      #expect(try export("again-\(name)", from: "copy-\(format)") == first)
    }
  }

  @Test("a message at the size limit survives, whatever it takes as JSON")
  func longMessages() throws {
    var control = LogsFixture.Event(0, "")
    control.message = Array(repeating: 0x01, count: 1_048_576)
    var broken = LogsFixture.Event(1, "")
    broken.message = Array(repeating: 0xFF, count: 1_048_576)
    try fixture.add(LogsFixture.api, [control, broken])
    for format in ["jsonl", "csv"] {
      let first = try export("long.\(format).gz", from: "data")
      _ = try fixture.command(
        "import",
        "--data-dir",
        fixture.directory.file("long-\(format)"),
        "--quiet",
        "--format",
        format,
        "--resource",
        LogsFixture.api,
        fixture.directory.file("long.\(format).gz")
      )
      #expect(try export("again.\(format).gz", from: "long-\(format)") == first)
    }
  }

  @Test("the tools of the system unpack what is packed")
  func systemTools() throws {
    try fill()
    let plain = try export("p.jsonl", from: "data")
    for (ending, tool) in [("gz", "zcat"), ("zst", "zstdcat")] {
      _ = try export("p.jsonl.\(ending)", from: "data")
      let text = try Shell.run("\(tool) \(fixture.directory.file("p.jsonl.\(ending)")) | cksum")
      let expected = try Shell.run("cksum < \(fixture.directory.file("p.jsonl"))")
      #expect(text == expected)
    }
    #expect(!plain.isEmpty)
  }

  @Test("what the system's tools pack is imported, also in several parts")
  func packedElsewhere() throws {
    try fill()
    _ = try export("p.jsonl", from: "data")
    let path = fixture.directory.file("p.jsonl")
    for (index, command) in [
      "zstd -q --ultra -20 \(path) -o \(path).1.zst",
      "(head -5 \(path) | zstd -q; tail -n +6 \(path) | zstd -q) > \(path).2.zst",
      "(head -5 \(path) | gzip; tail -n +6 \(path) | gzip) > \(path).3.gz",
    ].enumerated() {
      _ = try Shell.run(command)
      let data = "packed-\(index)"
      let packed = "\(path).\(index + 1).\(index == 2 ? "gz" : "zst")"
      let imported = try fixture.command(
        "import",
        "--data-dir",
        fixture.directory.file(data),
        "--quiet",
        "--format",
        "jsonl",
        "--resource",
        LogsFixture.api,
        packed
      )
      #expect(imported.status == 0, "\(imported.message)")
      #expect(
        try export("again-\(index).jsonl", from: data)
          == Data(contentsOf: URL(fileURLWithPath: path))
      )
    }
  }

  @Test("a cut or damaged .zst is an error, and what came before it is kept")
  func damaged() throws {
    try fixture.add(LogsFixture.api, (0..<50_000).map { .init(Double($0) / 1_000, "event \($0)") })
    let packed = try export("d.jsonl.zst", from: "data")
    let path = fixture.directory.file("cut.jsonl.zst")
    try packed.dropLast(packed.count / 3).write(to: URL(fileURLWithPath: path))
    let answer = try fixture.command(
      "import",
      "--data-dir",
      fixture.directory.file("cut"),
      "--quiet",
      "--format",
      "jsonl",
      "--resource",
      "x",
      path
    )
    #expect(answer.status == 65)
    #expect(answer.message.contains("zstd"))
  }

  @Test(
    "whatever a file holds, importing it ends, and every record is an event",
    arguments: ["jsonl", "csv"]
  )
  func garbage(_ format: String) throws {
    try fill()
    let whole = [UInt8](try export("g.\(format)", from: "data"))
    var random = SystemRandomNumberGenerator()
    let alphabet: [UInt8] = [0x22, 0x2C, 0x0A, 0x7B, 0x7D, 0x5C, 0x00, 0xFF, 0x3D]
    var bytes: [UInt8] = []
    for _ in 0..<200 {
      var copy = whole
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        copy[Int.random(in: 0..<copy.count, using: &random)] =
          alphabet.randomElement(using: &random) ?? 0
      }
      bytes += copy.dropLast(Int.random(in: 0...40, using: &random))
    }
    let path = fixture.directory.write("garbage.\(format)", bytes)
    let answer = try fixture.command(
      "import",
      "--data-dir",
      fixture.directory.file("garbage"),
      "--quiet",
      "--format",
      format,
      "--resource",
      "x",
      path
    )
    #expect(answer.status == 0, "\(answer.message)")
    // What could not be read is there as it stood, marked; quotes may join many records into one.
    let events = try StoredState(fixture.directory.file("garbage")).events
    #expect(events.contains { $0.flags.contains(.malformed) })
    #expect(events.contains { !$0.flags.contains(.malformed) })
  }

  @Test("range, filter, level and stream narrow an export")
  func narrowed() throws {
    try fixture.add(
      LogsFixture.api,
      [
        .init(0, "ERROR a"), .init(1, "INFO b", flags: .stderr), .init(2, "ERROR c"),
        .init(3, "WARN d", stream: "t"),
      ]
    )
    func lines(_ more: String...) throws -> Int {
      var command = try Logagent.parseAsRoot(
        [
          "export", "api", "--data-dir", fixture.data, "--quiet", "--to",
          fixture.directory.file("n.jsonl"),
        ] + more
      )
      try command.run()
      return try String(contentsOfFile: fixture.directory.file("n.jsonl"), encoding: .utf8)
        .split(separator: "\n").count
    }
    #expect(try lines() == 4)
    #expect(try lines("--filter", "ERROR") == 2)
    #expect(try lines("--level", "warn+") == 3)
    #expect(try lines("--stream", "stderr") == 1)
    #expect(try lines("--log-stream", "t") == 1)
    let start = LogsFixture.begin / 1_000_000
    #expect(try lines("--since", "\(start + 1_000)", "--until", "\(start + 2_000)") == 2)
  }

  @Test("a directory gets one file for every group, and no file is left half")
  func directory() throws {
    try fixture.add(LogsFixture.api, [.init(0, "a")])
    try fixture.add(LogsFixture.web, [.init(0, "w")])
    let folder = fixture.directory.file("archive") + "/"
    let answer = try fixture.command(
      "export",
      "*",
      "--data-dir",
      fixture.data,
      "--quiet",
      "--compress",
      "zst",
      "--to",
      folder
    )
    #expect(answer.status == 0, "\(answer.message)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
        "docker+shop+web.jsonl.zst",
        "stp+shop-prod+ecs+api+service-container+process-logs.jsonl.zst",
      ]
    )
    #expect(
      try fixture.command("export", "--data-dir", fixture.data, "--to", folder).status == 64
    )
    #expect(
      try fixture.command("export", "nobody", "--data-dir", fixture.data, "--to", folder).status
        == 66
    )
  }

  @Test(
    "the name of the file says its form, unless flags do",
    arguments: [
      ("a.jsonl", "jsonl", "none"), ("a.csv", "csv", "none"), ("a.csv.gz", "csv", "gz"),
      ("a.zst", "jsonl", "zst"), ("a", "jsonl", "none"), ("csv", "jsonl", "none"),
    ]
  )
  func plans(_ name: String, _ format: String, _ compression: String) {
    let plan = ExportPlan(destination: name, isDirectory: false, format: nil, compression: nil)
    #expect(plan.place == .file(name))
    #expect(plan.format.rawValue == format && plan.compression.rawValue == compression)
    let told = ExportPlan(destination: name, isDirectory: false, format: .csv, compression: .gz)
    #expect(told.format == .csv && told.compression == .gz)
  }

  @Test("no two groups share a file")
  func fileNames() {
    let plan = ExportPlan(destination: "d/", isDirectory: false, format: nil, compression: nil)
    let names = ["/a/b", "/a.b", "a/b", "/=a/b", "/a", "a"].compactMap { LogGroup($0) }
    #expect(Set(names.map(plan.fileName)).count == names.count)
  }
}

/// What a store holds of its events, besides when they were stored.
private struct StoredState {
  struct Event: Equatable {
    let time: Int64
    let message: [UInt8]
    let stream: String
    let flags: EventFlags
    let originalBytes: UInt64?
  }

  var events: [Event] = []

  init(_ path: String) throws {
    let reader = try StoreReader(dataDirectory: path)
    var blocks = BlockReader()
    for group in try reader.groups() {
      for block in try reader.blocks(of: group.id, from: .distantPast, through: .distantFuture) {
        var bytes: [UInt8] = []
        try blocks.messages(of: block, into: &bytes)
        let columns = try blocks.columns(of: block)
        for (index, record) in columns.records.enumerated() {
          events.append(
            Event(
              time: record.timestamp,
              message: Array(bytes[record.range]),
              stream: columns.streams[Int(record.stream)].name,
              flags: record.flags,
              originalBytes: columns.originalLength(of: index)
            )
          )
        }
      }
    }
    events.sort { $0.time < $1.time }
  }
}
