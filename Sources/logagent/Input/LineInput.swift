internal import Collect
internal import Glibc
internal import LogModel
internal import Platform

/// The lines of standard input and of files, one after the other.
///
/// Reads 256 KiB at a time and holds no more than that and one line. A line ends at a newline or
/// where its file does; what it holds is not looked at. Files that end in .gz or .zst are unpacked.
/// Used by one thread.
final class LineInput {
  /// A longer line is cut, as an event would be.
  static let lineBytesMax = Limits.eventBytesMax

  private enum Source {
    case descriptor(OpenDescriptor)
    case packed(ImportFile)
  }

  private let paths: [String]
  private var buffer: [UInt8] = []
  /// Lines that were cut.
  private(set) var cutLines = 0

  /// `-` is standard input, and so is no path at all.
  init(_ paths: [String]) { self.paths = paths.isEmpty ? ["-"] : paths }

  /// Fails when one of the files cannot be opened, before any of them is read.
  func check() throws(CommandFailure) {
    for path in paths where path != "-" { _ = try Self.open(path) }
  }

  /// Calls `body` with every line and its place until it returns false; `pause` before it waits for
  /// more, which may be long.
  func forEachLine(
    pause: () -> Void,
    _ body: (Span<UInt8>, LinePlace) throws(CommandFailure) -> Bool
  ) throws(CommandFailure) {
    for path in paths {
      let source = try Self.open(path)
      guard try read(source, path, pause: pause, body) else { return }
    }
  }

  private static func open(_ path: String) throws(CommandFailure) -> Source {
    if path == "-" {
      return .descriptor(
        OpenDescriptor(Descriptor(adopting: 0, path: "standard input"), keeps: true)
      )
    }
    if path.hasSuffix(".gz") || path.hasSuffix(".zst") {
      do throws(CollectError) {
        return .packed(try ImportFile(path))
      } catch {
        throw failure(error)
      }
    }
    do throws(SyscallError) {
      let descriptor = try Descriptor(open: path, O_RDONLY)
      return .descriptor(OpenDescriptor(descriptor, keeps: false))
    } catch {
      throw CommandFailure(error)
    }
  }

  private static func failure(_ error: CollectError) -> CommandFailure {
    if case .system(let cause) = error { return CommandFailure(cause) }
    return CommandFailure(error.description, status: CommandFailure.Status.io)
  }

  /// False when `body` had enough.
  private func read(
    _ source: Source,
    _ path: String,
    pause: () -> Void,
    _ body: (Span<UInt8>, LinePlace) throws(CommandFailure) -> Bool
  ) throws(CommandFailure) -> Bool {
    buffer.removeAll(keepingCapacity: true)
    var place = LinePlace(path: path, line: 1)
    var offset: Int64 = 0
    var isCut = false
    while true {
      pause()
      let start = buffer.count
      let got = try fill(source, at: offset)
      offset += Int64(got)
      var chunk: [UInt8] = []
      swap(&chunk, &buffer)
      defer { swap(&chunk, &buffer) }
      var at = 0
      var search = start
      while let end = Bytes.firstIndex(of: 0x0A, in: chunk.span, from: search) {
        let goesOn = isCut ? true : try give(chunk.span.extracting(at..<end), place, body)
        isCut = false
        place.line += 1
        at = end + 1
        search = at
        if !goesOn { return false }
      }
      if got == 0 {
        guard at < chunk.count, !isCut else { return true }
        return try give(chunk.span.extracting(at..<chunk.count), place, body)
      }
      chunk.removeFirst(at)
      if isCut {
        chunk.removeAll(keepingCapacity: true)
      } else if chunk.count > Self.lineBytesMax {
        // What follows belongs to the same line and is passed over.
        guard try give(chunk.span, place, body) else { return false }
        chunk.removeAll(keepingCapacity: true)
        isCut = true
      }
    }
  }

  private func give(
    _ line: Span<UInt8>,
    _ place: LinePlace,
    _ body: (Span<UInt8>, LinePlace) throws(CommandFailure) -> Bool
  ) throws(CommandFailure) -> Bool {
    guard line.count > Self.lineBytesMax else { return try body(line, place) }
    cutLines += 1
    return try body(line.extracting(first: Self.lineBytesMax), place)
  }

  /// Appends what comes next; 0 at the end.
  private func fill(_ source: Source, at offset: Int64) throws(CommandFailure) -> Int {
    switch source {
    case .packed(let file):
      do throws(CollectError) {
        return try file.read(into: &buffer, atMost: Limits.readChunkBytes, at: offset)
      } catch {
        throw Self.failure(error)
      }
    case .descriptor(let input):
      do throws(SyscallError) {
        return try input.read(into: &buffer, atMost: Limits.readChunkBytes)
      } catch {
        throw CommandFailure(error)
      }
    }
  }
}

/// Where a line is, for messages.
struct LinePlace {
  var path: String
  /// Counted from 1.
  var line: Int
}

/// A descriptor in a class, so that an enum can hold it; standard input is not closed.
private final class OpenDescriptor {
  private var descriptor: Descriptor?
  private let keeps: Bool

  init(_ descriptor: consuming Descriptor, keeps: Bool) {
    self.descriptor = consume descriptor
    self.keeps = keeps
  }

  deinit {
    if keeps, let descriptor = descriptor.take() { _ = descriptor.release() }
  }

  /// Waits for more where there is none yet; after Ctrl-C nothing more comes.
  func read(into bytes: inout [UInt8], atMost count: Int) throws(SyscallError) -> Int {
    while let raw = descriptor?.raw, !InterruptSignal.isRaised {
      // A read would begin anew after a signal. A signal just before the wait is seen a bit later.
      guard !Poller.wait(readable: [raw], nanoseconds: 200_000_000).isEmpty else { continue }
      if let got = try descriptor?.read(into: &bytes, atMost: count) { return got }
    }
    return 0
  }
}
