internal import Glibc

/// The environment of this process, read by name.
package enum ProcessEnvironment {
  /// The value of a variable; nil when it is not set.
  ///
  /// Nothing in the agent changes the environment.
  package static func value(of name: String) -> String? {
    // Safety: getenv returns a NUL-terminated string that lives as long as nobody calls setenv.
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }
}
