/// What `$Secret('name')`, `$Secret('name.key')` or `$SsmParam('/path')` asks for.
struct SecretReference: Equatable {
  var name: String
  /// A member of the JSON object that the secret holds; nil: the secret as a whole.
  var key: String?

  /// The argument of `$Secret()`: letters, digits, `_` and `-`, then maybe `.key`.
  init(named text: String) throws(DirectiveProblem) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, Self.isName(name), parts.count == 1 || !parts[1].isEmpty else {
      throw DirectiveProblem(
        "the name in `$Secret()` must be letters, digits, `_` and `-`, then maybe `.key`",
        help: "such as `$Secret('datadog.apiKey')`"
      )
    }
    self.init(name: String(name), key: parts.count == 2 ? String(parts[1]) : nil)
  }

  /// The argument of `$SsmParam()`, which is a path; its value is the secret `ssm/{path}`.
  init(parameter text: String) throws(DirectiveProblem) {
    let parts = (text.hasPrefix("/") ? text.dropFirst() : text[...])
      .split(separator: "/", omittingEmptySubsequences: false)
    guard text.utf8.count <= 1_024, parts.allSatisfy(Self.isParameterPart) else {
      throw DirectiveProblem(
        "the path in `$SsmParam()` must be letters, digits, `_`, `-` and `.` between slashes",
        help: "such as `$SsmParam('/shop/key')`"
      )
    }
    self.init(name: "ssm/" + parts.joined(separator: "/"), key: nil)
  }

  private static func isParameterPart(_ part: Substring) -> Bool {
    part != "." && part != ".." && isName(Substring(part.replacing(".", with: "_")))
  }

  init(name: String, key: String?) {
    self.name = name
    self.key = key
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
