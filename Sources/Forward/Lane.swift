internal import LogModel
internal import Platform
internal import Store

/// One destination of one log group: its cursor, its one request in flight, its retry clock.
///
/// A lane never waits for another. Forward thread only.
final class Lane {
  enum Phase {
    /// Nothing under way; more events may be waiting.
    case idle
    /// A request is prepared and waits for its preparation to be durable.
    case preparing(ticket: UInt64)
    case sending(token: UInt64, since: Int64)
    case backingOff(until: Int64)
    /// Given up, but the dead-letter file could not be written yet.
    case burying(until: Int64, DeadLetterFolder.Letter)
  }

  let key: Key
  var group: GroupInfo
  var destination: Destination
  var phase = Phase.idle
  var cursor: UInt64
  var request: DeliveryRequest?
  /// A request found at the start, to be built again as it was.
  var inherited: PendingRequest?
  /// Since when there has been anything to send; monotonic.
  var dirtySince: Int64?
  var attempts = 0
  var firstFailure: Int64?
  /// Time since the first failure that was spent waiting for responses.
  var responseWait: Int64 = 0
  var lastError: String?
  var deadLetterEvents: UInt64 = 0
  /// After a 413: no more events than this in one request.
  var eventsMax = DeliveryLimits.eventsMax
  /// While draining: the last attempt was made.
  var isDrained = false
  var isRemoved = false

  struct Key: Hashable {
    let group: UInt32
    let destination: String
  }

  init(_ group: GroupInfo, _ destination: Destination, state: LaneState?) {
    key = Key(group: group.id, destination: destination.id)
    self.group = group
    self.destination = destination
    cursor = state?.cursor ?? 0
    inherited = state?.pending
  }

  var queuedEvents: UInt64 { group.nextSequence > cursor ? group.nextSequence - cursor : 0 }

  /// The row that says what the lane has and what it is about to send.
  var state: LaneState {
    let pending = request.map {
      PendingRequest(
        requestID: $0.requestID,
        endSequence: $0.endSequence,
        timestampMilliseconds: $0.timestampMilliseconds,
        version: UInt16(truncatingIfNeeded: $0.eventCount)
      )
    }
    return LaneState(
      group: key.group,
      destination: key.destination,
      cursor: cursor,
      pending: pending ?? inherited
    )
  }

  /// Settles the request: its events count as done.
  func settle() {
    if let request { cursor = request.endSequence }
    request = nil
    inherited = nil
    attempts = 0
    firstFailure = nil
    responseWait = 0
    dirtySince = nil
    phase = .idle
  }

  var activity: String {
    switch phase {
    case .idle: "idle"
    case .preparing(let ticket): "preparing (commit \(ticket))"
    case .sending: "sending"
    case .backingOff: "waiting to retry"
    case .burying: "burying"
    }
  }

  var labels: [(String, String)] {
    [("resource", group.group.name), ("destination", key.destination)]
  }
}
