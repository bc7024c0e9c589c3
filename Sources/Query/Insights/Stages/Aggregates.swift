internal import LogModel
internal import Platform

/// One aggregate of `stats` over all groups: a column of states, one for each group.
///
/// Workers fill columns of their own, which are merged at the end. Merging in any order gives the
/// same result, but for the last digits of real sums.
class AggregateColumn {
  let argument: ValueNode?
  /// Memory beyond the fixed states.
  var extraBytes = 0

  init(_ argument: ValueNode?) { self.argument = argument }

  /// States for so many groups.
  func extend(to count: Int) {}
  func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {}
  /// Takes in a column of the same kind, whose groups are ours by `map`.
  func merge(_ other: AggregateColumn, _ map: [Int]) {}
  func result(_ group: Int) -> InsightsValue { .null }

  /// A time as an aggregate gives it: in milliseconds.
  static func given(_ value: InsightsValue) -> InsightsValue {
    guard case .timestamp(let time) = value else { return value }
    return .integer(Timestamp(nanoseconds: time).milliseconds)
  }
}

/// `count(*)`, and with an argument the rows where it is present.
final class CountColumn: AggregateColumn {
  private var counts: [Int64] = []

  override func extend(to count: Int) {
    while counts.count < count { counts.append(0) }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    if let argument, argument.evaluate(row, message).isNull { return }
    counts[group] &+= 1
  }

  /// Rows that were counted without looking at them.
  func add(_ group: Int, count: Int) { counts[group] &+= Int64(count) }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? CountColumn else { return }
    for (index, group) in map.enumerated() { counts[group] &+= other.counts[index] }
  }

  override func result(_ group: Int) -> InsightsValue { .integer(counts[group]) }
}

/// A sum that stays exact while it is whole, and else carries its rounding error along.
struct ExactSum: BitwiseCopyable {
  private var whole: Int64 = 0
  private var real = 0.0
  private var error = 0.0
  private var isReal = false
  private(set) var count: Int64 = 0

  mutating func add(_ number: DecimalNumber.Value) {
    count &+= 1
    switch number {
    case .integer(let value):
      let (sum, overflow) = whole.addingReportingOverflow(value)
      if overflow { add(Double(value)) } else { whole = sum }
    case .real(let value): add(value)
    }
  }

  private mutating func add(_ value: Double) {
    isReal = true
    let sum = real + value
    error += real.magnitude >= value.magnitude ? (real - sum) + value : (value - sum) + real
    real = sum
  }

  mutating func merge(_ other: ExactSum) {
    let (sum, overflow) = whole.addingReportingOverflow(other.whole)
    if overflow { add(Double(other.whole)) } else { whole = sum }
    if other.isReal {
      add(other.real)
      error += other.error
    }
    count &+= other.count
  }

  var total: Double { Double(whole) + (real + error) }

  var value: InsightsValue {
    if count == 0 { return .null }
    return isReal ? InsightsValue(calculated: total) : .integer(whole)
  }
}

/// `sum` and `avg`.
final class SumColumn: AggregateColumn {
  private var sums: [ExactSum] = []
  private let givesAverage: Bool

  init(_ argument: ValueNode?, givesAverage: Bool) {
    self.givesAverage = givesAverage
    super.init(argument)
  }

  override func extend(to count: Int) {
    while sums.count < count { sums.append(ExactSum()) }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    guard let number = argument?.evaluate(row, message).number(message) else { return }
    sums[group].add(number)
  }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? SumColumn else { return }
    for (index, group) in map.enumerated() { sums[group].merge(other.sums[index]) }
  }

  override func result(_ group: Int) -> InsightsValue {
    let sum = sums[group]
    guard givesAverage, sum.count > 0 else { return sum.value }
    return InsightsValue(calculated: sum.total / Double(sum.count))
  }
}

/// `stddev` of the whole population, by Welford's recurrence.
final class DeviationColumn: AggregateColumn {
  private struct State: BitwiseCopyable {
    var count = 0.0
    var mean = 0.0
    var squares = 0.0
  }

  private var states: [State] = []

