package import LogModel

/// Reads the times that people type: `30m`, `1h30m`, `2w`, `today`, `2026-11-23`, RFC 3339, epoch.
///
/// Pure: the current time and the time zone are given.
package struct TimeExpression {
  private let text: String
  private let scalars: [Unicode.Scalar]
  private let anchor: Timestamp
  private let now: Timestamp
  private let offset: (Int64) -> Int64

  /// The moment that `text` means.
  ///
  /// A span (`ms s m h d w`, several may be joined) counts back from `anchor`. `now`, `today` and
  /// `yesterday` are words; a date with or without a time, or a time of today, is local unless it
  /// names a zone; 9 to 11 digits are seconds since the epoch, 12 to 14 milliseconds.
  /// `anchor` is `now` when nil; `offset` gives seconds east of UTC at a second since the epoch.
  package static func parse(
    _ text: String,
    now: Timestamp,
    anchor: Timestamp? = nil,
    offset: @escaping (Int64) -> Int64
  ) throws(QueryDiagnostic) -> Timestamp {
    try TimeExpression(text: text, now: now, anchor: anchor ?? now, offset: offset).value()
  }

  private init(
    text: String,
    now: Timestamp,
    anchor: Timestamp,
    offset: @escaping (Int64) -> Int64
  ) {
    self.text = text
    scalars = Array(text.unicodeScalars)
    self.now = now
    self.anchor = anchor
    self.offset = offset
  }

  private static let hint =
    "write 30m, 1h30m, 2w, today, 2026-11-23, 2026-11-23T10:00:00Z or milliseconds since the epoch"

  private func wrong(_ message: String, _ range: Range<Int>) -> QueryDiagnostic {
    QueryDiagnostic(message, in: text, at: range, hint: Self.hint)
  }

  private func value() throws(QueryDiagnostic) -> Timestamp {
    guard !scalars.isEmpty else { throw wrong("the time is empty", 0..<0) }
    switch text {
    case "now": return now
    case "today": return midnight(daysBack: 0)
    case "yesterday": return midnight(daysBack: 1)
    default: break
    }
    let isNumber = scalars.allSatisfy { Self.digit($0) != nil }
    if isNumber { return try epoch() }
    if scalars.count >= 5, scalars[4] == "-", scalars[..<4].allSatisfy({ Self.digit($0) != nil }) {
      return try date()
    }
    if scalars.contains(":") {
      var at = 0
      let day = Self.floorDivide(localSeconds(now), 86_400) * 86_400
      let time = try clock(&at)
      guard at == scalars.count else { throw unexpected(at) }
      return utc(local: day, plus: time)
    }
    return try span()
  }

  private static func digit(_ scalar: Unicode.Scalar) -> Int? {
    scalar.value >= 48 && scalar.value <= 57 ? Int(scalar.value) - 48 : nil
  }

  private func unexpected(_ at: Int) -> QueryDiagnostic {
    at < scalars.count
      ? wrong("`\(scalars[at])` does not belong into a time", at..<(at + 1))
      : wrong("the time ends too early", at..<at)
  }

  // MARK: spans

  private func span() throws(QueryDiagnostic) -> Timestamp {
    let units: [(String, Int64)] = [
      ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
      ("d", 86_400_000_000_000), ("w", 604_800_000_000_000),
    ]
    var total: Int64 = 0
    var at = scalars[0] == "-" ? 1 : 0
    repeat {
      let start = at
      guard let amount = try number(&at) else { throw unexpected(at) }
      guard at < scalars.count else {
        throw wrong("the unit is missing: ms, s, m, h, d or w", start..<at)
      }
      let rest = String(String.UnicodeScalarView(scalars[at...].prefix(2)))
      guard
        let unit = units.first(where: { unit in
          rest.hasPrefix(unit.0) && !(unit.0 == "m" && rest == "ms")
        })
      else { throw wrong("`\(scalars[at])` is no unit of time", at..<(at + 1)) }
      at += unit.0.count
      let (sum, overflow) = total.addingReportingOverflow(
        amount.multipliedSaturating(by: unit.1)
      )
      guard !overflow, sum < 3_000_000_000_000_000_000 else {
        throw wrong("this goes back further than times do", start..<at)
      }
      total = sum
    } while at < scalars.count
    return anchor.adding(nanoseconds: -total)
  }

  private func number(_ at: inout Int) throws(QueryDiagnostic) -> Int64? {
    let start = at
    var value: Int64 = 0
    while at < scalars.count, let digit = Self.digit(scalars[at]) {
      guard at - start < 15 else { throw wrong("this number is too large", start..<(at + 1)) }
      value = value * 10 + Int64(digit)
      at += 1
    }
    return at > start ? value : nil
  }

  private func epoch() throws(QueryDiagnostic) -> Timestamp {
    var at = 0
    let value = scalars.count <= 14 ? try number(&at) ?? 0 : 0
    switch scalars.count {
    case 9...11: return Timestamp(seconds: value)
    case 12...14: return Timestamp(milliseconds: value)
    case ...8: throw wrong("the unit is missing: ms, s, m, h, d or w", 0..<scalars.count)
    default: throw wrong("this is neither seconds nor milliseconds", 0..<scalars.count)
    }
  }

  // MARK: dates

  private func date() throws(QueryDiagnostic) -> Timestamp {
    let bytes = Array(text.utf8)
    if let exact = Calendar.parseRFC3339(bytes.span, 0..<bytes.count) {
      try checkDate()
      return exact
    }
    let day = try checkDate()
    var at = 10
    guard at < scalars.count else { return utc(local: day, plus: 0) }
    guard scalars[at] == "T" || scalars[at] == "t" || scalars[at] == " " else {
      throw unexpected(at)
    }
    at += 1
    let time = try clock(&at)
    guard at < scalars.count else { return utc(local: day, plus: time) }
    guard scalars[at] == "Z", at + 1 == scalars.count else { throw unexpected(at) }
    return Timestamp(seconds: day).adding(nanoseconds: time)
  }

  /// The date at the beginning, as seconds of its midnight in UTC.
  @discardableResult
  private func checkDate() throws(QueryDiagnostic) -> Int64 {
    var at = 0
    let year = try digits(4, 1_970...2_261, "year", &at)
    try expect("-", &at)
    let month = try digits(2, 1...12, "month", &at)
    try expect("-", &at)
    let day = try digits(2, 1...31, "day", &at)
    let days = Calendar.days(year: year, month: month, day: day)
    guard Calendar.date(days: days).month == month else {
      throw wrong("this month has no day \(day)", (at - 2)..<at)
    }
    return Int64(days) * 86_400
  }

  /// `hh:mm[:ss[.fff]]` as nanoseconds of the day.
  private func clock(_ at: inout Int) throws(QueryDiagnostic) -> Int64 {
    let hour = try digits(2, 0...23, "hour", &at)
    try expect(":", &at)
    let minute = try digits(2, 0...59, "minute", &at)
    var nanoseconds = Int64(hour * 3_600 + minute * 60) * 1_000_000_000
    guard at < scalars.count, scalars[at] == ":" else { return nanoseconds }
    at += 1
    nanoseconds += Int64(try digits(2, 0...60, "second", &at)) * 1_000_000_000
    guard at < scalars.count, scalars[at] == "." else { return nanoseconds }
    at += 1
    var scale: Int64 = 100_000_000
    guard at < scalars.count, Self.digit(scalars[at]) != nil else { throw unexpected(at) }
    while at < scalars.count, let digit = Self.digit(scalars[at]) {
      nanoseconds += Int64(digit) * scale
      scale /= 10
      at += 1
    }
    return nanoseconds
  }

  private func digits(
    _ count: Int,
    _ allowed: ClosedRange<Int>,
    _ name: String,
    _ at: inout Int
  ) throws(QueryDiagnostic) -> Int {
    let start = at
    var value = 0
    while at < start + count {
      guard at < scalars.count, let digit = Self.digit(scalars[at]) else { throw unexpected(at) }
      value = value * 10 + digit
      at += 1
    }
    guard allowed.contains(value) else { throw wrong("there is no \(name) \(value)", start..<at) }
    return value
  }

  private func expect(_ scalar: Unicode.Scalar, _ at: inout Int) throws(QueryDiagnostic) {
    guard at < scalars.count, scalars[at] == scalar else { throw unexpected(at) }
    at += 1
  }

  // MARK: the local day

  private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
    value >= 0 ? value / by : (value - by + 1) / by
  }

  private func localSeconds(_ time: Timestamp) -> Int64 {
    let seconds = Self.floorDivide(time.nanoseconds, 1_000_000_000)
    return seconds + offset(seconds)
  }

  private func midnight(daysBack: Int64) -> Timestamp {
    let day = Self.floorDivide(localSeconds(now), 86_400) - daysBack
    return utc(local: day * 86_400, plus: 0)
  }

  /// Local time to UTC; where a clock change makes it ambiguous, the second look decides.
  private func utc(local seconds: Int64, plus nanoseconds: Int64) -> Timestamp {
    let wanted = seconds + nanoseconds / 1_000_000_000
    let guess = wanted - offset(wanted)
    let exact = wanted - offset(guess)
    return Timestamp(seconds: exact).adding(nanoseconds: nanoseconds % 1_000_000_000)
  }
}
