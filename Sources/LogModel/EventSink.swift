/// Where batches go: the store, as seen by everything that collects.
///
/// Implementations are safe from any thread; batches of one source must come from one thread at a
/// time.
package protocol EventSink: Sendable {
  /// Hands a batch over, waiting while the store is behind (back-pressure: the caller reads no
  /// further).
  ///
  /// Returns a ticket that is larger than all before it; the batch is durable and visible once
  /// `committed` has reached the ticket. Nil: the store is closing and the batch was not taken; its
  /// events will be read again from the last committed position.
  func submit(_ batch: consuming EventBatch) -> UInt64?

  /// Every batch with a ticket up to this one is committed.
  var committed: UInt64 { get }

  /// The committed position of a source, as its last checkpoint had it; nil when none is known.
  func position(of source: String) -> [UInt8]?
}
