internal import LogModel
internal import Platform
internal import Synchronization

/// Deletions, and what the planner reads back.
extension StoreWriter {
  /// The group's tail in order: committed rows, then rows of the coming commit.
  func tailImages(of state: GroupState, plan: CommitPlan) -> [BlockReference] {
    var images: [BlockReference] = []
    do throws(StoreError) {
      images = try catalog.tail(of: state.id)
    } catch {
      // The planner notices the missing events by their number and leaves the tail alone.
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "tail")])
    }
    let sealed = plan.sealedTails.last { $0.group == state.id }?.before ?? 0
    images.removeAll { $0.firstSequence < sealed }
    for row in plan.tailRows where row.header.group == state.id {
      images.append(BlockReference(header: row.header, place: .tail(row.metadata + row.payload)))
    }
    return images
  }

  /// Read positions of all sources that gave the events which are about to become blocks.
  func checkpoints(of state: GroupState, plan: CommitPlan) -> [SourceCheckpoint] {
    var found: [String: SourceCheckpoint] = [:]
    let segmentStart = state.nextSequence
    // Silence is right: positions in blocks only matter to a rebuilt catalog, which then reads
    // further.
    for checkpoint in (try? catalog.checkpoints(group: state.id, from: segmentStart)) ?? [] {
      found[checkpoint.source] = checkpoint
    }
    for entry in plan.checkpoints.values where entry.group == state.id {
      found[entry.checkpoint.source] = entry.checkpoint
    }
    return found.values.sorted { $0.source < $1.source }
  }

  /// Carries out deletions at once, whatever else fails: they are what frees a full disk.
  func applyDeletions() {
    let changes = shared.deletions.withLock { waiting -> [StoreChange] in
      defer { waiting.removeAll() }
      return waiting
    }
    for change in changes {
      switch change {
      case .retire(let segments, let reason): retire(segments, reason)
      case .expireTail(let group, let before): expireTail(group, before)
      case .lane, .removeLane, .retention: preconditionFailure("not a deletion")
      }
    }
  }

  private func retire(_ segments: [UInt64], _ reason: RetireReason) {
    let busy = Set(plan.blocks.compactMap { $0.place?.segment.id } + plan.finished.map(\.id))
    var doomed = segments.filter { !busy.contains($0) }[...]
    while !doomed.isEmpty {
      let part = Array(doomed.prefix(32))
      doomed = doomed.dropFirst(32)
      do throws(StoreError) {
        let files = try deleteRows(of: part)
        for state in groups.values {
          state.segments.removeAll { part.contains($0.id) }
          for id in part { state.footers[id] = nil }
        }
        for file in files {
          metrics.add(
            "logagent_retention_deleted_bytes_total",
            Double(file.bytes),
            [("resource", file.group), ("reason", reason.rawValue)]
          )
          // Silence is right: a file without a row is removed at the next start.
          try? FileSystem.remove(file.path)
        }
        _ = try catalog.connection.checkpoint(truncate: shared.state.withLock { $0 != .ok })
      } catch {
        catalog.rollBack()
        if error.isOutOfSpace { Ballast.release(layout: layout) }
        metrics.add("logagent_storage_commit_errors_total", 1)
        // The sweeper asks again.
        return
      }
    }
  }

  private func deleteRows(
    of segments: [UInt64]
  ) throws(StoreError) -> [(path: String, bytes: Int64, group: String)] {
    try catalog.begin()
    var files: [(path: String, bytes: Int64, group: String)] = []
    for id in segments {
      guard let row = try catalog.segment(id) else { continue }
      let name = groupsByID[row.group]?.group.name ?? ""
      files.append((layout.segment(id, group: row.group, codec: row.codec), row.length, name))
      try catalog.removeSegment(id, group: row.group)
    }
    try catalog.commit()
    return files
  }

  private func expireTail(_ group: UInt32, _ before: Timestamp) {
    guard let state = groupsByID[group] else { return }
    do throws(StoreError) {
      try catalog.begin()
      let removed = try catalog.removeTail(group: group, ageBaseBefore: before.nanoseconds)
      try catalog.commit()
      if removed > 0 { state.tail = try catalog.tailSummary(of: group) }
      metrics.add(
        "logagent_retention_deleted_tail_rows_total",
        Double(removed),
        [("resource", state.group.name)]
      )
    } catch {
      catalog.rollBack()
      metrics.add("logagent_storage_commit_errors_total", 1)
    }
  }
}
