internal import LogModel
internal import Platform

/// A value as `sort` compares it, worked out once.
enum SortValue: Sendable {
  case null
  case text([UInt8])
  case number(DecimalNumber.Value)
  case timestamp(Int64)

  init(_ value: InsightsValue, _ message: Span<UInt8>) {
    switch value {
    case .null, .json, .jsonSlice: self = .null
    case .timestamp(let time): self = .timestamp(time)
    default:
      if let number = value.number(message) {
        self = .number(number)
      } else {
        self = .text(value.printed(message))
      }
    }
  }

  /// Ascending: texts, then numbers and times.
  ///
  /// Null equals null only.
  static func order(_ left: SortValue, _ right: SortValue) -> ValueOrder {
    switch (left, right) {
    case (.text(let a), .text(let b)): ValueComparison.naturalOrder(a.span, b.span)
    case (.number(let a), .number(let b)): ValueComparison.order(a, b)
    case (.timestamp(let a), .timestamp(let b)): ValueOrder(a, b)
    case (.timestamp(let a), .number(let b)):
      ValueComparison.order(.integer(Timestamp(nanoseconds: a).milliseconds), b)
    case (.number(let a), .timestamp(let b)):
      ValueComparison.order(a, .integer(Timestamp(nanoseconds: b).milliseconds))
    case (.text, _): .less
    case (_, .text): .greater
    default: .equal
    }
  }

  var bytes: Int {
    let own = MemoryLayout<SortValue>.stride
    return if case .text(let text) = self { own + text.count + 48 } else { own }
  }
}

/// One key of the order of rows.
struct OrderKey {
  let node: ValueNode
  let isDescending: Bool
}

/// A row that outlives its event.
struct KeptRow: Sendable {
  var order: [SortValue]
  var position: EventPosition
  var slots: [InsightsValue]

  /// What it takes in memory: each array has a head of 32 bytes and is rounded up by its allocator.
  var bytes: Int {
    var bytes = MemoryLayout<KeptRow>.stride + 96 + slots.count * MemoryLayout<InsightsValue>.stride
    for value in slots {
      switch value {
      case .text(let text), .json(let text): bytes += text.count + 48
      default: break
      }
    }
    for value in order { bytes += value.bytes }
    return bytes
  }
}

/// Which of two rows stands first.
struct RowOrder: Sendable {
  /// Direction of each key.
  let isDescending: [Bool]
  /// Among rows with equal keys: the newest first, or the one that was given first.
  let isNewestFirst: Bool

  /// Nulls are last whatever the direction.
  func precedes(
    _ left: [SortValue],
    _ leftPosition: EventPosition,
    _ right: [SortValue],
    _ rightPosition: EventPosition
  ) -> Bool {
    for index in isDescending.indices {
      switch (left[index], right[index]) {
      case (.null, .null): continue
      case (.null, _): return false
      case (_, .null): return true
      default: break
      }
      switch SortValue.order(left[index], right[index]) {
      case .equal: continue
      case .less: return !isDescending[index]
      case .greater: return isDescending[index]
      }
    }
    if rightPosition < leftPosition { return isNewestFirst }
    if leftPosition < rightPosition { return !isNewestFirst }
    // Rows made of one event stay in their order.
    return leftPosition.part < rightPosition.part
  }

  func precedes(_ left: KeptRow, _ right: KeptRow) -> Bool {
    precedes(left.order, left.position, right.order, right.position)
  }
}

/// The first rows of an order, at most `limit` of them and of `bytesMax`.
struct OrderedRows {
  private let order: RowOrder
  let limit: Int
  private let bytesMax: Int
  private(set) var rows: [KeptRow] = []
  private var bytes = 0
  private var isTrimmed = true
  /// The last row that is wanted, once there are enough.
  private(set) var floor: KeptRow?
  /// Rows were dropped for their size alone.
  private(set) var isCut = false

  init(_ order: RowOrder, limit: Int, bytesMax: Int) {
    self.order = order
    self.limit = limit
    self.bytesMax = bytesMax
  }

  /// Whether a row of this place would be kept.
  @inline(__always)
  func wants(_ values: [SortValue], _ position: EventPosition) -> Bool {
    guard let floor else { return limit > 0 }
    return order.precedes(values, position, floor.order, floor.position)
  }

  mutating func add(_ row: KeptRow) {
    rows.append(row)
    bytes += row.bytes
    isTrimmed = false
    // Sorting only when twice the limit has gathered keeps it linear on the whole.
    if rows.count >= 2 * limit || (floor == nil && rows.count >= limit) || bytes > bytesMax {
      trim()
    }
  }

  mutating func merge(_ other: OrderedRows) {
    isCut = isCut || other.isCut
    for row in other.rows where wants(row.order, row.position) { add(row) }
  }

  mutating func takeAll() -> [KeptRow] {
    var taken: [KeptRow] = []
    swap(&taken, &rows)
    bytes = 0
    isTrimmed = true
    return taken
  }

  /// All that are kept, in order.
  mutating func sorted() -> [KeptRow] {
    trim()
    return rows
  }

  private mutating func trim() {
    guard !isTrimmed else { return }
    isTrimmed = true
    rows.sort { order.precedes($0, $1) }
    if rows.count > limit { remove(downTo: limit) }
    while bytes > bytesMax, rows.count > 1 {
      remove(downTo: rows.count * 3 / 4)
      isCut = true
    }
    if rows.count == limit || isCut { floor = rows.last }
  }

  private mutating func remove(downTo count: Int) {
    for row in rows[count...] { bytes -= row.bytes }
    rows.removeLast(rows.count - count)
  }
}
