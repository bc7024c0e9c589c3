internal import LogModel
internal import Platform

/// Finds the messages that match a filter pattern, one by one or in whole blocks.
///
/// Literals that a match must hold are searched for in the block's bytes as they lie, not message
/// by message; only messages that have one are looked at closer. Used by one thread.
package final class MessageScan {
  private enum Test {
    case nothing, driver
    case terms(TermPattern)
    case regex(PatternSearch)
    case json(JSONEvaluator)
    case delimited(DelimitedEvaluator)
  }

  /// A literal, where it comes next, and the record that holds it there.
  private struct Stream {
    let literal: [UInt8]
    var next = -1
    var record = 0
  }

  private let test: Test
  private var streams: [Stream]

  package init(_ matcher: MessageMatcher) {
    switch matcher.test {
    case .nothing: test = .nothing
    case .driver: test = .driver
    case .terms(let terms): test = .terms(terms)
    case .regex(let pattern): test = .regex(PatternSearch(pattern))
    case .json(let program): test = .json(JSONEvaluator(program))
    case .delimited(let pattern): test = .delimited(DelimitedEvaluator(pattern))
    }
    streams = matcher.driver.map { Stream(literal: $0) }
  }

  package convenience init(_ pattern: FilterPattern) { self.init(MessageMatcher(pattern)) }

  /// Whether one message matches.
  package func matches(_ message: Span<UInt8>) throws(PatternFailure) -> Bool {
    guard
      streams.isEmpty
        || streams.contains(where: { Bytes.firstIndex(of: $0.literal.span, in: message) != nil })
    else { return false }
    return try holds(message, isASCII: false)
  }

  /// Calls `body` with the index of every record that matches, ascending, until it returns false.
  func forEachMatch(
    in messages: Span<UInt8>,
    _ records: [EventRecord],
    _ body: (Int) -> Bool
  ) throws(PatternFailure) {
    if streams.count == 1 {
      return try forEachMatch(of: streams[0].literal, messages, records, body)
    }
    if streams.isEmpty {
      var isASCII = false
      if case .regex = test { isASCII = Bytes.isASCII(messages) }
      for index in records.indices {
        if try holds(messages.extracting(records[index].range), isASCII: isASCII), !body(index) {
          return
        }
      }
      return
    }
    for index in streams.indices {
      streams[index].next = -1
      streams[index].record = 0
    }
    var index = 0
    while index < records.count, let hit = nextRecord(from: index, in: messages, records) {
      if try holds(messages.extracting(records[hit].range), isASCII: false), !body(hit) { return }
      index = hit + 1
    }
  }

  /// The same where there is one literal, which is the common case.
  private func forEachMatch(
    of literal: [UInt8],
    _ messages: Span<UInt8>,
    _ records: [EventRecord],
    _ body: (Int) -> Bool
  ) throws(PatternFailure) {
    var index = 0
    var from = 0
    while index < records.count,
      let hit = Bytes.firstIndex(of: literal.span, in: messages, from: from)
    {
      while records[index].range.upperBound < hit { index += 1 }
      let range = records[index].range
      // A hit may reach over the newline into the next message: then it is none.
      guard hit + literal.count <= range.upperBound else {
        from = hit + 1
        continue
      }
      if try holds(messages.extracting(range), isASCII: false), !body(index) { return }
      index += 1
      from = range.upperBound + 1
    }
  }

  /// The first record from `index` on that holds one of the literals.
  private func nextRecord(
    from index: Int,
    in messages: Span<UInt8>,
    _ records: [EventRecord]
  ) -> Int? {
    let start = Int(records[index].offset)
    var first: Int?
    for number in streams.indices {
      var stream = streams[number]
      if stream.next < start {
        stream.record = index
        stream.next = Self.find(stream.literal, in: messages, from: start)
      }
      while stream.next < messages.count {
        while records[stream.record].range.upperBound < stream.next { stream.record += 1 }
        // A hit may reach over the newline into the next message: then it is none.
        let end = stream.next + stream.literal.count
        if end <= records[stream.record].range.upperBound { break }
        stream.next = Self.find(stream.literal, in: messages, from: stream.next + 1)
      }
      streams[number].next = stream.next
      streams[number].record = stream.record
      if stream.next < messages.count { first = min(first ?? .max, stream.record) }
    }
    return first
  }

  /// Where a literal comes next; the end when it does not.
  private static func find(_ literal: [UInt8], in bytes: Span<UInt8>, from start: Int) -> Int {
    Bytes.firstIndex(of: literal.span, in: bytes, from: start) ?? bytes.count
  }

  /// Whether a message matches that holds one of the literals, where there are any.
  private func holds(
    _ message: Span<UInt8>,
    isASCII: Bool
  ) throws(PatternFailure) -> Bool {
    switch test {
    case .nothing, .driver: return true
    case .terms(let terms): return terms.matches(message)
    case .regex(let search): return try search.firstMatch(in: message, isASCII: isASCII) != nil
    case .json(let evaluator): return try evaluator.matches(message)
    case .delimited(let evaluator): return try evaluator.matches(message)
    }
  }
}

extension TermPattern {
  func matches(_ message: Span<UInt8>) -> Bool {
    for term in required where Bytes.firstIndex(of: term.span, in: message) == nil { return false }
    for term in excluded where Bytes.firstIndex(of: term.span, in: message) != nil { return false }
    return anyOf.isEmpty
      || anyOf.contains { Bytes.firstIndex(of: $0.span, in: message) != nil }
  }
}
