internal import Platform

/// How serious an event is, read from its message when it is asked for; levels are not stored.
///
/// The first of these that the message has decides, looked for in its first 256 bytes (a JSON
/// object is searched whole, at its top level):
///
/// 1. JSON object: the member `level`, `severity`, `lvl`, `loglevel`, `log.level`, `levelname`,
///    `severity_text` or `severityText`, in any case; a word, a number from 10 on as in pino and
///    bunyan (30 info … 60 fatal), or one below 8 as in syslog and GELF (3 error). An object
///    without one has no level.
/// 2. logfmt: `level=`, `lvl=`, `severity=` or `loglevel=` at the start or behind a blank.
/// 3. klog (`E0102 …`) and a syslog priority (`<11>`) at the very start.
/// 4. The first level word that stands alone and is written in capitals (`ERROR`), in brackets
///    (`[error]`) or before a colon (`error:`); a word for error or warn also where it is the first
///    word of the message.
package enum LogLevel: UInt8, Sendable, CaseIterable, Comparable {
  case trace = 1
  case debug
  case info
  case warn
  case error
  case fatal

  package var name: String {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .info: "info"
    case .warn: "warn"
    case .error: "error"
    case .fatal: "fatal"
    }
  }

  package static func < (left: LogLevel, right: LogLevel) -> Bool {
    left.rawValue < right.rawValue
  }

  /// A level by any of the words that loggers use for it, in any case.
  package init?(word: String) {
    let bytes = Array(word.utf8)
    guard let level = LevelWord.level(bytes.span, 0..<bytes.count) else { return nil }
    self = level
  }

  /// The level of a message, or nil when it says none.
  ///
  /// About 100 ns for an ordinary line; linear in the message for a JSON object.
  package static func detect(_ message: Span<UInt8>) -> LogLevel? { find(message)?.level }

  /// The level and where the message says it, for showing.
  package static func find(_ message: Span<UInt8>) -> Found? {
    var at = 0
    while at < message.count, message[at] == 0x20 || message[at] == 0x09 { at += 1 }
    guard at < message.count else { return nil }
    if message[at] == 0x7B { return LevelMember.find(message, from: at) }
    let end = min(message.count, at + lookedAtMax)
    return prefix(message, at, end) ?? assignment(message, at, end) ?? word(message, at, end)
  }

  /// A level and the place of the word or number that says so.
  package struct Found: Sendable, Equatable {
    package let level: LogLevel
    package let range: Range<Int>
  }

  /// How far into a message that is not JSON a level is looked for.
  private static let lookedAtMax = 256

  /// klog's letter and date, or syslog's priority.
  private static func prefix(_ message: Span<UInt8>, _ start: Int, _ end: Int) -> Found? {
    guard start + 5 < end else { return nil }
    if message[start] == 0x3C {
      var value = 0
      var at = start + 1
      while at < end, at - start <= 3, let digit = LevelWord.digit(message[at]) {
        value = value * 10 + digit
        at += 1
      }
      guard at > start + 1, at < end, message[at] == 0x3E, value <= 191 else { return nil }
      return Found(level: LevelWord.syslog(value & 7), range: start..<(at + 1))
    }
    for offset in 1...4 where LevelWord.digit(message[start + offset]) == nil { return nil }
    guard message[start + 5] == 0x20 else { return nil }
    let level: LogLevel
    switch message[start] {
    case 0x49: level = .info
    case 0x57: level = .warn
    case 0x45: level = .error
    case 0x46: level = .fatal
    default: return nil
    }
    return Found(level: level, range: start..<(start + 5))
  }

  /// `level=error` and the like.
  private static func assignment(_ message: Span<UInt8>, _ start: Int, _ end: Int) -> Found? {
    var from = start
    while let equals = Bytes.firstIndex(of: 0x3D, in: message.extracting(..<end), from: from) {
      from = equals + 1
      var first = equals
      while first > start, LevelWord.isLetter(message[first - 1]) { first -= 1 }
      guard first < equals, first == start || message[first - 1] == 0x20,
        LevelWord.isKey(message, first..<equals)
      else { continue }
      var valueStart = equals + 1
      if valueStart < end, message[valueStart] == 0x22 { valueStart += 1 }
      var valueEnd = valueStart
      while valueEnd < end, LevelWord.isLetter(message[valueEnd]) { valueEnd += 1 }
      if let level = LevelWord.level(message, valueStart..<valueEnd) {
        return Found(level: level, range: valueStart..<valueEnd)
      }
    }
    return nil
  }

  /// The first word that is a level and looks like one.
  private static func word(_ message: Span<UInt8>, _ start: Int, _ end: Int) -> Found? {
    var at = start
    var isFirst = true
    // A word may begin here although a letter, the end of a colour sequence, stands in front.
    var border = start
    while at < end {
      guard LevelWord.isLetter(message[at]) else {
        let length = LevelWord.sgrLength(message, at, end)
        at += length
        if length > 1 { border = at }
        continue
      }
      let first = at
      var isCapital = true
      while at < end, LevelWord.isWordByte(message[at]) {
        if message[at] >= 0x61, message[at] <= 0x7A { isCapital = false }
        at += 1
      }
      let stands = first == border || !LevelWord.isWordByte(message[first - 1])
      let isAtStart = isFirst
      isFirst = false
      guard stands, at - first >= 3, at - first <= 11,
        let level = LevelWord.level(message, first..<at)
      else { continue }
      let before = first > start ? message[first - 1] : 0x20
      let after = at < message.count ? message[at] : 0x20
      let isBracketed =
        before == 0x5B && after == 0x5D || before == 0x3C && after == 0x3E
        || before == 0x28 && after == 0x29
      let isOpening = isAtStart && (level == .error || level == .warn)
      if isCapital || isBracketed || after == 0x3A || isOpening {
        return Found(level: level, range: first..<at)
      }
    }
    return nil
  }
}

