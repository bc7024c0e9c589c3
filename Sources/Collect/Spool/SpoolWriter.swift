internal import Glibc
internal import LogModel
internal import Platform

/// Appends CRI lines to a run's spool; never waits for disk space.
///
/// Used by the shim only.
///
/// What cannot be written is counted, and a gap record says so in the stream once there is room
/// again.
struct SpoolWriter: ~Copyable {
  /// Text of one record; longer lines are `P` records of this size.
  static let recordBytesMax = 16_384
  static let fileBytesMax: Int64 = 67_108_864

  private let run: SpoolRun
  private var file: Descriptor?
  private var length: Int64 = 0
  private var rotated = 0
  private var out: [UInt8] = []
  private var err: [UInt8] = []
  private var lines: [UInt8] = []
  /// Text in `lines`, for the count of what is lost with them.
  private var linesText = 0
  private var unreported = 0
  private(set) var droppedBytes = 0
  private let fileBytes: Int64

  init(run: SpoolRun, fileBytes: Int64 = SpoolWriter.fileBytesMax) {
    self.run = run
    self.fileBytes = fileBytes
    open()
  }

  /// Whether a line of a stream has begun and not ended.
  var hasPartial: Bool { !out.isEmpty || !err.isEmpty }

  /// Takes what one read(2) gave; all lines that end in it have its time.
  mutating func take(_ text: Span<UInt8>, stderr: Bool, at time: Int64) {
    var stamp: [UInt8] = []
    stamp.reserveCapacity(40)
    Calendar.appendRFC3339(Timestamp(nanoseconds: time), decimals: 9, to: &stamp)
    stamp.append(utf8: stderr ? " stderr " : " stdout ")
    var carry: [UInt8] = []
    if stderr { swap(&carry, &err) } else { swap(&carry, &out) }
    var at = 0
    while at < text.count {
      let newline = Bytes.firstIndex(of: 0x0A, in: text, from: at)
      let end = newline ?? text.count
      let room = Self.recordBytesMax - carry.count
      if end - at > room {
        carry.append(copying: text.extracting(at..<(at + room)))
        record(stamp, 0x50, carry)
        carry.removeAll(keepingCapacity: true)
        at += room
        continue
      }
      carry.append(copying: text.extracting(at..<end))
      at = end
      guard newline != nil else { break }
      record(stamp, 0x46, carry)
      carry.removeAll(keepingCapacity: true)
      at += 1
    }
    if stderr { swap(&carry, &err) } else { swap(&carry, &out) }
    write(at: time)
  }

  /// Writes the beginnings of lines that have not ended, as `P`: what follows joins them.
  mutating func flushPartials(at time: Int64) {
    for stderr in [false, true] {
      var carry: [UInt8] = []
      if stderr { swap(&carry, &err) } else { swap(&carry, &out) }
      if carry.isEmpty { continue }
      var stamp: [UInt8] = []
      Calendar.appendRFC3339(Timestamp(nanoseconds: time), decimals: 9, to: &stamp)
      stamp.append(utf8: stderr ? " stderr " : " stdout ")
      record(stamp, 0x50, carry)
    }
    write(at: time)
  }

  private mutating func record(_ stamp: [UInt8], _ tag: UInt8, _ text: [UInt8]) {
    lines.append(copying: stamp.span)
    lines.append(tag)
    lines.append(0x20)
    lines.append(copying: text.span)
    lines.append(0x0A)
    linesText += text.count + (tag == 0x46 ? 1 : 0)
  }

  /// Writes the records that were made, whole or not at all.
  private mutating func write(at time: Int64) {
    if lines.isEmpty { return }
    if file == nil { open() }
    if unreported > 0 {
      var gap: [UInt8] = []
      Calendar.appendRFC3339(Timestamp(nanoseconds: time), decimals: 9, to: &gap)
      gap.append(
        utf8: " stdout F:gap gap: \(unreported) bytes of output were dropped, "
          + "because the spool could not be written\n"
      )
      if append(gap) { unreported = 0 }
    }
    // Nothing is written past a gap that could not be reported.
    if unreported > 0 || !append(lines) {
      unreported += linesText
      droppedBytes += linesText
    }
    lines.removeAll(keepingCapacity: true)
    linesText = 0
    if length >= fileBytes { rotate() }
  }

  private mutating func append(_ bytes: [UInt8]) -> Bool {
    guard file != nil else { return false }
    do throws(SyscallError) {
      try file?.write(bytes.span)
      length += Int64(bytes.count)
      return true
    } catch {
      // A part of the records may be there: cut it off, no reader has taken an unfinished line.
      do throws(SyscallError) {
        try file?.truncate(to: length)
      } catch {
        file = nil
      }
      return false
    }
  }

  private mutating func open() {
    do throws(SyscallError) {
      let opened = try Descriptor(open: run.output, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW)
      length = try opened.status().size
      file = consume opened
    } catch {
      file = nil
    }
  }

  /// Rotated files count upwards and keep their names.
  private mutating func rotate() {
    do throws(SyscallError) {
      try FileSystem.rename(run.output, to: "\(run.output).\(rotated + 1)")
      rotated += 1
      file = nil
      length = 0
      open()
    } catch {
      // The file goes on growing; the next write tries again.
    }
  }
}
