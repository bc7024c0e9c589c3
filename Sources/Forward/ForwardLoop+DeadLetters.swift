internal import LogModel
internal import Platform
internal import Store

/// Giving up: what an endpoint does not take, or no request can hold, goes to the dead letters.
extension ForwardLoop {
  /// Writes the dead letter, then moves on; as long as it cannot be written the lane stays, and
  /// tries to deliver meanwhile.
  func bury(_ lane: Lane, _ letter: DeadLetterFolder.Letter) {
    guard let request = lane.request else { return }
    do throws(SyscallError) {
      try deadLetters.write(
        letter,
        destination: lane.key.destination,
        group: lane.group.group,
        requestID: request.requestID
      )
    } catch {
      lane.lastError = "the dead letter cannot be written: \(error)"
      metrics.add("logagent_deadletter_errors_total", 1, [("destination", lane.key.destination)])
      postpone(lane)
      return
    }
    countDeadLetters(lane, request.eventCount - request.oversized.count, reason: letter.code)
    notify(
      "gave up on \(request.eventCount) events of \(lane.group.group) for "
        + "\(lane.key.destination) after "
        + "\(letter.attempts) attempts: \(letter.code); they are in \(options.deadLetters)"
    )
    note(request, lane)
    lane.settle()
    keep(lane) { _ in .idle }
    known[lane.key] = lane.state
  }

  /// Events that no request can hold go at once and once, each with its own line.
  ///
  /// False when they could not be written: then the request must wait.
  func buryOversized(_ lane: Lane, _ request: DeliveryRequest) -> Bool {
    let events = request.oversized.filter { $0.id.sequence >= lane.oversizedEnd }
    if events.isEmpty { return true }
    let letter = DeadLetterFolder.Letter(
      attempts: 0,
      arrival: Timestamp(milliseconds: request.timestampMilliseconds),
      ended: Timestamp(nanoseconds: clock.now()),
      code: "HttpEndpoint.RecordTooLarge",
      message: "the event does not fit into a record of 1,000 KiB",
      records: events.map(\.record)
    )
    do throws(SyscallError) {
      try deadLetters.write(
        letter,
        destination: lane.key.destination,
        group: lane.group.group,
        requestID: request.requestID + "-oversized"
      )
    } catch {
      lane.lastError = "the dead letter cannot be written: \(error)"
      metrics.add("logagent_deadletter_errors_total", 1, [("destination", lane.key.destination)])
      return false
    }
    lane.oversizedEnd = request.endSequence
    countDeadLetters(lane, events.count, reason: letter.code)
    return true
  }

  private func countDeadLetters(_ lane: Lane, _ events: Int, reason: String) {
    lane.deadLetterEvents += UInt64(events)
    metrics.add(
      "logagent_deadletter_events_total",
      Double(events),
      [("destination", lane.key.destination), ("reason", reason)]
    )
    metrics.add(
      "logagent_forward_events_total",
      Double(events),
      lane.labels + [("result", "dead_letter")]
    )
    let removed = deadLetters.trim()
    if removed > 0 {
      metrics.add("logagent_deadletter_dropped_files_total", Double(removed))
      notify("the dead letters are above their limit: \(removed) of the oldest files were removed")
    }
  }
}
