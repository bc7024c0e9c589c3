import Foundation
import LogModel
import Platform
import Store
import Testing

@testable import Query

@Suite("Searching a store")
struct LogSearchTests {
  private static let second: Int64 = 1_000_000_000
  private static let start = QueryFixture.start

  private static func events(_ messages: [String], from offset: Int64 = 0) -> [QueryFixture.Event] {
    messages.enumerated().map {
      .init(time: start + (offset + Int64($0.offset)) * second, message: Array($0.element.utf8))
    }
  }

  /// Words that overlap each other, so that hits run into neighbours and over borders.
  private static func randomEvents(
    _ count: Int,
    _ random: inout SystemRandomNumberGenerator,
    spread: Int64
  ) -> [QueryFixture.Event] {
    let words = [
      "ERROR", "ERR", "WARN", "aab", "aa", "b", "xERRORx", "time out", "\n", "", "é", "DEBUG",
    ]
    return (0..<count).map { _ in
      let message = (0..<Int.random(in: 0...5, using: &random)).map { _ in
        words.randomElement(using: &random) ?? ""
      }.joined(separator: Bool.random(using: &random) ? " " : "")
      return .init(
        time: start + Int64.random(in: 0..<spread, using: &random) * 1_000_000,
        message: Array(message.utf8),
        stream: ["a", "b"].randomElement(using: &random) ?? "a",
        isStderr: Bool.random(using: &random)
      )
    }
  }

  /// The same question, asked event by event.
  private static func naive(_ pattern: FilterPattern, _ message: [UInt8]) -> Bool {
    guard case .terms(let terms) = pattern else { return true }
    func contains(_ needle: [UInt8]) -> Bool {
      needle.isEmpty || Data(message).range(of: Data(needle)) != nil
    }
    return terms.required.allSatisfy(contains) && !terms.excluded.contains(where: contains)
      && (terms.anyOf.isEmpty || terms.anyOf.contains(where: contains))
  }

  private static let patterns = [
    "", "ERROR", "aa", "aab b", "ERROR WARN", "ERROR -DEBUG", "-aa", "?ERROR ?\"time out\"", "?aab",
    "?WARN ERR", "\"é\"", "\"b a\"", "absent", "ERROR absent", "?absent ?missing", "-ERR -b -aa",
    "\"\n\"", "\"R\nE\"", "\"x ERR\"",
  ]

