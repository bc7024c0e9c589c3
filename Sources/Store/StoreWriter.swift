internal import LogModel
internal import Platform
internal import Synchronization

/// The store thread: queue → plans → segments, fdatasync, one transaction → published.
///
/// Owns the only writable SQLite connection and all segment files. Nothing here is shared but
/// `shared`.
final class StoreWriter {
  let shared: StoreShared
  let options: StoreOptions
  let layout: Layout
  let clock: any Clock
  let metrics: Metrics
  let catalog: Catalog
  var groups: [LogGroup: GroupState] = [:]
  var groupsByID: [UInt32: GroupState] = [:]
  var nextSegment: UInt64
  var plan = CommitPlan()
  private var planner: BlockPlanner
  /// Groups with pending events, in order of arrival.
  private var waiting: [GroupState] = []
  private var waitingSince: Int64?
  private var popped: UInt64 = 0
  private var commitsSinceCheckpoint = 0
  /// The number of the next segment as the catalog has it.
  private var recordedNextSegment: UInt64 = 0
  private let identity: CatalogIdentity
  var notesSchedule = NotesSchedule()
  let notices: [String]

  init(
    options: StoreOptions,
    layout: Layout,
    clock: any Clock,
    metrics: Metrics
  ) throws(StoreError) {
    self.options = options
    self.layout = layout
    self.clock = clock
    self.metrics = metrics
    let recovered = try StoreRecovery.recover(layout: layout, metrics: metrics)
    catalog = recovered.catalog
    nextSegment = recovered.nextSegment
    notices = recovered.notices
    identity = try CatalogIdentity(path: layout.catalog, now: clock.monotonic())
    shared = StoreShared(positions: recovered.positions)
    planner = BlockPlanner(
      encoder: BlockEncoder(
        codec: options.codec,
        store: UInt64(catalog.store.prefix(16), radix: 16) ?? 0
      )
    )
    for state in recovered.groups {
      groups[state.group] = state
      groupsByID[state.id] = state
    }
    Ballast.ensure(layout: layout, bytes: options.ballastBytes)
  }

  func run(queue: BoundedQueue<StoreCommand>) {
    while true {
      let command = queue.pop(waiting: nanosecondsToWait())
      if let command {
        popped += 1
        take(command)
      } else if queue.isDrained {
        break
      }
      applyDeletions()
      if isCommitDue() && !commitUntilDone() { break }
    }
    planWaiting()
    // After a failure nothing is written any more: what a second try reports would be a lie.
    if !hasFailed, !plan.isEmpty { _ = commitUntilDone() }
    // Whoever still submits must learn that nobody takes it.
    queue.close()
    if !hasFailed { leaveTidy() }
    shared.isEnded.store(true, ordering: .releasing)
    for listener in shared.listeners.withLock({ $0 }) { listener.ring() }
  }

  private var hasFailed: Bool {
    if case .failed = shared.state.withLock({ $0 }) { true } else { false }
  }

  private func take(_ command: consuming StoreCommand) {
    switch consume command {
    case .batch(let batch): accept(batch)
    case .changes(let changes):
      plan.changes += changes
      plan.ticket = popped
      // Lanes wait for this: it must not wait for the interval.
      waitingSince = waitingSince.map { $0 &- options.commitIntervalNanoseconds } ?? .min / 2
    }
  }

  private func accept(_ batch: consuming EventBatch) {
    let now = clock.now()
    if waitingSince == nil { waitingSince = clock.monotonic() }
    let state = self.state(of: batch.group)
    let checkpoint = batch.checkpoint
    if !batch.records.isEmpty {
      let events = PendingEvents(batch, ingestion: Timestamp(nanoseconds: now))
      note(events, in: state, at: now)
      if state.pending.isEmpty { waiting.append(state) }
      state.pending.append(events)
    }
    // Before the events become blocks, which carry the position for a rebuilt catalog.
    if let checkpoint {
      let last = state.nextSequence + UInt64(state.pending.records.count)
      plan.checkpoints[checkpoint.source] = (checkpoint, state.id, last)
    }
    if state.pending.bytes.count >= options.blockRawBytes
      || state.pending.records.count >= Limits.batchEvents
    {
      planner.plan(state, into: &plan, writer: self)
      waiting.removeAll { $0 === state }
    }
    plan.ticket = popped
  }

