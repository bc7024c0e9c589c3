/// What the parts of the daemon may take of `limits.memory`.
///
/// The rest is the process itself (about 24 MB), the buffers of sources, and what queries of the
/// daemon's own need.
struct MemoryBudget {
  /// Batches between collector and store.
  let queueBytes: Int
  /// Encoded blocks that wait for one commit.
  let commitBytes: Int
  /// Requests that are built or under way.
  let forwardBytes: Int

  init(total: Int) {
    queueBytes = total / 16
    commitBytes = total / 32
    forwardBytes = total / 4
  }
}
