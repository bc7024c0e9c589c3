internal import Glibc
internal import Synchronization

private let interruptCount = Atomic<Int>(0)

/// SIGINT, SIGTERM and SIGPIPE for commands that run in the foreground.
///
/// The first interrupt is noted, so that what was found so far is written out; the second ends the
/// process at once. A closed pipe shows as EPIPE on the next write.
package enum InterruptSignal {
  /// True once Ctrl-C was pressed or SIGTERM came.
  package static var isRaised: Bool { interruptCount.load(ordering: .acquiring) > 0 }

  /// Installs the handlers.
  ///
  /// A wait in poll(2) ends when a signal comes.
  package static func install() {
    // The first access initialises the counter: that must not happen inside the handler.
    guard interruptCount.load(ordering: .relaxed) == 0 else { return }
    // Safety: the handler does nothing but count and _exit(2), both allowed in a signal handler.
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in
      if interruptCount.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue > 0 { _exit(130) }
    }
    unsafe sigaction(SIGINT, &action, nil)
    unsafe sigaction(SIGTERM, &action, nil)
    ignoreClosedPipes()
  }

  /// From now on every interrupt is only counted: a pager has the terminal, and Ctrl-C is its key.
  package static func leaveToPager() {
    _ = interruptCount.load(ordering: .relaxed)
    // Safety: the handler does nothing but count, which is allowed in a signal handler.
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in
      interruptCount.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
    unsafe sigaction(SIGINT, &action, nil)
  }

  /// Writing to a closed pipe fails instead of ending the process.
  package static func ignoreClosedPipes() {
    var ignore = sigaction()
    unsafe ignore.__sigaction_handler.sa_handler = SIG_IGN
    unsafe sigaction(SIGPIPE, &ignore, nil)
  }
}
