internal import LogModel
internal import Platform

/// A call of a function of one row.
final class FunctionNode: ValueNode {
  private let function: InsightsFunction
  private let arguments: [ValueNode]
  private let environment: InsightsEnvironment

  init(
    _ function: InsightsFunction,
    _ arguments: [ValueNode],
    _ environment: InsightsEnvironment
  ) {
    self.function = function
    self.arguments = arguments
    self.environment = environment
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    switch function {
    case .coalesce, .if, .case, .isPresent, .isNumeric, .messageSize, .unmask, .isEmpty, .isBlank,
      .greatest, .least:
      general(row, message)
    case .now, .queryStartTime, .queryEndTime, .queryTimeRange, .toMillis, .fromMillis, .bin,
      .dateceil, .datefloor, .formatDate, .strftime, .parseDate:
      time(row, message)
    case .abs, .ceil, .floor, .sqrt, .log, .round, .haversine, .histogram, .toNumber, .toInt,
      .toLong, .toDouble:
      NumberFunctions.call(function, values(row, message), message)
    case .isValidIp, .isValidIpV4, .isValidIpV6, .isIpInSubnet, .isIpv4InSubnet, .isIpv6InSubnet,
      .ipv4ToNumber, .isPrivateIP, .isPublicIP, .isReservedIP:
      AddressFunctions.call(function, values(row, message), message)
    case .jsonParse, .jsonStringify, .jsonArraySize, .jsonArrayContains:
      JSONFunctions.call(function, values(row, message), message)
    case .strcontains, .startsWith, .endsWith, .strlen, .concat:
      TextFunctions.call(function, values(row, message), message)
    default: TextFunctions.change(function, values(row, message), message)
    }
  }

  private func values(_ row: InsightsRow, _ message: Span<UInt8>) -> [InsightsValue] {
    arguments.map { $0.evaluate(row, message) }
  }

  private func general(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    switch function {
    case .coalesce:
      for argument in arguments {
        let value = argument.evaluate(row, message)
        if !value.isNull { return value }
      }
      return .null
    case .if:
      let chosen = arguments[0].isTrue(row, message) ? 1 : 2
      return arguments[chosen].evaluate(row, message)
    case .case:
      var at = 0
      while at + 1 < arguments.count {
        if arguments[at].isTrue(row, message) { return arguments[at + 1].evaluate(row, message) }
        at += 2
      }
      return at < arguments.count ? arguments[at].evaluate(row, message) : .null
    case .greatest, .least: return extreme(row, message)
    default: break
    }
    let value = arguments[0].evaluate(row, message)
    switch function {
    case .isPresent: return .boolean(!value.isNull)
    case .isNumeric: return .boolean(value.number(message) != nil)
    case .messageSize: return value.withText(message) { .integer(Int64($0.count)) } ?? .null
    case .isEmpty: return .boolean(value.withText(message) { $0.isEmpty } ?? value.isNull)
    case .isBlank:
      return .boolean(value.withText(message) { TextFunctions.isBlank($0) } ?? value.isNull)
    default: return value
    }
  }

  /// The largest or smallest of the values that are there.
  private func extreme(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    let wanted: ValueOrder = function == .greatest ? .greater : .less
    var best = InsightsValue.null
    for argument in arguments {
      let value = argument.evaluate(row, message)
      if value.isNull || value.isStructure { continue }
      if best.isNull || ValueComparison.order(value, best, message) == wanted { best = value }
    }
    return best
  }

  private func time(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    func milliseconds(_ time: Int64?) -> InsightsValue {
      time.map { .integer(Timestamp(nanoseconds: $0).milliseconds) } ?? .null
    }
    switch function {
    case .now: return .integer(Timestamp(nanoseconds: environment.now).milliseconds / 1_000)
    case .queryStartTime: return milliseconds(environment.from)
    case .queryEndTime: return milliseconds(environment.through)
    case .queryTimeRange:
      guard let from = environment.from, let through = environment.through else { return .null }
      let (range, overflow) = Timestamp(nanoseconds: through).milliseconds
        .subtractingReportingOverflow(Timestamp(nanoseconds: from).milliseconds)
      return overflow ? .null : .integer(range)
    case .toMillis:
      // Only a time has milliseconds; a number is one already.
      guard case .timestamp(let time) = arguments[0].evaluate(row, message) else {
        return arguments[0].evaluate(row, message).number(message).map { InsightsValue($0) }
          ?? .null
      }
      return milliseconds(time)
    case .fromMillis:
      return PeriodNode.nanoseconds(arguments[0].evaluate(row, message), message)
        .map { .timestamp($0) } ?? .null
    default: return .null
    }
  }
}

