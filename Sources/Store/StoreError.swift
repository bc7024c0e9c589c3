package import Platform

/// What can go wrong with a store, with the place a person needs to find it.
package enum StoreError: Error, Sendable, CustomStringConvertible {
  case io(SyscallError)
  /// SQLite's extended result code and its words.
  case catalog(code: Int32, message: String)
  /// Bytes on disk that are not what was written. The file is left as it is.
  case corrupt(path: String, offset: Int64, reason: String)
  /// A file that the catalog names is gone.
  case missing(path: String)
  /// Another process owns the data directory.
  case locked(path: String, holder: String)
  case notAStore(path: String)
  /// Written by a newer version.
  case unsupported(path: String, reason: String)
  case closed

  package var isOutOfSpace: Bool {
    switch self {
    case .io(let error): error.isOutOfSpace
    case .catalog(let code, _): code & 0xff == 13
    default: false
    }
  }

  package var description: String {
    switch self {
    case .io(let error): error.description
    case .catalog(let code, let message): "catalog: \(message) (SQLite \(code))"
    case .corrupt(let path, let offset, let reason): "\(path): damaged at byte \(offset): \(reason)"
    case .missing(let path): "\(path): the catalog names this file, but it is gone"
    case .locked(let path, let holder): "\(path) is in use by another logagent (\(holder))"
    case .notAStore(let path): "\(path): no logagent data here"
    case .unsupported(let path, let reason): "\(path): \(reason)"
    case .closed: "the store is closed"
    }
  }
}

/// Runs a system call's wrapper and names its error as the store's.
func storing<T: ~Copyable>(_ body: () throws(SyscallError) -> T) throws(StoreError) -> T {
  do throws(SyscallError) {
    return try body()
  } catch {
    throw .io(error)
  }
}
