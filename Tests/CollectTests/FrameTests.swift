import LogModel
import Platform
import Testing

@testable import Collect

/// Decodes a whole text and returns its events; open lines are ended as at the exit of the writer.
func decode(
  _ text: [UInt8],
  _ format: FrameFormat = .dockerJSON,
  max: Int = Limits.eventBytesMax,
  chunk: Int = .max,
  flush: Bool = true,
  configure: (inout FrameDecoder) -> Void = { _ in }
) -> (events: [SeenEvent], counts: DecodeCounts) {
  var decoder = FrameDecoder(format: format, eventBytesMax: max)
  decoder.fallbackTime = 42
  configure(&decoder)
  let sink = FakeSink()
  var offset = 0
  while offset < text.count {
    var batch = EventBatch(group: LogGroup(sanitizing: "g"), stream: LogStream(sanitizing: "s"))
    let end = Swift.min(text.count, chunk == .max ? text.count : offset + chunk)
    var slice = Array(text[offset..<end])
    var used = decoder.decode(slice.span, from: 0, base: Int64(offset), into: &batch)
    if used == 0 {
      slice = Array(text[offset...])
      used = decoder.decode(slice.span, from: 0, base: Int64(offset), into: &batch)
    }
    _ = sink.submit(batch)
    if used == 0 { break }
    offset += used
  }
  var batch = EventBatch(group: LogGroup(sanitizing: "g"), stream: LogStream(sanitizing: "s"))
  if flush { decoder.flushPartials(into: &batch) }
  _ = sink.submit(batch)
  return (sink.events, decoder.counts)
}

@Suite struct DockerFrameTests {
  @Test func `every byte below 128 and every valid character comes back as it was written`() {
    let escapes: [UInt8: String] = [
      0x22: "\\\"", 0x5C: "\\\\", 0x0D: "\\r", 0x3C: "\\u003c", 0x3E: "\\u003e", 0x26: "\\u0026",
    ]
    var text = ""
    var expected: [[UInt8]] = []
    for byte in UInt8(0)..<128 where byte != 0x0A {
      let hex = "0123456789abcdef".map(String.init)
      let escaped =
        escapes[byte]
        ?? (byte < 0x20
          ? "\\u00" + hex[Int(byte >> 4)] + hex[Int(byte & 15)]
          : String(UnicodeScalar(byte)))
      text += dockerRecord("a\(escaped)b\\n", time: dockerTime(Int(byte)))
      expected.append([0x61, byte, 0x62])
    }
    for (index, special) in ["é", "\u{85}", "\u{FEFF}", "😀", "\u{FFFD}"].enumerated() {
      text += dockerRecord("\(special)\\n", time: dockerTime(200 + index))
      expected.append(bytes(special))
    }
    text += dockerRecord("\\u2028\\u2029\\ud83d\\ude00\\ufffd\\n", time: dockerTime(300))
    expected.append(bytes("\u{2028}\u{2029}😀\u{FFFD}"))
    text += dockerRecord("x\\ud83dy\\n", time: dockerTime(301))
    expected.append(bytes("x\u{FFFD}y"))
    let (events, counts) = decode(bytes(text))
    #expect(events.map(\.message) == expected)
    #expect(counts == DecodeCounts())
    for size in [1, 7, 64, 300] {
      #expect(decode(bytes(text), chunk: size).events == events)
    }
  }

  @Test(arguments: [
    ("2026-11-23T10:00:06Z", 0 as Int64), ("2026-11-23T10:00:06.1Z", 100_000_000),
    ("2026-11-23T10:00:06.123456789Z", 123_456_789), ("2026-11-23T10:00:06.00940727Z", 9_407_270),
    ("2026-11-23T12:00:06.5+02:00", 500_000_000), ("2026-11-23T03:00:06.5-07:00", 500_000_000),
  ])
  func `times are exact to the nanosecond`(text: String, nanoseconds: Int64) {
    let record = dockerRecord("a\\n", time: text)
    let expected = 1_795_428_006 * 1_000_000_000 + nanoseconds
    // Twice: the second time the prefix is cached.
    let (events, _) = decode(bytes(record + record))
    #expect(events.map(\.time) == [expected, expected])
  }

