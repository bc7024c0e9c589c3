internal import LogModel
internal import Platform

/// A part of a query whose commands look at one row at a time, up to where all rows must be there.
///
/// A query is a chain of them: the first takes events, on every worker; each further one takes the
/// rows that the one before has kept. One worker's.
final class QuerySegment {
  enum Step {
    case filter(ValueNode)
    case compute(RowStep)
    case expand(RowExpansion)
  }

  /// Order in which events are wanted, for reading blocks in that order and stopping early.
  enum EventOrder {
    case newestFirst, oldestFirst
    /// All are needed, in any order.
    case none
  }

  private let steps: [Step]
  let sink: RowSink
  /// What happens to the rows that were kept, before the next segment takes them.
  var transform: RowTransform?
  let eventOrder: EventOrder
  /// Only counts by period of the event's time are asked for: set when nothing else is.
  let counting: CountedPeriods?
  /// What the message of every event that gives a row contains.
  let literals: [MessageLiterals.Clause]
  /// Whether rows that were cut for their size make the outcome wrong, not only shorter.
  var needsAllRows = false
  private let scope: RowScope
  private(set) lazy var row = InsightsRow(
    slots: scope.slotCount,
    discovery: scope.discovery()
  )
  private var failure: QueryFailure?

  init(
    _ scope: RowScope,
    _ steps: [Step],
    _ sink: RowSink,
    eventOrder: EventOrder = .none,
    counting: CountedPeriods? = nil,
    literals: [MessageLiterals.Clause] = []
  ) {
    self.scope = scope
    self.steps = steps
    self.sink = sink
    self.eventOrder = eventOrder
    self.counting = counting
    self.literals = literals
  }

  /// Takes the row at hand, which is the segment's own, through all commands.
  @inline(__always)
  func feed(_ row: InsightsRow, _ message: Span<UInt8>) throws(QueryFailure) {
    run(from: 0, row, message)
    if let cause = row.failure { throw .pattern(cause) }
    if let failure { throw failure }
  }

  private func run(from start: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    var at = start
    while at < steps.count {
      switch steps[at] {
      case .filter(let condition): if !condition.isTrue(row, message) { return }
      case .compute(let step): step.run(row, message)
      case .expand(let expansion):
        let next = at + 1
        return expansion.run(row, message) {
          guard failure == nil else { return }
          run(from: next, row, message)
          row.part &+= 1
        }
      }
      at += 1
    }
    do throws(QueryFailure) {
      try sink.add(row, message)
    } catch {
      failure = error
    }
  }

  /// Takes rows that another segment has kept, in order.
  func feed(_ rows: [KeptRow]) throws(QueryFailure) {
    let none: [UInt8] = []
    let row = row
    for (index, kept) in rows.enumerated() {
      var facts = EventFacts()
      // The order in which rows are given is theirs from here on.
      facts.sequence = UInt64.max - UInt64(index)
      row.begin(facts)
      for (slot, value) in kept.slots.enumerated() { row.slots[slot] = value }
      try feed(row, none.span)
      if sink.isFull { return }
    }
  }

  /// The rows of a sink that has everything.
  func finish() throws(QueryFailure) -> [KeptRow] {
    var rows = try sink.finish()
    if sink.isCut, needsAllRows {
      throw .tooLarge(
        "the rows take more than \(QueryLimits.rowBytesMax / 1_048_576) MB",
        hint: "keep fewer or smaller columns, filter first, or ask for a smaller `limit`"
      )
    }
    try transform?.apply(&rows)
    return rows
  }
}

/// `count(*)` by periods of the event's time; all in one group without `edges`.
struct CountedPeriods {
  let edges: PeriodEdges?
}

/// A command that needs all rows at once.
class RowTransform {
  func apply(_ rows: inout [KeptRow]) throws(QueryFailure) {}
}

/// `filldown`: a missing value is that of the row before.
final class FillDownTransform: RowTransform {
  private let slots: [Int]
  init(_ slots: [Int]) { self.slots = slots }

  override func apply(_ rows: inout [KeptRow]) {
    for slot in slots {
      var last = InsightsValue.null
      for index in rows.indices {
        if rows[index].slots[slot].isNull {
          rows[index].slots[slot] = last
        } else {
          last = rows[index].slots[slot]
        }
      }
    }
  }
}

