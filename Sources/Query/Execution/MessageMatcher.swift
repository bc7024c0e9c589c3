internal import LogModel
internal import Platform
package import Store

/// A filter pattern compiled for search; what does the searching is `MessageScan`.
///
/// Safe from any thread.
package struct MessageMatcher: Sendable {
  /// How a message is tested that the literals let through.
  enum Test: Sendable {
    case nothing
    /// Holding a literal of the driver is all there is.
    case driver
    case terms(TermPattern)
    case regex(BytePattern)
    case json(JSONProgram)
    case delimited(DelimitedPattern)
  }

  let test: Test
  /// Byte strings of which a matching message holds one; empty when they would not help.
  let driver: [[UInt8]]
  /// What a block must be able to hold, one by one.
  package let probes: [NeedleProbe]

  package init(_ pattern: FilterPattern) {
    let literals = MessageLiterals(pattern)
    probes = literals.clauses.map(\.probe).filter { !$0.isOpen }
    var driver = literals.driver?.needles ?? []
    switch pattern {
    case .all: test = .nothing
    case .terms(let terms):
      let isAlone = literals.clauses.count == 1 && terms.excluded.isEmpty && !driver.isEmpty
      test =
        isAlone ? .driver : terms == TermPattern(ignored: terms.ignored) ? .nothing : .terms(terms)
    case .regex(let regex):
      test = .regex(regex.pattern)
      // One byte is in most messages, and PCRE2 looks for it by itself.
      if literals.driver.map({ $0.weight < 2 }) ?? true { driver = [] }
    case .json(let condition): test = .json(JSONProgram(condition))
    case .delimited(let pattern): test = .delimited(pattern)
    }
    self.driver = driver
  }

  /// Every message matches.
  package var matchesAll: Bool {
    if case .nothing = test { true } else { false }
  }

  /// False when no message of the block can match, before any column is decoded.
  func mayMatch(_ messages: Span<UInt8>) -> Bool {
    driver.isEmpty || driver.contains { Bytes.firstIndex(of: $0.span, in: messages) != nil }
  }
}
