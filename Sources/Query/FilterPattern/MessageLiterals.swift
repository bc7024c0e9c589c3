internal import Platform
internal import Store

/// What every message that a pattern matches holds, for skipping blocks and messages unread.
struct MessageLiterals: Sendable {
  /// Byte strings of which such a message holds at least one.
  struct Clause: Sendable {
    /// How to look for them in messages.
    var needles: [[UInt8]]
    /// How to ask a block's filter.
    var probe: NeedleProbe
    /// The length of the shortest needle that is worth something; 0 for what most messages have.
    var weight: Int
  }

  private(set) var clauses: [Clause] = []

  /// More needles than this are not searched for one by one.
  private static let needlesMax = 8

  init(_ pattern: FilterPattern) {
    switch pattern {
    case .all: break
    case .terms(let terms):
      clauses = terms.required.map { Self.clause(text: $0) }
      if !terms.anyOf.isEmpty {
        clauses.append(Self.union(terms.anyOf.map { Self.clause(text: $0) }))
      }
    case .regex(let regex):
      clauses = Self.clauses(of: regex) { Self.clause(text: $0) }
    case .json(let condition): clauses = Self.clauses(of: condition)
    case .delimited(let pattern):
      for case .field(_, let condition?) in pattern.slots {
        clauses += Self.either(condition.alternatives.map { all in all.flatMap(Self.clauses) })
      }
    }
  }

  /// The clause to search messages by, if one is worth it.
  var driver: Clause? {
    let usable = clauses.filter { $0.needles.count <= Self.needlesMax }
    return usable.max { $0.weight < $1.weight }
  }

  // MARK: JSON

  private static func clauses(of condition: JSONCondition) -> [Clause] {
    switch condition {
    case .all(let parts): parts.flatMap { clauses(of: $0) }
    case .any(let parts): either(parts.map { clauses(of: $0) })
    case .test(_, .notExists): []
    case .test(let selector, let test): names(of: selector) + values(of: test)
    }
  }

  /// The property names on the way, each with its quotes.
  private static func names(of selector: JSONSelector) -> [Clause] {
    selector.steps.compactMap { step in
      guard case .name(let name) = step, !name.isEmpty else { return nil }
      var clause = jsonClause(text: name, isOpenAtStart: false, isOpenAtEnd: false)
      if clause.needles[0] == name { clause.needles[0] = [0x22] + name + [0x22] }
      // Most messages that are searched for a property have it.
      clause.weight = 0
      return clause
    }
  }

  private static func values(of test: JSONTest) -> [Clause] {
    guard case .compare(let comparison) = test, comparison.operation == .equal else { return [] }
    switch comparison.operand {
    // The same number can be written in many ways.
    case .number: return []
    case .text(let text):
      guard !text.literal.isEmpty else { return [] }
      return [
        jsonClause(
          text: text.literal,
          isOpenAtStart: text.isOpenAtStart,
          isOpenAtEnd: text.isOpenAtEnd
        )
      ]
    case .regex(let regex):
      return clauses(of: regex) { jsonClause(text: $0, isOpenAtStart: true, isOpenAtEnd: true) }
    }
  }

  /// Text that stands in a JSON string, raw or with escapes.
  ///
  /// Printable ASCII has, besides itself, only `\u00..`, and the slash `\/`; other characters may
  /// be any escape of `\u`. Quotes, backslashes and controls are always escaped somehow.
  static func jsonClause(
    text: [UInt8],
    isOpenAtStart: Bool,
    isOpenAtEnd: Bool
  ) -> Clause {
    var needles = [text]
    if text.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
      needles = [[0x5C]]
    } else {
      needles.append(Array((text.contains { $0 >= 0x80 } ? "\\u" : "\\u00").utf8))
      if text.contains(0x2F) { needles.append(Array("\\/".utf8)) }
    }
    // In what is escaped by a letter, such as \n, that letter joins the token behind it.
    var parts: [[UInt8]] = [isOpenAtStart ? [] : [0x22]]
    for byte in text {
      if byte >= 0x20 && byte < 0x80 {
        parts[parts.count - 1].append(byte)
      } else {
        parts[parts.count - 1].append(0x22)
        parts.append([])
      }
    }
    if !isOpenAtEnd { parts[parts.count - 1].append(0x22) }
    return Clause(
      needles: needles,
      probe: NeedleProbe(parts: parts, mayBeEscaped: true),
      weight: needles[0].count
    )
  }

  // MARK: space-delimited

  private static func clauses(of comparison: Comparison) -> [Clause] {
    guard comparison.operation == .equal else { return [] }
    switch comparison.operand {
    case .number: return []
    case .regex(let regex): return clauses(of: regex) { clause(text: $0) }
    case .text(let text):
      guard !text.literal.isEmpty else { return [] }
      // A field ends at a blank, a quote, a bracket or where the message does.
      let bounded =
        (text.isOpenAtStart ? [] : [0x20]) + text.literal + (text.isOpenAtEnd ? [] : [0x20])
      var clause = clause(text: text.literal)
      clause.probe = NeedleProbe(parts: [bounded])
      return [clause]
    }
  }

  // MARK: pieces

  static func clause(text: [UInt8]) -> Clause {
    Clause(needles: [text], probe: NeedleProbe(parts: [text]), weight: text.count)
  }

  private static func clauses(
    of regex: FilterRegex,
    _ make: ([UInt8]) -> Clause
  ) -> [Clause] {
    regex.pattern.literals.clauses.map { union($0.map(make)) }
  }

  /// What holds when one of several lists of clauses does: the best of each together.
  static func either(_ lists: [[Clause]]) -> [Clause] {
    if lists.count == 1 { return lists[0] }
    var best: [Clause] = []
    for list in lists {
      guard let clause = list.max(by: { $0.weight < $1.weight }) else { return [] }
      best.append(clause)
    }
    return [union(best)]
  }

  static func union(_ clauses: [Clause]) -> Clause {
    var needles: [[UInt8]] = []
    for needle in clauses.flatMap(\.needles) where !needles.contains(needle) {
      needles.append(needle)
    }
    return Clause(
      needles: needles,
      probe: NeedleProbe(anyOf: clauses.map(\.probe)),
      weight: clauses.map(\.weight).min() ?? 0
    )
  }
}
