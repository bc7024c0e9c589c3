package import LogModel
internal import Store

/// Matches that wait until nothing earlier can come, in a bounded amount of memory.
///
/// Blocks are offered by their earliest time. When too much waits, the later half is dropped, and a
/// further pass over the blocks begins where it was cut. One thread.
package struct OrderedEvents {
  /// Messages and records that wait at most, but for one block's.
  package static let bytesMax = 67_108_864

  private var events: [MatchedEvent] = []
  private var bytes = 0
  private var sortedCount = 0
  private let bytesMax: Int
  /// The first event of this pass, and the first that is left to the next.
  private var lower: MatchedEvent?
  private var upper: MatchedEvent?

  package init(bytesMax: Int) { self.bytesMax = bytesMax }

  package var isFirstPass: Bool { lower == nil }

  /// Whether a block can hold anything of this pass.
  func wants(_ block: BlockReference) -> Bool {
    if let lower, block.maxTimestamp < lower.timestamp { return false }
    if let upper, block.minTimestamp > upper.timestamp { return false }
    return true
  }

  package mutating func add(_ matches: [MatchedEvent]) {
    for event in matches {
      if let lower, MatchedEvent.precedes(event, lower) { continue }
      if let upper, !MatchedEvent.precedes(event, upper) { continue }
      events.append(event)
      bytes += Self.size(event)
    }
    if bytes > bytesMax { cut() }
  }

  /// The events that are earlier than `time`, or all, in order; they are forgotten.
  package mutating func take(before time: Timestamp?) -> [MatchedEvent] {
    // Only after real growth: overlapping blocks would be sorted again and again.
    if time != nil, events.count - sortedCount < sortedCount / 2 { return [] }
    sort()
    let end = time.map { time in events.firstIndex { $0.timestamp >= time } ?? events.count }
    let taken = Array(events.prefix(end ?? events.count))
    events.removeFirst(taken.count)
    sortedCount = events.count
    for event in taken { bytes -= Self.size(event) }
    return taken
  }

  /// Goes on where the last pass was cut; false when it was not.
  package mutating func startNextPass() -> Bool {
    guard let upper else { return false }
    lower = upper
    self.upper = nil
    return true
  }

  private static func size(_ event: MatchedEvent) -> Int {
    event.message.count + MemoryLayout<MatchedEvent>.stride + 32
  }

  private mutating func sort() {
    events.sort(by: MatchedEvent.precedes)
    sortedCount = events.count
  }

  private mutating func cut() {
    guard events.count > 1 else { return }
    sort()
    let kept = events.count / 2
    upper = events[kept]
    events.removeLast(events.count - kept)
    sortedCount = kept
    bytes = events.reduce(0) { $0 + Self.size($1) }
  }
}
