internal import Glibc

/// The other side of a pipe that we write to.
package enum PipeReader {
  /// True when nobody reads any more: without this, `tail | head -1` would wait for another event.
  package static func isGone(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: 0, revents: 0)
    // Safety: poll writes only the entry's revents.
    guard unsafe poll(&entry, 1, 0) > 0 else { return false }
    return entry.revents & Int16(POLLERR) != 0
  }
}
