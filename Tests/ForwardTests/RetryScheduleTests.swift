import Forward
import Testing

@Suite struct RetryScheduleTests {
  private static let second: Int64 = 1_000_000_000

  /// Attempts that fail at once, with no jitter, until the policy gives up.
  private func schedule(_ duration: Int, jitter: Double) -> [Double] {
    let policy = RetryPolicy(durationSeconds: duration)
    var waits: [Double] = []
    var spent: Int64 = 0
    while case .retry(let wait) = policy.decide(
      attempts: waits.count + 1,
      spent: spent,
      jitter: jitter
    ) {
      waits.append(Double(wait) / Double(Self.second))
      spent += wait
    }
    return waits
  }

  @Test(
    "60 s make 6 attempts, 300 s make 9, 7,200 s make 66, and 0 makes one",
    arguments: [(60, 6), (300, 9), (7_200, 66), (0, 1)]
  )
  func attempts(duration: Int, attempts: Int) {
    #expect(schedule(duration, jitter: 0.5).count + 1 == attempts)
  }

  @Test("waits double from 1 s and stop at 120 s")
  func doubling() {
    #expect(schedule(1_000, jitter: 0.5).prefix(10) == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120])
  }

  @Test("each wait is within 15 % of its nominal length", arguments: [0.0, 0.25, 0.75, 0.999_999])
  func jitter(_ jitter: Double) {
    let nominal: [Double] = [1, 2, 4, 8, 16, 32, 64, 120]
    for (wait, nominal) in zip(schedule(300, jitter: jitter), nominal) {
      let factor = wait / nominal
      #expect((0.85...1.15).contains(factor))
      #expect(abs(factor - 0.85 - 0.3 * jitter) < 0.001)
    }
  }

  @Test("a thousand attempts do not overflow")
  func manyAttempts() {
    let policy = RetryPolicy(durationSeconds: 7_200)
    #expect(
      policy.decide(attempts: 1_000, spent: 0, jitter: 0.5)
        == .retry(afterNanoseconds: 120 * Self.second)
    )
  }

  @Test("Retry-After lengthens a wait, never shortens it, never beyond the duration")
  func retryAfter() {
    let policy = RetryPolicy(durationSeconds: 300)
    func wait(_ asked: Int64, spent: Int64 = 0) -> RetryPolicy.Decision {
      policy.decide(
        attempts: 3,
        spent: spent * Self.second,
        jitter: 0.5,
        retryAfter: asked * Self.second
      )
    }
    #expect(wait(30) == .retry(afterNanoseconds: 30 * Self.second))
    #expect(wait(1) == .retry(afterNanoseconds: 4 * Self.second))
    #expect(wait(500) == .retry(afterNanoseconds: 300 * Self.second))
    #expect(wait(500, spent: 250) == .retry(afterNanoseconds: 50 * Self.second))
    #expect(wait(10, spent: 300) == .giveUp)
  }

  @Test("Retry-After is capped at one hour")
  func retryAfterCap() {
    let decision = RetryPolicy(durationSeconds: 7_200).decide(
      attempts: 1,
      spent: 0,
      jitter: 0.5,
      retryAfter: .max
    )
    #expect(decision == .retry(afterNanoseconds: 3_600 * Self.second))
  }
}
