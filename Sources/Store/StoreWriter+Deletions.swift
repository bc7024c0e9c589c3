internal import LogModel
internal import Platform
internal import Synchronization

/// Deletions, which free a full disk and so must not wait for commits that fail.
extension StoreWriter {
  /// Segments whose rows go in one transaction.
  private static let segmentsAtOnce = 8

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
      case .lane, .removeLane, .retention, .clock: preconditionFailure("not a deletion")
      }
    }
  }

  private func retire(_ segments: [UInt64], _ reason: RetireReason) {
    let busy = Set(plan.blocks.compactMap { $0.place?.segment.id } + plan.finished.map(\.id))
    var doomed = segments.filter { !busy.contains($0) }[...]
    while !doomed.isEmpty {
      let part = Array(doomed.prefix(Self.segmentsAtOnce))
      doomed = doomed.dropFirst(Self.segmentsAtOnce)
      do throws(StoreError) {
        let files = try deleteRows(of: part, reason)
        for state in groups.values {
          state.segments.removeAll { part.contains($0.id) }
          for id in part { state.footers[id] = nil }
        }
        removeFiles(files, reason)
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

  private struct Doomed {
    let id: UInt64
    let path: String
    let bytes: Int64
    let group: String
  }

  private func deleteRows(
    of segments: [UInt64],
    _ reason: RetireReason
  ) throws(StoreError) -> [Doomed] {
    var files: [Doomed] = []
    try catalog.begin()
    for id in segments {
      guard let row = try catalog.segment(id) else { continue }
      let name = groupsByID[row.group]?.group.name ?? ""
      let path = layout.segment(id, group: row.group, codec: row.codec)
      files.append(Doomed(id: id, path: path, bytes: row.length, group: name))
      if reason.bound != nil {
        let evicted = try tally(id, path: path, codec: row.codec)
        try catalog.note(evicted, group: row.group, at: clock.now(), reason: reason.rawValue)
        metrics.add(
          "logagent_retention_evicted_events_total",
          Double(evicted.reduce(0) { $0 + $1.events }),
          [("resource", name), ("reason", reason.rawValue)]
        )
        notesSchedule.isDue = true
      }
      try catalog.removeSegment(id, group: row.group, codec: row.codec)
    }
    try catalog.commit()
    return files
  }

  /// What readers will find a gap for.
  private func tally(
    _ segment: UInt64,
    path: String,
    codec: Codec
  ) throws(StoreError) -> [EvictedStream] {
    var file: SegmentFile?
    var failure = StoreError.closed
    do throws(StoreError) {
      file = try SegmentFile(path: path, codec: codec)
    } catch {
      failure = error
    }
    var tally = EvictionTally()
    for block in try catalog.blocks(segment: segment, in: file, missing: failure) {
      tally.add(block)
    }
    return tally.streams
  }

  private func removeFiles(_ files: [Doomed], _ reason: RetireReason) {
    var gone: [UInt64] = []
    for file in files {
      metrics.add(
        "logagent_retention_deleted_bytes_total",
        Double(file.bytes),
        [("resource", file.group), ("reason", reason.rawValue)]
      )
      do throws(SyscallError) {
        try FileSystem.remove(file.path)
        gone.append(file.id)
      } catch {
        // The next start removes it: its row among the retired ones stays.
        metrics.add("logagent_retention_errors_total")
      }
    }
    do throws(StoreError) {
      try storing { () throws(SyscallError) in
        for directory in Set(files.map { FileSystem.parent(of: $0.path) }) {
          try FileSystem.syncDirectory(directory)
        }
      }
      try catalog.begin()
      try catalog.forgetRetired(gone)
      try catalog.commit()
    } catch {
      // On a full disk the rows stay until the next start; they name files that are gone.
      catalog.rollBack()
    }
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

/// When the notes for a rebuilt catalog are written next.
struct NotesSchedule {
  static let intervalNanoseconds: Int64 = 10_000_000_000
  /// Something in them has changed.
  var isDue = false
  var last = Int64.min / 2
}

extension StoreWriter {
  /// Replaces the notes when they have changed and it is time.
  func writeNotes(atEnd: Bool) {
    let now = clock.monotonic()
    guard notesSchedule.isDue,
      atEnd || now - notesSchedule.last >= NotesSchedule.intervalNanoseconds
    else { return }
    notesSchedule.last = now
    do throws(StoreError) {
      let bytes = try catalog.rebuildNotes().encoded()
      try storing { () throws(SyscallError) in
        try FileSystem.replace(layout.rebuildNotes, with: bytes.span)
      }
      notesSchedule.isDue = false
    } catch {
      // The notes of before stay: a rebuilt catalog would deliver a little more again.
      metrics.add("logagent_storage_notes_errors_total")
    }
  }
}

extension StoreChange {
  var isLane: Bool {
    switch self {
    case .lane, .removeLane: true
    case .retention, .clock, .retire, .expireTail: false
    }
  }
}
