internal import LogModel
internal import Platform

/// `pct` and `median`.
///
/// Exact, by linear interpolation, up to `QueryLimits.percentileExactMax` numbers of a group.
/// Beyond it a DDSketch: logarithmic buckets, so that the result is off by at most 0.5 %.
/// Either way the same numbers give the same result, however they were spread over workers.
final class PercentileColumn: AggregateColumn {
  private var states: [PercentileState] = []
  private let percent: Double

  init(_ argument: ValueNode?, percent: Double) {
    self.percent = percent
    super.init(argument)
  }

  override func extend(to count: Int) {
    while states.count < count { states.append(PercentileState()) }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    guard let value = argument?.evaluate(row, message).number(message)?.real else { return }
    extraBytes += states[group].add(value)
  }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? PercentileColumn else { return }
    for (index, group) in map.enumerated() {
      extraBytes += states[group].merge(other.states[index])
    }
  }

  override func result(_ group: Int) -> InsightsValue {
    states[group].value(at: percent / 100).map { InsightsValue(calculated: $0) } ?? .null
  }
}

struct PercentileState {
  private var exact: [Double] = []
  private var sketch: [Int32: Int64]?
  private var count: Int64 = 0
  private var low = Double.infinity
  private var high = -Double.infinity

  /// Ratio of neighbouring buckets for half a percent.
  private static let gamma = 1.005 / 0.995
  private static let logGamma = Mathematics.logarithm(gamma)
  /// Numbers nearer to zero are zero.
  private static let smallest = 1e-9
  /// Bucket of zero; positive numbers lie above it, negative ones below.
  private static let shift: Int32 = 100_000

  /// Gives the memory that it took.
  mutating func add(_ value: Double) -> Int {
    count += 1
    low = min(low, value)
    high = max(high, value)
    if sketch != nil { return addToSketch(value, 1) }
    exact.append(value)
    return exact.count > QueryLimits.percentileExactMax ? becomeSketch() : 8
  }

  mutating func merge(_ other: PercentileState) -> Int {
    count += other.count
    low = min(low, other.low)
    high = max(high, other.high)
    var bytes = 0
    if let buckets = other.sketch {
      if sketch == nil { bytes += becomeSketch() }
      for (bucket, count) in buckets { bytes += add(bucket: bucket, count) }
      return bytes
    }
    if sketch != nil {
      for value in other.exact { bytes += addToSketch(value, 1) }
      return bytes
    }
    exact += other.exact
    bytes += other.exact.count * 8
    return exact.count > QueryLimits.percentileExactMax ? bytes + becomeSketch() : bytes
  }

  private mutating func becomeSketch() -> Int {
    var bytes = -8 * exact.count
    let values = exact
    exact = []
    sketch = [:]
    for value in values { bytes += addToSketch(value, 1) }
    return bytes
  }

  private mutating func addToSketch(_ value: Double, _ count: Int64) -> Int {
    let magnitude = value.magnitude
    guard magnitude > Self.smallest else { return add(bucket: 0, count) }
    let index = (Mathematics.logarithm(magnitude) / Self.logGamma).rounded(.up)
    let bucket = Int32(index) + Self.shift
    return add(bucket: value < 0 ? -bucket : bucket, count)
  }

  private mutating func add(bucket: Int32, _ count: Int64) -> Int {
    let before = sketch?.count ?? 0
    sketch?[bucket, default: 0] += count
    return ((sketch?.count ?? 0) - before) * 32
  }

  private static func middle(of bucket: Int32) -> Double {
    if bucket == 0 { return 0 }
    let exponent = Double((bucket < 0 ? -bucket : bucket) - shift)
    let value = 2 * Mathematics.power(gamma, exponent) / (1 + gamma)
    return bucket < 0 ? -value : value
  }

  /// The value below which the fraction `quantile` of the numbers lies.
  func value(at quantile: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = quantile * Double(count - 1)
    guard let sketch else {
      let sorted = exact.sorted()
      let below = Int(rank)
      let rest = rank - Double(below)
      guard rest > 0, below + 1 < sorted.count else { return sorted[below] }
      return sorted[below] + (sorted[below + 1] - sorted[below]) * rest
    }
    var seen: Int64 = 0
    for bucket in sketch.keys.sorted() {
      seen += sketch[bucket] ?? 0
      if Double(seen) > rank { return min(high, max(low, Self.middle(of: bucket))) }
    }
    return high
  }
}

/// `count_distinct`: exact up to `QueryLimits.distinctExactMax` values of a group, by their 64-bit
/// hashes; beyond it HyperLogLog with 16,384 registers.
final class DistinctColumn: AggregateColumn {
  private var states: [DistinctState] = []

  override func extend(to count: Int) {
    while states.count < count { states.append(DistinctState()) }
  }

  override func add(_ group: Int, _ row: InsightsRow, _ message: Span<UInt8>) {
    guard let value = argument?.evaluate(row, message) else { return }
    let hash = value.withText(message) { Bytes.hash($0) }
    if let hash { extraBytes += states[group].add(hash) }
  }

  override func merge(_ other: AggregateColumn, _ map: [Int]) {
    guard let other = other as? DistinctColumn else { return }
    for (index, group) in map.enumerated() {
      extraBytes += states[group].merge(other.states[index])
    }
  }

  override func result(_ group: Int) -> InsightsValue { .integer(Int64(states[group].count)) }
}

struct DistinctState {
  private var exact: Set<UInt64> = []
  private var registers: [UInt8]?

  private static let bits: UInt64 = 14

  /// Gives the memory that it took.
  mutating func add(_ hash: UInt64) -> Int {
    if registers != nil {
      register(hash)
      return 0
    }
    let before = exact.count
    exact.insert(hash)
    if exact.count > QueryLimits.distinctExactMax { return becomeEstimate() }
    return (exact.count - before) * 16
  }

  mutating func merge(_ other: DistinctState) -> Int {
    var bytes = 0
    if let theirs = other.registers {
      if registers == nil { bytes += becomeEstimate() }
      for (index, value) in theirs.enumerated() where value > registers?[index] ?? 0 {
        registers?[index] = value
      }
      return bytes
    }
    for hash in other.exact { bytes += add(hash) }
    return bytes
  }

  private mutating func becomeEstimate() -> Int {
    let before = exact.count * 16
    registers = [UInt8](repeating: 0, count: 1 << Int(Self.bits))
    for hash in exact { register(hash) }
    exact = []
    return (1 << Int(Self.bits)) - before
  }

  private mutating func register(_ hash: UInt64) {
    let index = Int(hash >> (64 - Self.bits))
    let rank = UInt8((hash << Self.bits | 1 << (Self.bits - 1)).leadingZeroBitCount + 1)
    if rank > registers?[index] ?? 0 { registers?[index] = rank }
  }

  var count: Int {
    guard let registers else { return exact.count }
    let size = Double(registers.count)
    var sum = 0.0
    var empty = 0.0
    for register in registers {
      sum += 1 / Double(UInt64(1) << UInt64(register))
      if register == 0 { empty += 1 }
    }
    let estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum
    if estimate <= 2.5 * size, empty > 0 {
      return Int((size * Mathematics.logarithm(size / empty)).rounded())
    }
    return Int(estimate.rounded())
  }
}
