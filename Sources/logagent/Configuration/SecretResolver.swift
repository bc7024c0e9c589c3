internal import LogModel
internal import Platform

/// Finds the values of secrets: in the environment, in systemd's credentials, in `secrets.d`.
///
/// Reads again at every load, so that a reload picks up a changed secret.
struct SecretResolver {
  enum Outcome: Equatable {
    case found(Secret)
    /// Why not, and what would help; never holds any part of a value.
    case missing(reason: String, help: String)
  }

  /// Beside the configuration file; nil when there is no file.
  var directory: String?
  /// Looks a variable up in the environment.
  var environment: (String) -> String?

  func resolve(_ reference: SecretReference) -> Outcome {
    if let value = environment(reference.variable) {
      return pick(reference, in: value, from: "the variable \(reference.variable)")
    }
    if let credentials = environment("CREDENTIALS_DIRECTORY"), credentials.hasPrefix("/") {
      // systemd owns the folder and its modes.
      let path = credentials + "/" + reference.name
      if let outcome = read(reference, at: path, mustBePrivate: false) { return outcome }
    }
    if let directory {
      let path = directory + "/secrets.d/" + reference.name
      if let outcome = read(reference, at: path, mustBePrivate: true) { return outcome }
    }
    let file = directory.map { " or write it to \($0)/secrets.d/\(reference.name) with mode 0600" }
    return .missing(
      reason: "the secret `\(reference.name)` is not set",
      help: "set \(reference.variable)\(file ?? ""), then reload"
    )
  }

  /// Nil when there is no such file.
  private func read(
    _ reference: SecretReference,
    at path: String,
    mustBePrivate: Bool
  ) -> Outcome? {
    do throws(SyscallError) {
      guard let status = try FileSystem.statusIfPresent(of: path) else { return nil }
      guard status.isRegularFile else {
        return .missing(reason: "\(path) is not a file", help: "put the secret into a plain file")
      }
      if mustBePrivate, status.mode & 0o077 != 0 {
        return .missing(
          reason: "\(path) can be read by others, so it is not used",
          help: "chmod 600 \(path)"
        )
      }
      let bytes = try FileSystem.read(path, atMost: Limits.secretBytesMax)
      var text = String(repairing: bytes.span)
      while text.last?.isNewline == true { text.removeLast() }
      return pick(reference, in: text, from: path)
    } catch {
      return .missing(reason: "\(error)", help: "make the file readable for logagent")
    }
  }

  /// The secret as a whole, or the member of the JSON object in it.
  private func pick(_ reference: SecretReference, in text: String, from place: String) -> Outcome {
    guard !text.isEmpty else {
      return .missing(reason: "\(place) is empty", help: "put the value of the secret there")
    }
    guard let key = reference.key else { return .found(Secret(text)) }
    // JSON is read as the YAML that it is; what the parser says could quote the secret, so it is
    // not passed on.
    let document = YAMLDocument(Array(text.utf8), file: place)
    let start = text.first { !$0.isWhitespace }
    if start == "{", document.problems.isEmpty, case .map(let entries) = document.root?.content,
      let entry = entries.first(where: { $0.key == key }),
      case .scalar(let scalar) = entry.value.content, !scalar.text.isEmpty, scalar.value != .null
    {
      return .found(Secret(scalar.text))
    }
    return .missing(
      reason: "\(place) is not a JSON object with a text at `\(key)`",
      help: "write it as {\"\(key)\": \"…\"}, or refer to the whole as $Secret('\(reference.name)')"
    )
  }
}
