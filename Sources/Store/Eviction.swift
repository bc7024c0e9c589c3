internal import LogModel
internal import Platform

/// What was deleted of one log stream to stay within a bound on space: the gap that readers see.
struct EvictedStream: Equatable, Sendable {
  /// Holds what belongs to no stream that is known: unreadable blocks, streams beyond the bound.
  static let unknown = LogStream(sanitizing: "logagent")
  /// Streams of a group that have a gap of their own.
  static let streamsMax = 256

  var stream: LogStream
  /// Of one of the deleted events, so that the gap takes no other event's place.
  var sequence: UInt64
  var events: Int64
  /// Times of the first and last event that are gone.
  var first: Int64
  var last: Int64

  mutating func add(_ other: EvictedStream) {
    sequence = max(sequence, other.sequence)
    events += other.events
    first = min(first, other.first)
    last = max(last, other.last)
  }
}

/// Counts what is in a segment that is about to go, stream by stream.
struct EvictionTally: ~Copyable {
  private var reader = BlockReader()
  private var found: [LogStream: EvictedStream] = [:]

  /// Decodes the block's columns, about 20 ns an event.
  mutating func add(_ block: BlockReference) {
    do throws(StoreError) {
      let columns = try reader.columns(of: block)
      for (index, record) in columns.records.enumerated() {
        add(
          EvictedStream(
            stream: columns.streams[Int(record.stream)],
            sequence: block.firstSequence + UInt64(index),
            events: 1,
            first: record.timestamp,
            last: record.timestamp
          )
        )
      }
    } catch {
      // The block's row still says how much it was.
      add(
        EvictedStream(
          stream: EvictedStream.unknown,
          sequence: block.endSequence - 1,
          events: Int64(block.eventCount),
          first: block.minTimestamp.nanoseconds,
          last: block.maxTimestamp.nanoseconds
        )
      )
    }
  }

  private mutating func add(_ part: EvictedStream) {
    if found[part.stream]?.add(part) == nil { found[part.stream] = part }
  }

  /// The streams, those with most events first.
  var streams: [EvictedStream] {
    found.values.sorted { ($1.events, $0.sequence) < ($0.events, $1.sequence) }
  }
}

/// Shows what was evicted as gap records, each a block of one event at the place of what is gone.
struct EvictionGaps: ~Copyable {
  private var encoder = BlockEncoder(codec: .zstd, store: 0)

  /// The gap record; its time is that of the last event that is gone, or `through` if that is
  /// earlier, so that a query for a part of what is gone sees it too.
  mutating func block(
    _ evicted: EvictedStream,
    group: UInt32,
    at time: Int64,
    reason: String,
    through: Timestamp = .distantFuture
  ) -> BlockReference {
    let first = Calendar.formatRFC3339(Timestamp(nanoseconds: evicted.first), decimals: 3)
    let last = Calendar.formatRFC3339(Timestamp(nanoseconds: evicted.last), decimals: 3)
    let noun = evicted.events == 1 ? "event was" : "events were"
    let bound = RetireReason(rawValue: reason)?.bound ?? "limits"
    var batch = EventBatch(
      group: LogGroup(sanitizing: ""),
      stream: evicted.stream
    )
    batch.append(
      timestamp: Timestamp(nanoseconds: min(evicted.last, through.nanoseconds)),
      message: Array(
        "gap: \(evicted.events) \(noun) deleted to keep within \(bound) (\(first) to \(last))".utf8
      ).span,
      flags: .gap
    )
    let encoded = encoder.encode(
      PendingEvents(batch, ingestion: Timestamp(nanoseconds: time)),
      group: group,
      firstSequence: evicted.sequence,
      checkpoints: [],
      withFilter: false
    )
    return BlockReference(
      header: encoded.header,
      place: .tail(encoded.metadata + encoded.payload)
    )
  }
}
