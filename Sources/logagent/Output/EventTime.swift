internal import LogModel
internal import Platform

/// How the time of an event is written, where it stands in front of the message.
enum TimestampStyle: String, CaseIterable {
  /// Hours to milliseconds; the date when it changes.
  case short
  /// RFC 3339: UTC, or the zone of `--timezone`.
  case iso
  /// Milliseconds since the epoch.
  case unix
  /// How long ago: 3m, 2h.
  case relative
  /// Seconds since the event before it.
  case delta
  case none
}

/// Writes the times of events in one style and zone.
///
/// Used by one thread.
struct EventTime {
  let style: TimestampStyle
  /// Seconds east of UTC at a second since the epoch.
  private let offset: (Int64) -> Int64
  /// Nil: RFC 3339 times are in UTC, whatever the zone.
  private let hasZone: Bool
  private let now: Timestamp
  private var lastDay = Int64.min
  private var last: Timestamp?

  init(
    _ style: TimestampStyle,
    now: Timestamp,
    hasZone: Bool = false,
    offset: @escaping (Int64) -> Int64
  ) {
    self.style = style
    self.now = now
    self.hasZone = hasZone
    self.offset = offset
  }

  /// The time in this style, without a blank; empty for `none`.
  mutating func text(_ time: Timestamp) -> String {
    defer { last = time }
    switch style {
    case .none: return ""
    case .iso: return iso(time)
    case .unix: return String(time.milliseconds)
    case .short: return String(Calendar.formatRFC3339(local(time)).dropFirst(11).prefix(12))
    case .relative: return Self.ago(now.nanoseconds - time.nanoseconds)
    case .delta: return Self.delta(last.map { time.nanoseconds - $0.nanoseconds } ?? 0)
    }
  }

  /// The date, where it is another than at the last call; short times only.
  mutating func newDay(_ time: Timestamp) -> String? {
    guard style == .short else { return nil }
    let local = local(time)
    let day = local.nanoseconds / 86_400_000_000_000
    guard day != lastDay else { return nil }
    lastDay = day
    return String(Calendar.formatRFC3339(local).prefix(10))
  }

  /// RFC 3339, with the zone's offset where one was asked for.
  func iso(_ time: Timestamp) -> String {
    guard hasZone else { return Calendar.formatRFC3339(time) }
    let seconds = offset(Self.seconds(time))
    if seconds == 0 { return Calendar.formatRFC3339(time) }
    let minutes = seconds.magnitude / 60
    func pad(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return Calendar.formatRFC3339(local(time)).dropLast() + (seconds < 0 ? "-" : "+")
      + pad(minutes / 60) + ":" + pad(minutes % 60)
  }

  /// The time as it is at the place of the reader, as if it were UTC.
  private func local(_ time: Timestamp) -> Timestamp {
    time.adding(nanoseconds: offset(Self.seconds(time)) * 1_000_000_000)
  }

  private static func seconds(_ time: Timestamp) -> Int64 {
    let nanoseconds = time.nanoseconds
    return nanoseconds >= 0
      ? nanoseconds / 1_000_000_000 : (nanoseconds + 1) / 1_000_000_000 - 1
  }

  /// `4s ago`, `3m ago`, `2h ago`, `5d ago`; `in 3s` for what is yet to come.
  static func ago(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds.magnitude / 1_000_000_000
    let text =
      switch seconds {
      case ..<60: "\(seconds)s"
      case ..<3_600: "\(seconds / 60)m"
      case ..<86_400: "\(seconds / 3_600)h"
      default: "\(seconds / 86_400)d"
      }
    return nanoseconds < 0 ? "in \(text)" : "\(text) ago"
  }

  /// `+0.012`: seconds to the millisecond.
  static func delta(_ nanoseconds: Int64) -> String {
    let milliseconds = nanoseconds.magnitude / 1_000_000
    let fraction = String(milliseconds % 1_000)
    let zeros = String(repeating: "0", count: 3 - fraction.count)
    return (nanoseconds < 0 ? "-" : "+") + "\(milliseconds / 1_000).\(zeros)\(fraction)"
  }
}
