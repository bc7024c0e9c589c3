internal import Glibc
internal import Platform

/// The whole-directory lock: held by the one process that may write, released by the kernel at its
/// end.
final class StoreLock: Sendable {
  /// Whoever asks for the holder holds the lock for an instant.
  private static let attempts = 5

  private let file: Descriptor

  init(
    layout: Layout,
    pause: () -> Void = { Poller.wait(readable: [], nanoseconds: 5_000_000) }
  ) throws(StoreError) {
    file = try storing { () throws(SyscallError) in
      try Descriptor(open: layout.lock, O_RDWR | O_CREAT | O_NOFOLLOW)
    }
    var isHeld = false
    for attempt in 0..<Self.attempts where !isHeld {
      if attempt > 0 { pause() }
      isHeld = try storing { () throws(SyscallError) in try file.tryLock() }
    }
    guard isHeld else {
      // Silence is right: a holder that cannot be read is still a holder.
      let words = (try? FileSystem.read(layout.lock, atMost: 256)) ?? []
      let holder = String(repairing: words.span).split(separator: "\n").first.map(String.init)
      throw .locked(path: layout.root, holder: holder ?? "unknown process")
    }
    let words = Array("pid \(getpid())\n".utf8)
    do throws(SyscallError) {
      // Written over what is there before it is cut: that needs no space.
      try file.write(words.span, at: 0)
      try file.truncate(to: Int64(words.count))
    } catch {
      // On a full disk the lock holds without its holder's name.
      if !error.isOutOfSpace { throw .io(error) }
    }
  }

  /// The process that holds the directory; nil when nobody does.
  static func holder(layout: Layout) -> String? {
    // Silence is right: without the file, or without the right to open it, there is no known
    // holder.
    guard let file = try? Descriptor(open: layout.lock, O_RDWR),
      let free = try? file.tryLock(), !free
    else { return nil }
    // Silence is right: an unreadable holder is still one.
    let words = (try? FileSystem.read(layout.lock, atMost: 256)) ?? []
    return String(repairing: words.span).split(separator: "\n").first.map(String.init) ?? "unknown"
  }
}
