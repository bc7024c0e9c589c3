internal import LogModel
internal import Platform

/// What `logagent secret list` and `secret test` say; never a value, nor a part of one.
enum SecretListing {
  struct Entry: Equatable {
    var name: String
    /// Of a secret that is an object; other texts could show a part of themselves.
    var keys: [String] = []
    var place: String
    /// `used`, what hides it, or why it cannot be used.
    var state: String

    var json: String {
      let keys = keys.map(JSONText.quoted).joined(separator: ",")
      return "{\"name\":\(JSONText.quoted(name)),\"keys\":[\(keys)],"
        + "\"from\":\(JSONText.quoted(place)),\"state\":\(JSONText.quoted(state))}"
    }
  }

  /// Everything that the providers hold, by name and then in the order in which they are asked.
  static func make(
    _ resolver: SecretResolver,
    variables: [String] = ProcessEnvironment.names(beginningWith: "LOGAGENT_SECRET_")
  ) throws(SyscallError) -> [Entry] {
    var names: Set<String> = []
    if let files = resolver.files { names.formUnion(try SecretFolder(path: files).names()) }
    for folder in [resolver.credentials, resolver.mounted].compactMap({ $0 }) {
      guard try FileSystem.statusIfPresent(of: folder) != nil else { continue }
      names.formUnion(try FileSystem.list(folder).filter { !$0.hasPrefix(".") })
    }
    let known = Set(names.map { SecretReference(name: $0, key: nil).variable })
    for variable in variables where !known.contains(variable) {
      names.insert(variable.dropFirst("LOGAGENT_SECRET_".count).lowercased())
    }
    var entries: [Entry] = []
    for name in names.sorted().prefix(Limits.secretsListedMax) {
      var used: SecretPlace?
      for place in resolver.places(of: SecretReference(name: name, key: nil)) {
        var entry = Entry(name: name, place: place.description, state: "used")
        switch resolver.look(at: place) {
        case .absent: continue
        case .unusable(let reason, _): entry.state = reason
        case .text(let text):
          let members = SecretMembers(text)
          if members.isObject { entry.keys = members.values.map(\.key).sorted() }
        }
        if let used { entry.state = "hidden by \(used.description)" }
        used = used ?? place
        entries.append(entry)
      }
    }
    return entries
  }

  /// One line about a secret, and what would help.
  static func test(
    _ reference: SecretReference,
    _ resolver: SecretResolver
  ) -> (text: String, help: String?, isUsable: Bool) {
    let holders = resolver.places(of: reference).filter { resolver.look(at: $0) != .absent }
    switch resolver.resolve(reference) {
    case .missing(let reason, let help):
      return ("\(reference.text): not usable: \(reason)", help, false)
    case .found(let secret):
      var text = "\(reference.text): usable, from \(holders.first?.description ?? "?")"
      let others = holders.dropFirst().map(\.description)
      if !others.isEmpty { text += "; not from \(others.joined(separator: ", "))" }
      let value = secret.reveal()
      if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
        text += "; not as a key of requests: it holds a line break or a control character"
      } else if value.utf8.count > Limits.accessKeyBytesMax {
        text += "; not as a key of requests: it is longer than \(Limits.accessKeyBytesMax) bytes"
      }
      return (text, nil, true)
    }
  }
}
