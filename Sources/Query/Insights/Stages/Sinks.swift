internal import LogModel
internal import Platform

/// Where the rows of one part of a query end up, until all are there.
///
/// Each worker fills a sink of its own; `merge` takes in another of the same query.
class RowSink {
  func add(_ row: InsightsRow, _ message: Span<UInt8>) throws(QueryFailure) {}
  func merge(_ other: RowSink) throws(QueryFailure) {}
  /// The rows in order; the sink is used up.
  func finish() throws(QueryFailure) -> [KeptRow] { [] }
  /// No further row can change the outcome.
  var isFull: Bool { false }
  /// Rows were left out that belong to the outcome.
  var isCut: Bool { false }
  /// Where rows are in order of events: no row beyond this place can change the outcome.
  var floor: EventPosition? { nil }
}

/// What of a row is kept: the values that later commands need.
struct RowKeeper {
  let keys: [OrderKey]
  /// The scope of the rows that are kept; complete once the query is compiled.
  let scope: RowScope

  func order(_ row: InsightsRow, _ message: Span<UInt8>) -> [SortValue] {
    keys.map { SortValue($0.node.evaluate(row, message), message) }
  }

  func keep(
    _ row: InsightsRow,
    _ message: Span<UInt8>,
    _ order: [SortValue],
    _ position: EventPosition
  ) -> KeptRow {
    var slots = [InsightsValue](repeating: .null, count: scope.slotCount)
    for (slot, node) in scope.keeps { slots[slot] = node.evaluate(row, message).kept(message) }
    return KeptRow(order: order, position: position, slots: slots)
  }
}

/// `sort` and `limit`: the first rows of an order.
final class OrderSink: RowSink {
  private let keeper: RowKeeper
  private var rows: OrderedRows
  /// Any rows will do.
  private let takesAny: Bool

  init(_ keeper: RowKeeper, _ order: RowOrder, limit: Int, bytesMax: Int, takesAny: Bool) {
    self.keeper = keeper
    rows = OrderedRows(order, limit: limit, bytesMax: bytesMax)
    self.takesAny = takesAny
  }

  override func add(_ row: InsightsRow, _ message: Span<UInt8>) {
    let order = keeper.order(row, message)
    let position = row.position
    guard rows.wants(order, position) else { return }
    rows.add(keeper.keep(row, message, order, position))
  }

  override func merge(_ other: RowSink) {
    if let other = other as? OrderSink { rows.merge(other.rows) }
  }

  var limit: Int { rows.limit }

  /// The rows so far, which are forgotten: for giving them out as they come.
  func takeAll() -> [KeptRow] { rows.takeAll() }

  override func finish() -> [KeptRow] { rows.sorted() }
  override var isFull: Bool { takesAny && rows.rows.count >= rows.limit }
  override var isCut: Bool { rows.isCut }

  override var floor: EventPosition? { rows.floor?.position }
}

/// `dedup`: the first row of every combination of values; rows without one of them all stay.
///
/// Only as many combinations are kept as rows are wanted: the first row of a combination only ever
/// moves forward, so one that fell behind the limit comes back if it does, and a row behind the
/// last that is wanted changes nothing.
final class DedupSink: RowSink {
  private let keeper: RowKeeper
  private let fields: [ValueNode]
  private let order: RowOrder
  private let limit: Int
  private let bytesMax: Int
  private var firsts: [[UInt8]: KeptRow] = [:]
  /// The last row that is wanted, once there are enough combinations.
  private var last: KeptRow?
  private var bytes = 0
  private var others: OrderedRows
  private var wasCut = false
  private var key: [UInt8] = []

  init(
    _ keeper: RowKeeper,
    _ fields: [ValueNode],
    _ order: RowOrder,
    limit: Int,
    bytesMax: Int
  ) {
    self.keeper = keeper
    self.fields = fields
    self.order = order
    self.limit = limit
    self.bytesMax = bytesMax
    others = OrderedRows(order, limit: limit, bytesMax: bytesMax / 2)
  }

  override func add(_ row: InsightsRow, _ message: Span<UInt8>) {
    let order = keeper.order(row, message)
    let position = row.position
    if let last, !self.order.precedes(order, position, last.order, last.position) { return }
    key.removeAll(keepingCapacity: true)
    var hasNull = false
    for field in fields {
      let value = field.evaluate(row, message)
      hasNull = hasNull || value.isNull || value.isStructure
      GroupTable.append(value, message, to: &key)
    }
    if hasNull {
      if others.wants(order, position) {
        others.add(keeper.keep(row, message, order, position))
      }
      return
    }
    if let first = firsts[key],
      !self.order.precedes(order, position, first.order, first.position)
    {
      return
    }
    take(keeper.keep(row, message, order, position), key)
  }

