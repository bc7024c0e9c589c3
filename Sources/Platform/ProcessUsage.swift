internal import CLinux

/// What this process takes of the machine, as the kernel counts it.
package enum ProcessUsage {
  /// Open descriptors; nil without /proc.
  package static var openDescriptors: Int? {
    // Silence is right: without /proc there is no count. One of them is open for the listing only.
    (try? FileSystem.list("/proc/self/fd")).map { $0.count - 1 }
  }

  /// Bytes of resident memory; nil without /proc.
  package static var residentBytes: Int? {
    // Silence is right: without /proc there is no count.
    guard let bytes = try? FileSystem.read("/proc/self/statm", atMost: 4_096) else { return nil }
    let fields = String(repairing: bytes.span).split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
    return pages * clinux_page_size()
  }
}