/// `bin`, `datefloor` and `dateceil`: a time moved to the edge of its period.
final class PeriodNode: ValueNode {
  let time: ValueNode
  let edges: PeriodEdges
  let roundsUp: Bool

  init(_ time: ValueNode, _ period: InsightsPeriod, roundsUp: Bool, offset: Int64) {
    self.time = time
    edges = PeriodEdges(period, offset: offset)
    self.roundsUp = roundsUp
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    guard let time = Self.nanoseconds(time.evaluate(row, message), message) else { return .null }
    return (roundsUp ? edges.ceiling(time) : edges.floor(time)).map { .timestamp($0) } ?? .null
  }

  /// A time, or a number of milliseconds.
  static func nanoseconds(_ value: InsightsValue, _ message: Span<UInt8>) -> Int64? {
    if case .timestamp(let time) = value { return time }
    guard let number = value.number(message) else { return nil }
    if case .integer(let milliseconds) = number {
      return Timestamp(milliseconds: milliseconds).nanoseconds
    }
    guard number.real.magnitude < 9e12 else { return nil }
    return Int64(number.real * 1e6)
  }
}

/// Where periods begin: at multiples since the epoch, weeks on Monday, longer ones by the calendar;
/// all in UTC.
struct PeriodEdges: Sendable {
  private let period: InsightsPeriod
  /// Fixed length in nanoseconds; nil for units of the calendar.
  let length: Int64?
  private let phase: Int64
  private let months: Int

  private static let day: Int64 = 86_400_000_000_000

  init(_ period: InsightsPeriod, offset: Int64) {
    self.period = period
    let count = Int64(max(1, period.count))
    var months = 0
    var phase = offset
    switch period.unit {
    case .millisecond: length = count.multipliedSaturating(by: 1_000_000)
    case .second: length = count.multipliedSaturating(by: 1_000_000_000)
    case .minute: length = count.multipliedSaturating(by: 60_000_000_000)
    case .hour: length = count.multipliedSaturating(by: 3_600_000_000_000)
    case .day: length = count.multipliedSaturating(by: Self.day)
    case .week:
      length = count.multipliedSaturating(by: 7 * Self.day)
      // 1970-01-05 was a Monday.
      phase = offset.addingReportingOverflow(4 * Self.day).partialValue
    case .month, .quarter, .year:
      length = nil
      months = period.unit == .month ? 1 : period.unit == .quarter ? 3 : 12
    }
    self.months = min(months * Int(count), 120_000)
    self.phase = phase
  }

  /// Nil beyond the years that a time can hold.
  func floor(_ time: Int64) -> Int64? {
    let (shifted, overflow) = time.subtractingReportingOverflow(phase)
    if overflow { return nil }
    guard let length else { return month(floor: shifted, steps: 0)?.adding(phase) }
    let remainder = shifted % length
    let (edge, below) = shifted.subtractingReportingOverflow(
      remainder < 0 ? remainder + length : remainder
    )
    return below ? nil : edge.adding(phase)
  }

  /// A time on an edge stays.
  func ceiling(_ time: Int64) -> Int64? {
    guard let floor = floor(time), floor != time else { return floor(time) }
    if let length { return floor.adding(length) }
    let (shifted, overflow) = time.subtractingReportingOverflow(phase)
    return overflow ? nil : month(floor: shifted, steps: 1)?.adding(phase)
  }

  /// The edge behind an edge.
  func next(after edge: Int64) -> Int64? {
    if let length { return edge.adding(length) }
    let (shifted, overflow) = edge.subtractingReportingOverflow(phase)
    return overflow ? nil : month(floor: shifted, steps: 1)?.adding(phase)
  }

  private func month(floor time: Int64, steps: Int) -> Int64? {
    var day = Int(time / Self.day)
    if time % Self.day < 0 { day -= 1 }
    let date = Calendar.date(days: day)
    let count = date.year * 12 + date.month - 1
    // From the year 0 on: whole years and quarters stay aligned.
    let edge = (count - count % months) + steps * months
    let days = Int64(Calendar.days(year: edge / 12, month: edge % 12 + 1, day: 1))
    let (value, overflow) = days.multipliedReportingOverflow(by: Self.day)
    return overflow ? nil : value
  }
}

extension Int64 {
  fileprivate func adding(_ other: Int64) -> Int64? {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? nil : sum
  }
}
