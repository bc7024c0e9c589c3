internal import CLinux
internal import Glibc
internal import Synchronization

/// A named POSIX thread that runs one closure; `join` waits for its end.
///
/// The data path blocks in read, fdatasync and SQLite, which the cooperative pool must never do:
/// two blocking tasks on a two-core machine delayed a third by the whole 500 ms that they took.
package final class OSThread: Sendable {
  private let handle: Mutex<pthread_t?>

  private final class Start {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SyscallError) {
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    // Safety: the retained Start is taken over by the new thread, or released here when there is
    // none.
    let code = unsafe pthread_create(
      &thread,
      nil,
      { raw in
        guard let raw = unsafe raw else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
        unsafe clinux_set_thread_name(start.name)
        start.body()
        return nil
      },
      start.toOpaque()
    )
    guard code == 0 else {
      unsafe start.release()
      throw SyscallError("pthread_create", code: code, path: name)
    }
    handle = Mutex(thread)
  }

  /// Waits for the thread to end; a second call returns at once.
  package func join() {
    let thread = handle.withLock { slot -> pthread_t? in
      defer { slot = nil }
      return slot
    }
    if let thread { pthread_join(thread, nil) }
  }
}
