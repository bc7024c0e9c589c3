internal import Glibc
internal import LogModel
internal import Platform

/// Collects what commands under `exec` have written, and removes it once it is committed.
///
/// Used by the collect thread.
final class SpoolSources {
  /// A run whose shim died without leaving an outcome is given up after this time: host or shim
  /// failed.
  private static let abandonNanoseconds: Int64 = 2_000_000_000
  private static let settleNanoseconds: Int64 = 50_000_000

  private final class Run {
    let files: SpoolRun
    let follower: Follower
    let watch: Int32?
    /// The ticket of its last batch, once everything is handed over.
    var finalTicket: UInt64?
    var lockFreeSince: Int64?
    var nextCheck: Int64 = 0

    init(files: SpoolRun, follower: Follower, watch: Int32?) {
      self.files = files
      self.follower = follower
      self.watch = watch
    }
  }

  private let root: String
  private let hub: WatchHub
  private let context: CollectContext
  private var rootWatch: Int32?
  private var runs: [String: Run] = [:]
  private var byWatch: [Int32: String] = [:]
  private var refused: Set<String> = []

  init(root: String, hub: WatchHub, context: CollectContext) {
    self.root = root
    self.hub = hub
    self.context = context
  }

  var isRootWatched: Bool { rootWatch != nil }
  var followers: [Follower] { runs.values.map(\.follower) }

  func statuses() -> [CollectorStatus.Run] {
    runs.values.map { run in
      CollectorStatus.Run(
        id: run.files.id,
        group: run.follower.tail.group.name,
        lagBytes: run.follower.tail.lagBytes,
        events: run.follower.tail.eventCount
      )
    }.sorted { $0.id < $1.id }
  }

  // MARK: discovery

  func rescan(at now: Int64) {
    if rootWatch == nil { rootWatch = hub.add(root) }
    // No directory yet: no command was ever run.
    guard let names = try? FileSystem.list(root) else { return }
    for name in names { appear(name) }
    for run in runs.values { run.nextCheck = 0 }
  }

  func handle(_ event: DirectoryWatch.Event, at now: Int64) {
    if event.watch == rootWatch {
      if event.kind == .directoryGone { rootWatch = nil } else { appear(event.name) }
      return
    }
    guard let id = byWatch[event.watch], let run = runs[id] else { return }
    if event.kind == .directoryGone { byWatch[event.watch] = nil }
    run.follower.poke()
    run.nextCheck = 0
  }

  private func appear(_ name: String) {
    guard SpoolRun.isID(name), runs[name] == nil, !refused.contains(name) else { return }
    let files = SpoolRun(spool: root, id: name)
    // A directory without a specification is not a run, or is about to be removed.
    guard let bytes = try? FileSystem.read(files.spec, atMost: CaptureLimits.metadataBytesMax)
    else { return }
    guard let spec = SpoolSpec(decoding: bytes) else {
      refused.insert(name)
      context.notify(CollectNotice(.error, "\(files.spec) cannot be read; its output stays there"))
      return
    }
    let tail = FileTail(
      source: "spool:\(name)",
      chain: .spool(directory: files.directory),
      format: .cri,
      group: spec.group,
      stream: spec.stream,
      context: context
    )
    tail.decoder.trustsGapTag = true
    tail.keepsRetired = true
    let watch = hub.add(files.directory)
    if let watch { byWatch[watch] = name }
    runs[name] = Run(files: files, follower: Follower(tail, context: context), watch: watch)
  }

  // MARK: turns

  func turn(at now: Int64) throws(CollectError) {
    for run in runs.values {
      if run.finalTicket == nil, now >= run.follower.nextPoll {
        try run.follower.turn(at: now)
      }
      removeRetired(run)
      if now >= run.nextCheck { try check(run, at: now) }
    }
  }

  func nextWake(after now: Int64) -> Int64 {
    var next = now + CaptureLimits.rescanNanoseconds
    for run in runs.values {
      next = min(next, run.finalTicket == nil ? run.follower.nextPoll : run.nextCheck)
      if run.lockFreeSince != nil { next = min(next, run.nextCheck) }
    }
    return next
  }

  /// Sees whether a run is over, in which order things must happen: the shim is gone, everything is
  /// handed over, everything is committed, the files are removed, the position is forgotten.
  private func check(_ run: Run, at now: Int64) throws(CollectError) {
    run.nextCheck = now + Self.settleNanoseconds
    if let ticket = run.finalTicket {
      if context.sink.committed >= ticket, isLockFree(run.files.echoLock) { try remove(run) }
      return
    }
    guard isLockFree(run.files.lock) else {
      run.lockFreeSince = nil
      run.nextCheck = now + Limits.pollMaxNanoseconds
      return
    }
    let since = run.lockFreeSince ?? now
    run.lockFreeSince = since
    if !FileSystem.exists(run.files.exit), now - since < Self.abandonNanoseconds { return }
    // The shim is gone: what is there is all that will ever be.
    run.follower.poke()
    let before = run.follower.tail.progress
    try run.follower.turn(at: now)
    let tail = run.follower.tail
    if tail.progress != before { return }
    try tail.finish(forgetting: false)
    run.finalTicket = tail.lastTicket
    run.nextCheck = now
  }

  private func remove(_ run: Run) throws(CollectError) {
    // The committed output goes first and the specification last: a crash in between leaves a
    // directory that is recognised as finished.
    let directory = run.files.directory
    do throws(SyscallError) {
      let names = try FileSystem.list(directory)
      for name in names where name.hasPrefix("out.log.") {
        try FileSystem.remove(directory + "/" + name)
      }
      for name in names where name != "spec.json" { try FileSystem.remove(directory + "/" + name) }
      try FileSystem.remove(run.files.spec)
      try FileSystem.removeDirectory(directory)
    } catch {
      context.notify(CollectNotice(.warning, "\(error); trying again"))
      run.nextCheck = context.clock.monotonic() + 1_000_000_000
      return
    }
    if let watch = run.watch {
      byWatch[watch] = nil
      hub.remove(watch)
    }
    runs[run.files.id] = nil
    try run.follower.tail.finish(forgetting: true)
  }

  /// Removes files that were read to their end and are committed.
  private func removeRetired(_ run: Run) {
    let tail = run.follower.tail
    if tail.retired.isEmpty { return }
    let committed = context.sink.committed
    guard tail.retired.contains(where: { ($0.ticket ?? .max) <= committed }),
      isLockFree(run.files.echoLock)
    else { return }
    // A directory that cannot be listed now is listed next time.
    guard let names = try? FileSystem.list(run.files.directory) else { return }
    for name in names where name.hasPrefix("out.log.") {
      let path = run.files.directory + "/" + name
      // A name that is gone needs no removal.
      guard let status = try? FileSystem.linkStatus(of: path) else { continue }
      let index = tail.retired.firstIndex { file in
        file.inode == status.inode && file.device == status.device
          && (file.ticket ?? .max) <= committed
      }
      guard let index else { continue }
      tail.retired.remove(at: index)
      do throws(SyscallError) { try FileSystem.remove(path) } catch {
        context.notify(CollectNotice(.warning, "\(error); committed output stays on disk"))
      }
    }
  }

  /// Whether nobody holds a lock; a lock file that is not there is free.
  private func isLockFree(_ path: String) -> Bool {
    do throws(SyscallError) {
      let file = try Descriptor(open: path, O_RDONLY)
      return try file.tryLock()
    } catch {
      return error.isNotFound
    }
  }
}