  @Test func `times that share no prefix or go backwards are kept as they are`() {
    let times = ["2026-11-23T10:00:06Z", "2025-01-01T00:00:00.5Z", "2026-11-23T10:00:06.25Z"]
    let (events, _) = decode(bytes(times.map { dockerRecord("a\\n", time: $0) }.joined()))
    #expect(
      events.map(\.time)
        == [1_795_428_006, 1_735_689_600, 1_795_428_006].enumerated().map {
          $1 * 1_000_000_000 + [0, 500_000_000, 250_000_000][$0]
        }
    )
  }

  @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 32_768])
  func `a line around the chunk size gives one event of its length`(length: Int) {
    var rest = String(repeating: "x", count: length)
    var text = ""
    while rest.count >= 16_384 {
      text += dockerRecord(String(rest.prefix(16_384)), time: dockerTime(1))
      rest = String(rest.dropFirst(16_384))
    }
    text += dockerRecord(rest + "\\n", time: dockerTime(1))
    text += dockerRecord("next\\n", time: dockerTime(2))
    let (events, _) = decode(bytes(text))
    #expect(events.map(\.message.count) == [length, 4])
    #expect(events.allSatisfy { $0.flags == [] && $0.originalLength == nil })
  }

  @Test func `a line cut at a character's border takes nothing of what follows`() {
    let text =
      dockerRecord("1234567é", time: dockerTime(1)) + dockerRecord("ab\\n", time: dockerTime(1))
    let (events, _) = decode(bytes(text), max: 8)
    #expect(events.map(\.text) == ["1234567"])
    #expect(events.map(\.originalLength) == [11])
  }

  @Test func `a character cut by a chunk's border becomes one replacement and is counted`() {
    let first = String(repeating: "e", count: 16_383) + "\\ufffd"
    let text =
      dockerRecord(first, time: dockerTime(1)) + dockerRecord("\\ufffdtail\\n", time: dockerTime(1))
    let (events, counts) = decode(bytes(text))
    #expect(events.count == 1)
    #expect(
      events.first?.message == [UInt8](repeating: 0x65, count: 16_383) + bytes("\u{FFFD}tail")
    )
    #expect(events.first?.flags == .repaired)
    #expect(counts.repaired == 1)
  }

  @Test func `literal text that looks like a replacement is not repaired`() {
    let text =
      dockerRecord("a\\\\ufffd", time: dockerTime(1))
      + dockerRecord("\\ufffdb\\n", time: dockerTime(1))
    let (events, counts) = decode(bytes(text))
    #expect(events.map(\.text) == ["a\\ufffd\u{FFFD}b"])
    #expect(counts.repaired == 0)
  }

  @Test func `a line of 10 MB is cut at the limit and says how long it was`() {
    var text = ""
    for _ in 0..<640 {
      text += dockerRecord(String(repeating: "y", count: 16_384), time: dockerTime(1))
    }
    text += dockerRecord("\\n", time: dockerTime(1)) + dockerRecord("next\\n", time: dockerTime(2))
    let (events, counts) = decode(bytes(text))
    #expect(events.map(\.message.count) == [1_048_576, 4])
    #expect(events.first?.originalLength == 10_485_760)
    #expect(events.first?.flags == .truncated)
    #expect(counts.truncated == 1)
  }

  @Test func `a limit never cuts a character in two`() {
    let (events, _) = decode(bytes(dockerRecord("aaaé😀\\n", time: dockerTime(1))), max: 7)
    #expect(events.first?.text == "aaaé")
    #expect(events.first?.originalLength == 9)
  }

  @Test func `a terminal's CR goes with the newline, once`() {
    let text =
      dockerRecord("a\\r\\r\\n", time: dockerTime(1)) + dockerRecord("\\r\\n", time: dockerTime(2))
    #expect(decode(bytes(text)) { $0.isTTY = true }.events.map(\.text) == ["a\r", ""])
    #expect(decode(bytes(text)).events.map(\.text) == ["a\r\r", "\r"])
  }

  @Test func `attributes are not text, whatever they hold`() {
    let text =
      "{\"log\":\"a\\n\",\"stream\":\"stderr\",\"attrs\":"
      + "{\"tag\":\"x/\\\"time\\\":\\\"1\",\"time\":\"z\"},\"time\":\"\(dockerTime(3))\"}\n"
    let (events, counts) = decode(bytes(text))
    #expect(events.map(\.text) == ["a"])
    #expect(events.first?.flags == .stderr)
    #expect(counts.malformed == 0)
  }

  @Test func `a record without a message is an empty part`() {
    let bare = "{\"stream\":\"stdout\",\"time\":\"\(dockerTime(1))\"}\n"
    #expect(decode(bytes(bare)).events.isEmpty)
    let text =
      dockerRecord("a", time: dockerTime(1)) + bare + dockerRecord("b\\n", time: dockerTime(1))
    #expect(decode(bytes(text)).events.map(\.text) == ["ab"])
  }

  @Test func `other key order, unknown keys and blanks are understood`() {
    let time = dockerTime(1)
    let text = """
      {"time":"\(time)","x":{"a":[1,2,{"log":"no"}],"b":"]}"},"stream":"stderr","log":"one\\n"}
      { "log" : "two\\n" , "stream" : "stdout" , "time" : "\(time)" , "n" : null , "t" : true }

      """
    let (events, counts) = decode(bytes(text))
    #expect(events.map(\.text) == ["one", "two"])
    #expect(events.map(\.flags) == [.stderr, []])
    #expect(counts.malformed == 0)
  }

  @Test(arguments: [
    "garbage",
    "{\"log\":\"torn{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T10:00:06Z\"}",
    "{\"log\":\"a\\q\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T10:00:06Z\"}",
    "{\"log\":\"a\\u12\",\"stream\":\"stdout\",\"time\":\"2026-11-23T10:00:06Z\"}",
    "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"yesterday\"}",
    "{\"log\":7,\"stream\":\"stdout\",\"time\":\"2026-11-23T10:00:06Z\"}",
    "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T10:00:06Z\"}x", "[]", "", "{",
    "{\"log\":\"", "\u{0}\u{0}x", String(repeating: "[", count: 500),
  ])
  func `a malformed record is kept as it stands and its neighbours are intact`(bad: String) {
    let text =
      dockerRecord("before\\n", time: dockerTime(1)) + bad + "\n"
      + dockerRecord("after\\n", time: dockerTime(2))
    let (events, counts) = decode(bytes(text))
    let kept = bad.hasPrefix("\u{0}") ? "x" : bad
    #expect(events.map(\.text) == ["before", kept, "after"])
    #expect(events.map(\.flags) == [[], .malformed, []])
    #expect(counts.malformed == 1)
  }

  @Test func `zero bytes before a record are not a line`() {
    let text =
      [UInt8](repeating: 0, count: 5_000) + bytes(dockerRecord("a\\n", time: dockerTime(1)))
    #expect(decode(text).events.map(\.text) == ["a"])
  }

  @Test func `streams are joined apart, in the order in which their lines end`() {
    let text =
      dockerRecord("o1", time: dockerTime(1)) + dockerRecord("e1", "stderr", time: dockerTime(2))
      + dockerRecord("e2\\n", "stderr", time: dockerTime(2))
      + dockerRecord("o2\\n", time: dockerTime(1))
    let (events, _) = decode(bytes(text))
    #expect(events.map(\.text) == ["e1e2", "o1o2"])
    #expect(events.map(\.flags) == [.stderr, []])
  }

  @Test func `a part followed by another time was a line without a newline`() {
    let text =
      dockerRecord("no newline", time: dockerTime(1))
      + dockerRecord("next run\\n", time: dockerTime(2))
    let (events, counts) = decode(bytes(text))
    #expect(events.map(\.text) == ["no newline", "next run"])
    #expect(events.map(\.flags) == [.unterminated, []])
    #expect(counts.unterminated == 1)
  }

  @Test func `ten thousand equal times keep their order and lose nothing`() {
    let text = (0..<10_000).map { dockerRecord("\($0)\\n", time: dockerTime(1)) }.joined()
    #expect(decode(bytes(text)).events.map(\.text) == (0..<10_000).map(String.init))
  }

  @Test func `random damage never traps and never loses a neighbour`() {
    var generator = SeededGenerator(seed: 7)
    let good = bytes(dockerRecord("a\\tb \\u00e9\\n", time: dockerTime(1)))
    for _ in 0..<20_000 {
      var bad = good
      bad.removeLast()
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bad.count, using: &generator)
        let byte = UInt8.random(in: 0...255, using: &generator)
        bad[index] = byte == 0x0A ? 0x20 : byte
      }
      let (events, _) = decode(bad + [0x0A] + bytes(dockerRecord("end\\n", time: dockerTime(2))))
      #expect(events.last?.text.hasSuffix("end") == true)
    }
  }
}

