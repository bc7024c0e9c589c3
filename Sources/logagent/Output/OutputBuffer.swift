internal import Platform

/// Standard output with a 64 KiB buffer: 26 ns a line where print needs 200.
///
/// Once the reader is gone (`| head`) everything is dropped and `isClosed` says so. One thread.
final class OutputBuffer {
  private var bytes: [UInt8] = []
  private(set) var isClosed = false
  private let number: Int32

  init(_ number: Int32 = 1) {
    self.number = number
    bytes.reserveCapacity(70_000)
  }

  deinit { flush() }

  func append(_ add: (inout [UInt8]) -> Void) {
    add(&bytes)
    if bytes.count >= 65_536 { flush() }
  }

  func append(_ text: String) { append { $0.append(utf8: text) } }

  /// Notices a reader that has gone while there is nothing to write.
  func checkReader() {
    if PipeReader.isGone(number) { isClosed = true }
  }

  func flush() {
    guard !bytes.isEmpty else { return }
    defer { bytes.removeAll(keepingCapacity: true) }
    guard !isClosed else { return }
    let output = Descriptor(adopting: number, path: "standard output")
    do throws(SyscallError) {
      try output.write(bytes.span)
    } catch {
      // A closed pipe is how a reader says that it has enough.
      isClosed = true
    }
    _ = output.release()
  }
}
