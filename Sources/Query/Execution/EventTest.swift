internal import LogModel
internal import Platform
internal import Store

/// Asks of single events whether a query wants them, as a search asks of whole blocks.
///
/// Used by one thread.
package final class EventTest {
  private let query: LogQuery
  private let scan: MessageScan
  private let check: ConditionCheck

  package init(_ query: LogQuery) {
    self.query = query
    scan = MessageScan(query.pattern)
    check = ConditionCheck(query.conditions)
  }

  package func passes(_ event: MatchedEvent) -> Bool {
    guard event.timestamp >= query.from, event.timestamp <= query.through,
      query.onlyStderr.map({ $0 == event.flags.contains(.stderr) }) ?? true,
      query.stream?(event.stream.name) ?? true
    else { return false }
    // Silence is right: the search itself reports an expression that must be given up.
    return (try? scan.matches(event.message.span)) ?? false
      && (try? check.passes(event.message.span, event.flags)) ?? false
  }
}
