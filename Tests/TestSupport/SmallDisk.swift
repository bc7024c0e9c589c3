import Foundation

/// A file system of a few megabytes that can really be full.
///
/// Needs root.
public final class SmallDisk {
  public enum Kind: String, CaseIterable, Sendable {
    case tmpfs
    case ext4
  }

  public let mount: String
  private let directory: TemporaryDirectory
  private var device: String?

  public static var isPossible: Bool {
    guard getuid() == 0 else { return false }
    return Kind.allCases.allSatisfy { (try? SmallDisk($0, megabytes: 16))?.remove() != nil }
  }

  public init(_ kind: Kind, megabytes: Int) throws {
    directory = TemporaryDirectory("disk")
    mount = directory.file("mount")
    try Shell.run("mkdir \(mount)")
    switch kind {
    case .tmpfs: try Shell.run("mount -t tmpfs -o size=\(megabytes)m logagent-test \(mount)")
    case .ext4:
      // Blocks of 4 KiB, which so small a file system would not have by itself: SQLite's shared
      // memory is only safe from a full disk with those.
      let image = directory.file("image")
      try Shell.run("truncate -s \(megabytes)M \(image) && mkfs.ext4 -q -F -m 0 -b 4096 \(image)")
      let found = try Shell.run("losetup -f --show \(image)")
      let name = found.trimmingCharacters(in: .whitespacesAndNewlines)
      device = name
      do {
        try Shell.run("mount \(name) \(mount)")
      } catch {
        _ = try? Shell.run("losetup -d \(name)")
        throw error
      }
    }
  }

  /// Takes all the room that is left.
  public func fill() {
    // Ends with the error that is wanted.
    _ = try? Shell.run(
      """
      dd if=/dev/zero of=\(mount)/foreign bs=64k 2>/dev/null; \
      dd if=/dev/zero of=\(mount)/foreign.rest bs=512 2>/dev/null; sync -f \(mount)
      """
    )
  }

  /// Gives back what `fill` took.
  public func drain() throws { try Shell.run("rm -f \(mount)/foreign \(mount)/foreign.rest") }

  public func remove() {
    _ = try? Shell.run("umount \(mount) 2>/dev/null")
    if let device { _ = try? Shell.run("losetup -d \(device)") }
  }
}
