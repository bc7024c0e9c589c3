internal import Glibc
internal import LogModel
internal import Platform

/// What a start finds: makes files and catalog agree again before anything is written.
///
/// The catalog is the truth: segments are cut back to their committed length, and files without a
/// row are removed, because a row is only ever deleted before its file and a file only named after
/// its bytes are durable. A catalog that is missing or damaged is rebuilt from the segments;
/// nothing damaged is deleted, it is moved aside.
enum StoreRecovery {
  struct Recovered {
    let catalog: Catalog
    let groups: [GroupState]
    let positions: [String: [UInt8]]
    let nextSegment: UInt64
  }

  static func recover(layout: Layout, metrics: Metrics) throws(StoreError) -> Recovered {
    let catalog = try openCatalog(layout: layout, metrics: metrics)
    let groups = try catalog.groups()
    for state in groups { state.tail = try catalog.tailSummary(of: state.id) }
    var nextSegment: UInt64 = 1
    var named: Set<UInt64> = []
    for row in try catalog.segments() {
      nextSegment = max(nextSegment, row.id + 1)
      named.insert(row.id)
      guard !row.isSealed, let state = groups.first(where: { $0.id == row.group }) else { continue }
      try resume(row, of: state, catalog: catalog, layout: layout, metrics: metrics)
    }
    for file in try segmentFiles(layout: layout) where !named.contains(file.id) {
      nextSegment = max(nextSegment, file.id + 1)
      metrics.add("logagent_storage_orphan_files_total")
      try storing { () throws(SyscallError) in try FileSystem.remove(file.path) }
    }
    let sources = try catalog.sources()
    for _ in sources.damaged {
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "source")])
    }
    return Recovered(
      catalog: catalog,
      groups: groups,
      positions: sources.positions,
      nextSegment: nextSegment
    )
  }

  /// Cuts an open segment back to its last commit, and goes on with it.
  private static func resume(
    _ row: Catalog.SegmentRow,
    of state: GroupState,
    catalog: Catalog,
    layout: Layout,
    metrics: Metrics
  ) throws(StoreError) {
    let path = layout.segment(row.id, group: row.group, codec: row.codec)
    let segment = SegmentWriter(
      continuing: row.id,
      group: row.group,
      codec: row.codec,
      day: row.day,
      length: row.length,
      totals: row.totals,
      layout: layout
    )
    let size = try storing { () throws(SyscallError) in
      try FileSystem.statusIfPresent(of: path)?.size
    }
    guard let size, size >= row.length else {
      // Shorter than what was committed, or gone: leave it for readers to report, never append.
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "short_segment")])
      segment.isSealed = true
      try catalog.put(segment)
      return
    }
    if size > row.length {
      metrics.add("logagent_storage_recovered_tail_bytes_total", Double(size - row.length))
      try storing { () throws(SyscallError) in
        let file = try Descriptor(open: path, O_RDWR | O_NOFOLLOW)
        try file.truncate(to: row.length)
        try file.syncData()
      }
    }
    state.segments.append(segment)
    state.footers[row.id] = try catalog.footers(segment: row.id)
  }

  private static func openCatalog(layout: Layout, metrics: Metrics) throws(StoreError) -> Catalog {
    let files = try segmentFiles(layout: layout)
    let isPresent = FileSystem.exists(layout.catalog)
    if isPresent {
      do throws(StoreError) {
        let catalog = try Catalog(path: layout.catalog)
        let check = try catalog.connection.text("PRAGMA quick_check(1)")
        if check == "ok" { return catalog }
      } catch {
        guard isDamage(error) else { throw error }
      }
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "catalog")])
      try moveAside(layout: layout)
    }
    if files.isEmpty && !isPresent { return try Catalog(path: layout.catalog) }
    return try CatalogRebuild.rebuild(layout: layout, files: files, metrics: metrics)
  }

  private static func isDamage(_ error: StoreError) -> Bool {
    switch error {
    case .catalog(let code, _): [11, 26].contains(code & 0xff)
    case .corrupt, .notAStore: true
    default: false
    }
  }

  private static func moveAside(layout: Layout) throws(StoreError) {
    let stamp = SystemClock().now() / 1_000_000
    try storing { () throws(SyscallError) in
      for suffix in ["", "-wal", "-shm"] where FileSystem.exists(layout.catalog + suffix) {
        try FileSystem.rename(
          layout.catalog + suffix,
          to: "\(layout.catalog).damaged-\(stamp)\(suffix)"
        )
      }
      try FileSystem.syncDirectory(layout.root)
    }
  }

  struct File {
    let path: String
    let group: UInt32
    let id: UInt64
    let codec: Codec
  }

  static func segmentFiles(layout: Layout) throws(StoreError) -> [File] {
    try storing { () throws(SyscallError) in
      var files: [File] = []
      for directory in try FileSystem.list(layout.segments) {
        let path = layout.segments + "/" + directory
        guard try FileSystem.linkStatus(of: path).isDirectory else { continue }
        for name in try FileSystem.list(path) {
          guard let parts = Layout.parse(directory: directory, file: name) else { continue }
          files.append(
            File(path: path + "/" + name, group: parts.group, id: parts.id, codec: parts.codec)
          )
        }
      }
      return files.sorted { $0.id < $1.id }
    }
  }
}
