/// When to try again, and when to give up: Firehose's schedule as a pure decision.
///
/// Waits of 1, 2, 4 … 120 s, each ±15 %. The duration counts from the end of the first failed
/// attempt and leaves out the time spent waiting for responses: 60 s make 6 attempts, 300 s make 9,
/// 0 makes one.
package struct RetryPolicy: Sendable, Equatable {
  private static let second: Int64 = 1_000_000_000

  package let durationNanoseconds: Int64

  package init(durationSeconds: Int) {
    durationNanoseconds = Int64(durationSeconds) * Self.second
  }

  /// What follows a failed attempt.
  package enum Decision: Sendable, Equatable {
    case retry(afterNanoseconds: Int64)
    case giveUp
  }

  /// What to do after a failed attempt.
  ///
  /// - Parameters:
  ///   - attempts: How many have failed so far, at least 1.
  ///   - spent: Nanoseconds since the first failure, without waiting for responses.
  ///   - jitter: A random number in 0..<1.
  ///   - retryAfter: What the endpoint asked for, nanoseconds; honoured up to one hour, and never
  ///     beyond the duration.
  /// - Returns: How long to wait, or that the time is up.
  package func decide(
    attempts: Int,
    spent: Int64,
    jitter: Double,
    retryAfter: Int64? = nil
  ) -> Decision {
    precondition(attempts >= 1)
    let nominal = Double(min(120, 1 << min(attempts - 1, 7))) * Double(Self.second)
    let backoff = Int64(nominal * (0.85 + 0.3 * jitter))
    let left = durationNanoseconds - spent
    guard backoff <= left, left > 0 else { return .giveUp }
    guard let retryAfter else { return .retry(afterNanoseconds: backoff) }
    let asked = min(max(retryAfter, backoff), DeliveryLimits.retryAfterMax)
    return .retry(afterNanoseconds: min(asked, left))
  }
}
