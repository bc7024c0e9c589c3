internal import Glibc
internal import Platform

/// A few megabytes kept on disk so that rows can still be deleted when nothing else fits: on a full
/// disk SQLite cannot even run a DELETE.
enum Ballast {
  /// Writes the file anew when it is missing or was released, if there is plenty of room.
  static func ensure(layout: Layout, bytes: Int64) {
    // Silence is right: without a ballast the store works, it only recovers later from a full disk.
    let present = (try? FileSystem.statusIfPresent(of: layout.ballast))??.size ?? 0
    guard present < bytes, let space = try? FileSystem.space(at: layout.root),
      space.freeBytes > UInt64(bytes) * 4
    else { return }
    // Silence is right here too: the next start tries again.
    guard let file = try? Descriptor(open: layout.ballast, O_WRONLY | O_CREAT | O_NOFOLLOW) else {
      return
    }
    let chunk = [UInt8](repeating: 0x42, count: 262_144)
    var offset: Int64 = 0
    while offset < bytes {
      do throws(SyscallError) {
        try file.write(chunk.span, at: offset)
      } catch {
        // Half a ballast would only take space that the logs need.
        try? file.truncate(to: 0)
        return
      }
      offset += Int64(chunk.count)
    }
  }

  static func release(layout: Layout) {
    // Silence is right: there may be none, and the caller is already dealing with a full disk.
    guard let file = try? Descriptor(open: layout.ballast, O_WRONLY | O_NOFOLLOW) else { return }
    try? file.truncate(to: 0)
  }
}
