package import LogModel

/// How a store is opened.
///
/// The bounds default to those of `Limits`; tests shrink them so that every roll-over happens in
/// every run.
package struct StoreOptions: Sendable {
  package var dataDirectory: String
  package var codec: Codec = .zstd
  package var blockRawBytes = Limits.blockRawBytes
  package var floodBytes = Limits.floodBytes
  package var segmentBytes = Limits.segmentBytes
  package var queueBytes = Limits.queueBytes
  package var tailRowsMax = Limits.tailRowsMax
  package var tailAgeNanoseconds = Limits.tailAgeNanoseconds
  package var commitIntervalNanoseconds = Limits.commitIntervalNanoseconds
  /// Encoded bytes that wait for one commit at most.
  package var commitBytes = 4_194_304
  package var ballastBytes = Limits.ballastBytes

  package init(dataDirectory: String) {
    self.dataDirectory = dataDirectory
  }
}

/// A durable change besides new events, applied in order with them.
package enum StoreChange: Sendable {
  /// Inserts or replaces a delivery lane's row.
  case lane(LaneState)
  case removeLane(group: UInt32, destination: String)
  /// Recorded in the catalog, so that readers hide expired events without any configuration.
  case retention([(group: LogGroup, period: RetentionPeriod)])
  /// The wall time that retention believes, kept for the next start; never a time that jumped.
  case clock(Timestamp)
  /// Rows first, then the files; a reader that holds a file keeps it.
  case retire(segments: [UInt64], reason: RetireReason)
  /// Deletes the tail rows of a group whose events are all older than `before`.
  case expireTail(group: UInt32, before: Timestamp)
}

/// Why stored events were deleted.
package enum RetireReason: String, Sendable, CaseIterable {
  case age
  case diskUsage = "disk_usage"
  case freeSpace = "free_space"

  /// The configuration's name for the bound; nil for age, which is no loss.
  var bound: String? {
    switch self {
    case .age: nil
    case .diskUsage: "limits.maxDiskUsage"
    case .freeSpace: "limits.minFreeDisk"
    }
  }
}

/// Where a delivery lane stands: one destination of one log group.
package struct LaneState: Sendable, Equatable {
  package var group: UInt32
  /// The destination's id, stable text chosen by the forwarder.
  package var destination: String
  /// The next sequence to deliver; 0 in a new lane, which begins with the oldest stored event.
  package var cursor: UInt64
  /// The request that was prepared before its first attempt and is not yet settled.
  package var pending: PendingRequest?

  package init(group: UInt32, destination: String, cursor: UInt64, pending: PendingRequest? = nil) {
    self.group = group
    self.destination = destination
    self.cursor = cursor
    self.pending = pending
  }
}

/// All that is needed to build a request again, byte for byte, after a crash.
package struct PendingRequest: Sendable, Equatable {
  package var requestID: String
  /// One past the last sequence in the request.
  package var endSequence: UInt64
  package var timestampMilliseconds: Int64
  /// CRC-32C of the body: what is built later is the same request only if this is the same.
  package var checksum: UInt32

  package init(
    requestID: String,
    endSequence: UInt64,
    timestampMilliseconds: Int64,
    checksum: UInt32
  ) {
    self.requestID = requestID
    self.endSequence = endSequence
    self.timestampMilliseconds = timestampMilliseconds
    self.checksum = checksum
  }
}