/// `fillmissing`: a row for every period between the first and the last that has none, for every
/// combination of the other keys.
final class FillMissingTransform: RowTransform {
  private let time: Int
  private let edges: PeriodEdges
  private let keys: [Int]
  private let fills: [(slot: Int, value: InsightsValue)]

  init(
    time: Int,
    _ edges: PeriodEdges,
    keys: [Int],
    _ fills: [(slot: Int, value: InsightsValue)]
  ) {
    self.time = time
    self.edges = edges
    self.keys = keys
    self.fills = fills
  }

  override func apply(_ rows: inout [KeptRow]) throws(QueryFailure) {
    let none: [UInt8] = []
    func moment(_ row: KeptRow) -> Int64? {
      if case .timestamp(let time) = row.slots[time] { time } else { nil }
    }
    guard let first = rows.compactMap(moment).min(), let last = rows.compactMap(moment).max()
    else { return }
    var combinations: [[UInt8]: (values: [InsightsValue], times: Set<Int64>)] = [:]
    for row in rows {
      guard let moment = moment(row) else { continue }
      var key: [UInt8] = []
      let values = keys.map { row.slots[$0] }
      for value in values { GroupTable.append(value, none.span, to: &key) }
      combinations[key, default: (values, [])].times.insert(moment)
    }
    let width = rows.first?.slots.count ?? 0
    for (_, combination) in combinations.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      var at: Int64? = first
      while let moment = at, moment <= last {
        if !combination.times.contains(moment) {
          var slots = [InsightsValue](repeating: .null, count: width)
          slots[time] = .timestamp(moment)
          for (index, key) in keys.enumerated() { slots[key] = combination.values[index] }
          for fill in fills { slots[fill.slot] = fill.value }
          rows.append(
            KeptRow(order: [], position: EventPosition(EventFacts()), slots: slots)
          )
          guard rows.count <= InsightsLimits.rowsMax else {
            throw .tooLarge(
              "`fillmissing` makes more than \(InsightsLimits.rowsMax) rows",
              hint: "use a longer period, or ask for less time"
            )
          }
        }
        at = edges.next(after: moment)
      }
    }
    for index in rows.indices {
      rows[index].order = [SortValue(rows[index].slots[time], none.span)]
    }
    let order = RowOrder(isDescending: [false], isNewestFirst: true)
    rows = rows.enumerated().sorted { left, right in
      if order.precedes(left.element, right.element) { return true }
      if order.precedes(right.element, left.element) { return false }
      return left.offset < right.offset
    }.map(\.element)
  }
}

/// `diff`: the counts of patterns beside those of the window before.
final class DiffTransform: RowTransform {
  private let previous: [[UInt8]: Int64]
  init(_ previous: [[UInt8]: Int64]) { self.previous = previous }

  override func apply(_ rows: inout [KeptRow]) {
    var rest = previous
    for index in rows.indices {
      guard case .text(let pattern) = rows[index].slots[0],
        case .integer(let count) = rows[index].slots[1]
      else { continue }
      let before = rest.removeValue(forKey: pattern) ?? 0
      rows[index].slots += Self.columns(count, before)
    }
    for (pattern, before) in rest.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let level = LogLevel.detect(pattern.span)?.name.uppercased() ?? "NONE"
      let slots: [InsightsValue] = [
        .text(pattern), .integer(0), .real(0), InsightsValue(level), .null, .null, .null,
      ]
      rows.append(
        KeptRow(
          order: [],
          position: EventPosition(EventFacts()),
          slots: slots + Self.columns(0, before)
        )
      )
    }
    rows.sort { Self.change($0) > Self.change($1) }
  }

  private static func columns(_ count: Int64, _ before: Int64) -> [InsightsValue] {
    let difference = count - before
    let percent = before == 0 ? Double.nan : Double(difference) / Double(before) * 100
    return [.integer(before), .integer(difference), InsightsValue(calculated: percent)]
  }

  private static func change(_ row: KeptRow) -> Int64 {
    if case .integer(let difference)? = row.slots.dropLast().last { abs(difference) } else { 0 }
  }
}
