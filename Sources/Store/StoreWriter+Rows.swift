internal import LogModel
internal import Platform
internal import Synchronization

/// What the planner reads back.
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
    // Rows before the tail's beginning are sealed by this plan, or were damaged and given up.
    images.removeAll { $0.firstSequence < state.tail.firstSequence }
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
}