  private func note(_ events: borrowing PendingEvents, in state: GroupState, at now: Int64) {
    var uses = [StreamUse](repeating: StreamUse(), count: events.streams.count)
    for record in events.records {
      let index = Int(record.stream)
      uses[index].events += 1
      uses[index].first = min(uses[index].first, record.timestamp)
      uses[index].last = max(uses[index].last, record.timestamp)
    }
    for (index, use) in uses.enumerated() where use.events > 0 {
      var sum = plan.streams[state.id]?[events.streams[index]] ?? StreamUse()
      sum.events += use.events
      sum.first = min(sum.first, use.first)
      sum.last = max(sum.last, use.last)
      sum.ingestion = now
      plan.streams[state.id, default: [:]][events.streams[index]] = sum
    }
  }

  func state(of group: LogGroup) -> GroupState {
    if let known = groups[group] { return known }
    let id = (groupsByID.keys.max() ?? 0) + 1
    let state = GroupState(id: id, group: group, nextSequence: 0, isNew: true)
    groups[group] = state
    groupsByID[id] = state
    plan.touched[id] = state
    return state
  }

  private func nanosecondsToWait() -> Int64 {
    guard let since = waitingSince else { return 1_000_000_000 }
    let due = since.addingReportingOverflow(options.commitIntervalNanoseconds).partialValue
    return max(0, min(due - clock.monotonic(), 1_000_000_000))
  }

  private func isCommitDue() -> Bool {
    guard let since = waitingSince else { return false }
    return plan.encodedBytes >= options.commitBytes
      || clock.monotonic() - since >= options.commitIntervalNanoseconds
  }

  private func planWaiting() {
    for state in waiting { planner.plan(state, into: &plan, writer: self) }
    waiting.removeAll(keepingCapacity: true)
  }

  /// Commits, retrying while the reason may pass; false when the store has to end.
  private func commitUntilDone() -> Bool {
    planWaiting()
    let started = clock.monotonic()
    var delay: Int64 = 50_000_000
    while true {
      do throws(StoreError) {
        try commit()
        if shared.state.withLock({ state in
          defer { state = .ok }
          return state != .ok
        }) {
          Ballast.ensure(layout: layout, bytes: options.ballastBytes)
        }
        waitingSince = nil
        return true
      } catch {
        metrics.add("logagent_storage_commit_errors_total", 1)
        let failure =
          Self.isFatal(error)
          || (!error.isOutOfSpace
            && clock.monotonic() - started > 30_000_000_000)
        shared.state.withLock {
          $0 = failure ? .failed(error.description) : .degraded(error.description)
        }
        if failure { return false }
        if clock.monotonic() >= shared.closeDeadline.load(ordering: .acquiring) { return false }
        if error.isOutOfSpace { Ballast.release(layout: layout) }
        applyDeletions()
        Poller.wait(readable: [], nanoseconds: delay)
        delay = min(delay * 2, 1_000_000_000)
      }
    }
  }

  /// A failed fsync inside SQLite leaves the WAL in doubt: only reopening it can tell.
  private static func isFatal(_ error: StoreError) -> Bool {
    // The catalog was deleted or replaced under us: what SQLite writes now, nobody will find.
    if case .missing = error { return true }
    guard case .catalog(let code, _) = error else { return false }
    let fsync: Int32 = 10 | 4 << 8
    let directorySync: Int32 = 10 | 5 << 8
    return code == fsync || code == directorySync || code & 0xff == 11 || code & 0xff == 26
  }