  @Test(
    "finds exactly what a search event by event finds, in order",
    arguments: [40, 4_000, 400_000]
  )
  func differential(_ spread: Int64) throws {
    let fixture = try QueryFixture()
    var random = SystemRandomNumberGenerator()
    var expected: [(time: Int64, order: Int, group: String, event: QueryFixture.Event)] = []
    for group in ["/docker/api", "/docker/web"] {
      for count in [300, 3, 1, 40, 2, 200, 1] {
        let events = Self.randomEvents(count, &random, spread: spread)
        try fixture.append(events, to: group)
        for event in events { expected.append((event.time, expected.count, group, event)) }
      }
    }
    fixture.close()
    let total = expected.count
    for pattern in Self.patterns {
      let query = try fixture.query(pattern)
      let wanted = expected.filter { Self.naive(query.pattern, $0.event.message) }
      let found = try fixture.search(query)
      #expect(found.count == wanted.count, "\(pattern)")
      #expect(try fixture.count(query) == wanted.count, "\(pattern)")
      #expect(zip(found, found.dropFirst()).allSatisfy { MatchedEvent.precedes($0, $1) })
      for group in ["/docker/api", "/docker/web"] {
        let own = found.filter { $0.group.group.name == group }.map(\.message)
        let sorted = wanted.filter { $0.group == group }.sorted {
          ($0.time, $0.order) < ($1.time, $1.order)
        }
        #expect(own == sorted.map(\.event.message), "\(pattern)")
      }
      for limit in [1, 7, 100, total + 1] {
        var limited = query
        limited.selection = .newest(limit)
        #expect(
          try fixture.search(limited).map(\.id) == found.suffix(limit).map(\.id),
          "\(pattern)"
        )
        limited.selection = .oldest(limit)
        #expect(
          try fixture.search(limited).map(\.id) == found.prefix(limit).map(\.id),
          "\(pattern)"
        )
      }
    }
  }

  @Test(
    "overlapping blocks come in order whatever the memory bound",
    arguments: [1, 2_000, 50_000]
  )
  func boundedOrder(_ bytesMax: Int) throws {
    let fixture = try QueryFixture()
    var random = SystemRandomNumberGenerator()
    for _ in 0..<6 { try fixture.append(Self.randomEvents(60, &random, spread: 5_000)) }
    for pattern in ["", "ERR"] {
      var query = try fixture.query(pattern)
      let expected = try fixture.search(query).map(\.id)
      for limit in [nil, 100] {
        query.selection = limit.map { .oldest($0) } ?? .all
        var found: [EventID] = []
        let statistics = try LogSearch(
          query,
          reader: try fixture.reader(),
          workers: 1,
          orderBytesMax: bytesMax
        ).run {
          found.append($0.id)
          return true
        }
        #expect(found == Array(expected.prefix(limit ?? expected.count)))
        #expect(limit != nil || statistics.matchedEvents == expected.count)
      }
    }
  }

  @Test("time range, standard stream and log stream narrow the answer")
  func limits() throws {
    let fixture = try QueryFixture()
    var random = SystemRandomNumberGenerator()
    let events = Self.randomEvents(500, &random, spread: 1_000)
    try fixture.append(events)
    var query = try fixture.query("ERR")
    query.from = Timestamp(nanoseconds: Self.start + 250 * 1_000_000)
    query.through = Timestamp(nanoseconds: Self.start + 750 * 1_000_000)
    query.onlyStderr = true
    query.stream = { $0 == "b" }
    let wanted = events.filter {
      $0.time >= query.from.nanoseconds && $0.time <= query.through.nanoseconds && $0.isStderr
        && $0.stream == "b" && Self.naive(query.pattern, $0.message)
    }
    #expect(try fixture.search(query).count == wanted.count)
    #expect(try fixture.count(query) == wanted.count)
  }

  @Test("a hit over the border of two events is none")
  func border() throws {
    let fixture = try QueryFixture()
    try fixture.append(Self.events(["ab", "cd", "ab\ncd", "xab"]))
    #expect(try fixture.search(fixture.query("\"ab\ncd\"")).map(\.text) == ["ab\ncd"])
    #expect(try fixture.search(fixture.query("abcd")).isEmpty)
  }

  @Test("an event is hidden once it is older than the group's retention, by either of its times")
  func expiry() throws {
    let fixture = try QueryFixture()
    let day = 86_400 * Self.second
    try fixture.append([
      .init(time: Self.start - 31 * day, message: Array("old".utf8)),
      .init(time: Self.start - 29 * day, message: Array("young".utf8)),
      .init(time: Self.start + 40 * day, message: Array("from the future".utf8)),
    ])
    try fixture.retain("/docker/api", days: 30)
    #expect(try fixture.search(fixture.query()).map(\.text) == ["young", "from the future"])
    var later = try fixture.query()
    later.now = Timestamp(nanoseconds: Self.start + 31 * day)
    #expect(try fixture.search(later).isEmpty)
    #expect(try fixture.count(later) == 0)
  }

  @Test("an absent id reads no block")
  func pruning() throws {
    let fixture = try QueryFixture()
    try fixture.append(
      Self.events((0..<500).map { "request 4f1c2b3a-\($0) took \($0) ms" })
    )
    let query = try fixture.query("\"0a1b2c3d4e5f60718293\"")
    let statistics = try LogSearch(query, reader: try fixture.reader(), workers: 1).count()
    #expect(statistics.blocks > 3)
    #expect(statistics.matchedEvents == 0)
    #expect(statistics.prunedBlocks >= statistics.blocks - 1)
  }

  @Test("a damaged block shows as a gap and the others are still read")
  func damage() throws {
    let fixture = try QueryFixture()
    try fixture.append(Self.events((0..<400).map { "line number \($0)" }))
    fixture.close()
    let whole = try fixture.search(fixture.query()).count
    let segments = try #require(
      FileManager.default.enumerator(atPath: fixture.directory.path + "/segments")?
        .compactMap { $0 as? String }.filter { $0.contains(".log") }.sorted()
    )
    let path = fixture.directory.path + "/segments/" + (try #require(segments.first))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    // The end of the file is the last block's payload.
    bytes[bytes.count - 20] ^= 0x55
    try bytes.write(to: URL(fileURLWithPath: path))
    var found: [MatchedEvent] = []
    let statistics = try LogSearch(fixture.query(), reader: fixture.reader(), workers: 1).run {
      found.append($0)
      return true
    }
    #expect(statistics.damagedBlocks == 1)
    #expect(found.filter { $0.flags.contains(.gap) }.count == 1)
    #expect(found.count > 1 && found.count < whole)
  }

  @Test("a search that is cancelled ends without reading on")
  func cancel() throws {
    let fixture = try QueryFixture()
    try fixture.append(Self.events((0..<400).map { "line number \($0)" }))
    for selection in [LogQuery.Selection.all, .newest(10)] {
      var query = try fixture.query()
      query.selection = selection
      let statistics = try LogSearch(
        query,
        reader: try fixture.reader(),
        workers: 2,
        isCancelled: { true }
      ).run { _ in true }
      #expect(statistics.blocks == 0)
    }
  }

  @Test("the newest events come from the newest blocks alone")
  func earlyStop() throws {
    let fixture = try QueryFixture()
    try fixture.append(Self.events((0..<1_000).map { "line number \($0)" }))
    var query = try fixture.query()
    query.selection = .newest(5)
    let search = try LogSearch(query, reader: try fixture.reader(), workers: 1)
    var found: [String] = []
    let statistics = search.run {
      found.append($0.text)
      return true
    }
    #expect(found == (995..<1_000).map { "line number \($0)" })
    #expect(statistics.blocks <= 2)
  }
}

