internal import Platform

/// Standard output with a 64 KiB buffer: 26 ns a line where print needs 200.
///
/// Once the reader is gone (`| head`) everything is dropped and `isClosed` says so. With a pager,
/// what fits on the screen is printed as it is, and more goes to the pager. One thread.
final class OutputBuffer {
  private var bytes: [UInt8] = []
  private(set) var isClosed = false
  /// Why writing failed, where the reader did not just go away.
  private(set) var failure: SyscallError?
  private let number: Int32
  private var pager: Pager?
  private var screen: ScreenLines?

  init(_ number: Int32 = 1, pager: PagerChoice? = nil) {
    self.number = number
    bytes.reserveCapacity(70_000)
    if let pager {
      screen = ScreenLines(pager)
      self.pager = Pager(pager)
    }
  }

  deinit { finish() }

  func append(_ add: (inout [UInt8]) -> Void) {
    let start = bytes.count
    add(&bytes)
    if screen != nil { watchScreen(from: start) }
    if bytes.count >= 65_536 { flush() }
  }

  func append(_ text: String) { append { $0.append(utf8: text) } }

  /// Notices a reader that has gone while there is nothing to write.
  func checkReader() {
    if PipeReader.isGone(number) { isClosed = true }
  }

  /// Writes what has gathered, but for what may yet need the pager.
  func flush() {
    if screen == nil { write() }
  }

  /// Writes everything; with a pager that has started, waits until the user leaves it.
  func finish() {
    screen = nil
    write()
    pager?.close()
    pager = nil
  }

  /// Starts the pager when the screen is full; from then on writing waits for it to read.
  private func watchScreen(from start: Int) {
    guard var lines = screen else { return }
    let isFull = lines.add(bytes.span.extracting(start..<bytes.count))
    screen = lines
    guard isFull else { return }
    screen = nil
    pager?.start()
  }

  private func write() {
    guard !bytes.isEmpty else { return }
    defer { bytes.removeAll(keepingCapacity: true) }
    guard !isClosed else { return }
    let output = Descriptor(adopting: pager?.descriptor ?? number, path: "standard output")
    do throws(SyscallError) {
      try output.write(bytes.span)
    } catch {
      // A closed pipe is how a reader says that it has enough.
      isClosed = true
      if !error.isClosedPipe { failure = error }
    }
    _ = output.release()
  }
}