  private func commit() throws(StoreError) {
    let begun = clock.monotonic()
    try identity.check(now: begun)
    try placeBlocks()
    try syncSegments()
    do throws(StoreError) {
      try catalog.begin()
      try writeRows()
      try catalog.commit()
    } catch {
      catalog.rollBack()
      throw error
    }
    publish()
    metrics.add("logagent_index_commits_total")
    metrics.add(
      "logagent_index_commit_seconds_total",
      Double(clock.monotonic() - begun) / 1_000_000_000
    )
  }

  private func placeBlocks() throws(StoreError) {
    for index in plan.blocks.indices where plan.blocks[index].place == nil {
      let block = plan.blocks[index]
      let segment = try segment(for: block.state, day: block.day)
      let place = try segment.append(block.encoded)
      segment.lastUse = clock.monotonic()
      plan.blocks[index].place = CommitPlan.Place(
        segment: segment,
        offset: place.offset,
        metadataBytes: place.metadataBytes
      )
      let header = block.encoded.header
      block.state.footers[segment.id, default: []].append(
        SegmentFooter.Entry(
          offset: place.offset,
          firstSequence: header.firstSequence,
          eventCount: header.eventCount,
          minTimestamp: header.minTimestamp,
          maxTimestamp: header.maxTimestamp
        )
      )
      if segment.length >= options.segmentBytes { try seal(segment, of: block.state) }
    }
  }

  /// The open segment of the group for that day; the oldest one is sealed when too many are open.
  private func segment(for state: GroupState, day: Int64) throws(StoreError) -> SegmentWriter {
    if let found = state.segments.first(where: { $0.day == day }) { return found }
    if state.segments.count >= Limits.openSegmentsPerGroup,
      let oldest = state.segments.min(by: { $0.lastUse < $1.lastUse })
    {
      try seal(oldest, of: state)
    }
    let created = try SegmentWriter(
      creating: nextSegment,
      group: state.id,
      name: state.group,
      codec: options.codec,
      day: day,
      layout: layout,
      store: catalog.store,
      now: Timestamp(nanoseconds: clock.now())
    )
    nextSegment += 1
    state.segments.append(created)
    return created
  }

  /// Ends a full segment: footer, fdatasync, and its row with the coming commit.
  private func seal(_ segment: SegmentWriter, of state: GroupState) throws(StoreError) {
    do throws(StoreError) {
      try segment.seal(blocks: state.footers[segment.id] ?? [])
    } catch {
      abandon(segment)
      throw error
    }
    state.footers[segment.id] = nil
    state.segments.removeAll { $0 === segment }
    plan.finished.append(segment)
  }

  private func syncSegments() throws(StoreError) {
    var failure: StoreError?
    for block in plan.blocks {
      guard let segment = block.place?.segment, segment.isDirty else { continue }
      do throws(StoreError) {
        try segment.sync()
      } catch {
        failure = error
        abandon(segment)
      }
    }
    if let failure { throw failure }
  }

  /// After a failed fdatasync: the file is left alone for ever, its blocks go into a new one.
  private func abandon(_ segment: SegmentWriter) {
    metrics.add("logagent_storage_abandoned_segments_total")
    segment.abandon()
    let holdsCommitted = segment.totals.events > 0
    for index in plan.blocks.indices where plan.blocks[index].place?.segment === segment {
      plan.blocks[index].place = nil
    }
    guard let state = groupsByID[segment.group] else { return }
    state.segments.removeAll { $0 === segment }
    state.footers[segment.id] = nil
    // Without a committed block there is no row to keep; the next start removes the file.
    if holdsCommitted { plan.finished.append(segment) }
  }

