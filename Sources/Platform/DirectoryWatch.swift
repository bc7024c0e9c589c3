internal import CLinux
internal import Glibc

/// inotify(7) over directories: what appears, moves and goes in them.
///
/// Used by one thread.
///
/// One instance serves the whole agent (a user has 128). Files are never watched: an event for
/// every write costs 12 times the CPU of polling and slows the writer down.
package final class DirectoryWatch {
  /// What happened to one name in a watched directory.
  package struct Event: Sendable, Equatable {
    /// The watch that `add` returned; -1 for an overflow.
    package let watch: Int32
    package let kind: Kind
    package let name: String
  }

  /// What an event says.
  package enum Kind: Sendable {
    /// The name came into being, by creation or by a rename.
    case appeared
    /// Something else happened to the name: its content was written, or it is gone.
    case changed
    /// The watched directory itself is gone; the watch is no more.
    case directoryGone
    /// The kernel dropped events: everything has to be looked at again.
    case overflow
  }

  private let file: Descriptor

  package init() throws(SyscallError) {
    let fd = inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC))
    guard fd >= 0 else { throw .last("inotify_init1") }
    file = Descriptor(adopting: fd, path: "inotify")
  }

  /// Readable when events wait.
  package var descriptor: Int32 { file.raw }

  /// Watches a directory; adding it again gives the same number.
  ///
  /// With `includesChanges` also for files that were written and closed, moved away, removed or
  /// given another mode: for folders of configurations, not of logs.
  package func add(_ path: String, includesChanges: Bool = false) throws(SyscallError) -> Int32 {
    var mask = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF) | UInt32(IN_ONLYDIR)
    if includesChanges {
      mask |= UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE) | UInt32(IN_ATTRIB)
    }
    // Safety: the call only reads the path.
    let watch = unsafe inotify_add_watch(file.raw, path, mask)
    guard watch >= 0 else { throw .last("inotify_add_watch", path: path) }
    return watch
  }

  /// Ends a watch; one that ended by itself is not an error.
  package func remove(_ watch: Int32) {
    _ = inotify_rm_watch(file.raw, watch)
  }

  /// The events that wait, without waiting for more.
  package func read() throws(SyscallError) -> [Event] {
    var events: [Event] = []
    var bytes: [UInt8] = []
    while true {
      bytes.removeAll(keepingCapacity: true)
      guard let got = try file.read(into: &bytes, atMost: 65_536), got > 0 else { return events }
      Self.parse(bytes.span, into: &events)
    }
  }

  /// Each event is wd, mask, cookie and length, four bytes each, and a name padded with zeros.
  private static func parse(_ bytes: Span<UInt8>, into events: inout [Event]) {
    var reader = ByteReader(to: bytes.count)
    while let watch = reader.integer(Int32.self, in: bytes),
      let mask = reader.integer(UInt32.self, in: bytes),
      reader.integer(UInt32.self, in: bytes) != nil,
      let length = reader.integer(UInt32.self, in: bytes), let range = reader.take(Int(length))
    {
      if mask & UInt32(IN_Q_OVERFLOW) != 0 {
        events.append(Event(watch: -1, kind: .overflow, name: ""))
      } else if mask & (UInt32(IN_DELETE_SELF) | UInt32(IN_IGNORED)) != 0 {
        events.append(Event(watch: watch, kind: .directoryGone, name: ""))
      } else {
        let name = bytes.extracting(range)
        let end = Bytes.firstIndex(of: 0, in: name) ?? name.count
        events.append(
          Event(
            watch: watch,
            kind: mask & (UInt32(IN_CREATE) | UInt32(IN_MOVED_TO)) != 0 ? .appeared : .changed,
            name: String(repairing: name.extracting(0..<end))
          )
        )
      }
    }
  }
}
