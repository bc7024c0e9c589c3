internal import Glibc
internal import LogModel
internal import Platform

/// A new catalog from the segments alone: groups, blocks and the read positions that blocks carry;
/// from the notes beside it the delivery cursors and what was evicted.
///
/// What only the catalog had is lost: the unsealed tail. Its sources are read again from the
/// positions in the blocks, and endpoints get it again.
struct CatalogRebuild: ~Copyable {
  private let catalog: Catalog
  private let layout: Layout
  private let metrics: Metrics
  private let store: String
  /// The next sequence of each group that was found.
  private var groups: [UInt32: (name: String, next: UInt64)] = [:]
  /// The furthest position of each source, by the sequence that it had reached.
  private var sources: [String: (sequence: UInt64, checkpoint: SourceCheckpoint, group: UInt32)] =
    [:]
  /// Sequences that are adopted, by group, so that no event is there twice.
  private var adopted: [UInt32: [Range<UInt64>]] = [:]
  private(set) var segments = 0
  private(set) var damaged = 0

  /// Builds it in another place and puts it into its own in one step: a start that dies in between
  /// leaves a catalog that is missing, not one that is empty.
  ///
  /// Returns words for the operator.
  static func rebuild(
    layout: Layout,
    files: [StoreRecovery.File],
    metrics: Metrics
  ) throws(StoreError) -> String {
    metrics.add("logagent_storage_rebuilds_total")
    try removeLeftovers(layout)
    let words = try build(layout: layout, files: files, metrics: metrics)
    try storing { () throws(SyscallError) in
      for suffix in ["-wal", "-shm"] { try FileSystem.remove(layout.catalogRebuild + suffix) }
      try FileSystem.rename(layout.catalogRebuild, to: layout.catalog)
      try FileSystem.syncDirectory(layout.root)
    }
    return words
  }

  private static func removeLeftovers(_ layout: Layout) throws(StoreError) {
    try storing { () throws(SyscallError) in
      for suffix in ["", "-wal", "-shm"] { try FileSystem.remove(layout.catalogRebuild + suffix) }
    }
  }

  private static func build(
    layout: Layout,
    files: [StoreRecovery.File],
    metrics: Metrics
  ) throws(StoreError) -> String {
    let notes = RebuildNotes.read(layout: layout)
    let catalog = try Catalog(path: layout.catalogRebuild, isNew: true)
    let found = try files.firstStore()
    let store = notes?.store ?? found ?? catalog.store
    var rebuild = CatalogRebuild(catalog: catalog, layout: layout, metrics: metrics, store: store)
    try catalog.begin()
    do throws(StoreError) {
      try catalog.setMeta("store", store)
      for file in files { try rebuild.adopt(file) }
      try rebuild.finish(notes, nextSegment: (files.map(\.id).max() ?? 0) + 1)
      try catalog.commit()
    } catch {
      catalog.rollBack()
      throw error
    }
    try catalog.connection.checkpoint(truncate: true)
    return "the catalog was rebuilt from \(rebuild.segments) segments; "
      + "\(rebuild.damaged) of them have damaged parts, "
      + "\(notes == nil ? "delivery begins anew" : "delivery goes on at the last noted cursors")"
  }

  private init(catalog: Catalog, layout: Layout, metrics: Metrics, store: String) {
    self.catalog = catalog
    self.layout = layout
    self.metrics = metrics
    self.store = store
  }

  private mutating func adopt(_ file: StoreRecovery.File) throws(StoreError) {
    guard let scan = try SegmentScan.scan(file), scan.header.store == store,
      groups[scan.header.group]?.name ?? scan.header.groupName == scan.header.groupName
    else {
      try setAside(file, kind: "segment_header")
      return
    }
    let group = scan.header.group
    if scan.damagedBytes > 0 {
      damaged += 1
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "block")])
    }
    let fresh = scan.blocks.filter { isNew($0.header) }
    guard !fresh.isEmpty else {
      // Nothing in it: a header that was just written, or blocks that another file has too.
      if scan.damagedBytes > 0 { try setAside(file, kind: "segment") }
      return
    }
    segments += 1
    if groups[group] == nil {
      try catalog.addGroup(group, LogGroup(sanitizing: scan.header.groupName))
      groups[group] = (scan.header.groupName, 0)
    }
    let segment = SegmentWriter(
      continuing: file.id,
      group: group,
      codec: file.codec,
      day: scan.header.day,
      length: scan.length,
      totals: SegmentWriter.Totals(),
      layout: layout
    )
    // Nothing is appended to a segment whose end was found by scanning.
    segment.isSealed = true
    for block in fresh { try adopt(block, into: segment) }
    try catalog.put(segment)
  }

  /// A segment that was given up after a failed fdatasync may hold blocks that were written anew.
  private mutating func isNew(_ header: BlockHeader) -> Bool {
    let range = header.firstSequence..<header.endSequence
    if adopted[header.group]?.contains(where: { $0.overlaps(range) }) == true { return false }
    var all = adopted[header.group] ?? []
    if let last = all.last, last.upperBound == range.lowerBound {
      all[all.count - 1] = last.lowerBound..<range.upperBound
    } else {
      all.append(range)
    }
    adopted[header.group] = all
    return true
  }

  private mutating func adopt(
    _ block: SegmentScan.Block,
    into segment: SegmentWriter
  ) throws(StoreError) {
    let header = block.header
    segment.totals.add(header)
    try catalog.add(
      header,
      segment: segment.id,
      offset: block.offset,
      metadataBytes: block.metadataBytes
    )
    for checkpoint in block.checkpoints
    where sources[checkpoint.source]?.sequence ?? 0 <= header.endSequence {
      sources[checkpoint.source] = (header.endSequence, checkpoint, header.group)
    }
    let next = groups[header.group]?.next ?? 0
    groups[header.group]?.next = max(next, header.endSequence)
  }

  private func setAside(_ file: StoreRecovery.File, kind: String) throws(StoreError) {
    metrics.add("logagent_storage_corruptions_total", 1, [("kind", kind)])
    try storing { () throws(SyscallError) in
      try FileSystem.rename(file.path, to: file.path + ".bad")
    }
  }

  private func finish(_ notes: RebuildNotes?, nextSegment: UInt64) throws(StoreError) {
    for (group, found) in groups {
      try catalog.setNextSequence(found.next, group: group, LogGroup(sanitizing: found.name))
    }
    for entry in sources.values {
      try catalog.put(entry.checkpoint, group: entry.group, lastSequence: entry.sequence)
    }
    try catalog.setMeta(Catalog.nextSegmentKey, String(nextSegment))
    for lane in notes?.lanes ?? [] {
      // A group whose events were all in the tail is gone, and its number may be another's soon.
      guard let found = groups[lane.state.group], found.name == lane.groupName else { continue }
      var state = lane.state
      // Events of the lost tail come again under sequences that were sent before.
      state.cursor = min(state.cursor, found.next)
      if let pending = state.pending, pending.endSequence > found.next { state.pending = nil }
      try catalog.put(state)
    }
    for entry in notes?.evicted ?? [] where groups[entry.group]?.name == entry.groupName {
      try catalog.note([entry.part], group: entry.group, at: entry.time, reason: entry.reason)
    }
  }
}

extension [StoreRecovery.File] {
  /// The store that the first readable segment belongs to.
  fileprivate func firstStore() throws(StoreError) -> String? {
    for file in self {
      if let header = try SegmentScan.header(of: file) { return header.store }
    }
    return nil
  }
}
