internal import LogModel
internal import Platform
package import Store

/// A filter pattern compiled for search over whole blocks of messages.
///
/// The longest required term drives: the search runs over the block's bytes as they lie, not line
/// by line, and only events that it hits are looked at. A value; each worker has its own copy.
package struct MessageMatcher: Sendable {
  private let required: [[UInt8]]
  private let excluded: [[UInt8]]
  private let anyOf: [[UInt8]]
  /// Needles that a block must be able to hold; what has several alternatives proves nothing.
  package let probes: [NeedleProbe]

  package init(_ pattern: FilterPattern) {
    var terms = TermPattern()
    if case .terms(let given) = pattern { terms = given }
    // A single optional term is a required one.
    if terms.anyOf.count == 1 {
      terms.required = terms.anyOf
      terms.anyOf = []
    }
    required = terms.required.sorted { $0.count > $1.count }
    excluded = terms.excluded
    anyOf = terms.anyOf
    probes = terms.required.map { NeedleProbe(literal: $0.span) }
  }

  /// Every message matches.
  package var matchesAll: Bool { required.isEmpty && excluded.isEmpty && anyOf.isEmpty }

  /// False when no message of the block can match, before any column is decoded.
  func mayMatch(_ messages: Span<UInt8>) -> Bool {
    if let driver = required.first {
      return Bytes.firstIndex(of: driver.span, in: messages) != nil
    }
    if anyOf.isEmpty { return true }
    return anyOf.contains { Bytes.firstIndex(of: $0.span, in: messages) != nil }
  }

  /// Calls `body` with the index of every record that matches, ascending, until it returns false.
  func forEachMatch(
    in messages: Span<UInt8>,
    _ records: [EventRecord],
    _ body: (Int) -> Bool
  ) {
    guard let driver = required.first else {
      for index in records.indices {
        if matchesRest(messages.extracting(records[index].range)), !body(index) { return }
      }
      return
    }
    let isAlone = required.count == 1 && excluded.isEmpty
    var from = 0
    var index = 0
    while let hit = Bytes.firstIndex(of: driver.span, in: messages, from: from) {
      while records[index].range.upperBound < hit { index += 1 }
      let range = records[index].range
      // A hit may reach over the newline into the next event: then it is none.
      guard hit + driver.count <= range.upperBound, hit >= range.lowerBound else {
        from = hit + 1
        continue
      }
      if isAlone || matchesRest(messages.extracting(range)), !body(index) { return }
      index += 1
      if index == records.count { return }
      from = Int(records[index].offset)
    }
  }

  /// Whether one message matches.
  package func matches(_ message: Span<UInt8>) -> Bool {
    if let driver = required.first, Bytes.firstIndex(of: driver.span, in: message) == nil {
      return false
    }
    return matchesRest(message)
  }

  private func matchesRest(_ message: Span<UInt8>) -> Bool {
    for term in required.dropFirst() where Bytes.firstIndex(of: term.span, in: message) == nil {
      return false
    }
    for term in excluded where Bytes.firstIndex(of: term.span, in: message) != nil { return false }
    if anyOf.isEmpty { return true }
    return anyOf.contains { Bytes.firstIndex(of: $0.span, in: message) != nil }
  }
}
