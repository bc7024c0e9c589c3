internal import LogModel
internal import Platform

/// A message for the operator: an event, its subject, the consequence.
///
/// Never log text.
package struct CollectNotice: Sendable, Equatable {
  /// How much it matters.
  package enum Severity: Sendable { case info, warning, error }

  package let severity: Severity
  package let text: String

  package init(_ severity: Severity, _ text: String) {
    self.severity = severity
    self.text = text
  }
}

/// What everything on the collect thread shares.
///
/// Used by that thread only.
final class CollectContext {
  /// Called once a batch, so the dispatch costs nothing; the store and the tests' sinks differ in
  /// type.
  let sink: any EventSink
  let metrics: Metrics
  /// The system's clock, or one that a test moves.
  let clock: any Clock
  let eventBytesMax: Int
  let notify: @Sendable (CollectNotice) -> Void
  /// The one read buffer of all sources: what a source has not used up it reads again.
  var buffer: [UInt8] = []
  /// The sink takes no more: stop reading, everything is read again from its committed position.
  var isClosing = false

  init(
    sink: any EventSink,
    metrics: Metrics,
    clock: any Clock,
    eventBytesMax: Int,
    notify: @escaping @Sendable (CollectNotice) -> Void
  ) {
    self.sink = sink
    self.metrics = metrics
    self.clock = clock
    self.eventBytesMax = eventBytesMax
    self.notify = notify
  }
}