@Suite("Following a store")
struct LogFollowTests {
  private func events(_ messages: [String], at offset: Int64) -> [QueryFixture.Event] {
    messages.map { .init(time: QueryFixture.start + offset, message: Array($0.utf8)) }
  }

  @Test(
    "gives each later event once, of new groups too, through the filter, also out of time order"
  )
  func follow() throws {
    let fixture = try QueryFixture()
    try fixture.append(events(["ERROR old", "fine"], at: 0))
    let reader = try fixture.reader()
    let known = try reader.groups()
    let follow = LogFollow(
      try fixture.query("ERROR"),
      reader: reader,
      next: Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0.nextSequence) }),
      wanted: { $0 }
    )
    var found: [String] = []
    let now = Timestamp(nanoseconds: QueryFixture.start)
    func poll() throws { _ = try follow.poll(now: now) { found.append($0.text) } }
    try poll()
    #expect(found.isEmpty)
    try fixture.append(events(["ERROR 1", "fine", "ERROR 2"], at: 5))
    try poll()
    try poll()
    #expect(found == ["ERROR 1", "ERROR 2"])
    // Earlier in time, later in order: still new.
    try fixture.append(events(["ERROR 3"], at: -1_000_000_000))
    try fixture.append(events(["ERROR elsewhere"], at: 7), to: "/docker/new")
    try fixture.append(events((0..<300).map { "ERROR many \($0)" }, at: 8))
    try poll()
    #expect(found.contains("ERROR elsewhere"))
    let own = found.filter { $0 != "ERROR elsewhere" }
    #expect(own == ["ERROR 1", "ERROR 2", "ERROR 3"] + (0..<300).map { "ERROR many \($0)" })
  }

  @Test("says that there is nothing to look at when nothing was committed")
  func idle() throws {
    let fixture = try QueryFixture()
    try fixture.append(events(["a"], at: 0))
    let follow = LogFollow(
      try fixture.query(),
      reader: try fixture.reader(),
      next: [:],
      wanted: { $0 }
    )
    var count = 0
    #expect(try follow.poll(now: .distantPast) { _ in count += 1 })
    #expect(count == 1)
    #expect(try !follow.poll(now: .distantPast) { _ in count += 1 })
    #expect(count == 1)
  }
}
