/// The rule by which a zone's clocks change every year: the POSIX `TZ` text at the end of its file,
/// such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Sendable {
  private let standard: Int64
  private let summer: (offset: Int64, start: Day, end: Day)?

  /// A day of the year, and the local second of it at which clocks change.
  private struct Day: Sendable {
    enum Kind: Sendable {
      /// `Mm.w.d`: the w-th weekday d of month m; w = 5 is the last.
      case weekday(month: Int, week: Int, day: Int)
      /// `Jn`: day 1 to 365; 29 February is never counted.
      case julian(Int)
      /// `n`: day 0 to 365.
      case ordinal(Int)
    }

    let kind: Kind
    let second: Int64

    /// Seconds from the epoch to the change, in local time.
    func localSecond(in year: Int) -> Int64 {
      let newYear = Calendar.days(year: year, month: 1, day: 1)
      let isLeap = Calendar.days(year: year, month: 3, day: 1) - newYear == 60
      let days: Int
      switch kind {
      case .julian(let day): days = newYear + day - 1 + (isLeap && day >= 60 ? 1 : 0)
      case .ordinal(let day): days = newYear + day
      case .weekday(let month, let week, let day):
        let first = Calendar.days(year: year, month: month, day: 1)
        // 1 January 1970 was a Thursday.
        let weekday = ((first + 4) % 7 + 7) % 7
        var found = first + (day - weekday + 7) % 7 + (week - 1) * 7
        while Calendar.date(days: found).month != month { found -= 7 }
        days = found
      }
      return Int64(days) * 86_400 + second
    }
  }

  /// Nil when the text is no such rule.
  init?(_ text: String) {
    var reader = Reader(text)
    guard reader.skipName(), let west = reader.offset() else { return nil }
    standard = -west
    if reader.isAtEnd {
      summer = nil
      return
    }
    guard reader.skipName() else { return nil }
    var offset = standard + 3_600
    if reader.next != 0x2C {
      guard let west = reader.offset() else { return nil }
      offset = -west
    }
    guard let start = reader.day(), let end = reader.day(), reader.isAtEnd else { return nil }
    summer = (offset, start, end)
  }

  func offset(at second: Int64) -> Int64 {
    guard let summer else { return standard }
    let local = second + standard
    let days = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
    let year = Calendar.date(days: Int(days)).year
    let start = summer.start.localSecond(in: year) - standard
    let end = summer.end.localSecond(in: year) - summer.offset
    let isSummer =
      start < end ? second >= start && second < end : !(second >= end && second < start)
    return isSummer ? summer.offset : standard
  }

  private struct Reader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { at == bytes.count }
    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skip(_ byte: UInt8) -> Bool {
      guard next == byte else { return false }
      at += 1
      return true
    }

    private mutating func number() -> Int? {
      var value: Int?
      while let byte = next, byte >= 0x30, byte <= 0x39, (value ?? 0) < 10_000 {
        value = (value ?? 0) * 10 + Int(byte - 0x30)
        at += 1
      }
      return value
    }

    /// `CET` or `<+03>`.
    mutating func skipName() -> Bool {
      let start = at
      if skip(0x3C) {
        while let byte = next, byte != 0x3E { _ = skip(byte) }
        return skip(0x3E)
      }
      while let byte = next, byte | 0x20 >= 0x61, byte | 0x20 <= 0x7A { at += 1 }
      return at - start >= 3
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func offset() -> Int64? {
      let isNegative = skip(0x2D)
      if !isNegative { _ = skip(0x2B) }
      guard let hours = number(), hours <= 167 else { return nil }
      var seconds = hours * 3_600
      for unit in [60, 1] where skip(0x3A) {
        guard let part = number(), part < 60 else { return nil }
        seconds += part * unit
      }
      return Int64(isNegative ? -seconds : seconds)
    }

    /// `,Mm.w.d[/time]`, `,Jn[/time]` or `,n[/time]`.
    mutating func day() -> Day? {
      guard skip(0x2C) else { return nil }
      let kind: Day.Kind
      if skip(0x4D) {
        guard let month = number(), (1...12).contains(month), skip(0x2E), let week = number(),
          (1...5).contains(week), skip(0x2E), let day = number(), day <= 6
        else { return nil }
        kind = .weekday(month: month, week: week, day: day)
      } else if skip(0x4A) {
        guard let day = number(), (1...365).contains(day) else { return nil }
        kind = .julian(day)
      } else {
        guard let day = number(), day <= 365 else { return nil }
        kind = .ordinal(day)
      }
      guard skip(0x2F) else { return Day(kind: kind, second: 7_200) }
      return offset().map { Day(kind: kind, second: $0) }
    }
  }
}
