internal import LogModel
internal import Platform

/// `formatDate`, `strftime` and `parseDate` with a constant format: Java's letters, or with `%`
/// those of strftime(3).
final class DateFormatNode: ValueNode {
  private let value: ValueNode
  private let format: DateFormat
  private let zone: ZoneInfo
  private let parses: Bool

  init(
    _ function: InsightsFunction,
    _ arguments: [ValueNode],
    _ query: String,
    _ range: TextRange
  ) throws(QueryDiagnostic) {
    value = arguments[0]
    parses = function == .parseDate
    let place = range.lower..<max(range.lower, range.upper)
    func constant(_ index: Int) -> [UInt8]? {
      guard case .text(let text)? = (arguments[index] as? ConstantNode)?.value else { return nil }
      return text
    }
    guard let text = constant(1) else {
      throw QueryDiagnostic(
        "the format of `\(function.rawValue)` must be a text",
        in: query,
        at: place,
        hint: "\(function.rawValue)(.., \"yyyy-MM-dd HH:mm:ss\")"
      )
    }
    guard let format = DateFormat(text) else {
      throw QueryDiagnostic(
        "`\(String(repairing: text.span))` is not a format of dates",
        in: query,
        at: place,
        hint: "letters: yyyy MM dd HH mm ss SSS, EEE, MMM, a, XXX; other text in 'quotes'"
      )
    }
    self.format = format
    guard arguments.count > 2 else {
      zone = ZoneInfo(fixed: 0)
      return
    }
    let name = constant(2) ?? []
    let offset = DateFormat.zoneSeconds(name.span).map { ZoneInfo(fixed: $0) }
    guard let zone = offset ?? ZoneInfo(named: String(repairing: name.span)) else {
      throw QueryDiagnostic(
        "there is no zone `\(String(repairing: name.span))`",
        in: query,
        at: place,
        hint: "such as \"UTC\", \"+02:00\" or \"Europe/Berlin\""
      )
    }
    self.zone = zone
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    let value = value.evaluate(row, message)
    if parses {
      let time = value.withText(message) { parse($0) } ?? nil
      return time.map { .timestamp($0) } ?? .null
    }
    guard let time = PeriodNode.nanoseconds(value, message) else { return .null }
    return .text(format.text(time, offsetSeconds: offset(at: time)))
  }

  private func offset(at time: Int64) -> Int64 {
    zone.offsetSeconds(atEpochSecond: time.quotientAndRemainder(dividingBy: 1_000_000_000).quotient)
  }

  /// The offset depends on the time, and that on the offset: three guesses do but for the hours
  /// around a change.
  private func parse(_ text: Span<UInt8>) -> Int64? {
    var offset = offset(at: 0)
    for _ in 0..<3 {
      guard let time = format.parse(text, offsetSeconds: offset) else { return nil }
      let next = self.offset(at: time)
      if next == offset { return time }
      offset = next
    }
    return format.parse(text, offsetSeconds: offset)
  }
}

/// A format of dates, taken apart.
struct DateFormat {
  private enum Part {
    case literal([UInt8])
    case year(width: Int)
    case month(width: Int)
    case monthName(isFull: Bool)
    case day(width: Int)
    case dayOfYear
    case weekday(isFull: Bool)
    case hour(width: Int)
    case hour12(width: Int)
    case minute(width: Int)
    case second(width: Int)
    case fraction(width: Int)
    case isAfternoon
    case zone(hasColon: Bool, hasZ: Bool)
    case epochSeconds
  }