@Suite struct CRIFrameTests {
  @Test func `zones and cut fractions compare as instants`() {
    let text = """
      2026-11-23T10:00:06.5Z stdout F a
      2026-11-23T10:00:06.500000000+00:00 stdout F b
      2026-11-23T03:00:06.5-07:00 stderr F c

      """
    let (events, _) = decode(bytes(text), .cri)
    #expect(Set(events.map(\.time)) == [1_795_428_006_500_000_000])
    #expect(events.map(\.text) == ["a", "b", "c"])
    #expect(events.map(\.flags) == [[], [], .stderr])
  }

  @Test func `an empty F is an empty event unless it closes a line`() {
    let t = "2026-11-23T10:00:06Z"
    let (events, _) = decode(
      bytes(
        "\(t) stdout F \n\(t) stdout P ab\n\(t) stdout F \n\(t) stdout P:foo c\n\(t) stdout F d\n"
      ),
      .cri
    )
    #expect(events.map(\.text) == ["", "ab", "cd"])
  }

  @Test func `parts are joined per stream and keep the first time`() {
    let text = """
      2026-11-23T10:00:01Z stdout P out-
      2026-11-23T10:00:02Z stderr P err-
      2026-11-23T10:00:03Z stderr F one
      2026-11-23T10:00:04Z stdout F two
      2026-11-23T10:00:05Z stdout P left

      """
    let (events, _) = decode(bytes(text), .cri)
    #expect(events.map(\.text) == ["err-one", "out-two", "left"])
    #expect(events.map(\.flags) == [.stderr, [], .unterminated])
    #expect(events.map { $0.time / 1_000_000_000 - 1_795_428_000 } == [2, 1, 5])
  }

