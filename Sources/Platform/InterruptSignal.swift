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

  /// Writing to a closed pipe fails instead of ending the process.
  package static func ignoreClosedPipes() {
    var ignore = sigaction()
    unsafe ignore.__sigaction_handler.sa_handler = SIG_IGN
    unsafe sigaction(SIGPIPE, &ignore, nil)
  }
}