  private let parts: [Part]

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ].map { Array($0.utf8) }
  private static let weekdays = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ].map { Array($0.utf8) }

  init?(_ text: [UInt8]) {
    guard let parts = text.contains(0x25) ? Self.percent(text) : Self.letters(text) else {
      return nil
    }
    self.parts = parts
  }

  private static func letters(_ text: [UInt8]) -> [Part]? {
    var parts: [Part] = []
    var at = 0
    while at < text.count {
      let byte = text[at]
      if byte == 0x27 {
        guard let close = text[(at + 1)...].firstIndex(of: 0x27) else { return nil }
        parts.append(.literal(close == at + 1 ? [0x27] : Array(text[(at + 1)..<close])))
        at = close + 1
        continue
      }
      var end = at + 1
      while end < text.count, text[end] == byte { end += 1 }
      let width = end - at
      at = end
      guard (byte | 0x20) &- 0x61 < 26 else {
        parts.append(.literal([UInt8](repeating: byte, count: width)))
        continue
      }
      guard let part = part(byte, width) else { return nil }
      parts.append(part)
    }
    return parts
  }

  private static func part(_ letter: UInt8, _ width: Int) -> Part? {
    switch UnicodeScalar(letter) {
    case "y", "u": .year(width: width)
    case "M", "L": width > 2 ? .monthName(isFull: width > 3) : .month(width: width)
    case "d": .day(width: width)
    case "D": .dayOfYear
    case "E": .weekday(isFull: width > 3)
    case "H": .hour(width: width)
    case "h": .hour12(width: width)
    case "m": .minute(width: width)
    case "s": .second(width: width)
    case "S", "n": .fraction(width: min(width, 9))
    case "a": .isAfternoon
    case "X": .zone(hasColon: width > 2, hasZ: true)
    case "x": .zone(hasColon: width > 2, hasZ: false)
    case "Z": .zone(hasColon: width > 4, hasZ: false)
    default: nil
    }
  }

  private static func percent(_ text: [UInt8]) -> [Part]? {
    var parts: [Part] = []
    var at = 0
    while at < text.count {
      guard text[at] == 0x25 else {
        parts.append(.literal([text[at]]))
        at += 1
        continue
      }
      guard at + 1 < text.count else { return nil }
      switch UnicodeScalar(text[at + 1]) {
      case "Y": parts.append(.year(width: 4))
      case "y": parts.append(.year(width: 2))
      case "m": parts.append(.month(width: 2))
      case "b", "h": parts.append(.monthName(isFull: false))
      case "B": parts.append(.monthName(isFull: true))
      case "d": parts.append(.day(width: 2))
      case "j": parts.append(.dayOfYear)
      case "a": parts.append(.weekday(isFull: false))
      case "A": parts.append(.weekday(isFull: true))
      case "H": parts.append(.hour(width: 2))
      case "I": parts.append(.hour12(width: 2))
      case "M": parts.append(.minute(width: 2))
      case "S": parts.append(.second(width: 2))
      case "L": parts.append(.fraction(width: 3))
      case "f": parts.append(.fraction(width: 6))
      case "p": parts.append(.isAfternoon)
      case "z": parts.append(.zone(hasColon: false, hasZ: false))
      case "s": parts.append(.epochSeconds)
      case "F": parts += letters(Array("yyyy-MM-dd".utf8)) ?? []
      case "T": parts += letters(Array("HH:mm:ss".utf8)) ?? []
      case "%": parts.append(.literal([0x25]))
      default: return nil
      }
      at += 2
    }
    return parts
  }

  /// `UTC`, `Z`, `GMT+2`, `+02:00`, `-0530`.
  static func zoneSeconds(_ text: Span<UInt8>) -> Int64? {
    var at = 0
    for name in ["UTC", "GMT", "Z"] where text.count >= name.utf8.count {
      if Bytes.equal(text.extracting(0..<name.utf8.count), Array(name.utf8).span) {
        at = name.utf8.count
        if at == text.count { return 0 }
        break
      }
    }
    guard at < text.count, text[at] == 0x2B || text[at] == 0x2D else { return nil }
    let sign: Int64 = text[at] == 0x2D ? -1 : 1
    var digits: [Int64] = []
    for index in (at + 1)..<text.count where text[index] != 0x3A {
      guard text[index] &- 0x30 < 10 else { return nil }
      digits.append(Int64(text[index] - 0x30))
    }
    switch digits.count {
    case 1: return sign * digits[0] * 3_600
    case 2: return sign * (digits[0] * 10 + digits[1]) * 3_600
    case 4:
      return sign * ((digits[0] * 10 + digits[1]) * 3_600 + (digits[2] * 10 + digits[3]) * 60)
    default: return nil
    }
  }

  // MARK: writing

  func text(_ time: Int64, offsetSeconds: Int64) -> [UInt8] {
    let local = Timestamp(nanoseconds: time).adding(
      nanoseconds: offsetSeconds.multipliedSaturating(by: 1_000_000_000)
    ).nanoseconds
    var seconds = local / 1_000_000_000
    var nanoseconds = local % 1_000_000_000
    if nanoseconds < 0 {
      nanoseconds += 1_000_000_000
      seconds -= 1
    }
    var day = seconds / 86_400
    var second = Int(seconds % 86_400)
    if second < 0 {
      second += 86_400
      day -= 1
    }
    let date = Calendar.date(days: Int(day))
    var text: [UInt8] = []
    func pad(_ value: Int, _ width: Int) {
      let digits = String(value)
      text += [UInt8](repeating: 0x30, count: max(0, width - digits.utf8.count))
      text += Array(digits.utf8)
    }
    for part in parts {
      switch part {
      case .literal(let bytes): text += bytes
      case .year(let width): width == 2 ? pad(date.year % 100, 2) : pad(date.year, width)
      case .month(let width): pad(date.month, width)
      case .monthName(let isFull):
        text += isFull ? Self.months[date.month - 1][...] : Self.months[date.month - 1].prefix(3)
      case .day(let width): pad(date.day, width)
      case .dayOfYear:
        pad(Int(day) - Calendar.days(year: date.year, month: 1, day: 1) + 1, 3)
      case .weekday(let isFull):
        let weekday = Self.weekdays[((Int(day) + 3) % 7 + 7) % 7]
        text += isFull ? weekday[...] : weekday.prefix(3)
      case .hour(let width): pad(second / 3_600, width)
      case .hour12(let width): pad((second / 3_600 + 11) % 12 + 1, width)
      case .minute(let width): pad(second / 60 % 60, width)
      case .second(let width): pad(second % 60, width)
      case .fraction(let width):
        text += Array(String(1_000_000_000 + nanoseconds).utf8).dropFirst().prefix(width)
      case .isAfternoon: text += Array((second >= 43_200 ? "PM" : "AM").utf8)
      case .zone(let hasColon, let hasZ):
        if hasZ, offsetSeconds == 0 {
          text.append(0x5A)
        } else {
          text.append(offsetSeconds < 0 ? 0x2D : 0x2B)
          pad(Int(offsetSeconds.magnitude) / 3_600, 2)
          if hasColon { text.append(0x3A) }
          pad(Int(offsetSeconds.magnitude) / 60 % 60, 2)
        }
      case .epochSeconds: pad(Int(time / 1_000_000_000), 1)
      }
    }
    return text
  }

  // MARK: reading

  /// The time, or nil when the text is not of this format or no date.
  func parse(_ text: Span<UInt8>, offsetSeconds: Int64) -> Int64? {
    var reading = DateReading(offsetSeconds: offsetSeconds)
    for part in parts {
      let isRead =
        switch part {
        case .literal(let bytes): reading.skip(bytes, text)
        case .year(let width): reading.year(text, width)
        case .month(let width): reading.number(text, width, into: \.month)
        case .monthName(let isFull): reading.month(text, Self.months, isFull)
        case .day(let width): reading.number(text, width, into: \.day)
        case .hour(let width), .hour12(let width): reading.number(text, width, into: \.hour)
        case .minute(let width): reading.number(text, width, into: \.minute)
        case .second(let width): reading.number(text, width, into: \.second)
        case .fraction: reading.fraction(text)
        case .isAfternoon: reading.afternoon(text)
        case .zone: reading.zone(text)
        case .weekday(let isFull): reading.weekday(text, Self.weekdays, isFull)
        case .dayOfYear, .epochSeconds: false
        }
      guard isRead else { return nil }
    }
    return reading.at == text.count ? reading.time : nil
  }
}

