internal import Glibc
package import LogModel
package import Platform
internal import Synchronization

/// Where an import puts its batches while another process owns the store: files that the owner
/// collects.
///
/// A few files wait at most; then `submit` waits too, so a slow store slows the import down. When
/// the owner is restarted, the next one goes on with what it finds. Killed at any moment, the
/// import is repeated from what was committed. Safe from any thread.
package final class ImportHandover: EventSink {
  private static let pollNanoseconds: Int64 = 10_000_000
  /// How long nothing may move before the owner is looked for, and told of.
  private static let patienceNanoseconds: Int64 = 1_000_000_000
  /// How long the store is left to a daemon that was killed before it took anything, and restarts.
  private static let takeoverNanoseconds: Int64 = 5_000_000_000

  /// Why a batch was not handed over, or not taken.
  package enum Obstacle: Sendable, Equatable {
    case interrupted
    /// The process that owned the store took nothing, and has ended.
    case neverTaken
    /// The owner that took batches ended, and no other one came.
    case ownerGone
    /// Larger than what an owner takes.
    case tooLarge
    case failed(SyscallError)
  }

  private struct State {
    var next: UInt64 = 1
    /// Bytes of the batches that may still wait.
    var sizes: [UInt64: Int] = [:]
    /// How far every source has come with what was handed over.
    var positions: [String: [UInt8]] = [:]
    var obstacle: Obstacle?
  }

  private let inbox: ImportInbox
  private let lock: Descriptor
  private let clock: any Clock
  private let ownerPatience: Int64
  private let isOwned: @Sendable () -> Bool
  private let stored: @Sendable (String) -> [UInt8]?
  private let isInterrupted: @Sendable () -> Bool
  private let onWait: @Sendable (Int64) -> Void
  private let state = Mutex(State())

  /// Makes an inbox below `importsDirectory`, whose parent is the data directory.
  ///
  /// `stored` is the committed position of a source; `isOwned` whether another process still owns
  /// the store, which may be without an owner for `ownerPatience` nanoseconds once it had one that
  /// took batches. `onWait` is told every second for how long nothing has moved.
  package init(
    importsDirectory: String,
    clock: any Clock,
    ownerPatience: Int64 = 30_000_000_000,
    isOwned: @escaping @Sendable () -> Bool,
    stored: @escaping @Sendable (String) -> [UInt8]?,
    isInterrupted: @escaping @Sendable () -> Bool = { false },
    onWait: @escaping @Sendable (Int64) -> Void = { _ in }
  ) throws(SyscallError) {
    try FileSystem.makeDirectory(importsDirectory, mode: 0o700)
    let owner = try FileSystem.status(of: FileSystem.parent(of: importsDirectory)).owner
    guard ImportInbox.isPrivate(try FileSystem.linkStatus(of: importsDirectory), owner: owner)
    else { throw SyscallError("open", code: EPERM, path: importsDirectory) }
    let id = Entropy.uuid()
    let inbox = ImportInbox(imports: importsDirectory, id: id)
    // Made under another name, so that no owner meets it unlocked and removes it.
    let draft = ImportInbox(imports: importsDirectory, id: "." + id)
    try FileSystem.makeDirectory(draft.directory, mode: 0o700)
    lock = try Descriptor(open: draft.lock, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
    guard try lock.tryLock() else {
      throw SyscallError("flock", code: EWOULDBLOCK, path: draft.lock)
    }
    try FileSystem.rename(draft.directory, to: inbox.directory)
    self.inbox = inbox
    self.clock = clock
    self.ownerPatience = ownerPatience
    self.isOwned = isOwned
    self.stored = stored
    self.isInterrupted = isInterrupted
    self.onWait = onWait
  }

  package func submit(_ batch: consuming EventBatch) -> UInt64? {
    guard let checkpoint = batch.checkpoint,
      let bytes = HandedBatch.encode(batch, before: position(of: checkpoint.source) ?? [])
    else {
      state.withLock { $0.obstacle = .tooLarge }
      return nil
    }
    guard
      wait(
        untilAtMost: CaptureLimits.handedFilesMax - 1,
        bytes: CaptureLimits.handedBytesMax - bytes.count
      )
    else { return nil }
    let number = state.withLock { $0.next }
    do throws(SyscallError) {
      try inbox.put(bytes.span, as: number)
    } catch {
      state.withLock { $0.obstacle = .failed(error) }
      return nil
    }
    state.withLock { state in
      state.next = number + 1
      state.sizes[number] = bytes.count
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

  /// Why `submit` gave nil, or `waitCollected` false.
  package var obstacle: Obstacle? { state.withLock { $0.obstacle } }

  /// Waits until the owner has committed everything; false when there is an obstacle.
  package func waitCollected() -> Bool { wait(untilAtMost: 0, bytes: 0) }

  /// Whether every source stands where this import left it.
  ///
  /// It does not when another import of the same file came in between: then its batches counted,
  /// and ours were left out.
  package var isComplete: Bool {
    let positions = state.withLock { $0.positions }
    return positions.allSatisfy { source, position in stored(source) == position }
  }

  /// Takes back what was not taken and leaves nothing behind; the last thing to call.
  ///
  /// What the owner has in hand by then still counts.
  package func withdraw() throws(SyscallError) {
    do throws(SyscallError) { try inbox.remove() } catch { if !error.isNotFound { throw error } }
  }

  private func wait(untilAtMost count: Int, bytes: Int) -> Bool {
    var last = Int.max
    var movedAt = clock.monotonic()
    var lookedAt = movedAt
    var ownedAt = movedAt
    while true {
      // An inbox that cannot be listed now is listed again.
      let waiting = try? inbox.waiting()
      if let waiting {
        let left = leftBytes(waiting)
        if waiting.count <= count, left <= bytes || waiting.isEmpty { return true }
      }
      if isInterrupted() { return stopped(by: .interrupted) }
      let now = clock.monotonic()
      let present = waiting?.count ?? last
      if present < last {
        last = present
        (movedAt, lookedAt, ownedAt) = (now, now, now)
      } else if now - lookedAt >= Self.patienceNanoseconds {
        lookedAt = now
        if isOwned() {
          ownedAt = now
        } else if !wasTaken(present), now - ownedAt >= min(ownerPatience, Self.takeoverNanoseconds)
        {
          return stopped(by: .neverTaken)
        } else if now - ownedAt >= ownerPatience {
          return stopped(by: .ownerGone)
        }
        onWait(now - movedAt)
      }
      Poller.wait(readable: [], nanoseconds: Self.pollNanoseconds)
    }
  }

  private func stopped(by obstacle: Obstacle) -> Bool {
    state.withLock { $0.obstacle = obstacle }
    return false
  }

  private func wasTaken(_ present: Int) -> Bool {
    state.withLock { $0.next - 1 > UInt64(present) }
  }

  private func leftBytes(_ waiting: [UInt64]) -> Int {
    state.withLock { state in
      state.sizes = state.sizes.filter { waiting.contains($0.key) }
      return state.sizes.values.reduce(0, +)
    }
  }
}