  @Test(arguments: [
    "2026-11-23T10:00:06Z stdout 2026-11-23T10:00:07Z stdout F x", "2026-11-23T1",
    "2026-11-23T10:00:06Z stdin F x", "2026-11-23T10:00:06Z stdout Fx", "x stdout F y", "",
    "2026-11-23T10:00:06Z stdout F",
  ])
  func `a torn record is one malformed event`(bad: String) {
    let t = "2026-11-23T10:00:06Z"
    let (events, counts) = decode(bytes("\(t) stdout F a\n\(bad)\n\(t) stdout F b\n"), .cri)
    #expect(events.map(\.text) == ["a", bad, "b"])
    #expect(counts.malformed == 1)
  }

  @Test func `raw bytes are kept`() {
    let raw = (0...255).map(UInt8.init).filter { $0 != 0x0A }
    let line = bytes("2026-11-23T10:00:06.000000001Z stdout F ") + raw + [0x0A]
    #expect(decode(line, .cri).events.map(\.message) == [raw])
  }

  @Test func `only a spool's own gap tag makes a gap record`() {
    let line = bytes("2026-11-23T10:00:06Z stdout F:gap 12 bytes\n")
    #expect(decode(line, .cri).events.map(\.flags) == [[]])
    #expect(decode(line, .cri) { $0.trustsGapTag = true }.events.map(\.flags) == [.gap])
  }
}

@Suite struct TextFrameTests {
  @Test func `a line has the time that it begins with, or that of the line before it`() {
    let text = "head\n2026-11-23T10:00:06Z one\n  at two\n[2026-11-23 10:00:07.5Z] three\n\n"
    let (events, _) = decode(bytes(text), .lines)
    #expect(
      events.map(\.text) == [
        "head", "2026-11-23T10:00:06Z one", "  at two", "[2026-11-23 10:00:07.5Z] three", "",
      ]
    )
    let base: Int64 = 1_795_428_006_000_000_000
    #expect(events.map(\.time) == [42, base, base, base + 1_500_000_000, base + 1_500_000_000])
  }

  @Test func `JSON lines carry time, message and stream`() {
    let text = """
      {"timestamp": 1795428006123, "message": "a\\nb", "logStream": "x/1"}
      {"message":"c","timestamp":1795428006124,"extra":[1]}
      nonsense

      """
    let (events, counts) = decode(bytes(text), .jsonLines)
    #expect(events.map(\.text) == ["a\nb", "c", "nonsense"])
    #expect(events.map(\.stream) == ["x/1", "s", "s"])
    #expect(events.first?.time == 1_795_428_006_123_000_000)
    #expect(counts.malformed == 1)
  }
}

/// A generator whose numbers are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
