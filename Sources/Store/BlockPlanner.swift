internal import LogModel
internal import Platform

/// Decides what a group's waiting events become: a tail row while they trickle, blocks when they
/// flood.
///
/// Store thread only.
struct BlockPlanner: ~Copyable {
  private var encoder: BlockEncoder
  private var reader = BlockReader()

  init(encoder: consuming BlockEncoder) {
    self.encoder = encoder
  }

  /// Moves the group's pending events into the plan and gives them their sequences.
  mutating func plan(_ state: GroupState, into plan: inout CommitPlan, writer: StoreWriter) {
    guard !state.pending.isEmpty else { return }
    var events = PendingEvents()
    swap(&events, &state.pending)
    plan.touched[state.id] = state
    plan.rawBytes += events.bytes.count
    plan.events += events.records.count
    if mustSeal(state, with: events, writer: writer) {
      events = withTail(of: state, before: events, plan: &plan, writer: writer)
    } else if events.bytes.count < writer.options.floodBytes {
      addTailRow(state, events, into: &plan, writer: writer)
      return
    }
    addBlocks(state, events, into: &plan, writer: writer)
  }

  private func mustSeal(
    _ state: GroupState,
    with events: borrowing PendingEvents,
    writer: StoreWriter
  ) -> Bool {
    let tail = state.tail
    guard tail.rows > 0 else { return false }
    let options = writer.options
    return events.bytes.count >= options.floodBytes
      || tail.rawBytes + events.bytes.count >= options.blockRawBytes
      || tail.rows >= options.tailRowsMax
      || writer.clock.now() - tail.since >= options.tailAgeNanoseconds
      || tail.day != Self.day(of: events)
  }

  /// The tail's rows and the new events as one run of events; the rows go with the coming commit.
  private mutating func withTail(
    of state: GroupState,
    before events: consuming PendingEvents,
    plan: inout CommitPlan,
    writer: StoreWriter
  ) -> PendingEvents {
    var merged = PendingEvents()
    var intact = true
    for image in writer.tailImages(of: state, plan: plan) {
      do throws(StoreError) {
        merged.append(try reader.events(of: image))
      } catch {
        intact = false
      }
    }
    guard intact, UInt64(merged.records.count) == state.nextSequence - state.tail.firstSequence
    else {
      // A damaged tail row stays where it is, to be reported by whoever reads it.
      writer.metrics.add("logagent_storage_corruptions_total", 1, [("kind", "tail")])
      state.tail = GroupState.Tail()
      return events
    }
    state.nextSequence = state.tail.firstSequence
    plan.tailRows.removeAll { $0.header.group == state.id }
    let first = state.tail.firstSequence
    plan.sealedTails.append((state.id, first..<(first + UInt64(merged.records.count))))
    state.tail = GroupState.Tail()
    merged.append(events)
    return merged
  }

  private mutating func addTailRow(
    _ state: GroupState,
    _ events: borrowing PendingEvents,
    into plan: inout CommitPlan,
    writer: StoreWriter
  ) {
    let encoded = encoder.encode(
      events,
      group: state.id,
      firstSequence: state.nextSequence,
      checkpoints: [],
      withFilter: false
    )
    if state.tail.rows == 0 {
      state.tail.firstSequence = state.nextSequence
      state.tail.day = Self.day(of: events)
      state.tail.since = writer.clock.now()
    }
    state.tail.rows += 1
    state.tail.rawBytes += events.bytes.count
    state.nextSequence += UInt64(events.records.count)
    plan.encodedBytes += encoded.metadata.count + encoded.payload.count
    plan.tailRows.append(encoded)
  }

  private mutating func addBlocks(
    _ state: GroupState,
    _ events: borrowing PendingEvents,
    into plan: inout CommitPlan,
    writer: StoreWriter
  ) {
    let parts = events.cuts(
      rawBytes: max(writer.options.blockRawBytes, 1),
      eventsMax: Limits.blockEventsMax / 2
    )
    let checkpoints = writer.checkpoints(of: state, plan: plan)
    for (index, part) in parts.enumerated() {
      let slice = events.slice(part)
      // Only the last block of a batch has reached the positions; a rebuilt catalog must not skip
      // the events of a block that was lost behind an earlier one.
      let encoded = encoder.encode(
        slice,
        group: state.id,
        firstSequence: state.nextSequence,
        checkpoints: index == parts.count - 1 ? checkpoints : [],
        withFilter: true
      )
      state.nextSequence += UInt64(slice.records.count)
      plan.encodedBytes += encoded.metadata.count + encoded.payload.count
      plan.blocks.append(
        CommitPlan.Block(
          encoded: encoded,
          day: PendingEvents.day(of: encoded.header.maxAgeBase),
          state: state,
          place: nil
        )
      )
    }
  }

  /// The day of the youngest age base: decides the segment.
  private static func day(of events: borrowing PendingEvents) -> Int64 {
    guard let last = events.records.last, let run = events.ingestion.last else { return 0 }
    return PendingEvents.day(of: min(last.timestamp, run.time))
  }
}
