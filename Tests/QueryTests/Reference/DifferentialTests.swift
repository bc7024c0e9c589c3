import Foundation
import LogModel
import Store
import Testing

@testable import Query

/// The executor against the reference evaluator: random queries over random stores.
///
/// Two thousand queries by default and ten thousand in `make differential`, which is part of
/// `make ci`: LOGAGENT_DIFFERENTIAL_QUERIES says how many. LOGAGENT_DIFFERENTIAL_SEED runs the one
/// store of that seed. A failure prints seed, window and query.
@Suite("Differential")
struct DifferentialTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let queries =
    environment["LOGAGENT_DIFFERENTIAL_QUERIES"].flatMap(Int.init) ?? 2_000
  private static let queriesOfStore = 250
  private static let seeds: [UInt64] = {
    if let seed = environment["LOGAGENT_DIFFERENTIAL_SEED"].flatMap(UInt64.init) { return [seed] }
    return (0..<UInt64(max(1, queries / queriesOfStore))).map { $0 + 1 }
  }()

  @Test("executor and reference agree", arguments: seeds)
  func agree(_ seed: UInt64) throws {
    let rig = try DifferentialStore(seed: seed)
    var queries = RandomQueries(random: SplitMix(seed: seed &* 31))
    for _ in 0..<Self.queriesOfStore {
      let query = queries.query()
      let window = rig.window(needsStart: query.needsStart)
      if let difference = try rig.difference(of: query, in: window) {
        Issue.record(
          """
          seed \(seed), \(rig.events.count) events, window \(window)
          \(query.text)
          \(difference)
          """
        )
        return
      }
    }
  }
}

/// A store of random events with small blocks, and the events beside it.
final class DifferentialStore {
  let events: [ReferenceEvent]
  private let fixture: QueryFixture
  private let reader: StoreReader
  private var random: SplitMix

  init(seed: UInt64) throws {
    random = SplitMix(seed: seed)
    let groups = 1 + random.below(3)
    var source = RandomEvents(random: SplitMix(seed: seed &+ 7))
    events = source.events(20 + random.below(120), groups: groups)
    let blockBytes = [512, 1_024, 4_096][random.below(3)]
    fixture = try QueryFixture(blockBytes: blockBytes, floodBytes: 256 << random.below(4))
    // Groups are made in order, so that their ids are.
    for group in 0..<groups {
      var rest = events.filter { $0.group == RandomEvents.groups[group] }[...]
      while !rest.isEmpty {
        let batch = rest.prefix(1 + random.below(24))
        rest = rest.dropFirst(batch.count)
        try fixture.append(
          batch.map { event in
            QueryFixture.Event(
              time: event.nanoseconds,
              message: Array(event.message.utf8),
              stream: event.stream,
              isStderr: event.isStderr
            )
          },
          to: RandomEvents.groups[group]
        )
      }
    }
    reader = try fixture.reader()
  }

  struct Window: CustomStringConvertible {
    var from: Int64
    var through: Int64
    var workers: Int
    var description: String { "\(from)...\(through), \(workers) workers" }
  }

  /// All of the time, or a part of it.
  func window(needsStart: Bool) -> Window {
    let workers = 1 + random.below(3)
    guard needsStart || random.below(2) == 0 else {
      return Window(from: .min, through: .max, workers: workers)
    }
    let from = RandomEvents.start - Int64(random.below(60)) * 60_000_000_000
    let through = from + Int64(random.below(40)) * 60_000_000_000
    return Window(from: from, through: through, workers: workers)
  }

  /// What differs; nil when nothing does.
  func difference(of query: RandomQueries.Query, in window: Window) throws -> String? {
    let program = try InsightsProgram.compile(query.text)
    let table = try executed(program, query.text, window)
    let shown = table.rows.map { row in
      var fields: [String: String] = [:]
      for (name, value) in zip(table.columns, row) {
        if let text = value.resultText { fields[name] = String(decoding: text, as: UTF8.self) }
      }
      return fields
    }
    let selected = events.filter { (window.from...window.through).contains($0.nanoseconds) }
    var reference = ReferenceQuery(events: selected, now: Double(QueryFixture.start) / 1e9)
    if query.needsStart {
      let earlier = (window.from - (window.through - window.from))..<window.from
      reference.before = events.filter { earlier.contains($0.nanoseconds) }
    }
    var expected = reference.run(program.query)
    var isSame: Bool
    switch query.order {
    case .exact:
      isSame = expected.count == shown.count && zip(expected, shown).allSatisfy(Self.isSame)
    case .none: isSame = Self.isSameBag(expected, shown)
    case .any:
      let unlimited = program.query.commands.filter {
        if case .limit = $0 { false } else { true }
      }
      isSame = expected.count == shown.count
      expected = reference.run(InsightsQuery(unlimited))
      isSame = isSame && shown.allSatisfy { row in expected.contains { Self.isSame($0, row) } }
    }
    if isSame { return nil }
    return "expected \(Self.text(expected))\ngot      \(Self.text(shown))"
  }

  private func executed(
    _ program: InsightsProgram,
    _ text: String,
    _ window: Window
  ) throws -> InsightsTable {
    let groups = try reader.groups()
    let limits = LogQuery(
      groups: groups,
      from: Timestamp(nanoseconds: window.from),
      through: Timestamp(nanoseconds: window.through),
      now: Timestamp(nanoseconds: QueryFixture.start)
    )
    return try InsightsSearch(
      program,
      text: text,
      query: limits,
      available: groups,
      reader: reader,
      workers: window.workers
    ).run()
  }

  private static func text(_ rows: [[String: String]]) -> String {
    let shown = rows.prefix(12).map { row in
      "{"
        + row.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.debugDescription)" }
        .joined(separator: ", ") + "}"
    }
    return "\(rows.count) rows:\n  " + shown.joined(separator: "\n  ")
  }

  private static func isSameBag(_ left: [[String: String]], _ right: [[String: String]]) -> Bool {
    guard left.count == right.count else { return false }
    // Most are equal to the letter, and only the others are searched for one by one.
    var counts: [[String: String]: Int] = [:]
    for row in right { counts[row, default: 0] += 1 }
    let others = left.filter { row in
      guard let count = counts[row], count > 0 else { return true }
      counts[row] = count - 1
      return false
    }
    var rest = counts.flatMap { [[String: String]](repeating: $0.key, count: $0.value) }
    for row in others {
      guard let place = rest.firstIndex(where: { isSame(row, $0) }) else { return false }
      rest.remove(at: place)
    }
    return true
  }

  /// Calculated numbers may differ in the last decimal.
  private static func isSame(_ left: [String: String], _ right: [String: String]) -> Bool {
    guard left.count == right.count else { return false }
    return left.allSatisfy { name, value in
      guard let other = right[name] else { return false }
      if value == other { return true }
      guard let a = Double(value), let b = Double(other) else { return false }
      return abs(a - b) < 2e-4
    }
  }
}
