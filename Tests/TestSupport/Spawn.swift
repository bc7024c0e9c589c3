import Foundation

extension Process {
  /// Starts the process with no signal blocked.
  ///
  /// Tests run on threads that block all of them, and a child inherits that: without SIGCHLD a
  /// shell's `wait` never ends.
  public func start() throws {
    var none = sigset_t()
    var saved = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &saved)
    defer { pthread_sigmask(SIG_SETMASK, &saved, nil) }
    try run()
  }
}
