import Foundation
import LogModel
import Platform
import Testing

@testable import Forward
@testable import Store

@Suite struct DeliveryBuilderTests {
  private typealias Fixture = DeliveryFixture

  private func envelope(_ request: DeliveryRequest, gzip: Bool = false) throws -> Envelope {
    try #require(Envelope(json: gzip ? Envelope.gunzip(request.body) : request.body))
  }

  @Test("a request holds exactly the envelope's keys, six per record and three per event")
  func keys() throws {
    let request = Fixture.build(Fixture.events([Array("one".utf8), Array("two".utf8), []]))
    // Envelope checks the sets of keys.
    let envelope = try envelope(request)
    #expect(envelope.requestID == Fixture.requestID)
    #expect(envelope.timestamp == 1_800_000_123_456)
    #expect(envelope.records.count == 1)
    #expect(envelope.records[0].owner == "000000000000")
    #expect(envelope.records[0].group == Fixture.group.group.name)
    #expect(envelope.records[0].stream == "ecs/web/1")
    #expect(envelope.events.map(\.message) == ["one", "two", ""])
    #expect(envelope.events.map(\.timestamp) == [0, 1, 2].map { 1_800_000_000_000 + $0 })
    #expect(request.eventCount == 3)
  }

  @Test("lines of different streams are in different records, in order within each")
  func streams() throws {
    let lines = (0..<300).map { Array("line \($0)".utf8) }
    let envelope = try envelope(
      Fixture.build(Fixture.events(lines, streams: ["a", "b \"quoted\"", "c/é"]))
    )
    #expect(envelope.records.map(\.stream) == ["a", "b \"quoted\"", "c/é"])
    for (offset, record) in envelope.records.enumerated() {
      #expect(
        record.events.map(\.message) == stride(from: offset, to: 300, by: 3).map { "line \($0)" }
      )
    }
  }

  @Test("ids are 56 digits, unique and increasing")
  func ids() throws {
    let lines = [[UInt8]](repeating: Array("same".utf8), count: 2_000)
    let ids = try envelope(Fixture.build(Fixture.events(lines, from: 65_000))).events.map(\.id)
    #expect(ids.allSatisfy { $0.utf8.count == 56 })
    #expect(Set(ids).count == 2_000)
    #expect(ids == ids.sorted())
  }

  @Test("ids in a request are what EventID writes, across a change of any part")
  func idsMatch() throws {
    var events = DeliveryEvents(from: 0)
    var expected: [String] = []
    let sequences: [UInt64] = [0, 1, 65_535, 65_536, 65_537, 1 << 40, 3, 4]
    for (index, sequence) in sequences.enumerated() {
      let id = EventID(
        event: Timestamp(milliseconds: 1_700_000_000_000 + Int64(index / 3)),
        ingestion: Timestamp(milliseconds: 1_700_000_000_000 + Int64(index / 2)),
        group: 9,
        sequence: sequence
      )
      expected.append(id.description)
      events.append(
        Array("x".utf8).span,
        id: id,
        timestamp: Timestamp(milliseconds: 5),
        stream: events.index(of: LogStream(sanitizing: "s"))
      )
    }
    #expect(try envelope(Fixture.build(events)).events.map(\.id) == expected)
  }

  @Test("what is not UTF-8 becomes U+FFFD and control characters are escaped")
  func hostileBytes() throws {
    let lines: [[UInt8]] = [
      [0x61, 0xFF, 0x62], [0xC3], [0xED, 0xA0, 0x80], Array(0x00...0x1F), [0x7F, 0x22, 0x5C],
      Array("\u{2028}\u{1F600}é".utf8), Array("\u{1B}[31mred\u{1B}[0m\r".utf8),
    ]
    let request = Fixture.build(Fixture.events(lines))
    let envelope = try envelope(request)
    #expect(envelope.records[0].text.allSatisfy { $0 >= 0x20 })
    #expect(
      envelope.events.map(\.message) == [
        "a\u{FFFD}b", "\u{FFFD}", "\u{FFFD}\u{FFFD}\u{FFFD}",
        String(decoding: Array(0x00...0x1F) as [UInt8], as: UTF8.self), "\u{7F}\"\\",
        "\u{2028}\u{1F600}é", "\u{1B}[31mred\u{1B}[0m\r",
      ]
    )
  }

  @Test(
    "the same events make the same bytes, again and in another builder",
    arguments: [true, false]
  )
  func deterministic(gzip: Bool) throws {
    let lines = (0..<5_000).map { Array("GET /item/\($0 * 7919 % 1013) 200".utf8) }
    let events = Fixture.events(lines, streams: ["a", "b"])
    let other = Fixture.events([Fixture.noise(200_000)])
    var builder = DeliveryBuilder(account: "000000000000")
    func build() -> DeliveryRequest {
      builder.build(
        events,
        group: Fixture.group,
        gzip: gzip,
        requestID: Fixture.requestID,
        timestampMilliseconds: 1_800_000_123_456
      )
    }
    let first = build()
    _ = builder.build(
      other,
      group: Fixture.group,
      gzip: gzip,
      requestID: "x",
      timestampMilliseconds: 1
    )
    let second = build()
    let third = Fixture.build(events, gzip: gzip)
    #expect(first.body == second.body)
    #expect(first.body == third.body)
    #expect(first.body != Fixture.build(other, gzip: gzip).body)
    #expect(try envelope(first, gzip: gzip).events.count == 5_000)
  }

  @Test("records stay under 1,000 KiB and their text is split before that, with nothing lost")
  func split() throws {
    let lines = (0..<40).map { Fixture.noise(100_000, seed: UInt64($0)) }
    let request = Fixture.build(Fixture.events(lines))
    let envelope = try envelope(request)
    #expect(envelope.records.count >= 4)
    #expect(envelope.records.allSatisfy { $0.text.count <= 960_000 })
    #expect(envelope.events.map(\.message) == lines.map { String(decoding: $0, as: UTF8.self) })
    #expect(request.oversized.isEmpty)
  }

  @Test("a message of 1 MiB that packs well is sent, whatever its text is as JSON")
  func largeButPackable() throws {
    let lines = [
      Array("a".utf8), [UInt8](repeating: 0x01, count: 1_048_576), Array("b".utf8),
      [UInt8](repeating: 0x78, count: 1_048_576),
    ]
    let request = Fixture.build(Fixture.events(lines), gzip: true)
    let envelope = try envelope(request, gzip: true)
    #expect(request.oversized.isEmpty)
    #expect(envelope.events.map(\.message.utf8.count) == [1, 1_048_576, 1, 1_048_576])
  }

  @Test("an event that packs to more than a record may hold is set aside, the rest is sent")
  func oversized() throws {
    var state: UInt64 = 7
    // Bytes above 0x7F: each becomes the three bytes of U+FFFD or stays a random character.
    let hostile: [UInt8] = (0..<1_048_576 / 2).flatMap { _ -> [UInt8] in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return [UInt8(0xC2 + (state >> 40) % 30), UInt8(0x80 + (state >> 33) % 64)]
    }
    let control: [UInt8] = (0..<1_048_576).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8((state >> 40) % 128)
    }
    let request = Fixture.build(
      Fixture.events([Array("before".utf8), control, hostile, Array("after".utf8)])
    )
    #expect(!request.oversized.isEmpty)
    let envelope = try envelope(request)
    let sent = Set(envelope.events.map(\.message))
    #expect(sent.isSuperset(of: ["before", "after"]))
    #expect(envelope.events.count + request.oversized.count == 4)
    for event in request.oversized {
      let packed = try #require(Data(base64Encoded: Data(event.record)))
      #expect(packed.count > 1_024_000)
      let record = try #require(Envelope.record(Envelope.gunzip(Array(packed))))
      #expect(record.events.map(\.id) == [event.id.description])
    }
  }

  @Test("gzip unpacks to what is sent without it")
  func gzipIsTransparent() {
    let events = Fixture.events((0..<1_000).map { Array("line \($0)".utf8) })
    let packed = Fixture.build(events, gzip: true).body
    #expect(Envelope.gunzip(packed) == Fixture.build(events).body)
  }

  @Test("base64 is Foundation's, for every remainder")
  func base64() {
    for count in Array(0...70) + [65_535, 65_536, 65_537] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }
      var text: [UInt8] = Array("=".utf8)
      Base64.append(bytes.span, to: &text)
      #expect(
        String(decoding: text.dropFirst(), as: UTF8.self) == Data(bytes).base64EncodedString()
      )
    }
  }
}

