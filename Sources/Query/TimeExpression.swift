package import LogModel

/// A time as people write it: `30m`, `1h30m`, `2w`, `today`, `2026-11-23`, RFC 3339, epoch seconds or
/// milliseconds.
package enum TimeExpression {
  /// - Parameters:
  ///   - text: What was typed.
  ///   - now: What relative times count back from.
  ///   - offset: Seconds east of UTC at an epoch second, for times without a zone.
  package static func parse(
    _ text: String,
    now: Timestamp,
    offset: (Int64) -> Int64
  ) throws(QueryDiagnostic) -> Timestamp {
    let trimmed = text.filter { $0 != " " || text.contains("-") }
    if trimmed == "now" { return now }
    let today = startOfDay(now, offset)
    if trimmed == "today" { return today }
    if trimmed == "yesterday" { return today.adding(nanoseconds: -day) }
    let bytes = Array(text.utf8)
    if let time = Calendar.parseRFC3339(bytes.span, 0..<bytes.count) { return time }
    if let number = Int64(trimmed), trimmed.utf8.count >= 9 {
      return trimmed.utf8.count >= 12
        ? Timestamp(milliseconds: number) : Timestamp(seconds: number)
    }
    if let time = parseLocal(text, offset) { return time }
    return now.adding(nanoseconds: -(try duration(text)))
  }

  private static let day: Int64 = 86_400_000_000_000

  /// `1h30m`, in nanoseconds.
  package static func duration(_ text: String) throws(QueryDiagnostic) -> Int64 {
    let units: [Character: Int64] = [
      "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000, "d": day, "w": 7 * day,
    ]
    let characters = Array(text)
    var total: Int64 = 0
    var at = 0
    while at < characters.count {
      let start = at
      var value: Int64 = 0
      while at < characters.count, let digit = characters[at].wholeNumberValue, value < 1 << 40 {
        value = value * 10 + Int64(digit)
        at += 1
      }
      guard at > start, at < characters.count, let unit = units[characters[at]] else {
        let place = min(at, max(0, characters.count - 1))
        throw QueryDiagnostic(
          "`\(text)` is not a time", in: text, at: place..<(place + 1),
          hint: "write 30m, 1h30m, 2d, today, 2026-11-23, 2026-11-23T10:00:00Z or epoch seconds")
      }
      total = total &+ value.multipliedSaturating(by: unit)
      at += 1
    }
    guard total > 0 else {
      throw QueryDiagnostic(
        "`\(text)` is not a time", in: text, at: 0..<max(1, characters.count),
        hint: "write 30m, 1h30m, 2d, today, 2026-11-23, 2026-11-23T10:00:00Z or epoch seconds")
    }
    return total
  }

  private static func startOfDay(_ time: Timestamp, _ offset: (Int64) -> Int64) -> Timestamp {
    let second = time.nanoseconds / 1_000_000_000
    let local = second + offset(second)
    let midnight = local - ((local % 86_400) + 86_400) % 86_400
    return Timestamp(seconds: midnight - offset(midnight - offset(second)))
  }

  /// `2026-11-23`, `2026-11-23 10:00`, `2026-11-23T10:00:30`: without a zone, so in the given one.
  private static func parseLocal(_ text: String, _ offset: (Int64) -> Int64) -> Timestamp? {
    var full = text
    switch text.utf8.count {
    case 10: full += "T00:00:00Z"
    case 16: full += ":00Z"
    case 19...29: full += "Z"
    default: return nil
    }
    let bytes = Array(full.utf8)
    guard let asUTC = Calendar.parseRFC3339(bytes.span, 0..<bytes.count) else { return nil }
    let second = asUTC.nanoseconds / 1_000_000_000
    let shift = offset(second - offset(second))
    return asUTC.adding(nanoseconds: -shift * 1_000_000_000)
  }
}
