/// How long the events of a log group are kept.
///
/// An integer literal counts days, as a bare number in a configuration does.
package struct RetentionPeriod: Sendable, Hashable, Comparable, ExpressibleByIntegerLiteral {
  private static let secondsOfDay: Int64 = 86_400

  /// The largest number stands for ever.
  package let seconds: Int64

  package static let forever = RetentionPeriod(seconds: .max)

  package init(seconds: Int64) { self.seconds = seconds }

  package init(integerLiteral days: Int) { self = .days(days) }

  package static func days(_ count: Int) -> RetentionPeriod {
    RetentionPeriod(seconds: Int64(count).multipliedSaturating(by: secondsOfDay))
  }

  /// Reads what `description` writes: `30` and `30d` are days, `12h` and the like durations.
  package init?(_ text: some StringProtocol) {
    let text = String(text)
    if text == "forever" {
      self = .forever
    } else if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let days = Int(text) {
      self = .days(days)
    } else if let seconds = DurationText.parse(text) {
      self.init(seconds: Int64(seconds))
    } else {
      return nil
    }
  }

  /// Nil unless it is a whole number of days.
  package var days: Int64? {
    self == .forever || seconds % Self.secondsOfDay != 0 ? nil : seconds / Self.secondsOfDay
  }

  /// Events from before this time have expired; nil: none ever does.
  package func cutoff(at now: Timestamp) -> Timestamp? {
    if self == .forever { return nil }
    return now.adding(nanoseconds: -seconds.multipliedSaturating(by: 1_000_000_000))
  }

  package static func < (left: RetentionPeriod, right: RetentionPeriod) -> Bool {
    left.seconds < right.seconds
  }
}

extension RetentionPeriod: CustomStringConvertible {
  /// `90d`, `12h`, `forever`.
  package var description: String {
    if self == .forever { return "forever" }
    return days.map { "\($0)d" } ?? DurationText.format(Int(seconds))
  }

  /// As a configuration writes it: `90`, `12h`, `forever`.
  package var configured: String { days.map { String($0) } ?? description }

  /// For people: `90 days`, `12h`, `forever`.
  package var words: String {
    days.map { $0 == 1 ? "1 day" : "\($0) days" } ?? description
  }
}
