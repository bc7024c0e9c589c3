package import LogModel

/// How forwarding is set up, apart from the destinations.
package struct ForwardOptions: Sendable {
  package var deadLetters: String
  package var deadLetterBytesMax: Int64 = 1_073_741_824
  /// Memory for requests that are built or under way, over all lanes.
  package var bufferBytes = 33_554_432
  /// The owner in every record: 12 digits.
  package var account = "000000000000"
  package var responseTimeoutMilliseconds = DeliveryLimits.responseTimeoutMilliseconds
  /// A file with the certificate authorities to trust, instead of the system's.
  package var authorities: String?
  /// How long a stop may take: one last attempt for every lane.
  package var drainNanoseconds: Int64 = 6_000_000_000
  /// For tests: the seed of the jitter.
  package var seed: UInt64?

  package init(deadLetters: String) {
    self.deadLetters = deadLetters
  }
}

/// Where a lane stands, for `status`.
package struct LaneStatus: Sendable, Equatable {
  package var group: LogGroup
  package var destination: String
  package var queuedEvents: UInt64
  /// When the first of them was taken in; nil when there is none, or it cannot be read.
  package var oldestUnsent: Timestamp?
  package var lastError: String?
  package var attempts: Int
  package var nextAttemptSeconds: Double?
  package var pausedReason: String?
  package var deadLetterEvents: UInt64
  /// What the lane does now: idle, preparing, sending, or waiting to retry.
  package var activity: String
}
