extension JSONPatternParser {
  /// Takes `$.a.b[0]`, `$.a[*]`, `$.*`, `$.['a.b']`.
  func selector(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> JSONSelector {
    let start = cursor.at
    guard cursor.take("$") else { throw noSelector(cursor) }
    guard cursor.peek() == "." else {
      throw cursor.failure(
        "a selector begins with `$.`",
        at: start..<min(cursor.at + 1, cursor.scalars.count),
        hint: cursor.peek() == "[" ? "write $.['name']" : "write $.name"
      )
    }
    var selector = JSONSelector(steps: [])
    while true {
      let place = cursor.at
      if cursor.take(".") {
        selector.steps.append(try member(&cursor, dot: place))
      } else if cursor.peek() == "[" {
        selector.steps.append(try element(&cursor))
      } else {
        return selector
      }
      guard selector.wildcards <= 1 else {
        throw cursor.failure(
          "a selector has at most one wildcard",
          at: place..<cursor.at,
          hint: "name the property or the element in one of the two places"
        )
      }
    }
  }

  /// What stands behind a dot.
  private func member(
    _ cursor: inout PatternCursor,
    dot: Int
  ) throws(QueryDiagnostic) -> JSONSelector.Step {
    if cursor.take("*") { return .anyMember }
    if cursor.take("['") {
      let first = cursor.at
      while !cursor.isAtEnd, !cursor.starts(with: "']") { cursor.at += 1 }
      let name = cursor.string(first..<cursor.at)
      guard cursor.take("']") else {
        throw cursor.failure("this name is not closed", at: first - 2, hint: "add '] behind it")
      }
      return .name(Array(name.utf8))
    }
    let first = cursor.at
    while let next = cursor.peek(), Self.isName(next) { cursor.at += 1 }
    let name = cursor.string(first..<cursor.at)
    if !name.isEmpty, let next = cursor.peek(), !Self.endsName(next) {
      throw special(cursor, first)
    }
    guard name.isEmpty else { return .name(Array(name.utf8)) }
    switch cursor.peek() {
    case "[":
      throw cursor.failure(
        "an index has no property before it",
        at: cursor.at,
        hint: cursor.peek(1) == "\""
          ? "names are in single quotes: $.['name']" : "write $.name[0]"
      )
    case nil, "=", "!", "<", ">", ")", "}", "&", "|", ".":
      throw cursor.failure(
        "a name is missing behind the dot",
        at: dot,
        hint: "write $.name, or $.* for any property"
      )
    case .some(let next) where PatternCursor.isBlank(next):
      throw cursor.failure(
        "a name is missing behind the dot",
        at: dot,
        hint: "write $.name, or $.* for any property"
      )
    default: throw special(cursor, first)
    }
  }

  /// A name with a character that needs the quoted form.
  private func special(_ cursor: PatternCursor, _ first: Int) -> QueryDiagnostic {
    var end = cursor.at
    while end < cursor.scalars.count, !PatternCursor.isBlank(cursor.scalars[end]),
      !["=", "!", "<", ">", ")", "}", "[", "&", "|", "."].contains(cursor.scalars[end])
    { end += 1 }
    let name = cursor.string(first..<end)
    return cursor.failure(
      "\(cursor.shown) cannot stand in a name as it is",
      at: cursor.at,
      hint: "write .['\(name)']"
    )
  }

  /// `[0]` or `[*]`.
  private func element(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> JSONSelector.Step {
    let open = cursor.at
    cursor.at += 1
    if cursor.take("*") {
      guard cursor.take("]") else { throw unclosed(cursor, open) }
      return .anyElement
    }
    let first = cursor.at
    while let next = cursor.peek(), PatternCursor.isDigit(next) { cursor.at += 1 }
    let digits = cursor.string(first..<cursor.at)
    guard !digits.isEmpty else {
      throw cursor.failure(
        "an index is a number from 0 on, or *",
        at: open..<min(cursor.at + 1, cursor.scalars.count),
        hint: cursor.peek() == "'" || cursor.peek() == "\""
          ? "a name in brackets has a dot before it: .['name']" : "write [0] or [*]"
      )
    }
    guard let index = Int(digits), index <= Int(Int32.max) else {
      throw cursor.failure("this index is too large", at: first..<cursor.at)
    }
    guard cursor.take("]") else { throw unclosed(cursor, open) }
    return .index(index)
  }

  private func unclosed(_ cursor: PatternCursor, _ open: Int) -> QueryDiagnostic {
    cursor.failure("this bracket is not closed", at: open, hint: "write [0] or [*]")
  }

  /// Something else stands where a selector should.
  private func noSelector(_ cursor: PatternCursor) -> QueryDiagnostic {
    guard let next = cursor.peek() else {
      return cursor.failure(
        "a condition is missing at the end",
        at: cursor.at,
        hint: "write $.name = \"value\""
      )
    }
    if next == "!" {
      return cursor.failure(
        "there is no `!` for conditions",
        at: cursor.at,
        hint: "turn the operator around: != for ="
      )
    }
    if next == "}" || next == ")" || next == "&" || next == "|" {
      return cursor.failure(
        "a condition is missing before `\(next)`",
        at: cursor.at,
        hint: "write $.name = \"value\""
      )
    }
    var end = cursor.at
    while end < cursor.scalars.count, Self.isName(cursor.scalars[end]) { end += 1 }
    let name = cursor.string(cursor.at..<end)
    return cursor.failure(
      "a selector begins with `$.`",
      at: cursor.at..<max(end, cursor.at + 1),
      hint: name.isEmpty ? "write $.name" : "write $.\(name)"
    )
  }

  static func isName(_ scalar: Unicode.Scalar) -> Bool {
    PatternCursor.isWord(scalar) || scalar == "-"
  }

  /// What may stand right behind a name.
  private static func endsName(_ scalar: Unicode.Scalar) -> Bool {
    if PatternCursor.isBlank(scalar) { return true }
    return [".", "[", "=", "!", "<", ">", ")", "}", "&", "|"].contains(scalar)
  }
}