  private func writeRows() throws(StoreError) {
    for state in plan.touched.values where state.isNew {
      try catalog.addGroup(state.id, state.group)
    }
    var written: Set<UInt64> = []
    for block in plan.blocks {
      guard let place = block.place else { preconditionFailure("a block without a place") }
      if written.insert(place.segment.id).inserted { try catalog.put(place.segment) }
      try catalog.add(
        block.encoded.header,
        segment: place.segment.id,
        offset: place.offset,
        metadataBytes: place.metadataBytes
      )
    }
    for segment in plan.finished where !written.contains(segment.id) { try catalog.put(segment) }
    for sealed in plan.sealedTails {
      try catalog.removeTail(group: sealed.group, sealed.sequences)
    }
    for row in plan.tailRows { try catalog.addTail(row) }
    for state in plan.touched.values {
      try catalog.setNextSequence(state.nextSequence, group: state.id, state.group)
    }
    for (group, streams) in plan.streams {
      for (stream, use) in streams { try catalog.note(use, group: group, stream: stream.name) }
    }
    for entry in plan.checkpoints.values {
      try catalog.put(entry.checkpoint, group: entry.group, lastSequence: entry.lastSequence)
    }
    for change in plan.changes { try write(change) }
    if nextSegment != recordedNextSegment {
      try catalog.setMeta(Catalog.nextSegmentKey, String(nextSegment))
    }
  }

  private func write(_ change: StoreChange) throws(StoreError) {
    switch change {
    case .lane(let lane): try catalog.put(lane)
    case .removeLane(let group, let destination):
      try catalog.removeLane(group: group, destination: destination)
    case .retention(let entries):
      for entry in entries {
        guard let state = groups[entry.group] else { continue }
        try catalog.setRetention(group: state.id, entry.period)
      }
    case .clock(let time): try catalog.setMeta("clock", String(time.nanoseconds))
    case .retire, .expireTail:
      preconditionFailure("deletions do not travel in plans")
    }
  }

  private func publish() {
    for block in plan.blocks { block.place?.segment.markCommitted() }
    for segment in plan.finished { segment.markCommitted() }
    for state in plan.touched.values { state.isNew = false }
    if !plan.checkpoints.isEmpty {
      let changed = plan.checkpoints
      shared.positions.withLock { positions in
        for (source, entry) in changed {
          positions[source] = entry.checkpoint.position.isEmpty ? nil : entry.checkpoint.position
        }
      }
    }
    metrics.add("logagent_storage_uncompressed_bytes_total", Double(plan.rawBytes))
    metrics.add("logagent_storage_written_bytes_total", Double(plan.encodedBytes))
    metrics.add("logagent_storage_events_total", Double(plan.events))
    recordedNextSegment = nextSegment
    if plan.changes.contains(where: \.isLane) { notesSchedule.isDue = true }
    let ticket = max(plan.ticket, shared.committed.load(ordering: .relaxed))
    plan = CommitPlan()
    shared.committed.store(ticket, ordering: .releasing)
    for listener in shared.listeners.withLock({ $0 }) { listener.ring() }
    closeIdleSegments()
    checkpointIfLarge()
    writeNotes(atEnd: false)
  }

  private func checkpointIfLarge() {
    // Silence is right: a checkpoint only moves what is already durable; the next one takes it.
    commitsSinceCheckpoint += 1
    guard commitsSinceCheckpoint >= 32,
      let frames = try? catalog.connection.checkpoint(truncate: false)
    else { return }
    commitsSinceCheckpoint = 0
    if frames > 16 * Limits.walCheckpointPages {
      // Silence is right here as above.
      _ = try? catalog.connection.checkpoint(truncate: true)
    }
  }

  private func closeIdleSegments() {
    var open: [SegmentWriter] = []
    for state in groups.values {
      for segment in state.segments where segment.isOpen { open.append(segment) }
    }
    guard open.count > 64 else { return }
    for segment in open.sorted(by: { $0.lastUse < $1.lastUse }).prefix(open.count - 48) {
      segment.closeWhileIdle()
    }
  }

  private func leaveTidy() {
    writeNotes(atEnd: true)
    // Silence is right: at the end of the process the WAL holds everything, checkpointed or not.
    _ = try? catalog.connection.checkpoint(truncate: true)
  }
}
