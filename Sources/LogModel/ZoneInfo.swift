internal import Platform

/// A time zone of the tz database, as offsets from UTC.
///
/// Read from the file once; unlike `TZ` and tzset(3) it changes nothing for the rest of the
/// process. A value, safe from any thread.
package struct ZoneInfo: Sendable {
  /// UTC seconds from which on the offset of the same index holds, ascending.
  private let transitions: [Int64]
  private let offsets: [Int64]
  /// The offset in front of the first transition.
  private let first: Int64
  /// What holds behind the last transition; nil: its offset goes on.
  private let rule: ZoneRule?

  private static let fileBytesMax = 1_048_576

  /// A zone by its name (`Europe/Berlin`), `UTC`, or a fixed offset (`+02:00`, `-0530`, `+9`).
  ///
  /// Nil when there is no such zone in `directory`.
  package init?(named name: String, directory: String = "/usr/share/zoneinfo") {
    if name == "UTC" || name == "Z" {
      self.init(fixed: 0)
      return
    }
    if let seconds = Self.fixedOffset(name) {
      self.init(fixed: seconds)
      return
    }
    let isName = name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2B, 0x2F: true
      default: false
      }
    }
    guard isName, !name.isEmpty, !name.hasPrefix("/"), name.utf8.count <= 64,
      // Silence is right: what cannot be read is no zone, and the caller says so.
      let bytes = try? FileSystem.read(directory + "/" + name, atMost: Self.fileBytesMax),
      let zone = Self.parse(bytes)
    else { return nil }
    self = zone
  }

  package init(fixed seconds: Int64) {
    self.init(transitions: [], offsets: [], first: seconds, rule: nil)
  }

  private init(transitions: [Int64], offsets: [Int64], first: Int64, rule: ZoneRule?) {
    self.transitions = transitions
    self.offsets = offsets
    self.first = first
    self.rule = rule
  }

  /// Seconds east of UTC at a moment.
  package func offsetSeconds(atEpochSecond second: Int64) -> Int64 {
    guard let last = transitions.last else { return rule?.offset(at: second) ?? first }
    if second >= last, let rule { return rule.offset(at: second) }
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= second { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? first : offsets[low - 1]
  }

  private static func fixedOffset(_ name: String) -> Int64? {
    guard let sign = name.first, sign == "+" || sign == "-" else { return nil }
    let parts = name.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
    var digits = parts.joined()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ LevelWord.digit($0) != nil }),
      digits.count <= 4, parts.count <= 2
    else { return nil }
    if digits.count <= 2 { digits += "00" }
    guard let value = Int64(digits), value / 100 <= 15, value % 100 < 60 else { return nil }
    let seconds = value / 100 * 3_600 + value % 100 * 60
    return sign == "-" ? -seconds : seconds
  }

  // MARK: the file

  /// TZif version 2 or later: the second block, with 64-bit times, and the rule behind it.
  private static func parse(_ bytes: [UInt8]) -> ZoneInfo? {
    guard let old = Header(bytes, at: 0), old.version >= 0x32,
      let header = Header(bytes, at: Header.byteCount + old.bodyBytes(timeBytes: 4))
    else { return nil }
    var at = Header.byteCount + old.bodyBytes(timeBytes: 4) + Header.byteCount
    let end = at + header.bodyBytes(timeBytes: 8)
    guard end <= bytes.count, header.types > 0 else { return nil }
    func integer(_ at: Int, _ count: Int) -> UInt64 {
      bytes[at..<(at + count)].reduce(0) { $0 << 8 | UInt64($1) }
    }
    var transitions: [Int64] = []
    for index in 0..<header.times {
      transitions.append(Int64(bitPattern: integer(at + index * 8, 8)))
    }
    at += header.times * 8
    let kinds = bytes[at..<(at + header.times)]
    at += header.times
    var types: [Int64] = []
    for index in 0..<header.types {
      types.append(Int64(Int32(bitPattern: UInt32(integer(at + index * 6, 4)))))
    }
    guard kinds.allSatisfy({ Int($0) < types.count }),
      transitions == transitions.sorted()
    else { return nil }
    var footer = bytes[end...]
    guard footer.first == 0x0A else { return nil }
    footer = footer.dropFirst().prefix { $0 != 0x0A }
    return ZoneInfo(
      transitions: transitions,
      offsets: kinds.map { types[Int($0)] },
      first: types[0],
      rule: footer.isEmpty ? nil : ZoneRule(String(decoding: footer, as: UTF8.self))
    )
  }

  /// The counts at the head of each of a file's two blocks.
  private struct Header {
    static let byteCount = 44
    let version: UInt8
    let utcFlags: Int
    let standardFlags: Int
    let leaps: Int
    let times: Int
    let types: Int
    let characters: Int

    init?(_ bytes: [UInt8], at start: Int) {
      guard start >= 0, start + Self.byteCount <= bytes.count,
        bytes[start..<(start + 4)].elementsEqual("TZif".utf8)
      else { return nil }
      version = bytes[start + 4]
      let counts = (0..<6).map { index -> Int in
        let at = start + 20 + index * 4
        return bytes[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) }
      }
      // No count can be larger than the file.
      guard counts.allSatisfy({ $0 <= bytes.count }) else { return nil }
      (utcFlags, standardFlags, leaps) = (counts[0], counts[1], counts[2])
      (times, types, characters) = (counts[3], counts[4], counts[5])
    }

    func bodyBytes(timeBytes: Int) -> Int {
      times * timeBytes + times + types * 6 + characters + leaps * (timeBytes + 4)
        + standardFlags + utcFlags
    }
  }
}
