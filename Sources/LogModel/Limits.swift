/// Every bound of the agent, each with its reason.
///
/// Options may lower or raise those marked so.
package enum Limits {
  // MARK: capture

  /// Longest message kept whole (option `limits.maxEventSize`); the rest is cut and the event
  /// marked.
  package static let eventBytesMax = 1_048_576
  /// Raw bytes taken from one source before the others get their turn.
  package static let readTurnBytes = 1_048_576
  /// One read(2): 256 KiB reads cost half the CPU of 64 KiB ones on a 340 MB json-file.
  package static let readChunkBytes = 262_144
  /// Messages in one batch; a batch of this size becomes a block without being copied.
  package static let batchBytes = 2_097_152
  /// Events in one batch.
  package static let batchEvents = 65_536
  /// How long a source may gather events before its batch is handed over, in nanoseconds.
  package static let batchAgeNanoseconds: Int64 = 100_000_000
  /// Bytes of batches between collector and store; above it the collector stops reading.
  package static let queueBytes = 8_388_608
  /// Polling of a source that has nothing new: from 10 ms, doubling, to 250 ms.
  package static let pollMinNanoseconds: Int64 = 10_000_000
  package static let pollMaxNanoseconds: Int64 = 250_000_000
  /// Bytes of rotated-away or deleted files that are held open for reading; beyond it a gap is cut.
  package static let heldDeletedBytesMax: Int64 = 1_073_741_824

  // MARK: store

  /// Raw bytes at which a group's tail becomes a block.
  package static let blockRawBytes = 2_097_152
  /// A single commit with this much for one group becomes a block at once.
  package static let floodBytes = 262_144
  /// A block is never larger than this, raw; a header that claims more is damaged.
  package static let blockRawBytesMax = 16_777_216
  /// A block never holds more events than this.
  package static let blockEventsMax = 1_048_576
  /// Metadata (columns and filter) of a block, on disk.
  package static let blockMetadataBytesMax = 67_108_864
  /// Compressed size at which a segment ends.
  package static let segmentBytes: Int64 = 67_108_864
  /// Longest wait from a batch's arrival to its commit, in nanoseconds.
  package static let commitIntervalNanoseconds: Int64 = 200_000_000
  /// Tail rows of a group before they are sealed, so that readers decode a bounded number.
  package static let tailRowsMax = 512
  /// Age at which a tail is sealed whatever its size, in nanoseconds.
  package static let tailAgeNanoseconds: Int64 = 3_600_000_000_000
  /// Open segments of a group while old events of several days are imported.
  package static let openSegmentsPerGroup = 4
  /// WAL size at which the writer checkpoints.
  package static let walCheckpointPages = 1_024
  /// Disk kept in reserve so that rows can be deleted on a full disk.
  package static let ballastBytes: Int64 = 1_048_576

  // MARK: names

  /// CloudWatch's limit for log group and log stream names.
  package static let nameBytesMax = 512
}
