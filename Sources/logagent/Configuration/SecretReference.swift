/// `$Secret('name')` or `$Secret('name.key')`, as it stands in a configuration.
struct SecretReference: Equatable {
  var name: String
  /// A member of the JSON object that the secret holds; nil: the secret as a whole.
  var key: String?

  enum ParseResult: Equatable {
    /// Not a directive: an ordinary text.
    case text
    case secret(SecretReference)
    /// A directive, but not one that can be used here.
    case invalid(message: String, help: String?)
  }

  static func parse(_ text: String) -> ParseResult {
    guard text.hasPrefix("$"), let open = text.firstIndex(of: "("), text.contains(")") else {
      if text.contains("$Secret(") {
        return .invalid(
          message: "`$Secret()` inside a longer text is not resolved",
          help: "make it the whole value, and put the whole text into the secret"
        )
      }
      return .text
    }
    let directive = text[text.index(after: text.startIndex)..<open]
    guard directive.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }), !directive.isEmpty
    else { return .text }
    guard directive == "Secret" else {
      return .invalid(
        message: "the directive `$\(directive)()` is not resolved in this file",
        help: "write the value itself, or use `$Secret('name')`"
      )
    }
    guard text.hasSuffix(")") else {
      return .invalid(
        message: "`$Secret()` must be the whole value",
        help: "remove what follows the `)`"
      )
    }
    var argument = text[text.index(after: open)...].dropLast()
    while argument.first == " " { argument.removeFirst() }
    while argument.last == " " { argument.removeLast() }
    if let quote = argument.first, quote == "'" || quote == "\"" {
      guard argument.count >= 2, argument.last == quote else {
        return .invalid(message: "the name in `$Secret()` lacks its closing quote", help: nil)
      }
      argument = argument.dropFirst().dropLast()
    }
    let parts = argument.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, isName(name), parts.count == 1 || !parts[1].isEmpty else {
      return .invalid(
        message: "the name in `$Secret()` must be letters, digits, `_` and `-`, then maybe `.key`",
        help: "such as `$Secret('datadog.apiKey')`"
      )
    }
    return .secret(
      SecretReference(name: String(name), key: parts.count == 2 ? String(parts[1]) : nil)
    )
  }

  /// Nothing that could leave a folder or a variable name.
  private static func isName(_ name: Substring) -> Bool {
    !name.isEmpty && name.utf8.count <= 128
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
  }

  /// `LOGAGENT_SECRET_DATADOG` for `datadog`.
  var variable: String {
    let name = name.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" }
    return "LOGAGENT_SECRET_" + String(name)
  }
}