@Suite struct DeliveryHeaderTests {
  private func headers(_ destination: Destination, group: String = "/stp/a b/c_d.e") -> [String] {
    DeliveryRequest.headers(
      destination,
      gzip: destination.gzip,
      requestID: "id-1",
      group: LogGroup(sanitizing: group),
      account: "000000000000"
    )
  }

  private func value(_ name: String, _ headers: [String]) -> String? {
    headers.first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
  }

  @Test("every request has the protocol's headers once, and no Expect")
  func always() {
    let headers = headers(DeliveryFixture.destination())
    #expect(value("Content-Type", headers) == "application/json")
    #expect(value("X-Amz-Firehose-Protocol-Version", headers) == "1.0")
    #expect(value("X-Amz-Firehose-Request-Id", headers) == "id-1")
    #expect(
      value("X-Amz-Firehose-Source-Arn", headers)
        == "arn:aws:firehose:local:000000000000:deliverystream/stp-a_b-c_d.e"
    )
    #expect(headers.contains("Expect:"))
    #expect(Set(headers.map { $0.prefix { $0 != ":" } }).count == headers.count)
  }

  @Test("access key, attributes and Content-Encoding are absent unless configured")
  func absent() {
    let plain = headers(DeliveryFixture.destination())
    for name in [
      "X-Amz-Firehose-Access-Key", "X-Amz-Firehose-Common-Attributes", "Content-Encoding",
    ] {
      #expect(!plain.contains { $0.hasPrefix(name) })
    }
    let full = headers(
      DeliveryFixture.destination(key: "k {\"a\":1}", attributes: [("a", "1")], gzip: true)
    )
    #expect(value("X-Amz-Firehose-Access-Key", full) == "k {\"a\":1}")
    #expect(value("Content-Encoding", full) == "gzip")
  }

  @Test("attributes are one ASCII line of JSON that nothing escapes from")
  func attributes() throws {
    let given = [
      ("a", "1"), ("b", ""), ("q\"\\", "line\r\nX-Evil: 1"), ("é", "\u{1F600}\u{0}\u{7F}\u{2028}"),
    ]
    let text = try #require(
      value(
        "X-Amz-Firehose-Common-Attributes",
        headers(DeliveryFixture.destination(attributes: given))
      )
    )
    #expect(text.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [String: String]]
    )
    #expect(
      object == ["commonAttributes": Dictionary(given, uniquingKeysWith: { first, _ in first })]
    )
  }

  @Test("a source ARN is ASCII and its stream has at most 64 characters")
  func sourceARN() {
    let long = DeliveryRequest.sourceARN(
      LogGroup(sanitizing: String(repeating: "g/", count: 100)),
      account: "000000000000"
    )
    #expect(long.split(separator: "/").last?.count == 64)
  }

  @Test("a credential never shows its value")
  func credential() {
    let credential = Credential("hunter2")
    var dumped = ""
    dump(DeliveryFixture.destination(key: "hunter2", attributes: [("k", "hunter2")]), to: &dumped)
    #expect(!dumped.contains("hunter2"))
    #expect(!"\(credential)".contains("hunter2"))
    #expect(!String(reflecting: credential).contains("hunter2"))
  }
}
