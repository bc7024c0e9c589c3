extension InsightsParser {
  /// `join type=left left=a right=b where a.k = b.k (query)`, after `join`.
  mutating func join() throws(QueryDiagnostic) -> InsightsJoin {
    let start = token.range
    var kind = InsightsJoin.Kind.inner
    var sides: (left: String?, right: String?)
    while let option = token.keyword, option != "where" {
      guard ["type", "left", "right"].contains(option) else {
        throw unexpected("`type=`, `left=`, `right=` or `where`", after: "`join`")
      }
      try advance()
      try expect("=", after: "`\(option)`")
      switch option {
      case "left": sides.left = try name("a name", after: "`left=`")
      case "right": sides.right = try name("a name", after: "`right=`")
      default: kind = try joinKind()
      }
    }
    try expect(keyword: "where", after: "`join`")
    guard let left = sides.left, let right = sides.right, left != right else {
      throw diagnostic(
        "a join needs names for its two sides",
        at: start,
        hint: "join type=inner left=a right=b where a.id = b.id (SOURCE 'group')"
      )
    }
    let first = try side(left, right, after: "`where`")
    guard token.isSymbol("=") || token.isSymbol("==") else {
      throw unexpected("`=`", after: "a field: sides are joined by equality")
    }
    try advance()
    let second = try side(left, right, after: "`=`")
    guard first.isLeft != second.isLeft else {
      throw diagnostic(
        "a join compares a field of `\(left)` with one of `\(right)`",
        at: second.field.range.lower..<second.field.range.upper
      )
    }
    if token.keyword == "and" {
      throw diagnostic("a join compares one pair of fields only")
    }
    try expect("(", after: "the fields of the join")
    let query = try query()
    try expect(")", after: "the query")
    return InsightsJoin(
      kind,
      left: left,
      right: right,
      leftKey: first.isLeft ? first.field : second.field,
      rightKey: first.isLeft ? second.field : first.field,
      query: query
    )
  }

  private mutating func joinKind() throws(QueryDiagnostic) -> InsightsJoin.Kind {
    guard let word = token.keyword, let kind = InsightsJoin.Kind(rawValue: word) else {
      throw unexpected("`inner` or `left`", after: "`type=`")
    }
    try advance()
    return kind
  }

  /// A field of one of the sides, without the side's name.
  private mutating func side(
    _ left: String,
    _ right: String,
    after place: String
  ) throws(QueryDiagnostic) -> (field: InsightsField, isLeft: Bool) {
    var field = try field(after: place)
    let side = field.parts.removeFirst()
    guard side == left || side == right, !field.parts.isEmpty else {
      throw diagnostic(
        "expected a field of one of the sides: `\(left).name` or `\(right).name`",
        at: field.range.lower..<field.range.upper
      )
    }
    return (field, side == left)
  }
}
