import Foundation
import TestSupport
import Testing

/// Unusual lines come back byte for byte.
extension DockerTests {
  @Test("lines of any length and content come back from a container byte for byte")
  func unusualLines() throws {
    let engine = EngineScope.engine
    let folder = TemporaryDirectory("lines")
    let written = UnusualLine.valid.joined(separator: [0x0A])
    folder.write("lines", Array(written))
    let agent = Agent(engine)
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    try engine.run("unusual", options: "-v \(folder.path):/data:ro", "cat /data/lines")
    try engine.docker("wait unusual")
    let group = "/docker/default/unusual"
    let expected = UnusualLine.valid
    _ = wait(seconds: 20) { store.count(group) >= UInt64(expected.count) }
    expectEqual(try store.events(group), expected)
    #expect(agent.stop().status == 0)
    // What people read is what is stored.
    let raw = try agent.command(
      "logs \(group) -o raw --limit all -S 1h --quiet | cmp - \(folder.path)/lines 2>&1 || true"
    )
    // `logs` ends every event with a newline; the file has none behind the last.
    #expect(raw.contains("EOF") && !raw.contains("differ"), "\(raw)")
    try engine.docker("rm -f unusual")
  }

  @Test("a line above limits.maxEventSize is cut, marked and its length told")
  func tooLongLines() throws {
    let engine = EngineScope.engine
    let folder = TemporaryDirectory("lines")
    let sizes = [65_535, 65_536, 65_537, 100_000, 3_000_000]
    folder.write(
      "lines",
      Array(sizes.map { UnusualLine.text($0) + [0x0A] }.joined())
    )
    let agent = Agent(engine, more: "limits: { maxEventSize: 64KiB }")
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    try engine.run("toolong", options: "-v \(folder.path):/data:ro", "cat /data/lines")
    let group = "/docker/default/toolong"
    _ = wait(seconds: 20) { store.count(group) >= UInt64(sizes.count) }
    let events = try store.events(group)
    #expect(events.map(\.message.count) == sizes.map { min($0, 65_536) })
    #expect(events.map { $0.flags.contains(.truncated) } == sizes.map { $0 > 65_536 })
    #expect(events.map(\.originalBytes) == sizes.map { $0 > 65_536 ? UInt64($0) : nil })
    for (event, size) in zip(events, sizes) {
      #expect(event.message.elementsEqual(UnusualLine.text(size).prefix(65_536)), "\(size)")
    }
    #expect(agent.stop().status == 0)
    try engine.docker("rm -f toolong")
  }
}

/// Lines of a command under `logagent exec`, with no Docker anywhere.
@Suite("exec")
struct ExecLineTests {
  @Test("lines of any length and content, invalid UTF-8 too, come back from exec byte for byte")
  func unusualLines() throws {
    let folder = TemporaryDirectory("lines")
    let expected = UnusualLine.valid.dropLast() + UnusualLine.invalid + [Array("no end".utf8)]
    let path = folder.write("lines", Array(expected.joined(separator: [0x0A])))
    let agent = Agent()
    try agent.command("exec --quiet --resource unusual -- cat \(path)")
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let group = try #require(
      try agent.command("groups --json").firstMatch(of: /"(\/[^"]*unusual[^"]*)"/)
    )
    expectEqual(try store.events(String(group.1)), Array(expected))
  }
}

/// Compares without printing megabytes.
private func expectEqual(_ events: [StoredEvent], _ expected: [[UInt8]]) {
  #expect(events.count == expected.count)
  for (index, (event, line)) in zip(events, expected).enumerated() {
    let isSame = event.message == line
    let differs = zip(event.message, line).enumerated().first { $1.0 != $1.1 }?.offset
    #expect(
      isSame,
      """
      line \(index): \(event.message.count) of \(line.count) bytes, first difference \
      \(differs.map(String.init) ?? "at the end")
      """
    )
    #expect(event.originalBytes == nil, "line \(index) is marked as cut")
  }
}

/// Lines that logging systems like to break.
private enum UnusualLine {
  static func text(_ count: Int) -> [UInt8] {
    (0..<count).map { 0x20 + UInt8($0 % 89) }
  }

  /// Valid UTF-8; the last one is written without a newline.
  static let valid: [[UInt8]] =
    [0, 1, 16_383, 16_384, 16_385, 32_768, 49_152, 1_048_575, 1_048_576].map(text) + [
      Array("nul \0 in the middle".utf8), [0], Array("\0\0at the start".utf8),
      Array("carriage\rreturn and one at the end\r".utf8),
      Array("\u{1b}[31mred\u{1b}[0m \u{7} \u{8}".utf8), Array("tab\tquote\"back\\slash/".utf8),
      Array("line \u{2028} paragraph \u{2029} bom \u{feff} del \u{7f} nel \u{85}".utf8),
      Array("<html>&amp;</html>".utf8), Array("é ü 漢字 🙂 \u{fffd} \u{10ffff}".utf8),
      Array(#"{"log":"nested\n","stream":"stderr","time":"2020-01-01T00:00:00Z"}"#.utf8), [],
      Array("  blanks around  ".utf8), Array("no newline at the end".utf8),
    ]

  static let invalid: [[UInt8]] = [
    [0xFF], [0xC3], [0x61, 0xE2, 0x82], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
    Array(0...9) + Array(11...255), [UInt8](repeating: 0xFF, count: 20_000),
  ]
}
