/// Durations as configurations write them: `24h`, `90m`, `30s`, `7d`.
package enum DurationText {
  private static let units: [(suffix: String, seconds: Int)] = [
    ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1),
  ]

  /// Seconds; nil when it is not a whole number with one of the units.
  package static func parse(_ text: String) -> Int? {
    guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
    let digits = text.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(digits)
    else { return nil }
    let (seconds, isOverflow) = number.multipliedReportingOverflow(by: unit.seconds)
    return isOverflow ? nil : seconds
  }

  /// In the largest unit that needs no fraction; a day stays 24h.
  package static func format(_ seconds: Int) -> String {
    if seconds == 86_400 { return "24h" }
    let unit = units.first { seconds % $0.seconds == 0 && seconds >= $0.seconds } ?? ("s", 1)
    return "\(seconds / unit.seconds)\(unit.suffix)"
  }
}
