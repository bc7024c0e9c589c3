package import Platform

/// What can stop capture of one source, one import or one command.
package enum CollectError: Error, CustomStringConvertible {
  /// The system refused; the error names call and path.
  case system(SyscallError)
  /// A file is not what its name or format promises.
  case invalid(path: String, reason: String)
  /// The store is closing and takes no more events.
  case closing

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .invalid(let path, let reason): "\(path): \(reason)"
    case .closing: "the store is closing"
    }
  }
}