  private func take(_ row: KeptRow, _ key: [UInt8]) {
    if let old = firsts.updateValue(row, forKey: key) { bytes -= Self.bytes(old, key) }
    bytes += Self.bytes(row, key)
    if firsts.count > 2 * limit + 64 || (last == nil && limit > 0 && firsts.count >= limit) {
      prune(to: limit)
    }
    if bytes > bytesMax / 2 {
      prune(to: max(1, firsts.count * 3 / 4))
      wasCut = true
    }
  }

  private func prune(to count: Int) {
    let sorted = firsts.sorted { order.precedes($0.value, $1.value) }
    firsts = Dictionary(uniqueKeysWithValues: sorted.prefix(count).map { ($0.key, $0.value) })
    bytes = firsts.reduce(0) { $0 + Self.bytes($1.value, $1.key) }
    last = sorted.prefix(count).last?.value
  }

  /// The key's array and a place in a table that is half empty come on top of the row.
  private static func bytes(_ row: KeptRow, _ key: [UInt8]) -> Int {
    row.bytes + key.count + 64 + 2 * MemoryLayout<KeptRow>.stride
  }

  override func merge(_ other: RowSink) {
    guard let other = other as? DedupSink else { return }
    others.merge(other.others)
    wasCut = wasCut || other.wasCut
    for (key, row) in other.firsts {
      if let last, !order.precedes(row, last) { continue }
      if let first = firsts[key], !order.precedes(row, first) { continue }
      take(row, key)
    }
  }

  override func finish() -> [KeptRow] {
    let all = Array(firsts.values) + others.sorted()
    return Array(all.sorted { order.precedes($0, $1) }.prefix(limit))
  }

  override var isCut: Bool { wasCut || others.isCut }
  override var floor: EventPosition? { last?.position }
}

/// `stats`: aggregates by group.
final class StatsSink: RowSink {
  private let keys: [ValueNode]
  private let columns: [AggregateColumn]
  private var table = GroupTable()
  private let bytesMax: Int
  private var key: [UInt8] = []
  private var nextCheck = 1_024

  init(keys: [ValueNode], columns: [AggregateColumn], bytesMax: Int) {
    self.keys = keys
    self.columns = columns
    self.bytesMax = bytesMax
  }

  override func add(_ row: InsightsRow, _ message: Span<UInt8>) throws(QueryFailure) {
    // Moved out while it is filled: one access instead of one for each part.
    var key: [UInt8] = []
    swap(&key, &self.key)
    key.removeAll(keepingCapacity: true)
    for node in keys { GroupTable.append(node.evaluate(row, message), message, to: &key) }
    let group = try group(key)
    swap(&key, &self.key)
    for column in columns { column.add(group, row, message) }
  }

  /// Counts rows of one time that nobody looked at: for counts by bins alone.
  func add(time: InsightsValue?, count: Int) throws(QueryFailure) {
    let none: [UInt8] = []
    key.removeAll(keepingCapacity: true)
    if let time { GroupTable.append(time, none.span, to: &key) }
    let group = try group(key)
    for column in columns { (column as? CountColumn)?.add(group, count: count) }
  }

  private func group(_ key: [UInt8]) throws(QueryFailure) -> Int {
    let known = table.count
    let group = table.group(key)
    if table.count > known { for column in columns { column.extend(to: table.count) } }
    nextCheck -= 1
    if nextCheck <= 0 { try check() }
    return group
  }

  private func check() throws(QueryFailure) {
    nextCheck = 1_024
    let states = columns.reduce(0) { $0 + $1.extraBytes } + table.count * columns.count * 32
    guard table.bytes + states > bytesMax else { return }
    throw .tooLarge(
      "`stats` has too many groups: \(table.count) take more than "
        + "\(QueryLimits.groupBytesMax / 1_048_576) MB",
      hint: "group by fewer or coarser fields, filter first, or ask for less time"
    )
  }

  override func merge(_ other: RowSink) throws(QueryFailure) {
    guard let other = other as? StatsSink else { return }
    var map: [Int] = []
    for index in 0..<other.table.count { map.append(try group(other.table.key(of: index))) }
    for (index, column) in columns.enumerated() { column.merge(other.columns[index], map) }
  }

  /// By key, ascending; a row holds the keys, then the aggregates.
  override func finish() -> [KeptRow] {
    table.sorted(keys: keys.count).map { group in
      KeptRow(
        order: [],
        position: EventPosition(EventFacts()),
        slots: table.values(of: group) + columns.map { $0.result(group) }
      )
    }
  }
}
