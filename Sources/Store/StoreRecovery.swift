internal import Glibc
internal import LogModel
internal import Platform

/// What a start finds: makes files and catalog agree again before anything is written.
///
/// The catalog is the truth: segments are cut back to their committed length. A file without a row
/// is removed when the catalog says that it was retired, or when its number was never committed;
/// any other is moved aside. A catalog that is missing, empty or damaged is rebuilt from the
/// segments; nothing damaged is deleted, it is moved aside.
enum StoreRecovery {
  struct Recovered {
    let catalog: Catalog
    let groups: [GroupState]
    let positions: [String: [UInt8]]
    let nextSegment: UInt64
    /// What the operator should know, in words.
    let notices: [String]
  }

  static func recover(layout: Layout, metrics: Metrics) throws(StoreError) -> Recovered {
    var notices: [String] = []
    let catalog = try openCatalog(layout: layout, metrics: metrics, notices: &notices)
    let groups = try catalog.groups()
    for state in groups { state.tail = try catalog.tailSummary(of: state.id) }
    var nextSegment = try catalog.nextSegment()
    var named: Set<UInt64> = []
    for row in try catalog.segments() {
      nextSegment = max(nextSegment, row.id + 1)
      named.insert(row.id)
      guard !row.isSealed, let state = groups.first(where: { $0.id == row.group }) else { continue }
      try resume(row, of: state, catalog: catalog, layout: layout, metrics: metrics)
    }
    let unknown = try segmentFiles(layout: layout).filter { !named.contains($0.id) }
    let committed = nextSegment
    for file in unknown { nextSegment = max(nextSegment, file.id + 1) }
    try clear(unknown, committed: committed, catalog, layout, metrics, &notices)
    return Recovered(
      catalog: catalog,
      groups: groups,
      positions: try catalog.sources(),
      nextSegment: nextSegment,
      notices: notices
    )
  }

  /// Files without a row: what was retired or never committed goes, the rest is moved aside.
  private static func clear(
    _ files: [File],
    committed: UInt64,
    _ catalog: Catalog,
    _ layout: Layout,
    _ metrics: Metrics,
    _ notices: inout [String]
  ) throws(StoreError) {
    let retired = try catalog.retired()
    for file in files {
      metrics.add("logagent_storage_orphan_files_total")
      if retired.contains(file.id) || file.id >= committed {
        try storing { () throws(SyscallError) in try FileSystem.remove(file.path) }
      } else {
        let path = file.path
        notices.append("\(path) is in no catalog: it was renamed to \(path).orphan")
        try storing { () throws(SyscallError) in
          try FileSystem.rename(path, to: path + ".orphan")
        }
      }
    }
    guard !retired.isEmpty else { return }
    do throws(StoreError) {
      try catalog.begin()
      try catalog.forgetRetired(Array(retired))
      try catalog.commit()
    } catch {
      catalog.rollBack()
      // On a full disk the rows stay until the next start; they name files that are gone.
      if !error.isOutOfSpace { throw error }
    }
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
      do throws(StoreError) {
        try catalog.put(segment)
      } catch {
        // On a full disk the next start finds the same and tries again.
        if !error.isOutOfSpace { throw error }
      }
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

  private static func openCatalog(
    layout: Layout,
    metrics: Metrics,
    notices: inout [String]
  ) throws(StoreError) -> Catalog {
    let files = try segmentFiles(layout: layout)
    let status = try storing { () throws(SyscallError) in
      try FileSystem.statusIfPresent(of: layout.catalog)
    }
    if status == nil && files.isEmpty { return try Catalog(path: layout.catalog, isNew: true) }
    if let status {
      do throws(StoreError) {
        // An empty file beside segments is a catalog that was lost, not a new one.
        let isNew = status.size == 0 && files.isEmpty
        let catalog = try Catalog(path: layout.catalog, isNew: isNew)
        guard let problem = try CatalogCheck.problem(in: catalog.connection) else { return catalog }
        notices.append("the catalog is damaged: \(problem)")
      } catch {
        guard isDamage(error) else { throw error }
        notices.append("the catalog is damaged: \(error)")
      }
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "catalog")])
    } else {
      notices.append("the catalog is missing")
    }
    try moveAside(layout: layout)
    notices.append(try CatalogRebuild.rebuild(layout: layout, files: files, metrics: metrics))
    return try Catalog(path: layout.catalog, isNew: false)
  }

  private static func isDamage(_ error: StoreError) -> Bool {
    switch error {
    // 1 is an error in SQL, and ours has none: the schema is not what it was.
    case .catalog(let code, _): [1, 11, 26].contains(code & 0xff)
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