/// The parts of a date while it is read.
private struct DateReading {
  var at = 0
  var years = 1970
  var month = 1
  var day = 1
  var hour = 0
  var minute = 0
  var second = 0
  var nanoseconds = 0
  var isAfternoon: Bool?
  var offsetSeconds: Int64

  init(offsetSeconds: Int64) { self.offsetSeconds = offsetSeconds }

  mutating func skip(_ bytes: [UInt8], _ text: Span<UInt8>) -> Bool {
    guard at + bytes.count <= text.count,
      Bytes.equal(text.extracting(at..<(at + bytes.count)), bytes.span)
    else { return false }
    at += bytes.count
    return true
  }

  private mutating func digits(_ text: Span<UInt8>, atMost count: Int) -> Int? {
    var value = 0
    let start = at
    while at < text.count, at - start < count, text[at] &- 0x30 < 10 {
      value = value * 10 + Int(text[at] - 0x30)
      at += 1
    }
    return at > start ? value : nil
  }

  mutating func number(
    _ text: Span<UInt8>,
    _ width: Int,
    into field: WritableKeyPath<Self, Int>
  ) -> Bool {
    guard let value = digits(text, atMost: max(2, width)) else { return false }
    self[keyPath: field] = value
    return true
  }

  mutating func year(_ text: Span<UInt8>, _ width: Int) -> Bool {
    guard let value = digits(text, atMost: width == 2 ? 2 : 4) else { return false }
    years = width == 2 ? 2_000 + value : value
    return true
  }

