internal import Glibc
package import LogModel
package import Platform
internal import Synchronization

/// Where an import puts its batches while another process owns the store: files that the owner
/// collects.
///
/// At most a few files wait; then `submit` waits too, so a slow store slows the import down. Killed
/// at any moment, the import is repeated from what was committed. Safe from any thread.
package final class ImportHandover: EventSink {
  private static let pollNanoseconds: Int64 = 10_000_000
  /// How long nothing may move before the owner is looked for.
  private static let patienceNanoseconds: Int64 = 1_000_000_000

  private struct State {
    var next: UInt64 = 1
    /// How far every source has come with what was handed over.
    var positions: [String: [UInt8]] = [:]
    var failure: SyscallError?
  }

  private let inbox: ImportInbox
  private let lock: Descriptor
  private let clock: any Clock
  private let isOwned: @Sendable () -> Bool
  private let stored: @Sendable (String) -> [UInt8]?
  private let state = Mutex(State())

  /// `stored` is the committed position of a source; `isOwned` whether another process still owns
  /// the store.
  package init(
    importsDirectory: String,
    clock: any Clock,
    isOwned: @escaping @Sendable () -> Bool,
    stored: @escaping @Sendable (String) -> [UInt8]?
  ) throws(SyscallError) {
    let id = Entropy.uuid()
    let inbox = ImportInbox(imports: importsDirectory, id: id)
    // Made under another name, so that no owner meets it unlocked and removes it.
    let draft = ImportInbox(imports: importsDirectory, id: "." + id)
    try FileSystem.makeDirectory(draft.directory)
    try FileSystem.share(draft.directory, withOwnerOf: importsDirectory)
    lock = try Descriptor(open: draft.lock, O_RDWR | O_CREAT)
    guard try lock.tryLock() else {
      throw SyscallError("flock", code: EWOULDBLOCK, path: draft.lock)
    }
    try FileSystem.rename(draft.directory, to: inbox.directory)
    self.inbox = inbox
    self.clock = clock
    self.isOwned = isOwned
    self.stored = stored
  }

  package func submit(_ batch: consuming EventBatch) -> UInt64? {
    guard let checkpoint = batch.checkpoint,
      wait(untilAtMost: CaptureLimits.handedFilesMax - 1)
    else { return nil }
    let before = position(of: checkpoint.source) ?? []
    let bytes = HandedBatch.encode(batch, before: before)
    let number = state.withLock { $0.next }
    do throws(SyscallError) {
      try FileSystem.replace(inbox.batch(number), with: bytes.span)
    } catch {
      state.withLock { $0.failure = error }
      return nil
    }
    state.withLock { state in
      state.next = number + 1
      state.positions[checkpoint.source] = checkpoint.position
    }
    return number
  }

  package var committed: UInt64 {
    let next = state.withLock { $0.next }
    // An inbox that cannot be listed has, as far as we know, nothing committed.
    guard let waiting = try? inbox.waiting() else { return 0 }
    return (waiting.first ?? next) - 1
  }

  package func position(of source: String) -> [UInt8]? {
    state.withLock { $0.positions[source] } ?? stored(source)
  }

  /// Why a batch could not be written, if that is why `submit` gave nil.
  package var failure: SyscallError? { state.withLock { $0.failure } }

  /// Waits until the owner has taken everything; false when it went away before.
  package func waitCollected() -> Bool { wait(untilAtMost: 0) }

  /// Whether every source stands where this import left it.
  ///
  /// It does not when another import of the same file came in between: then its batches counted,
  /// and ours were left out.
  package var isComplete: Bool {
    let positions = state.withLock { $0.positions }
    return positions.allSatisfy { source, position in stored(source) == position }
  }

  private func wait(untilAtMost count: Int) -> Bool {
    var last = Int.max
    var movedAt = clock.monotonic()
    while true {
      // An inbox that cannot be listed now is listed again.
      let waiting = (try? inbox.waiting())?.count ?? last
      if waiting <= count { return true }
      let now = clock.monotonic()
      if waiting != last {
        last = waiting
        movedAt = now
      } else if now - movedAt >= Self.patienceNanoseconds {
        if !isOwned() { return false }
        movedAt = now
      }
      Poller.wait(readable: [], nanoseconds: Self.pollNanoseconds)
    }
  }
}
