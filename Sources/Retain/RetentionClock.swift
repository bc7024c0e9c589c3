package import LogModel

/// The time that retention may act on: a jump of the wall clock must never delete anything.
///
/// The store keeps the wall time that was last believed. From there time may have gone on by what
/// the monotonic clock says plus one hour (48 hours across a start, when nobody counted). A wall
/// clock more than 24 hours ahead of that is not believed until it has been steady for 24 hours.
package struct RetentionClock: Sendable {
  private static let hour: Int64 = 3_600_000_000_000
  private static let stepNanoseconds: Int64 = 60_000_000_000

  /// What the wall clock was known to be, and when that was on the monotonic clock.
  private var known: (wall: Int64, monotonic: Int64)?
  private var slack: Int64
  /// Since when wall and monotonic clock have agreed.
  private var steady: (wall: Int64, monotonic: Int64)

  /// `persisted` is the wall time that was last believed before this start, if there was one.
  package init(persisted: Timestamp?, wall: Int64, monotonic: Int64) {
    known = persisted.map { ($0.nanoseconds, monotonic) }
    slack = 48 * Self.hour
    steady = (wall, monotonic)
  }

  /// The time to judge age by; nil while the wall clock is not believed.
  package mutating func now(wall: Int64, monotonic: Int64) -> Timestamp? {
    let drift = wall - (steady.wall + monotonic - steady.monotonic)
    if abs(drift) > Self.stepNanoseconds { steady = (wall, monotonic) }
    guard let anchor = known else {
      known = (wall, monotonic)
      slack = Self.hour
      return Timestamp(nanoseconds: wall)
    }
    let limit = anchor.wall + (monotonic - anchor.monotonic) + slack
    if wall <= limit {
      known = (max(wall, anchor.wall), monotonic)
      slack = Self.hour
      return Timestamp(nanoseconds: wall)
    }
    if monotonic - steady.monotonic >= 24 * Self.hour {
      known = (wall, monotonic)
      slack = Self.hour
      return Timestamp(nanoseconds: wall)
    }
    return wall - limit > 24 * Self.hour ? nil : Timestamp(nanoseconds: limit)
  }
}
