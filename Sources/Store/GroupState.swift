internal import LogModel
internal import Platform

/// What the store thread knows of one log group between commits.
final class GroupState {
  let id: UInt32
  let group: LogGroup
  var nextSequence: UInt64
  /// Rows in the tail table, committed or planned.
  var tail = Tail()
  /// Arrived since the last plan; not yet a row or block.
  var pending = PendingEvents()
  var pendingSince: Int64 = 0
  /// Segments that still take blocks, by day; few.
  var segments: [SegmentWriter] = []
  /// Where each open segment's blocks are, for its footer.
  var footers: [UInt64: [SegmentFooter.Entry]] = [:]
  var isNew: Bool

  struct Tail {
    var rows = 0
    var rawBytes = 0
    var firstSequence: UInt64 = 0
    var day: Int64 = 0
    var since: Int64 = 0
  }

  init(id: UInt32, group: LogGroup, nextSequence: UInt64, isNew: Bool) {
    self.id = id
    self.group = group
    self.nextSequence = nextSequence
    self.isNew = isNew
  }
}

/// Everything that the next transaction will make true.
///
/// Kept until it did, however often it fails.
struct CommitPlan {
  struct Block {
    var encoded: EncodedBlock
    var day: Int64
    let state: GroupState
    /// Nil until the block is in a segment.
    var place: Place?
  }

  struct Place {
    let segment: SegmentWriter
    let offset: Int64
    let metadataBytes: Int
  }

  var blocks: [Block] = []
  var tailRows: [EncodedBlock] = []
  var sealedTails: [(group: UInt32, sequences: Range<UInt64>)] = []
  var checkpoints: [String: (checkpoint: SourceCheckpoint, group: UInt32, lastSequence: UInt64)] =
    [:]
  var changes: [StoreChange] = []
  var streams: [UInt32: [LogStream: StreamUse]] = [:]
  var touched: [UInt32: GroupState] = [:]
  /// Segments that were full or abandoned: their rows are written with this commit.
  var finished: [SegmentWriter] = []
  var encodedBytes = 0
  var rawBytes = 0
  var events = 0
  /// The last command in it.
  var ticket: UInt64 = 0

  var isEmpty: Bool {
    blocks.isEmpty && tailRows.isEmpty && checkpoints.isEmpty && changes.isEmpty
      && touched.isEmpty && finished.isEmpty
  }
}