  mutating func month(_ text: Span<UInt8>, _ names: [[UInt8]], _ isFull: Bool) -> Bool {
    guard let index = word(text, names, isFull) else { return false }
    month = index + 1
    return true
  }

  mutating func weekday(_ text: Span<UInt8>, _ names: [[UInt8]], _ isFull: Bool) -> Bool {
    word(text, names, isFull) != nil
  }

  private mutating func word(_ text: Span<UInt8>, _ names: [[UInt8]], _ isFull: Bool) -> Int? {
    for (index, name) in names.enumerated() {
      let wanted = isFull ? name[...] : name.prefix(3)
      guard at + wanted.count <= text.count else { continue }
      let isEqual = wanted.indices.allSatisfy { text[at + $0] | 0x20 == wanted[$0] | 0x20 }
      if isEqual {
        at += wanted.count
        return index
      }
    }
    return nil
  }

  mutating func fraction(_ text: Span<UInt8>) -> Bool {
    var scale = 100_000_000
    let start = at
    while at < text.count, at - start < 9, text[at] &- 0x30 < 10 {
      nanoseconds += Int(text[at] - 0x30) * scale
      scale /= 10
      at += 1
    }
    return at > start
  }

  mutating func afternoon(_ text: Span<UInt8>) -> Bool {
    guard at + 2 <= text.count, text[at + 1] | 0x20 == 0x6D else { return false }
    switch text[at] | 0x20 {
    case 0x61: isAfternoon = false
    case 0x70: isAfternoon = true
    default: return false
    }
    at += 2
    return true
  }

  mutating func zone(_ text: Span<UInt8>) -> Bool {
    var end = at
    while end < text.count, text[end] > 0x20 { end += 1 }
    guard let seconds = DateFormat.zoneSeconds(text.extracting(at..<end)) else { return false }
    offsetSeconds = seconds
    at = end
    return true
  }

  var time: Int64? {
    var hour = hour
    if let isAfternoon {
      guard (1...12).contains(hour) else { return nil }
      hour = hour % 12 + (isAfternoon ? 12 : 0)
    }
    guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
    else { return nil }
    let days = Calendar.days(year: years, month: month, day: day)
    let back = Calendar.date(days: days)
    guard back.month == month, back.day == day else { return nil }
    let seconds =
      Int64(days) * 86_400 + Int64(hour * 3_600 + minute * 60 + second) - offsetSeconds
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? nil : scaled + Int64(nanoseconds)
  }
}
