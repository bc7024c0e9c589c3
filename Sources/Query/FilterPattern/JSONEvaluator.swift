internal import LogModel
internal import Platform

/// Evaluates a JSON pattern over messages in place: one pass, no tree, no allocation.
///
/// The message must be one JSON value from end to end. Of members with the same name the last
/// counts, as with most parsers; a wildcard sees every member. Used by one thread.
final class JSONEvaluator {
  private enum Check {
    case value(ValueTest)
    case isNull
    case isTrue
    case isFalse
    /// Holds until something is found.
    case notExists
  }

  private let program: JSONProgram
  private let checks: [Check]
  /// By number of the test; `notExists` begins true.
  private var outcomes: [Bool]
  private let initial: [Bool]
  private var buffer: [UInt8] = []
  /// An object named a wanted member twice: the walk begins anew and looks ahead.
  private var hasRepeated = false
  private var looksAhead = false

  init(_ program: JSONProgram) {
    self.program = program
    checks = program.tests.map { test in
      switch test {
      case .compare(let comparison): .value(ValueTest(comparison))
      case .isNull: .isNull
      case .isTrue: .isTrue
      case .isFalse: .isFalse
      case .notExists: .notExists
      }
    }
    initial = program.tests.map { $0 == .notExists }
    outcomes = initial
  }

  func matches(_ message: Span<UInt8>) throws(PatternFailure) -> Bool {
    looksAhead = false
    hasRepeated = false
    if try run(message) { return program.isTrue(outcomes) }
    guard hasRepeated else { return false }
    looksAhead = true
    return try run(message) && program.isTrue(outcomes)
  }

  /// Fills `outcomes`; false when the message is not JSON, or for a second run.
  private func run(_ message: Span<UInt8>) throws(PatternFailure) -> Bool {
    for index in outcomes.indices { outcomes[index] = initial[index] }
    var cursor = JSONCursor(0..<message.count)
    guard try visit(0, &cursor, message) else { return false }
    return cursor.isAtEnd(in: message)
  }

  /// Takes the next value, which stands where `node` is; false when it is not JSON.
  private func visit(
    _ node: Int,
    _ cursor: inout JSONCursor,
    _ bytes: Span<UInt8>
  ) throws(PatternFailure) -> Bool {
    let tests = program.nodes[node].tests
    switch cursor.kind(in: bytes) {
    case nil: return false
    case .object where program.nodes[node].hasMembers:
      try test(tests, nil, bytes)
      return try members(node, &cursor, bytes)
    case .array where program.nodes[node].hasElements:
      try test(tests, nil, bytes)
      return try elements(node, &cursor, bytes)
    default:
      guard let token = cursor.take(in: bytes) else { return false }
      if !tests.isEmpty { try test(tests, token, bytes) }
      return true
    }
  }

