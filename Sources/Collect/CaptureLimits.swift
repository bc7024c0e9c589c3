internal import LogModel

/// Bounds of capture that no other target needs; the shared ones are in `Limits`.
enum CaptureLimits {
  /// The longest physical record that is looked at as a whole; a longer one is cut while it is
  /// read.
  static let recordBytesMax = 2_097_152
  /// The same for records of `export`: six bytes for one where all are control characters, and the
  /// message again in base64.
  static let exportedRecordBytesMax = 16_777_216
  /// Bytes before the read position that are compared to notice a file that was cut and has
  /// regrown.
  static let tailBytes = 64
  /// Fingerprints of files that a position remembers, so that older files of the chain are known.
  static let historyKept = 8
  /// Files that one unfinished line may span; beyond it the line is ended.
  static let historyMax = 200
  /// Rotated files of one chain that are opened.
  static let chainFilesMax = 256
  /// Files under a container's or run's directory that are looked at.
  static let metadataBytesMax = 4_194_304
  /// Names of sources and their positions, as the store bounds them too.
  static let sourceNameBytesMax = 512
  static let positionBytesMax = 4_096
  /// Batches that an import leaves for the owner of the store before it waits.
  static let handedFilesMax = 8
  /// One such batch, and all that wait together; the largest event and its neighbours fit.
  static let handedBytesMax = 67_108_864
  /// Events of one such batch: somewhat more than is aimed at, as open lines end behind a full one.
  static let handedEventsMax = Limits.batchEvents + 64
  /// Imports from which batches are taken at the same time; more wait.
  static let importsMax = 64
  /// How long an inbox may be in the making before its import counts as dead.
  static let inboxDraftNanoseconds: Int64 = 60_000_000_000
  /// A log file that is created this long after its writer's start is not the first one.
  static let firstFileGraceNanoseconds: Int64 = 1_000_000_000
  /// Nesting of JSON that is followed.
  static let jsonDepthMax = 64
  /// Idle polling of a file that has been idle for `longIdleNanoseconds`.
  static let longIdlePollNanoseconds: Int64 = 500_000_000
  static let longIdleNanoseconds: Int64 = 30_000_000_000
  /// How long an idle file is asked by its handle alone, when events tell of its directory.
  static let pathLookNanoseconds: Int64 = 2_000_000_000
  /// All directories are listed again this often, in case an event was lost.
  static let rescanNanoseconds: Int64 = 5_000_000_000
  /// How long a new container's output waits for its metadata before it is placed without.
  static let metadataWaitNanoseconds: Int64 = 2_000_000_000
  /// A file of a removed container is looked at once more after this time, then given up.
  static let removedGraceNanoseconds: Int64 = 250_000_000
  /// How long a writer must be gone, and its log without anything new, before a line that it left
  /// open is ended: Docker may write of a new start later than of its first output.
  static let writerGoneGraceNanoseconds: Int64 = 300_000_000
}
