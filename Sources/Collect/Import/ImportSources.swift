internal import Glibc
internal import LogModel
internal import Platform

/// Takes what imports have handed over while this process owns the store.
///
/// Used by the collect thread. The order makes every batch count once: it is submitted while its
/// source stands where the batch begins, and its file is removed when that is committed.
final class ImportSources {
  private static let turnFilesMax = 4
  private static let busyNanoseconds: Int64 = 10_000_000
  private static let idleNanoseconds: Int64 = 1_000_000_000

  private final class Folder {
    let inbox: ImportInbox
    let watch: Int32?
    /// Files that were submitted and are not committed yet.
    var submitted: [(number: UInt64, ticket: UInt64)] = []
    var nextTurn: Int64 = 0

    init(inbox: ImportInbox, watch: Int32?) {
      self.inbox = inbox
      self.watch = watch
    }
  }

  private let root: String
  private let hub: WatchHub
  private let context: CollectContext
  private var rootWatch: Int32?
  private var folders: [String: Folder] = [:]
  private var byWatch: [Int32: String] = [:]
  /// Where sources stand with what is submitted and not committed.
  private var ahead: [String: (position: [UInt8], ticket: UInt64)] = [:]

  init(root: String, hub: WatchHub, context: CollectContext) {
    self.root = root
    self.hub = hub
    self.context = context
  }

  // MARK: discovery

  func rescan() {
    if rootWatch == nil { rootWatch = hub.add(root) }
    // No directory yet: nothing was ever handed over.
    guard let names = try? FileSystem.list(root) else { return }
    for name in names { appear(name) }
    for folder in folders.values { folder.nextTurn = 0 }
  }

  /// Takes one event; true when it was ours.
  func handle(_ event: DirectoryWatch.Event) -> Bool {
    if event.watch == rootWatch {
      if event.kind == .directoryGone { rootWatch = nil } else { appear(event.name) }
      return true
    }
    guard let name = byWatch[event.watch] else { return false }
    folders[name]?.nextTurn = 0
    return true
  }

  private func appear(_ name: String) {
    guard SpoolRun.isID(name), folders[name] == nil else { return }
    let inbox = ImportInbox(imports: root, id: name)
    // Something else than a directory is not an inbox.
    guard (try? FileSystem.linkStatus(of: inbox.directory))?.isDirectory == true else { return }
    let watch = hub.add(inbox.directory)
    if let watch { byWatch[watch] = name }
    folders[name] = Folder(inbox: inbox, watch: watch)
  }

  // MARK: turns

  func turn(at now: Int64) throws(CollectError) {
    for (name, folder) in folders where now >= folder.nextTurn {
      do throws(SyscallError) {
        try removeCommitted(folder)
        let waiting = try folder.inbox.waiting()
        let known = Set(folder.submitted.map(\.number))
        let fresh = waiting.filter { !known.contains($0) }
        for number in fresh.prefix(Self.turnFilesMax) { try take(number, of: folder) }
        if waiting.isEmpty, try isLeft(folder) {
          try remove(folder, name)
          continue
        }
        folder.nextTurn = now + (waiting.isEmpty ? Self.idleNanoseconds : Self.busyNanoseconds)
        if fresh.count > Self.turnFilesMax { folder.nextTurn = now }
      } catch {
        if context.isClosing { throw .closing }
        context.notify(CollectNotice(.warning, "\(error); trying again every second"))
        folder.nextTurn = now + Self.idleNanoseconds
      }
    }
  }

  func nextWake(after now: Int64) -> Int64 {
    folders.values.reduce(now + CaptureLimits.rescanNanoseconds) { min($0, $1.nextTurn) }
  }

  private func removeCommitted(_ folder: Folder) throws(SyscallError) {
    let committed = context.sink.committed
    while let first = folder.submitted.first, first.ticket <= committed {
      try FileSystem.remove(folder.inbox.batch(first.number))
      folder.submitted.removeFirst()
    }
    ahead = ahead.filter { $0.value.ticket > committed }
  }

  /// Submits one file, or leaves it out when its source does not stand where it begins.
  private func take(_ number: UInt64, of folder: Folder) throws(SyscallError) {
    let path = folder.inbox.batch(number)
    guard let handed = try read(path) else {
      context.metrics.add("logagent_parse_errors_total", 1, [("parser", "import")])
      context.notify(
        CollectNotice(.error, "\(path) is damaged and was removed; the import reads its file again")
      )
      try FileSystem.remove(path)
      return
    }
    let before = handed.before
    let batch = handed.takeBatch()
    guard let checkpoint = batch.checkpoint else { return try FileSystem.remove(path) }
    let source = checkpoint.source
    let position = ahead[source]?.position ?? context.sink.position(of: source) ?? []
    guard position == before else {
      context.metrics.add("logagent_import_batches_skipped_total")
      try FileSystem.remove(path)
      return
    }
    guard let ticket = context.sink.submit(batch) else {
      context.isClosing = true
      throw SyscallError("submit", code: ECANCELED, path: path)
    }
    ahead[source] = (checkpoint.position, ticket)
    folder.submitted.append((number, ticket))
  }

  /// Nil for what is not a whole batch: opening anything but a file could block.
  private func read(_ path: String) throws(SyscallError) -> HandedBatch? {
    let status = try FileSystem.linkStatus(of: path)
    guard status.isRegularFile, status.size <= Int64(CaptureLimits.handedBytesMax) else {
      return nil
    }
    let bytes = try FileSystem.read(path, atMost: CaptureLimits.handedBytesMax)
    return HandedBatch(decoding: bytes.span)
  }

  /// Whether the import that made the inbox has ended.
  private func isLeft(_ folder: Folder) throws(SyscallError) -> Bool {
    do throws(SyscallError) {
      return try Descriptor(open: folder.inbox.lock, O_RDONLY).tryLock()
    } catch {
      if error.isNotFound { return true }
      throw error
    }
  }

  private func remove(_ folder: Folder, _ name: String) throws(SyscallError) {
    // What else is there is an unfinished file of an import that was killed.
    for leftover in try FileSystem.list(folder.inbox.directory) {
      try FileSystem.remove(folder.inbox.directory + "/" + leftover)
    }
    try FileSystem.removeDirectory(folder.inbox.directory)
    if let watch = folder.watch {
      byWatch[watch] = nil
      hub.remove(watch)
    }
    folders[name] = nil
  }
}
