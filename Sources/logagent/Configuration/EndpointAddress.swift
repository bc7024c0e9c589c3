internal import LogModel

/// Checks the address of a forwarding endpoint.
enum EndpointAddress {
  /// What is wrong with an address, and what to do about it; nil when it can be used.
  ///
  /// The message never repeats the address: it may hold a password or a key.
  static func problem(
    of address: String,
    allowInsecure: Bool
  ) -> (message: String, help: String?)? {
    let bytes = Array(address.utf8)
    guard bytes.count <= Limits.endpointBytesMax else {
      return ("the address is longer than \(Limits.endpointBytesMax) bytes", nil)
    }
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return ("the address holds a space, a control or a non-ASCII character", "percent-encode it")
    }
    let scheme = address.prefix { $0 != ":" }
    guard address.dropFirst(scheme.count).hasPrefix("://") else {
      return ("not an address", "write it with its scheme: `https://host/path`")
    }
    switch scheme.lowercased() {
    case "https": break
    case "http":
      if !allowInsecure {
        return (
          "`http://` sends logs and keys in the clear",
          "use `https://`, or set `forward.allowInsecure: true`"
        )
      }
    default: return ("the scheme must be `https`", nil)
    }
    let rest = address.dropFirst(scheme.count + 3)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    if authority.contains("@") {
      return (
        "the address holds a user or password", "remove it, and send a key with `accessKey`"
      )
    }
    if rest.contains("#") { return ("the address has a fragment", "remove `#` and what follows") }
    return authorityProblem(authority)
  }

  private static func authorityProblem(
    _ authority: Substring
  ) -> (message: String, help: String?)? {
    var host = authority
    var port: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else {
        return ("the address has a `[` without `]`", nil)
      }
      host = authority[authority.index(after: authority.startIndex)..<close]
      let after = authority[authority.index(after: close)...]
      guard after.isEmpty || after.hasPrefix(":") else { return ("not a host name", nil) }
      port = after.isEmpty ? nil : after.dropFirst()
      guard !host.isEmpty, host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
        return ("not an IPv6 address", nil)
      }
    } else {
      if let colon = authority.firstIndex(of: ":") {
        host = authority[..<colon]
        port = authority[authority.index(after: colon)...]
      }
      guard !host.isEmpty else { return ("the address has no host", nil) }
      guard host.allSatisfy({ $0.isLetter || $0.isNumber || "-._".contains($0) }) else {
        return ("not a host name", nil)
      }
    }
    if let port {
      guard let number = Int(port), (1...65_535).contains(number) else {
        return ("the port must be a number from 1 to 65535", nil)
      }
    }
    return nil
  }
}
