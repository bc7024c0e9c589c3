package import LogModel
internal import Platform

/// Events of one group on their way into a block: an arena in the shape of a block's payload,
/// records over it, and when each run of them was ingested.
///
/// Used by the store thread.
package struct PendingEvents: Sendable {
  package private(set) var bytes: [UInt8] = []
  package private(set) var records: [EventRecord] = []
  package private(set) var streams: [LogStream] = []
  package private(set) var originalLengths: [(record: UInt32, bytes: UInt64)] = []
  /// Runs of equal ingestion time, in order; the counts add up to `records.count`.
  package private(set) var ingestion: [(count: Int, time: Int64)] = []

  package init() {}

  /// Takes a batch over without copying its messages.
  package init(_ batch: consuming EventBatch, ingestion time: Timestamp) {
    bytes = batch.bytes
    records = batch.records
    streams = batch.streams
    originalLengths = batch.originalLengths
    ingestion = records.isEmpty ? [] : [(records.count, time.nanoseconds)]
  }

  init(
    bytes: [UInt8],
    records: [EventRecord],
    streams: [LogStream],
    originalLengths: [(record: UInt32, bytes: UInt64)],
    ingestion: [(count: Int, time: Int64)]
  ) {
    self.bytes = bytes
    self.records = records
    self.streams = streams
    self.originalLengths = originalLengths
    self.ingestion = ingestion
  }

  package var isEmpty: Bool { records.isEmpty }

  /// Adds events behind the present ones; messages are copied once.
  package mutating func append(_ other: consuming PendingEvents) {
    if isEmpty {
      self = other
      return
    }
    let base = UInt32(bytes.count)
    let firstRecord = UInt32(records.count)
    let streamIndex = other.streams.map { stream -> UInt16 in
      if let found = streams.firstIndex(of: stream) { return UInt16(found) }
      streams.append(stream)
      return UInt16(streams.count - 1)
    }
    bytes.append(contentsOf: other.bytes)
    records.reserveCapacity(records.count + other.records.count)
    for var record in other.records {
      record.offset += base
      record.stream = streamIndex[Int(record.stream)]
      records.append(record)
    }
    for entry in other.originalLengths {
      originalLengths.append((entry.record + firstRecord, entry.bytes))
    }
    for run in other.ingestion {
      if let last = ingestion.last, last.time == run.time {
        ingestion[ingestion.count - 1].count += run.count
      } else {
        ingestion.append(run)
      }
    }
  }

  /// The events of `range`, as a value of their own.
  package func slice(_ range: Range<Int>) -> PendingEvents {
    if range == 0..<records.count { return self }
    guard let first = range.first, let last = range.last else { return PendingEvents() }
    let start = Int(records[first].offset)
    let end = records[last].range.upperBound + 1
    var part = PendingEvents()
    part.streams = streams
    part.bytes.append(copying: bytes.span.extracting(start..<end))
    part.records.reserveCapacity(range.count)
    for index in range {
      var record = records[index]
      record.offset -= UInt32(start)
      part.records.append(record)
    }
    for entry in originalLengths where range.contains(Int(entry.record)) {
      part.originalLengths.append((entry.record - UInt32(range.lowerBound), entry.bytes))
    }
    var at = 0
    for run in ingestion {
      let overlap =
        max(
          at,
          range.lowerBound
        )..<max(max(at, range.lowerBound), min(at + run.count, range.upperBound))
      if !overlap.isEmpty { part.ingestion.append((overlap.count, run.time)) }
      at += run.count
    }
    return part
  }

  /// Where to cut so that each part holds events of one day of age and about `rawBytes` at most.
  ///
  /// Days keep retention exact: a segment is deleted whole. Input that jumps between days more than
  /// eight times is not cut by day; its block then lives as long as its youngest event.
  package func cuts(rawBytes: Int, eventsMax: Int) -> [Range<Int>] {
    let byDay = dayRuns()
    let runs = byDay.count > 8 ? [0..<records.count] : byDay
    var parts: [Range<Int>] = []
    for run in runs {
      var start = run.lowerBound
      var size = 0
      for index in run {
        size += Int(records[index].length) + 1
        if size >= rawBytes || index - start + 1 >= eventsMax {
          parts.append(start..<(index + 1))
          start = index + 1
          size = 0
        }
      }
      if start < run.upperBound {
        // A small rest joins the part before it, so that no tiny block follows a full one.
        if let last = parts.last, last.upperBound == start, last.lowerBound >= run.lowerBound,
          size < rawBytes / 2, last.count + (run.upperBound - start) <= eventsMax
        {
          parts[parts.count - 1] = last.lowerBound..<run.upperBound
        } else {
          parts.append(start..<run.upperBound)
        }
      }
    }
    return parts
  }

  private func dayRuns() -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = 0
    var index = 0
    var day = Int64.min
    for run in ingestion {
      for _ in 0..<run.count {
        let base = min(records[index].timestamp, run.time)
        // Divided only when the day changes.
        if day == .min || base < day * Self.dayNanoseconds
          || base >= (day + 1) * Self.dayNanoseconds
        {
          let next = Self.day(of: base)
          if day != .min && next != day {
            runs.append(start..<index)
            start = index
          }
          day = next
        }
        index += 1
      }
    }
    if start < index { runs.append(start..<index) }
    return runs
  }

  static let dayNanoseconds: Int64 = 86_400_000_000_000

  /// Days since the epoch, rounded down.
  package static func day(of nanoseconds: Int64) -> Int64 {
    let clamped = max(nanoseconds, -9_000_000_000_000_000_000)
    let quotient = clamped / dayNanoseconds
    return clamped % dayNanoseconds < 0 ? quotient - 1 : quotient
  }
}
