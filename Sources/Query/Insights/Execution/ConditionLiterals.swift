internal import LogModel
internal import Platform
internal import Store

/// What the message of an event must hold for a condition to be true.
enum ConditionLiterals {
  typealias Clause = MessageLiterals.Clause

  /// Every clause holds where the condition does; none where nothing is known.
  static func of(_ condition: InsightsExpression, _ scope: RowScope) -> [Clause] {
    switch condition {
    case .and(let parts): return parts.flatMap { of($0, scope) }
    case .or(let parts): return MessageLiterals.either(parts.map { of($0, scope) })
    case .like(.field(let field), .substring(let text), isNegated: false):
      return contains(field, text, scope)
    case .like(.field(let field), .regex(let regex), isNegated: false):
      guard case .message? = scope.origin(field) else { return name(field, scope) }
      // Silence is right: a regex that does not compile is refused where it is compiled for use.
      guard let pattern = try? BytePattern(regex.pattern) else { return [] }
      return pattern.literals.clauses.map { literals in
        MessageLiterals.union(literals.map { MessageLiterals.clause(text: $0) })
      }
    case .compare(.equal, .field(let field), .string(let text)),
      .compare(.equal, .string(let text), .field(let field)):
      return equals(field, text, scope) + name(field, scope)
    case .compare(_, .field(let field), _), .compare(_, _, .field(let field)):
      return name(field, scope)
    case .inList(.field(let field), let list, isNegated: let isNegated):
      return (isNegated ? [] : listed(field, list, scope)) + name(field, scope)
    case .like(.field(let field), _, _), .inQuery(.field(let field), _, _):
      return name(field, scope)
    case .call(.isPresent, let arguments, _):
      guard case .field(let field)? = arguments.first else { return [] }
      return name(field, scope)
    default: return []
    }
  }

  /// The name of a JSON field stands in every message that has it; of a path the last part, which
  /// may be the end of a name with dots.
  private static func name(_ field: InsightsField, _ scope: RowScope) -> [Clause] {
    guard case .json(let name)? = scope.origin(field), !name.isEmpty, Int(name) == nil else {
      return []
    }
    let isPath = field.name.contains(".")
    var clause = MessageLiterals.jsonClause(
      text: Array(name.utf8),
      isOpenAtStart: isPath,
      isOpenAtEnd: false
    )
    // Most messages that are searched for a field have it.
    clause.weight = 0
    return [clause]
  }

  private static func contains(
    _ field: InsightsField,
    _ text: String,
    _ scope: RowScope
  ) -> [Clause] {
    guard !text.isEmpty else { return name(field, scope) }
    let literal = Array(text.utf8)
    switch scope.origin(field) {
    case .message: return [MessageLiterals.clause(text: literal)]
    case .json where !couldBeNumber(literal):
      return [
        MessageLiterals.jsonClause(text: literal, isOpenAtStart: true, isOpenAtEnd: true)
      ] + name(field, scope)
    default: return name(field, scope)
    }
  }

  private static func equals(
    _ field: InsightsField,
    _ text: String,
    _ scope: RowScope
  ) -> [Clause] {
    let literal = Array(text.utf8)
    guard !literal.isEmpty, !couldBeNumber(literal),
      InsightsValue.boolean(literal.span) == nil
    else { return [] }
    switch scope.origin(field) {
    case .message: return [MessageLiterals.clause(text: literal)]
    case .json:
      return [MessageLiterals.jsonClause(text: literal, isOpenAtStart: false, isOpenAtEnd: false)]
    case .lambda where field.name == "@requestId" || field.name == "@type":
      return [MessageLiterals.clause(text: literal)]
    default: return []
    }
  }

  private static func listed(
    _ field: InsightsField,
    _ list: [InsightsExpression],
    _ scope: RowScope
  ) -> [Clause] {
    var clauses: [Clause] = []
    for element in list {
      guard case .string(let text) = element, let clause = equals(field, text, scope).first else {
        return []
      }
      clauses.append(clause)
    }
    return clauses.isEmpty ? [] : [MessageLiterals.union(clauses)]
  }

  /// Numbers, and parts of their texts, may be spelled otherwise in the message.
  private static func couldBeNumber(_ text: [UInt8]) -> Bool {
    text.allSatisfy { byte in
      byte &- 0x30 < 10 || byte == 0x2E || byte == 0x2D || byte == 0x2B || byte | 0x20 == 0x65
    }
  }
}

/// Finds the events of a block that may match, by the literals that a query needs.
struct LiteralFilter {
  private let clauses: [MessageLiterals.Clause]
  /// Of each clause, the needles that the block at hand holds.
  private var present: [[[UInt8]]] = []

  /// More needles than this are not searched for one by one.
  private static let needlesMax = 16

  init(_ clauses: [MessageLiterals.Clause]) {
    self.clauses = clauses.filter { $0.needles.count <= Self.needlesMax }
      .sorted { $0.weight > $1.weight }
  }

  /// What a block's filter can be asked for.
  var probes: [NeedleProbe] { clauses.map(\.probe) }

  /// Looks a block's messages through; false when none of them can match.
  mutating func begin(_ messages: Span<UInt8>) -> Bool {
    present.removeAll(keepingCapacity: true)
    for clause in clauses {
      let found = clause.needles.filter { Bytes.firstIndex(of: $0.span, in: messages) != nil }
      if found.isEmpty { return false }
      present.append(found)
    }
    return true
  }

  /// Calls `body` with the index of every record that may match, ascending, until it returns false.
  func forEachCandidate(
    in messages: Span<UInt8>,
    _ records: [EventRecord],
    _ body: (Int) -> Bool
  ) {
    if present.isEmpty {
      for index in records.indices where !body(index) { return }
      return
    }
    guard let driver = present.firstIndex(where: { $0.count == 1 }) else {
      for index in records.indices
      where allows(messages.extracting(records[index].range), but: -1) {
        if !body(index) { return }
      }
      return
    }
    let needle = present[driver][0]
    var from = 0
    var index = 0
    while let hit = Bytes.firstIndex(of: needle.span, in: messages, from: from) {
      while records[index].range.upperBound < hit { index += 1 }
      let range = records[index].range
      // A hit may reach over the newline into the next event: then it is none.
      guard hit + needle.count <= range.upperBound, hit >= range.lowerBound else {
        from = hit + 1
        continue
      }
      if allows(messages.extracting(range), but: driver), !body(index) { return }
      index += 1
      if index == records.count { return }
      from = Int(records[index].offset)
    }
  }

  /// Looks for the two clauses of most weight in one message.
  private func allows(_ message: Span<UInt8>, but driver: Int) -> Bool {
    for index in present.indices.prefix(2)
    where index != driver && (clauses[index].weight > 0 || driver < 0) {
      let isFound = present[index].contains { Bytes.firstIndex(of: $0.span, in: message) != nil }
      if !isFound { return false }
    }
    return true
  }
}