  override func extend(to count: Int) {
    while states.count < count { states.append(State()) }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    guard let value = argument?.evaluate(row, message).number(message)?.real else { return }
    states[group].count += 1
    let delta = value - states[group].mean
    states[group].mean += delta / states[group].count
    states[group].squares += delta * (value - states[group].mean)
  }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? DeviationColumn else { return }
    for (index, group) in map.enumerated() where other.states[index].count > 0 {
      let a = states[group]
      let b = other.states[index]
      let count = a.count + b.count
      let delta = b.mean - a.mean
      states[group] = State(
        count: count,
        mean: a.mean + delta * b.count / count,
        squares: a.squares + b.squares + delta * delta * a.count * b.count / count
      )
    }
  }

  override func result(_ group: Int) -> InsightsValue {
    let state = states[group]
    guard state.count > 0 else { return .null }
    return InsightsValue(calculated: max(0, state.squares / state.count).squareRoot())
  }
}

/// `min` and `max`: of numbers where there are any, else of texts; `sortsFirst` and `sortsLast`: in
/// the order of `sort`.
final class ExtremeColumn: AggregateColumn {
  private var values: [InsightsValue] = []
  private let wanted: ValueOrder
  private let prefersNumbers: Bool

  init(_ argument: ValueNode?, wanted: ValueOrder, prefersNumbers: Bool) {
    self.wanted = wanted
    self.prefersNumbers = prefersNumbers
    super.init(argument)
  }

  override func extend(to count: Int) {
    while values.count < count { values.append(.null) }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    guard let value = argument?.evaluate(row, message), !value.isNull, !value.isStructure else {
      return
    }
    if prefersNumbers, let number = value.number(message) {
      take(InsightsValue(number), group)
    } else {
      take(value.kept(message), group)
    }
  }

  private func take(_ value: InsightsValue, _ group: Int) {
    if values[group].isNull || isBetter(value, values[group]) {
      extraBytes += Self.size(value) - Self.size(values[group])
      values[group] = value
    }
  }

  private static func size(_ value: InsightsValue) -> Int {
    if case .text(let bytes) = value { bytes.count + 32 } else { 0 }
  }

  private func isBetter(_ value: InsightsValue, _ other: InsightsValue) -> Bool {
    guard prefersNumbers else { return ValueComparison.sortOrder(value, other) == wanted }
    let none: [UInt8] = []
    switch (value.number(none.span), other.number(none.span)) {
    case (let a?, let b?): return ValueComparison.order(a, b) == wanted
    case (.some, nil): return true
    case (nil, .some): return false
    case (nil, nil):
      return ValueComparison.order(value, other, none.span) == wanted
    }
  }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? ExtremeColumn else { return }
    for (index, group) in map.enumerated() where !other.values[index].isNull {
      take(other.values[index], group)
    }
  }

  override func result(_ group: Int) -> InsightsValue { Self.given(values[group]) }
}

/// `earliest` and `latest`: the value of the first and last event that has one.
final class MomentColumn: AggregateColumn {
  private var values: [InsightsValue] = []
  private var moments: [EventPosition] = []
  private let time: ValueNode
  private let wantsLatest: Bool

  init(_ argument: ValueNode?, time: ValueNode, wantsLatest: Bool) {
    self.time = time
    self.wantsLatest = wantsLatest
    super.init(argument)
  }

  override func extend(to count: Int) {
    while values.count < count {
      values.append(.null)
      moments.append(EventPosition(EventFacts()))
    }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    guard let value = argument?.evaluate(row, message), !value.isNull, !value.isStructure else {
      return
    }
    var moment = row.position
    moment.timestamp = PeriodNode.nanoseconds(time.evaluate(row, message), message) ?? .min
    if isBetter(moment, group) { take(value.kept(message), moment, group) }
  }

  private func isBetter(_ moment: EventPosition, _ group: Int) -> Bool {
    if values[group].isNull { return true }
    return wantsLatest ? moments[group] < moment : moment < moments[group]
  }

  private func take(_ value: InsightsValue, _ moment: EventPosition, _ group: Int) {
    if case .text(let bytes) = value { extraBytes += bytes.count + 32 }
    if case .text(let bytes) = values[group] { extraBytes -= bytes.count + 32 }
    values[group] = value
    moments[group] = moment
  }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? MomentColumn else { return }
    for (index, group) in map.enumerated() where !other.values[index].isNull {
      if isBetter(other.moments[index], group) {
        take(other.values[index], other.moments[index], group)
      }
    }
  }

  override func result(_ group: Int) -> InsightsValue { Self.given(values[group]) }
}
