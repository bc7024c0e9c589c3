internal import LogModel
internal import Platform

/// Finds the values of secrets: in systemd's credentials, in `secrets.d`, in `/run/secrets`, in the
/// environment.
///
/// The first of them that has the name decides, also when what it has cannot be used. Reads again
/// at every load, so that a reload picks up a changed secret.
struct SecretResolver {
  enum Outcome: Equatable {
    case found(Secret)
    /// Why not, and what would help; never holds any part of a value.
    case missing(reason: String, help: String)
  }

  /// The folder of the configuration file, with `secrets.d` in it; nil when there is no file.
  var directory: String?
  /// Looks a variable up in the environment.
  var environment: (String) -> String?
  /// Where container engines put secrets.
  var mounted = "/run/secrets"

  func resolve(_ reference: SecretReference) -> Outcome {
    for place in places(of: reference) {
      switch look(at: place) {
      case .absent: continue
      case .text(let text): return Self.pick(reference, in: text, from: place.description)
      case .unusable(let reason, let help): return .missing(reason: reason, help: help)
      }
    }
    let key = reference.key.map { " --key \(Self.firstPart($0))" } ?? ""
    return .missing(
      reason: "the secret `\(reference.name)` is not set",
      help: "logagent secret set \(reference.name)\(key)"
    )
  }

  /// Where the value may be, in the order in which it is looked for.
  func places(of reference: SecretReference) -> [SecretPlace] {
    // Neither systemd nor container engines have names with slashes.
    let flat = reference.name.replacing("/", with: "_")
    var places: [SecretPlace] = []
    if let credentials, flat.utf8.count <= 255 {
      places.append(SecretPlace(provider: .credentials, place: "\(credentials)/\(flat)"))
    }
    if let secrets = files {
      places.append(SecretPlace(provider: .files, place: "\(secrets)/\(reference.name)"))
    }
    places.append(SecretPlace(provider: .mounted, place: "\(mounted)/\(flat)"))
    places.append(SecretPlace(provider: .environment, place: reference.variable))
    return places
  }

  /// systemd's folder; nil when the process has none.
  var credentials: String? {
    environment("CREDENTIALS_DIRECTORY").flatMap { $0.hasPrefix("/") ? $0 : nil }
  }

  /// The folder that `logagent secret set` writes.
  var files: String? { directory.map { $0 + "/secrets.d" } }

  func look(at place: SecretPlace) -> SecretPlace.Finding {
    let finding =
      switch place.provider {
      case .credentials, .mounted: SecretFile.readProvided(place.place)
      case .files: SecretFile.readPrivate(place.place)
      case .environment:
        environment(place.place).map { SecretPlace.Finding.text($0) } ?? .absent
      }
    guard case .text(var text) = finding else { return finding }
    while text.last?.isNewline == true { text.removeLast() }
    guard !text.isEmpty else {
      return .unusable(
        reason: "\(place.description) is empty",
        help: "put the value of the secret there"
      )
    }
    return .text(text)
  }

  /// The secret as a whole, or the member of the map in it.
  static func pick(_ reference: SecretReference, in text: String, from place: String) -> Outcome {
    guard let key = reference.key else { return .found(Secret(text)) }
    let members = SecretMembers(text)
    let first = firstPart(key)
    if let value = members.value(key) ?? members.value(first) { return .found(Secret(value)) }
    return .missing(
      reason: "\(place) has no text at `\(key)`",
      help: "logagent secret set \(reference.name) --key \(first)"
    )
  }

  /// As in Stacktape, what stands behind a second dot does not count.
  private static func firstPart(_ key: String) -> String { String(key.prefix { $0 != "." }) }
}

/// The members of a secret that is a map: a JSON object, or lines of `key: value`.
struct SecretMembers {
  private(set) var values: [(key: String, value: String)] = []
  /// An object, and not a text that only looks like lines of `key: value`.
  let isObject: Bool

  /// Empty when the text is no map.
  ///
  /// JSON is read as the YAML that it is; what the parser says could quote the secret, so it is not
  /// passed on.
  init(_ text: String) {
    isObject = text.first { !$0.isWhitespace } == "{"
    let document = YAMLDocument(Array(text.utf8), file: "secret")
    guard document.problems.isEmpty, case .map(let entries) = document.root?.content else { return }
    for entry in entries {
      guard case .scalar(let scalar) = entry.value.content, !scalar.text.isEmpty,
        scalar.value != .null
      else { continue }
      values.append((entry.key, scalar.text))
    }
  }

  func value(_ key: String) -> String? { values.first { $0.key == key }?.value }
}
