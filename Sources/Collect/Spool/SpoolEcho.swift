internal import Glibc
internal import Platform

/// Shows a run's output as it is written, by reading the spool: a slow or vanished reader of
/// `exec`'s output never holds up the command.
///
/// Used by `exec` only.
struct SpoolEcho: ~Copyable {
  private static let pendingBytesMax = 262_144

  private let run: SpoolRun
  private var file: Descriptor?
  private var inode: UInt64 = 0
  private var number = 0
  private var offset: Int64 = 0
  private var buffer: [UInt8] = []
  /// Text that waits, with the descriptor it is for.
  private var pending: [(fd: Int32, bytes: [UInt8])] = []
  private var written = 0
  private var isGone: [2 of Bool] = [false, false]

  init(run: SpoolRun) { self.run = run }

  /// The descriptor that has to take bytes before anything else is shown.
  var waitsFor: Int32? { pending.first?.fd }

  /// Reads what is new; false when there is nothing.
  mutating func fill() -> Bool {
    if !pending.isEmpty { return true }
    if file == nil, !openNext() { return false }
    if readLines() { return true }
    return isReplaced() && openNext() && readLines()
  }

  private mutating func readLines() -> Bool {
    buffer.removeAll(keepingCapacity: true)
    // A spool that cannot be read is not shown; it is still collected.
    guard
      let got = try? file?.read(into: &buffer, atMost: Self.pendingBytesMax, at: offset), got > 0
    else { return false }
    let bytes = buffer
    var at = 0
    while let end = Bytes.firstIndex(of: 0x0A, in: bytes.span, from: at) {
      show(bytes.span, at..<end)
      at = end + 1
    }
    offset += Int64(at)
    return at > 0
  }

  private mutating func show(_ bytes: Span<UInt8>, _ line: Range<Int>) {
    guard let space = Bytes.firstIndex(of: 0x20, in: bytes, from: line.lowerBound),
      space + 10 < line.upperBound,
      let text = Bytes.firstIndex(of: 0x20, in: bytes, from: space + 8),
      text < line.upperBound
    else { return }
    let isWhole = bytes[space + 8] == 0x46
    let isGap = bytes[space + 9] == 0x3A
    let fd = bytes[space + 4] == 0x65 || isGap ? STDERR_FILENO : STDOUT_FILENO
    var shown = isGap ? Array("logagent: ".utf8) : []
    shown.append(copying: bytes.extracting((text + 1)..<line.upperBound))
    if isWhole { shown.append(0x0A) }
    if pending.last?.fd == fd {
      pending[pending.count - 1].bytes.append(contentsOf: shown)
    } else {
      pending.append((fd, shown))
    }
  }

  /// Whether the file being read was rotated away.
  private func isReplaced() -> Bool {
    // A missing file means that the run is being removed: nothing more comes.
    guard let status = try? FileSystem.linkStatus(of: run.output) else { return false }
    return status.inode != inode
  }

  /// Opens the next file: rotated files count upwards, and the newest has no number.
  private mutating func openNext() -> Bool {
    let next = number + 1
    let numbered = "\(run.output).\(next)"
    for path in [numbered, run.output] {
      // A file that is not there, or cannot be read, is not shown; it is still collected.
      guard let opened = try? Descriptor(open: path, O_RDONLY | O_NOFOLLOW),
        let status = try? opened.status(),  // As above.
        file == nil || status.inode != inode
      else { continue }
      // A rotation between the two looks gives the next file its number: then the newest is not
      // next.
      if path == run.output, let other = try? FileSystem.linkStatus(of: numbered),
        other.inode != status.inode
      {
        return openNext()
      }
      inode = status.inode
      file = consume opened
      number = next
      offset = 0
      return true
    }
    return false
  }

  /// Writes some of what waits; a reader that is gone is written to no more.
  mutating func writeSome() {
    guard let first = pending.first else { return }
    let slot = first.fd == STDOUT_FILENO ? 0 : 1
    if !isGone[slot] {
      if let count = Poller.writeSome(first.bytes.span, from: written, to: first.fd) {
        written += count
      } else {
        isGone[slot] = true
      }
    }
    if isGone[slot] || written == first.bytes.count {
      pending.removeFirst()
      written = 0
    }
  }
}
