/// The functions of one value or row; names are written in any case.
package enum InsightsFunction: String, Sendable, CaseIterable {
  // Time.
  case bin, dateceil, datefloor, formatDate, fromMillis, now, parseDate, queryEndTime
  case queryStartTime, queryTimeRange, strftime, toMillis
  // Numbers.
  case abs, ceil, floor, greatest, haversine, histogram, least, log, round, sqrt
  case toDouble, toInt, toLong, toNumber
  // Anything.
  case `case`, coalesce, `if`, isNumeric, isPresent = "ispresent", messageSize, unmask
  // Texts.
  case base64Decode = "base64decode", base64Encode = "base64encode", concat, decToHex, endsWith
  case hexToAscii, hexToDec, isBlank = "isblank", isEmpty = "isempty", ltrim, md5, regexReplace
  case replace, rtrim, sha256, split, startsWith, strcontains, strlen, substr, tolower, toupper
  case trim, urlDecode = "urldecode", urlEncode = "urlencode"
  // Addresses.
  case ipv4ToNumber, isIpInSubnet, isIpv4InSubnet, isIpv6InSubnet, isPrivateIP, isPublicIP
  case isReservedIP, isValidIp, isValidIpV4, isValidIpV6
  // JSON.
  case jsonArrayContains, jsonArraySize, jsonParse, jsonStringify

  private static let byName = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.rawValue.lowercased(), $0) }
  )

  package init?(name: String) {
    guard let found = Self.byName[name.lowercased()] else { return nil }
    self = found
  }

  /// How many arguments it takes.
  package var arguments: ClosedRange<Int> {
    switch self {
    case .now, .queryEndTime, .queryStartTime, .queryTimeRange: 0...0
    case .bin, .ltrim, .rtrim, .trim, .round: 1...2
    case .dateceil, .datefloor, .histogram, .endsWith, .startsWith, .split: 2...2
    case .isIpInSubnet, .isIpv4InSubnet, .isIpv6InSubnet, .jsonArrayContains: 2...2
    case .formatDate, .parseDate, .strftime, .strcontains, .substr: 2...3
    case .if, .regexReplace, .replace: 3...3
    case .haversine: 4...4
    // Ten branches of a condition and a value, and a default.
    case .case: 2...21
    case .coalesce, .concat, .greatest, .least: 1...255
    default: 1...1
    }
  }

  /// The argument that is a period of time; `bin` takes it alone or after a time.
  func isPeriod(argument: Int, of count: Int) -> Bool {
    switch self {
    case .bin: argument == count - 1
    case .dateceil, .datefloor: argument == 1
    default: false
    }
  }
}

/// The functions over the rows of a group; they stand in `stats` only.
package enum InsightsAggregate: String, Sendable, CaseIterable {
  /// `count()` and `count(*)` count rows, `count(x)` those where `x` is present.
  case count
  case sum, avg, min, max
  /// `pct(x, p)`: the percentile `p` from 0 to 100.
  case pct
  case median, stddev
  case countDistinct = "count_distinct"
  /// The value of the row with the smallest and the largest timestamp.
  case earliest, latest
  /// The first and the last value in the order of `sort`.
  case sortsFirst, sortsLast

  private static let byName = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.rawValue.lowercased(), $0) }
  )

  package init?(name: String) {
    guard let found = Self.byName[name.lowercased()] else { return nil }
    self = found
  }

  /// How many arguments it takes; `*` counts as none.
  package var arguments: ClosedRange<Int> {
    switch self {
    case .count: 0...1
    case .pct: 2...2
    default: 1...1
    }
  }
}
