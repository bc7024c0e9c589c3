/// Reads `[ip, user, ..., request = *.html*, status = 404 || status = 410, bytes > 1000]`.
struct DelimitedPatternParser {
  private var comparisons = ComparisonParser()

  /// Takes the pattern whose opening bracket is at the cursor's place.
  static func parse(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> DelimitedPattern {
    var parser = DelimitedPatternParser()
    let open = cursor.at
    cursor.at += 1
    var slots: [DelimitedPattern.Slot] = []
    var hasEllipsis = false
    cursor.skipBlanks()
    if cursor.take("]") { return DelimitedPattern(slots: []) }
    while true {
      cursor.skipBlanks()
      let start = cursor.at
      let slot = try parser.slot(&cursor)
      if slot == .ellipsis {
        guard !hasEllipsis else {
          throw cursor.failure(
            "a pattern has one `...` at most",
            at: start..<(start + 3),
            hint: "name the fields in one of the two places"
          )
        }
        hasEllipsis = true
      }
      slots.append(slot)
      cursor.skipBlanks()
      if cursor.take(",") { continue }
      if cursor.take("]") { return DelimitedPattern(slots: slots) }
      throw parser.stray(cursor, open: open, slot)
    }
  }

  private mutating func slot(
    _ cursor: inout PatternCursor
  ) throws(QueryDiagnostic) -> DelimitedPattern.Slot {
    if cursor.take("...") { return .ellipsis }
    let start = cursor.at
    guard let name = name(&cursor) else {
      guard ComparisonParser.isOperator(cursor) else {
        return .field(name: nil, condition: nil)
      }
      throw cursor.failure(
        "a condition needs the name of its field",
        at: cursor.at,
        hint: "write a name before \(cursor.shown)"
      )
    }
    if let next = cursor.peek(), !Self.endsName(next) {
      throw cursor.failure(
        "\(cursor.shown) cannot stand in a field's name",
        at: cursor.at,
        hint: "names hold letters, digits and _; a value stands behind ="
      )
    }
    cursor.skipBlanks()
    guard ComparisonParser.isOperator(cursor) else { return .field(name: name, condition: nil) }
    var alternatives = [[try comparisons.comparison(&cursor, subject: name)]]
    while true {
      cursor.skipBlanks()
      let isOr = cursor.starts(with: "||")
      guard cursor.take("||") || cursor.take("&&") else { break }
      let next = try repeated(name, &cursor)
      if isOr {
        alternatives.append([next])
      } else {
        alternatives[alternatives.count - 1] += [next]
      }
    }
    precondition(cursor.at > start)
    return .field(name: name, condition: SlotCondition(alternatives: alternatives))
  }

  /// A further comparison of a slot, which names the same field again.
  private mutating func repeated(
    _ name: String,
    _ cursor: inout PatternCursor
  ) throws(QueryDiagnostic) -> Comparison {
    cursor.skipBlanks()
    let start = cursor.at
    guard let again = self.name(&cursor) else {
      throw cursor.failure(
        "the field's name is missing before \(cursor.shown)",
        at: start,
        hint: "write it again: \(name) = 1 || \(name) = 2"
      )
    }
    // Names are compared without regard to case: an AWS example writes w1 and W1.
    guard again.lowercased() == name.lowercased() else {
      throw cursor.failure(
        "a condition may name only its own field, `\(name)`",
        at: start..<cursor.at,
        hint: "put the condition on `\(again)` where that field stands in the list"
      )
    }
    cursor.skipBlanks()
    return try comparisons.comparison(&cursor, subject: name)
  }

  private func name(_ cursor: inout PatternCursor) -> String? {
    let start = cursor.at
    guard let first = cursor.peek(), PatternCursor.isWord(first), !PatternCursor.isDigit(first)
    else { return nil }
    while let next = cursor.peek(), PatternCursor.isWord(next) { cursor.at += 1 }
    return cursor.string(start..<cursor.at)
  }

  private static func endsName(_ scalar: Unicode.Scalar) -> Bool {
    PatternCursor.isBlank(scalar) || [",", "]", "=", "!", "<", ">"].contains(scalar)
  }

  private func stray(
    _ cursor: PatternCursor,
    open: Int,
    _ slot: DelimitedPattern.Slot
  ) -> QueryDiagnostic {
    guard let next = cursor.peek() else {
      return cursor.failure("this `[` is not closed", at: open, hint: "add a ] at the end")
    }
    switch next {
    case "&", "|":
      return cursor.failure("a single `\(next)`", at: cursor.at, hint: "write \(next)\(next)")
    case "(", ")":
      return cursor.failure(
        "a space-delimited pattern has no parentheses",
        at: cursor.at,
        hint: "&& binds tighter than ||"
      )
    case ".":
      return cursor.failure("an ellipsis is three dots", at: cursor.at, hint: "write ...")
    default:
      return cursor.failure(
        "\(cursor.shown) does not go on from here",
        at: cursor.at,
        hint: "put a comma between two fields, and quotes around a value with blanks"
      )
    }
  }
}