/// Which of the levels are wanted.
package struct LogLevelSet: OptionSet, Sendable, Equatable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package init(_ level: LogLevel) { self.init(rawValue: 1 << level.rawValue) }

  /// The level and every more serious one.
  package init(from level: LogLevel) {
    self.init(LogLevel.allCases.filter { $0 >= level }.map { LogLevelSet($0) })
  }

  package func contains(_ level: LogLevel) -> Bool { contains(LogLevelSet(level)) }
}

/// The words for levels, and the bytes that make words.
enum LevelWord {
  /// The level that the word in `range` names, in any case.
  static func level(_ text: Span<UInt8>, _ range: Range<Int>) -> LogLevel? {
    guard range.count >= 3, range.count <= 11 else { return nil }
    // What begins with none of these letters is told apart by one look.
    func named(_ word: StaticString) -> Bool { equals(text, range, word) }
    switch text[range.lowerBound] | 0x20 {
    case 0x65:
      if named("error") || named("err") { return .error }
      return named("emerg") || named("emergency") ? .fatal : nil
    case 0x69: return named("info") || named("inf") || named("information") ? .info : nil
    case 0x77: return named("warn") || named("warning") || named("wrn") ? .warn : nil
    case 0x64: return named("debug") || named("dbg") ? .debug : nil
    case 0x74: return named("trace") || named("trc") ? .trace : nil
    case 0x66: return named("fatal") || named("ftl") ? .fatal : nil
    case 0x63: return named("critical") || named("crit") ? .fatal : nil
    case 0x70: return named("panic") ? .fatal : nil
    case 0x61: return named("alert") ? .fatal : nil
    case 0x6E: return named("notice") ? .info : nil
    case 0x73: return named("severe") ? .error : nil
    case 0x76: return named("verbose") ? .trace : nil
    default: return nil
    }
  }

  static func isKey(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    switch range.count {
    case 3: equals(text, range, "lvl")
    case 5: equals(text, range, "level")
    case 8: equals(text, range, "severity") || equals(text, range, "loglevel")
    case 9: equals(text, range, "levelname") || equals(text, range, "log.level")
    case 12: equals(text, range, "severitytext")
    case 13: equals(text, range, "severity_text")
    default: false
    }
  }

