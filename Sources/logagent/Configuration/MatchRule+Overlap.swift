/// Which rules are sure to fit the same containers.
extension MatchRule {
  /// Every container that fits `other` fits this rule as well.
  ///
  /// Never says so wrongly; overlaps that only certain containers show are not found.
  func covers(_ other: MatchRule) -> Bool {
    Self.covers(labels, other.labels, Self.coversLabel)
      && Self.covers(compose, other.compose, Self.coversCompose)
      && Self.covers(names, other.names, { $0.covers($1) })
      && Self.covers(images, other.images, Self.coversImage)
  }

  /// What a rule does not name it leaves open.
  private static func covers(
    _ wide: [Glob],
    _ narrow: [Glob],
    _ covers: (Glob, Glob) -> Bool
  ) -> Bool {
    if wide.isEmpty { return true }
    return !narrow.isEmpty && narrow.allSatisfy { one in wide.contains { covers($0, one) } }
  }

  /// `name` is `name=value` too.
  private static func coversLabel(_ wide: Glob, _ narrow: Glob) -> Bool {
    if wide.pattern.contains("=") { return narrow.pattern.contains("=") && wide.covers(narrow) }
    return wide.covers(Glob(String(narrow.pattern.prefix { $0 != "=" })))
  }

  /// `service` is the service of any project.
  private static func coversCompose(_ wide: Glob, _ narrow: Glob) -> Bool {
    func whole(_ glob: Glob) -> Glob { glob.pattern.contains("/") ? glob : Glob("*/\(glob)") }
    return whole(wide).covers(whole(narrow))
  }

  private static func coversImage(_ wide: Glob, _ narrow: Glob) -> Bool {
    wide.covers(narrow) || fits(wide, image: narrow.pattern) && !wide.pattern.contains("?")
  }
}

extension Glob {
  /// Every text that `other` matches this one matches: its stars are texts of their own, which only
  /// a star of this one can stand for.
  func covers(_ other: Glob) -> Bool {
    if self == other { return true }
    if pattern.contains("?"), other.pattern.contains("*") { return false }
    return matches(other.pattern)
  }
}
