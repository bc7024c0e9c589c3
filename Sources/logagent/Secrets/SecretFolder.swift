internal import Glibc
internal import LogModel
internal import Platform

/// Writes `secrets.d`: one private file for each secret.
struct SecretFolder {
  /// `secrets.d` beside logagent.yml.
  let path: String

  /// Sets the secret as a whole, or one member of it; the rest of it stays.
  func set(_ reference: SecretReference, to value: String) throws(CommandFailure) {
    try calling { () throws(SyscallError) in try prepare(for: reference.name) }
    try locked { () throws(CommandFailure) in
      let members = try existing(reference.name).map { SecretMembers($0) }
      guard let key = reference.key else {
        try refuseLosing(members, of: reference.name)
        try write(value + "\n", reference.name)
        return
      }
      var values = try object(members, reference)
      values.removeAll { $0.key == key }
      values.append((key, value))
      try write(Self.json(values), reference.name)
    }
  }

  /// Removes the secret, or one member of it; false when there is no such.
  func remove(_ reference: SecretReference) throws(CommandFailure) -> Bool {
    guard FileSystem.exists(file(reference.name)) else { return false }
    return try locked { () throws(CommandFailure) in
      guard let key = reference.key else {
        try unlink(reference.name)
        return true
      }
      var values = try object(existing(reference.name).map { SecretMembers($0) }, reference)
      guard values.contains(where: { $0.key == key }) else { return false }
      values.removeAll { $0.key == key }
      if values.isEmpty {
        try unlink(reference.name)
      } else {
        try write(Self.json(values), reference.name)
      }
      return true
    }
  }

  private func refuseLosing(
    _ members: SecretMembers?,
    of name: String
  ) throws(CommandFailure) {
    guard let members, members.isObject, !members.values.isEmpty else { return }
    throw CommandFailure(
      "`\(name)` holds \(members.values.count) keys, which this would remove",
      help: "set one with --key KEY, or remove it first: logagent secret rm \(name)",
      status: CommandFailure.Status.usage
    )
  }

  /// The names of all files in it.
  func names() throws(SyscallError) -> [String] {
    guard try FileSystem.statusIfPresent(of: path) != nil else { return [] }
    var names: [String] = []
    var folders = [""]
    while let folder = folders.popLast(), names.count < Limits.secretsListedMax {
      for name in try FileSystem.list(folder.isEmpty ? path : "\(path)/\(folder)") {
        if name.hasPrefix(".") { continue }
        let full = folder.isEmpty ? name : "\(folder)/\(name)"
        if try FileSystem.linkStatus(of: "\(path)/\(full)").isDirectory {
          if full == "ssm" || full.hasPrefix("ssm/") { folders.append(full) }
        } else {
          names.append(full)
        }
      }
    }
    return names.sorted()
  }

  // MARK: files

  private func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Makes the folders that the file will be in.
  private func prepare(for name: String) throws(SyscallError) {
    try FileSystem.makeDirectory(FileSystem.parent(of: file(name)), mode: 0o700)
  }

  /// One change at a time: two keys of one secret may be set at once.
  private func locked<Value>(
    _ body: () throws(CommandFailure) -> Value
  ) throws(CommandFailure) -> Value {
    let folder = try openFolder()
    var isLocked = false
    do throws(SyscallError) {
      // A change takes milliseconds.
      for _ in 0..<100 where !isLocked {
        isLocked = try folder.tryLock()
        if !isLocked { Poller.wait(readable: [], nanoseconds: 50_000_000) }
      }
    } catch {
      throw CommandFailure(error)
    }
    guard isLocked else {
      throw CommandFailure("\(path) is being changed", status: CommandFailure.Status.tryAgain)
    }
    let value = try body()
    // The lock is held as long as the descriptor is open.
    do throws(SyscallError) { try folder.close() } catch { throw CommandFailure(error) }
    return value
  }

  private func openFolder() throws(CommandFailure) -> Descriptor {
    do throws(SyscallError) {
      return try Descriptor(open: path, O_RDONLY | O_DIRECTORY)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// The text of the secret; nil when there is none.
  private func existing(_ name: String) throws(CommandFailure) -> String? {
    switch SecretFile.readPrivate(file(name)) {
    case .absent: return nil
    case .text(let text): return text
    case .unusable(let reason, let help):
      throw CommandFailure(reason, help: help, status: CommandFailure.Status.permission)
    }
  }

  private func object(
    _ members: SecretMembers?,
    _ reference: SecretReference
  ) throws(CommandFailure) -> [(key: String, value: String)] {
    guard let members else { return [] }
    if members.isObject { return members.values }
    throw CommandFailure(
      "`\(reference.name)` is one text, without keys",
      help: "remove it first: logagent secret rm \(reference.name)",
      status: CommandFailure.Status.usage
    )
  }

  private func write(_ text: String, _ name: String) throws(CommandFailure) {
    try calling { () throws(SyscallError) in
      let folder = try FileSystem.status(of: path)
      // Root writes for the user that the folder was made for.
      let isForAnother = ProcessSecrecy.user == 0 && folder.owner != 0
      try PrivateFile.replace(
        file(name),
        with: Array(text.utf8).span,
        owner: isForAnother ? (folder.owner, folder.ownerGroup) : nil
      )
    }
  }

  private func unlink(_ name: String) throws(CommandFailure) {
    try calling { () throws(SyscallError) in
      try FileSystem.remove(file(name))
      try FileSystem.syncDirectory(FileSystem.parent(of: file(name)))
    }
  }

  private func calling<Value>(
    _ body: () throws(SyscallError) -> Value
  ) throws(CommandFailure) -> Value {
    do throws(SyscallError) { return try body() } catch { throw CommandFailure(error) }
  }

  private static func json(_ values: [(key: String, value: String)]) -> String {
    let members = values.map { "\(JSONText.quoted($0.key)): \(JSONText.quoted($0.value))" }
    return "{" + members.joined(separator: ", ") + "}\n"
  }
}
