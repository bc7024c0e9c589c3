internal import Glibc

/// systemd's notification protocol without libsystemd: one datagram to $NOTIFY_SOCKET.
///
/// Safe from any thread. Does nothing when the process was not started by a service manager.
package struct ServiceNotification: Sendable {
  private let address: [UInt8]?
  /// How often a watchdog message is due, in nanoseconds: half of $WATCHDOG_USEC.
  ///
  /// Nil: not watched.
  package let watchdogNanoseconds: Int64?

  package init(environment: (String) -> String?) {
    if let socket = environment("NOTIFY_SOCKET"), socket.hasPrefix("/") || socket.hasPrefix("@"),
      socket.utf8.count < 108
    {
      var bytes = Array(socket.utf8)
      // "@" stands for the zero byte of an abstract socket.
      if bytes[0] == 0x40 { bytes[0] = 0 }
      address = bytes
    } else {
      address = nil
    }
    let isOurs = environment("WATCHDOG_PID").map { Int32($0) == getpid() } ?? true
    watchdogNanoseconds =
      isOurs
      ? environment("WATCHDOG_USEC").flatMap { Int64($0) }.map { max($0, 2_000) * 500 } : nil
  }

  /// Sends `READY=1` and the like; a manager that is gone is nobody to tell.
  package func send(_ message: String) {
    guard let address else { return }
    let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { return }
    let descriptor = Descriptor(adopting: fd, path: "notify")
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    // Safety: the path is shorter than sun_path, which was checked in init.
    unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: address) }
    let offset = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: target.sun_path)
    let length = socklen_t(offset + address.count)
    let text = Array(message.utf8)
    // Safety: the address is a sockaddr_un of `length` bytes, the text an array of `count` bytes.
    unsafe withUnsafePointer(to: &target) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = unsafe sendto(
          descriptor.raw,
          text,
          text.count,
          Int32(MSG_NOSIGNAL),
          address,
          length
        )
      }
    }
  }
}
