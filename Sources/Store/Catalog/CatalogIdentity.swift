internal import Platform

/// Notices that the catalog's file was deleted or replaced while it is open.
///
/// SQLite goes on writing into a file without a name and reports success: everything committed from
/// then on would be lost. Looks every five seconds; store thread only.
final class CatalogIdentity {
  private static let intervalNanoseconds: Int64 = 5_000_000_000

  private let path: String
  private let status: FileStatus
  private var next: Int64

  init(path: String, now: Int64) throws(StoreError) {
    self.path = path
    status = try storing { () throws(SyscallError) in try FileSystem.status(of: path) }
    next = now + Self.intervalNanoseconds
  }

  func check(now: Int64) throws(StoreError) {
    guard now >= next else { return }
    next = now + Self.intervalNanoseconds
    let path = path
    let found = try storing { () throws(SyscallError) in try FileSystem.statusIfPresent(of: path) }
    guard let found, found.isSameFile(as: status) else { throw .missing(path: path) }
  }
}
