/// Reads sizes such as `20GB`, `1MiB` and `4096`, and parts such as `5%`.
enum ByteSize {
  /// Bytes; decimal units are powers of 1,000 and binary ones powers of 1,024.
  ///
  /// Fractions are taken with a unit (`1.5GB`). Nil when the text is not a size or does not fit.
  static func parse(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text[digits.endIndex...].drop { $0 == " " }
    guard let factor = factor(of: unit.lowercased()) else { return nil }
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let whole = Int64(first) else { return nil }
    let (scaled, overflow) = whole.multipliedReportingOverflow(by: factor)
    if overflow { return nil }
    guard parts.count == 2 else { return scaled }
    guard factor > 1, (1...6).contains(parts[1].count), let fraction = Int64(parts[1]) else {
      return nil
    }
    var scale: Int64 = 1
    for _ in 0..<parts[1].count { scale *= 10 }
    // The remainder is kept apart: `factor * fraction` would overflow for large units.
    let addition = factor / scale * fraction + factor % scale * fraction / scale
    let (sum, tooLarge) = scaled.addingReportingOverflow(addition)
    return tooLarge ? nil : sum
  }

  /// Hundredths of a percent: `5%` is 500.
  ///
  /// Nil unless the text is more than 0 and at most 100 %.
  static func parsePercent(_ text: String) -> Int? {
    guard text.hasSuffix("%") else { return nil }
    var number = text.dropLast()
    while number.last == " " { number.removeLast() }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let first = parts.first, isDigits(first), first.count <= 3,
      let whole = Int(first)
    else { return nil }
    var hundredths = whole * 100
    if parts.count == 2 {
      guard isDigits(parts[1]), parts[1].count <= 2, let fraction = Int(parts[1]) else {
        return nil
      }
      hundredths += parts[1].count == 1 ? fraction * 10 : fraction
    }
    return (1...10_000).contains(hundredths) ? hundredths : nil
  }

  /// The shortest exact form: `1MiB`, `20GB`, `1500`.
  static func format(_ bytes: Int64) -> String {
    let units: [(String, Int64)] = [
      ("TiB", 1 << 40), ("TB", 1_000_000_000_000), ("GiB", 1 << 30), ("GB", 1_000_000_000),
      ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1_000),
    ]
    for (unit, factor) in units where bytes >= factor && bytes % factor == 0 {
      return "\(bytes / factor)\(unit)"
    }
    return "\(bytes)"
  }

  private static func isDigits(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  private static func factor(of unit: String) -> Int64? {
    switch unit {
    case "", "b": 1
    case "k", "kb": 1_000
    case "m", "mb": 1_000_000
    case "g", "gb": 1_000_000_000
    case "t", "tb": 1_000_000_000_000
    case "ki", "kib": 1 << 10
    case "mi", "mib": 1 << 20
    case "gi", "gib": 1 << 30
    case "ti", "tib": 1 << 40
    default: nil
    }
  }
}
