package import LogModel
internal import Platform
package import Store

/// Gives every event that is committed from a certain moment on, by group in order of sequence.
///
/// Looks at the catalog's version, which costs a few microseconds, and reads only when it changed.
/// One thread at a time.
package final class LogFollow {
  private let reader: StoreReader
  private var query: LogQuery
  private let wanted: ([GroupInfo]) -> [GroupInfo]
  /// Where each group goes on, by its number.
  package private(set) var next: [UInt32: UInt64] = [:]
  private var version: Int64 = -1
  /// Why a regular expression was given up; from then on nothing more is found.
  package private(set) var failure: PatternFailure?

  /// Follows the groups that `wanted` picks among all, now and whenever there are new ones.
  ///
  /// `next` says where each known group goes on. A group that comes later is followed from its
  /// first event.
  package init(
    _ query: LogQuery,
    reader: StoreReader,
    next: [UInt32: UInt64],
    wanted: @escaping ([GroupInfo]) -> [GroupInfo]
  ) {
    self.reader = reader
    self.query = query
    self.next = next
    self.wanted = wanted
    self.query.from = .distantPast
    self.query.through = .distantFuture
    self.query.selection = .all
    self.query.after = [:]
  }

  /// Gives what is new; true when there was anything to look at.
  package func poll(
    now: Timestamp,
    _ body: (MatchedEvent) -> Void
  ) throws(StoreError) -> Bool {
    let current = try reader.version()
    guard current != version else { return false }
    version = current
    query.now = now
    var scan = BlockScan(query, MessageMatcher(query.pattern))
    for group in wanted(try reader.groups()) {
      var position = next[group.id] ?? 0
      while position < group.nextSequence {
        let blocks = try reader.blocks(of: group.id, sequence: position, limit: 16)
        guard let last = blocks.last else { break }
        for block in blocks {
          for event in scan.matches(
            of: block,
            group: group,
            from: position,
            selection: .all
          ) { body(event) }
          position = max(position, block.endSequence)
        }
        position = max(position, last.endSequence)
      }
      next[group.id] = max(position, next[group.id] ?? 0)
    }
    failure = scan.statistics.failure
    return true
  }
}
