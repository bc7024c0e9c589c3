internal import CLinux

/// Keeps the memory of a process that holds secrets to itself.
package enum ProcessSecrecy {
  /// No core dump and no crash report with memory in it of this process, and no look into its
  /// memory or environment by others of the same user; root still may.
  ///
  /// Children that are started with another program are not affected.
  package static func forbidDumps() { clinux_forbid_dumps() }

  /// No core file of this process or of any child, whatever the kernel would do with one.
  package static func forbidCoreFiles() { clinux_forbid_core_files() }

  /// The user that the process acts as.
  package static var user: UInt32 { clinux_effective_user() }
}
