internal import Glibc

/// The process's own identity and end.
package enum ProcessExit {
  package static var processID: Int32 { getpid() }

  /// Ends at once, without unwinding: for when going on could lie.
  package static func now(_ status: Int32) -> Never { _exit(status) }

  /// Whether a process of that number exists.
  package static func isAlive(_ pid: Int32) -> Bool { kill(pid, 0) == 0 || errno == EPERM }
}
