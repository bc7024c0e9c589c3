internal import CLinux
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

  /// The names, without their values, of the variables that begin with `prefix`.
  package static func names(beginningWith prefix: String) -> [String] {
    var names: [String] = []
    var index = 0
    // Safety: entries are NUL-terminated strings that live as long as nobody calls setenv.
    while let entry = unsafe clinux_environment_entry(index) {
      let name = unsafe String(cString: entry).prefix { $0 != "=" }
      if name.hasPrefix(prefix) { names.append(String(name)) }
      index += 1
    }
    return names.sorted()
  }
}
