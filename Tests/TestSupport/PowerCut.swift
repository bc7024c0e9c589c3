import Foundation

/// An ext4 file system on a loop device whose power can be cut: every byte that was not synced is
/// gone.
///
/// Needs root, loop devices and xfs_io (xfsprogs); the shutdown ioctl that it sends is ext4's own.
public final class PowerCut {
  public let mount: String
  private let directory: TemporaryDirectory
  private let image: String
  private let device: String

  public static var isPossible: Bool {
    guard getuid() == 0, (try? Shell.run("command -v xfs_io mkfs.ext4 losetup")) != nil else {
      return false
    }
    return (try? PowerCut())?.remove() != nil
  }

  public init() throws {
    directory = TemporaryDirectory("powercut")
    image = directory.file("image")
    mount = directory.file("mount")
    try Shell.run("truncate -s 256M \(image) && mkfs.ext4 -q -F \(image) && mkdir \(mount)")
    let found = try Shell.run("losetup -f --show \(image)")
    device = found.trimmingCharacters(in: .whitespacesAndNewlines)
    do {
      try Shell.run("mount \(device) \(mount)")
    } catch {
      _ = try? Shell.run("losetup -d \(device)")
      throw error
    }
  }

  /// From now on every access fails, and nothing reaches the disk any more.
  public func cut() throws { try Shell.run("xfs_io -x -c shutdown \(mount) >/dev/null") }

  /// What a machine would find after power is back.
  public func remount() throws {
    try Shell.run("umount \(mount) && mount \(device) \(mount)")
  }

  public func remove() {
    _ = try? Shell.run("umount \(mount) 2>/dev/null; losetup -d \(device)")
  }
}
