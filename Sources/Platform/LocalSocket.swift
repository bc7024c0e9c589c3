internal import CLinux
internal import Glibc

/// A connected Unix stream socket.
///
/// Used by one thread.
package struct LocalSocket: ~Copyable {
  private let file: Descriptor

  package init(connectingTo path: String) throws(SyscallError) {
    // Safety: the call only reads the path.
    let fd = unsafe clinux_connect_unix(path)
    guard fd >= 0 else { throw .last("connect", path: path) }
    let connected = Descriptor(adopting: fd, path: path)
    try connected.setNonblocking(true)
    file = connected
  }

  /// Sends all of `bytes`, which must be few: a socket's buffer takes them at once.
  package func send(_ bytes: Span<UInt8>) throws(SyscallError) { try file.write(bytes) }

  /// Appends what arrives within `nanoseconds`: 0 at the end of the stream, nil when nothing came
  /// or `stop` was raised.
  package func receive(
    into bytes: inout [UInt8],
    atMost count: Int,
    waiting nanoseconds: Int64,
    stop: StopSignal
  ) throws(SyscallError) -> Int? {
    if let got = try file.read(into: &bytes, atMost: count) { return got }
    Poller.wait(readable: [file.raw, stop.descriptor], nanoseconds: nanoseconds)
    if stop.isRaised { return nil }
    return try file.read(into: &bytes, atMost: count)
  }
}

/// Limits of this process.
package enum ProcessLimits {
  /// Raises the number of open files to the hard limit and returns it.
  @discardableResult
  package static func raiseOpenFiles() -> UInt64 { clinux_raise_file_limit() }
}
