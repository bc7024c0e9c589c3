internal import LogModel
internal import Platform
internal import Store

/// Reads a lane's next events from the store.
///
/// Used by the forward thread only.
struct DeliveryReader: ~Copyable {
  private var blocks = BlockReader()
  private var messages: [UInt8] = []
  /// The block that was decoded last: the next request usually goes on in it.
  private var columns: BlockColumns?
  private var decoded: (group: UInt32, first: UInt64, count: Int)?

  /// Where to stop.
  struct Bounds {
    var rawBytes: Int
    var events: Int
    /// The request's end when it is built again; nothing beyond is read.
    var endSequence: UInt64?
    /// Older than this is expired.
    var cutoff: Int64
    /// Counts a block as damaged that cannot be read, whatever the reason.
    var skipsUnreadable = false
  }

  /// The events from `sequence` on, until a bound is reached or the store has no more.
  mutating func read(
    _ group: GroupInfo,
    from sequence: UInt64,
    bounds: Bounds,
    reader: StoreReader
  ) throws(StoreError) -> DeliveryEvents {
    var events = DeliveryEvents(from: sequence)
    let end = bounds.endSequence ?? group.nextSequence
    while events.endSequence < end, !isFull(events, bounds) {
      let found = try reader.blocks(of: group.id, sequence: events.endSequence, limit: 4)
      guard !found.isEmpty else {
        // Everything from here to the end was deleted by retention.
        events.skipped += end - events.endSequence
        events.endSequence = end
        break
      }
      for block in found where events.endSequence < end && !isFull(events, bounds) {
        if block.firstSequence > events.endSequence {
          let next = min(block.firstSequence, end)
          events.skipped += next - events.endSequence
          events.endSequence = next
        }
        if block.firstSequence >= end { break }
        try append(block, group, to: &events, end: end, bounds)
      }
    }
    return events
  }

  /// When the event at `sequence` was taken in, or the first one after it that is still there.
  ///
  /// Decodes a block only when the cursor stands within it: the one that the next request begins
  /// with.
  mutating func ingestion(
    of group: GroupInfo,
    at sequence: UInt64,
    reader: StoreReader
  ) throws(StoreError) -> Timestamp? {
    guard let block = try reader.blocks(of: group.id, sequence: sequence, limit: 1).first else {
      return nil
    }
    guard sequence > block.firstSequence, let columns = try load(block) else {
      return block.minIngestion
    }
    return columns.ingestion(of: Int(sequence - block.firstSequence))
  }

  private func isFull(_ events: borrowing DeliveryEvents, _ bounds: Bounds) -> Bool {
    if bounds.endSequence != nil { return false }
    return events.rawBytes >= bounds.rawBytes || events.list.count >= bounds.events
      || events.streams.count >= DeliveryLimits.streamsMax
  }

  private mutating func append(
    _ block: BlockReference,
    _ group: GroupInfo,
    to events: inout DeliveryEvents,
    end: UInt64,
    _ bounds: Bounds
  ) throws(StoreError) {
    guard let columns = try load(block, skipsUnreadable: bounds.skipsUnreadable) else {
      let next = min(block.endSequence, end)
      events.damaged += next - events.endSequence
      events.endSequence = next
      return
    }
    // The block's numbers of streams as the request's; filled as they come.
    var streams = [Int](repeating: -1, count: columns.streams.count)
    while events.endSequence < min(block.endSequence, end), !isFull(events, bounds) {
      let index = Int(events.endSequence - block.firstSequence)
      let record = columns.records[index]
      let ingestion = columns.ingestion(of: index)
      events.endSequence += 1
      if min(record.timestamp, ingestion.nanoseconds) < bounds.cutoff {
        events.skipped += 1
        continue
      }
      let number = Int(record.stream)
      if streams[number] < 0 { streams[number] = events.index(of: columns.streams[number]) }
      let time = Timestamp(nanoseconds: record.timestamp)
      events.append(
        messages.span.extracting(record.range),
        id: EventID(
          event: time,
          ingestion: ingestion,
          group: group.id,
          sequence: block.firstSequence + UInt64(index)
        ),
        timestamp: time,
        stream: streams[number]
      )
    }
  }

  /// The block's columns with its messages in `messages`; nil when it is damaged for good.
  private mutating func load(
    _ block: BlockReference,
    skipsUnreadable: Bool = false
  ) throws(StoreError) -> BlockColumns? {
    if let columns, let decoded, decoded.group == block.group,
      decoded.first == block.firstSequence, decoded.count == block.eventCount
    {
      return columns
    }
    decoded = nil
    do throws(StoreError) {
      try blocks.messages(of: block, into: &messages)
      columns = try blocks.columns(of: block)
    } catch {
      switch error {
      case .corrupt, .missing, .unsupported: return nil
      case .io where skipsUnreadable: return nil
      default: throw error
      }
    }
    decoded = (block.group, block.firstSequence, block.eventCount)
    return columns
  }
}
