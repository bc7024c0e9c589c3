internal import LogModel
internal import Platform

/// A tail and the times at which it gets its turns.
///
/// Used by the collect thread.
///
/// No waiting while data flows; then 10 ms, doubling to 250 ms, and 500 ms for a file that has been
/// idle for long. Idle polls fall on a common grid, so that a thousand idle files wake the thread
/// as often as one does.
final class Follower {
  let tail: FileTail
  private let context: CollectContext
  private(set) var nextPoll: Int64 = 0
  private var interval: Int64 = 0
  private var lastData: Int64
  private var lastProgress = 0
  private var lastFailure = ""

  init(_ tail: FileTail, context: CollectContext) {
    self.tail = tail
    self.context = context
    lastData = context.clock.monotonic()
  }

  /// Something happened to its files: look at once.
  func poke() {
    nextPoll = 0
    tail.mustLookAtPath = true
  }

  /// Takes a turn; throws only when the sink is closing.
  ///
  /// Everything else concerns this source alone.
  func turn(at now: Int64) throws(CollectError) {
    do throws(CollectError) {
      let outcome = try tail.turn()
      lastFailure = ""
      schedule(outcome, now)
    } catch {
      if case .closing = error { throw error }
      let text = error.description
      context.metrics.add(
        "logagent_source_errors_total",
        1,
        [("resource", tail.groupName)]
      )
      if text != lastFailure {
        context.notify(CollectNotice(.error, "\(tail.source): \(text); trying again every second"))
      }
      lastFailure = text
      nextPoll = now + 1_000_000_000
    }
  }

  private func schedule(_ outcome: FileTail.Outcome, _ now: Int64) {
    let isBusy = tail.progress != lastProgress
    lastProgress = tail.progress
    if isBusy { lastData = now }
    switch outcome {
    case .more:
      interval = 0
      nextPoll = now
      return
    case .idle:
      let slowest =
        now - lastData > CaptureLimits.longIdleNanoseconds
        ? CaptureLimits.longIdlePollNanoseconds : Limits.pollMaxNanoseconds
      interval =
        isBusy
        ? Limits.pollMinNanoseconds : min(max(interval * 2, Limits.pollMinNanoseconds), slowest)
    }
    nextPoll = now + interval
    if interval >= Limits.pollMaxNanoseconds / 2 { nextPoll = (now / interval + 1) * interval }
    if let deadline = tail.batchDeadline { nextPoll = min(nextPoll, max(deadline, now)) }
  }
}
