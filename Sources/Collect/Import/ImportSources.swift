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
    var lastFailure = ""

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
  /// Since when an inbox has been in the making.
  private var drafts: [String: Int64] = [:]
  /// Names that were told not to be an import's.
  private var refused: Set<String> = []
  /// Where sources stand with what is submitted and not committed.
  private var ahead: [String: (position: [UInt8], ticket: UInt64)] = [:]

  init(root: String, hub: WatchHub, context: CollectContext) {
    self.root = root
    self.hub = hub
    self.context = context
    noteCount()
  }

  // MARK: discovery

  func rescan(at now: Int64) {
    if rootWatch == nil { rootWatch = hub.add(root) }
    // No directory yet: nothing was ever handed over.
    guard let names = try? FileSystem.list(root) else { return }
    refused.formIntersection(names)
    for name in names { appear(name) }
    removeDrafts(names.filter { $0.hasPrefix(".") && SpoolRun.isID(String($0.dropFirst())) }, now)
    for folder in folders.values { folder.nextTurn = 0 }
  }

  /// Takes one event; true when it was ours.
  func handle(_ event: DirectoryWatch.Event) -> Bool {
    if event.watch == rootWatch {
      if event.kind == .directoryGone { rootWatch = nil } else { appear(event.name) }
      return true
    }
    guard let name = byWatch[event.watch] else { return false }
    if event.kind == .directoryGone { byWatch[event.watch] = nil }
    folders[name]?.nextTurn = 0
    return true
  }

  private func appear(_ name: String) {
    guard !name.hasPrefix("."), folders[name] == nil, !refused.contains(name),
      folders.count < CaptureLimits.importsMax
    else { return }
    let inbox = ImportInbox(imports: root, id: name)
    let owner: UInt32
    let statuses: [FileStatus]
    do throws(SyscallError) {
      owner = try FileSystem.status(of: FileSystem.parent(of: root)).owner
      statuses = [
        try FileSystem.linkStatus(of: root), try FileSystem.linkStatus(of: inbox.directory),
      ]
    } catch {
      // Gone again, or to be met again at the next look.
      return
    }
    guard SpoolRun.isID(name),
      statuses.allSatisfy({ ImportInbox.isPrivate($0, owner: owner) })
    else {
      refuse(name)
      return
    }
    let watch = hub.add(inbox.directory)
    if let watch { byWatch[watch] = name }
    folders[name] = Folder(inbox: inbox, watch: watch)
    noteCount()
  }

  private func refuse(_ name: String) {
    refused.insert(name)
    count("inbox")
    context.notify(
      CollectNotice(
        .error,
        "\(root)/\(name) is not an import's, or others than the owner of the data directory may "
          + "write there; it is left alone"
      )
    )
  }

  /// Inboxes of imports that were killed while they made them.
  private func removeDrafts(_ names: [String], _ now: Int64) {
    drafts = drafts.filter { names.contains($0.key) }
    for name in names.prefix(CaptureLimits.importsMax) {
      let since = drafts[name] ?? now
      drafts[name] = since
      let inbox = ImportInbox(imports: root, id: name)
      guard now - since >= CaptureLimits.inboxDraftNanoseconds else { continue }
      // What cannot be removed now is met again at the next look.
      if (try? isLeft(inbox)) == true { try? inbox.remove() }
    }
  }

  // MARK: turns

  func turn(at now: Int64) throws(CollectError) {
    for (name, folder) in folders where now >= folder.nextTurn {
      do throws(CollectError) {
        try turn(folder, name, at: now)
        folder.lastFailure = ""
      } catch {
        guard case .system(let cause) = error else { throw error }
        folder.nextTurn = now + Self.idleNanoseconds
        if cause.isNotFound, !FileSystem.exists(folder.inbox.directory) {
          forget(folder, name)
        } else if cause.description != folder.lastFailure {
          folder.lastFailure = cause.description
          context.notify(CollectNotice(.warning, "\(cause); trying again every second"))
        }
      }
    }
  }

  private func turn(_ folder: Folder, _ name: String, at now: Int64) throws(CollectError) {
    do throws(SyscallError) { try removeCommitted(folder) } catch { throw .system(error) }
    let waiting: [UInt64]
    do throws(SyscallError) { waiting = try folder.inbox.waiting() } catch { throw .system(error) }
    let known = Set(folder.submitted.map(\.number))
    let fresh = waiting.filter { !known.contains($0) }
    for number in fresh.prefix(Self.turnFilesMax) { try take(number, of: folder) }
    if waiting.isEmpty {
      do throws(SyscallError) {
        if try isLeft(folder.inbox) {
          try folder.inbox.remove()
          forget(folder, name)
          return
        }
      } catch {
        throw .system(error)
      }
    }
    folder.nextTurn = now + (waiting.isEmpty ? Self.idleNanoseconds : Self.busyNanoseconds)
    if fresh.count > Self.turnFilesMax { folder.nextTurn = now }
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
  private func take(_ number: UInt64, of folder: Folder) throws(CollectError) {
    let path = folder.inbox.batch(number)
    guard let handed = try read(path) else { return }
    let before = handed.before
    let batch = handed.takeBatch()
    guard let checkpoint = batch.checkpoint else { return try remove(path) }
    let source = checkpoint.source
    let position = ahead[source]?.position ?? context.sink.position(of: source) ?? []
    guard position == before else {
      context.metrics.add("logagent_import_batches_skipped_total")
      guard let ticket = ahead[source]?.ticket else { return try remove(path) }
      // Not gone before another import's batch, which it repeats, is committed: the import looks at
      // the position then.
      folder.submitted.append((number, ticket))
      return
    }
    guard let ticket = context.sink.submit(batch) else { throw .closing }
    ahead[source] = (checkpoint.position, ticket)
    folder.submitted.append((number, ticket))
  }

  /// The batch in a file; nil when it was taken back, or is none and was removed.
  private func read(_ path: String) throws(CollectError) -> HandedBatch? {
    var bytes: [UInt8]?
    do throws(SyscallError) {
      bytes = try PrivateFile.read(
        path,
        atMost: CaptureLimits.handedBytesMax,
        followsLinks: false,
        accepting: { $0.size <= Int64(CaptureLimits.handedBytesMax) }
      ).bytes
    } catch {
      if error.isNotFound { return nil }
      guard error.isLink || error.isTooLarge else { throw .system(error) }
    }
    if let bytes, let handed = HandedBatch(decoding: bytes.span) { return handed }
    try remove(path)
    count("batch")
    context.notify(
      CollectNotice(
        .error,
        "\(path) is damaged and was removed; the import hands its events over again, now or when "
          + "it is repeated"
      )
    )
    return nil
  }

  private func remove(_ path: String) throws(CollectError) {
    do throws(SyscallError) { try FileSystem.remove(path) } catch { throw .system(error) }
  }

  /// Whether the import that made the inbox has ended.
  private func isLeft(_ inbox: ImportInbox) throws(SyscallError) -> Bool {
    do throws(SyscallError) {
      return try Descriptor(open: inbox.lock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).tryLock()
    } catch {
      if error.isNotFound { return true }
      throw error
    }
  }

  private func forget(_ folder: Folder, _ name: String) {
    if let watch = folder.watch {
      byWatch[watch] = nil
      hub.remove(watch)
    }
    folders[name] = nil
    noteCount()
  }

  private func noteCount() {
    context.metrics.set("logagent_imports_in_progress", Double(folders.count))
  }

  private func count(_ what: String) {
    context.metrics.add("logagent_import_errors_total", 1, [("kind", what)])
  }
}