  /// `word` is in small letters; the text may be in any.
  private static func equals(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    _ word: StaticString
  ) -> Bool {
    Bytes.equal(text.extracting(range), ignoringCaseOf: word)
  }

  static func syslog(_ severity: Int) -> LogLevel {
    switch severity {
    case ...2: .fatal
    case 3: .error
    case 4: .warn
    case 5, 6: .info
    default: .debug
    }
  }

  static func digit(_ byte: UInt8) -> Int? {
    byte >= 0x30 && byte <= 0x39 ? Int(byte) - 0x30 : nil
  }

  static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }

  /// What a word goes on with: `ERROR_CODE` and `error2` are no levels.
  static func isWordByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || digit(byte) != nil || byte == 0x5F || byte >= 0x80
  }

  /// The length of the colour sequence at `at`, whose final `m` is no word; else 1.
  static func sgrLength(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
    guard text[at] == 0x1B, at + 1 < end, text[at + 1] == 0x5B else { return 1 }
    var next = at + 2
    while next < end, digit(text[next]) != nil || text[next] == 0x3B { next += 1 }
    return next < end && text[next] == 0x6D ? next + 1 - at : 1
  }
}

/// The level that a JSON object has at its top level.
enum LevelMember {
  static func find(_ text: Span<UInt8>, from start: Int) -> LogLevel.Found? {
    var at = start + 1
    var depth = 1
    // Strings at odd turns of the top level are keys: a colon follows them.
    while at < text.count {
      switch text[at] {
      case 0x22:
        guard let end = stringEnd(text, at) else { return nil }
        let name = (at + 1)..<(end - 1)
        at = skipBlank(text, end)
        guard depth == 1, at < text.count, text[at] == 0x3A else { continue }
        at = skipBlank(text, at + 1)
        if LevelWord.isKey(text, name) { return value(text, at) }
      case 0x7B, 0x5B:
        depth += 1
        at += 1
      case 0x7D, 0x5D:
        depth -= 1
        if depth == 0 { return nil }
        at += 1
      default: at += 1
      }
    }
    return nil
  }

  private static func value(_ text: Span<UInt8>, _ start: Int) -> LogLevel.Found? {
    guard start < text.count else { return nil }
    var range = start..<start
    if text[start] == 0x22 {
      guard let end = stringEnd(text, start) else { return nil }
      range = (start + 1)..<(end - 1)
      if let level = LevelWord.level(text, range) {
        return LogLevel.Found(level: level, range: range)
      }
    } else {
      var end = start
      while end < text.count, LevelWord.digit(text[end]) != nil { end += 1 }
      range = start..<end
    }
    guard !range.isEmpty, range.count <= 3 else { return nil }
    var number = 0
    for at in range {
      guard let digit = LevelWord.digit(text[at]) else { return nil }
      number = number * 10 + digit
    }
    return level(number).map { LogLevel.Found(level: $0, range: range) }
  }

  /// syslog and GELF count from 0 to 7, pino and bunyan in tens.
  private static func level(_ number: Int) -> LogLevel? {
    switch number {
    case ..<8: LevelWord.syslog(number)
    case 10..<20: .trace
    case 20..<30: .debug
    case 30..<40: .info
    case 40..<50: .warn
    case 50..<60: .error
    case 60...: .fatal
    default: nil
    }
  }

  /// The index after the closing quote of the string at `start`.
  private static func stringEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
    var at = start + 1
    while let quote = Bytes.firstIndex(of: 0x22, in: text, from: at) {
      var backslashes = 0
      while quote - 1 - backslashes > start, text[quote - 1 - backslashes] == 0x5C {
        backslashes += 1
      }
      if backslashes % 2 == 0 { return quote + 1 }
      at = quote + 1
    }
    return nil
  }

  private static func skipBlank(_ text: Span<UInt8>, _ start: Int) -> Int {
    var at = start
    while at < text.count, text[at] == 0x20 || text[at] == 0x09 || text[at] == 0x0A { at += 1 }
    return at
  }
}