  private func members(
    _ index: Int,
    _ cursor: inout JSONCursor,
    _ bytes: Span<UInt8>
  ) throws(PatternFailure) -> Bool {
    guard cursor.enterObject(in: bytes) else { return false }
    let node = program.nodes[index]
    if looksAhead { return try membersAhead(node, &cursor, bytes) }
    // More names than bits: every object of the kind takes the second look.
    var seen: UInt64 = node.names.count > 64 ? ~0 : 0
    while let name = cursor.nextName(in: bytes) {
      let place = position(of: name, in: node.names, bytes)
      if let any = node.anyMember {
        var copy = cursor
        guard try visit(any, &copy, bytes) else { return false }
        if place == nil {
          cursor = copy
          continue
        }
      }
      guard let place else {
        guard cursor.skip(in: bytes) else { return false }
        continue
      }
      let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: place)
      guard seen & bit == 0 else {
        hasRepeated = true
        return false
      }
      seen |= bit
      guard try visit(node.names[place].node, &cursor, bytes) else { return false }
    }
    return !cursor.hasFailed
  }

  /// Members of an object that may name one twice: the last of each is visited, when all are known.
  private func membersAhead(
    _ node: JSONProgram.Node,
    _ cursor: inout JSONCursor,
    _ bytes: Span<UInt8>
  ) throws(PatternFailure) -> Bool {
    var last = [JSONCursor?](repeating: nil, count: node.names.count)
    while let name = cursor.nextName(in: bytes) {
      if let place = position(of: name, in: node.names, bytes) { last[place] = cursor }
      if let any = node.anyMember {
        var copy = cursor
        guard try visit(any, &copy, bytes) else { return false }
      }
      guard cursor.skip(in: bytes) else { return false }
    }
    guard !cursor.hasFailed else { return false }
    for (place, found) in last.enumerated() {
      guard var found else { continue }
      guard try visit(node.names[place].node, &found, bytes) else { return false }
    }
    return true
  }

  private func elements(
    _ index: Int,
    _ cursor: inout JSONCursor,
    _ bytes: Span<UInt8>
  ) throws(PatternFailure) -> Bool {
    guard cursor.enterArray(in: bytes) else { return false }
    let node = program.nodes[index]
    var number = 0
    while cursor.nextElement(in: bytes) {
      let named = node.indexes.first { $0.index == number }?.node
      number += 1
      let start = cursor
      guard cursor.skip(in: bytes) else { return false }
      for wanted in [named, node.anyElement, node.anyMember] {
        guard let wanted else { continue }
        var copy = start
        guard try visit(wanted, &copy, bytes) else { return false }
      }
    }
    return !cursor.hasFailed
  }

  /// Which of the names this is.
  private func position(
    of token: JSONToken,
    in names: [(name: [UInt8], node: Int)],
    _ bytes: Span<UInt8>
  ) -> Int? {
    if token.hasEscapes { JSONCursor.unescape(token, in: bytes, into: &buffer) }
    for place in names.indices {
      let name = names[place].name
      if token.hasEscapes {
        if buffer == name { return place }
      } else if token.range.count == name.count,
        Bytes.equal(bytes.extracting(token.range), name.span)
      {
        return place
      }
    }
    return nil
  }

  /// Applies tests to a value; nil is one that holds others.
  private func test(
    _ tests: [Int],
    _ token: JSONToken?,
    _ bytes: Span<UInt8>
  ) throws(PatternFailure) {
    for test in tests {
      switch checks[test] {
      case .notExists: outcomes[test] = false
      case .isNull: if token?.kind == .null { outcomes[test] = true }
      case .isTrue: if isBoolean(token, true, bytes) { outcomes[test] = true }
      case .isFalse: if isBoolean(token, false, bytes) { outcomes[test] = true }
      case .value(let value):
        // Of what a wildcard selects, any will do.
        if let token, !outcomes[test] { outcomes[test] = try passes(value, token, bytes) }
      }
    }
  }

  private func isBoolean(_ token: JSONToken?, _ wanted: Bool, _ bytes: Span<UInt8>) -> Bool {
    guard let token, token.kind == .boolean else { return false }
    return (bytes[token.range.lowerBound] == 0x74) == wanted
  }

  private func passes(
    _ test: ValueTest,
    _ token: JSONToken,
    _ bytes: Span<UInt8>
  ) throws(PatternFailure) -> Bool {
    switch token.kind {
    case .number: return try test.passes(number: bytes.extracting(token.range))
    case .boolean: return test.passes(boolean: isBoolean(token, true, bytes))
    case .object, .array, .null: return false
    case .string:
      guard token.hasEscapes else { return try test.passes(text: bytes.extracting(token.range)) }
      // Moved out while in use: a span cannot outlive one access to a stored property.
      var text: [UInt8] = []
      swap(&text, &buffer)
      defer { swap(&text, &buffer) }
      JSONCursor.unescape(token, in: bytes, into: &text)
      return try test.passes(text: text.span)
    }
  }
}
