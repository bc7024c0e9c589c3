internal import LogModel
internal import Platform

extension ValueReader {
  /// How long logs are kept: whole days, a duration such as `12h`, or `forever`.
  mutating func retention(_ entry: YAMLEntry) -> RetentionPeriod? {
    let expected = RetentionPeriod.allowedWords
    if case .scalar(let scalar) = entry.value.content, case .integer(let found) = scalar.value {
      if let days = Int(exactly: found), days > 0, RetentionPeriod.days(days).isAllowed {
        return .days(days)
      }
      error(entry.value.range, "`\(entry.key)` must be \(expected), found \(found)")
      return nil
    }
    guard let text = retentionText(entry) else {
      mismatch(entry, expected, help: retentionHelp(entry))
      return nil
    }
    guard let period = RetentionPeriod(text), period.isAllowed else {
      let high = Limits.retentionDaysMax
      let low = DurationText.format(Limits.retentionSecondsMin)
      error(entry.value.range, "`\(entry.key)` must be from \(low) to \(high)d, or `forever`")
      return nil
    }
    return period
  }

  /// The text of a duration or `forever`, whatever its length; a number in quotes is none.
  func retentionText(_ entry: YAMLEntry) -> String? {
    guard case .scalar(let scalar) = entry.value.content, case .string(let text) = scalar.value,
      RetentionPeriod(text) != nil, Int(text) == nil
    else { return nil }
    return text
  }

  private func retentionHelp(_ entry: YAMLEntry) -> String? {
    guard case .scalar(let scalar) = entry.value.content else { return nil }
    switch scalar.value {
    case .float: return "write a part of a day as `12h`"
    case .string(let text):
      if Int(text) != nil { return "remove the quotes" }
      if NearestName.find(text, among: ["forever"]) != nil { return "did you mean `forever`?" }
      return "write it as `30`, `30d`, `12h`, `90m` or `forever`"
    case .null, .bool, .integer: return nil
    }
  }
}

extension RetentionPeriod {
  /// What a configuration and a label may say.
  static let allowedWords =
    "a number of days from 1 to \(Limits.retentionDaysMax), a duration such as `12h`, or `forever`"

  var isAllowed: Bool {
    self == .forever
      || seconds >= Int64(Limits.retentionSecondsMin) && self <= .days(Limits.retentionDaysMax)
  }
}
