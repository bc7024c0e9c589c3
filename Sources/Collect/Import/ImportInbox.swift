internal import Platform

/// Names below the directory through which an import hands batches to the store's owner.
///
///     <imports>/<import id>/lock               locked by the import as long as it lives
///                           0000000001.batch   one batch, whole as soon as it has this name
///
/// Files are taken in the order of their numbers and removed once they are committed.
struct ImportInbox: Sendable {
  private static let suffix = ".batch"

  let directory: String

  init(directory: String) { self.directory = directory }
  init(imports: String, id: String) { directory = imports + "/" + id }

  var lock: String { directory + "/lock" }

  func batch(_ number: UInt64) -> String {
    let digits = String(number)
    let zeros = String(repeating: "0", count: max(0, 10 - digits.count))
    return "\(directory)/\(zeros)\(digits)\(Self.suffix)"
  }

  /// The batches that wait, in their order.
  func waiting() throws(SyscallError) -> [UInt64] {
    try FileSystem.list(directory).compactMap { name in
      guard name.hasSuffix(Self.suffix) else { return nil }
      return UInt64(name.dropLast(Self.suffix.count))
    }.sorted()
  }
}
