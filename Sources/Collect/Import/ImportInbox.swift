internal import Platform

/// Names below the directory through which an import hands batches to the store's owner.
///
///     <imports>/<import id>/lock               locked by the import as long as it lives
///                           0000000001.batch   one batch, whole as soon as it has this name
///
/// Files are taken in the order of their numbers and removed once they are committed. Nobody but
/// the owner of the data directory, and root, may write here: what lies here becomes log events.
struct ImportInbox: Sendable {
  private static let suffix = ".batch"

  let directory: String

  init(directory: String) { self.directory = directory }
  init(imports: String, id: String) { directory = imports + "/" + id }

  var lock: String { directory + "/lock" }

  func batch(_ number: UInt64) -> String { directory + "/" + Self.name(of: number) }

  private static func name(of number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 10 - digits.count)) + digits + suffix
  }

  private static func number(of name: String) -> UInt64? {
    guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)),
      Self.name(of: number) == name
    else { return nil }
    return number
  }

  /// The batches that wait, in their order.
  func waiting() throws(SyscallError) -> [UInt64] {
    try FileSystem.list(directory).compactMap { Self.number(of: $0) }.sorted()
  }

  /// Puts a batch in place in one step.
  ///
  /// Not made durable: after a power cut an import is repeated from what was committed, and a batch
  /// that the file system tore fails its checksum.
  func put(_ bytes: Span<UInt8>, as number: UInt64) throws(SyscallError) {
    try PrivateFile.replace(batch(number), with: bytes, isDurable: false)
  }

  /// Removes what imports leave in an inbox, and the inbox; fails when there is anything else.
  func remove() throws(SyscallError) {
    for name in try FileSystem.list(directory) {
      let isOurs =
        name == "lock" || Self.number(of: name) != nil
        || (name.hasPrefix(".") && name.hasSuffix(Self.suffix + ".tmp"))
      if isOurs { try FileSystem.remove(directory + "/" + name) }
    }
    try FileSystem.removeDirectory(directory)
  }

  /// Whether a directory can only have been filled by `owner`, by root, or by this process.
  static func isPrivate(_ status: FileStatus, owner: UInt32) -> Bool {
    status.isDirectory && status.mode & 0o022 == 0
      && [0, owner, ProcessSecrecy.user].contains(status.owner)
  }
}
