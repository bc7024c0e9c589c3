internal import LogModel
internal import Platform

/// One place where the value of a secret may be.
struct SecretPlace: Equatable {
  /// Where values come from, in the order in which they are asked.
  enum Provider: String, CaseIterable {
    /// `$CREDENTIALS_DIRECTORY`, which systemd sets for `LoadCredential=`.
    case credentials
    /// `secrets.d` beside logagent.yml, which `logagent secret set` writes.
    case files = "secrets.d"
    /// `/run/secrets`, where container engines put them.
    case mounted = "/run/secrets"
    case environment
  }

  var provider: Provider
  /// A path, or the name of a variable.
  var place: String

  var description: String {
    provider == .environment ? "the variable \(place)" : place
  }

  /// What is there.
  enum Finding: Equatable {
    case absent
    case text(String)
    /// Never holds any part of a value.
    case unusable(reason: String, help: String)
  }
}

/// The rules for files that hold secrets.
enum SecretFile {
  /// Reads a file of `secrets.d`: a regular file, no link, that only its owner can read, and the
  /// owner must be one whom the folder already trusts.
  static func readPrivate(_ path: String) -> SecretPlace.Finding {
    var folder = FileSystem.parent(of: path)
    do throws(SyscallError) {
      guard try FileSystem.statusIfPresent(of: folder) != nil else { return .absent }
      // The folder itself, also above a parameter that lies deeper.
      var owners = [0, ProcessSecrecy.user]
      while true {
        let status = try FileSystem.status(of: folder)
        if let problem = problem(ofFolder: folder, status, owners) { return problem }
        owners.append(status.owner)
        if FileSystem.lastComponent(of: folder) == "secrets.d" { break }
        folder = FileSystem.parent(of: folder)
      }
      let isTrusted = { (status: FileStatus) in
        status.mode & 0o077 == 0 && owners.contains(status.owner)
      }
      guard let found = try read(path, followsLinks: false, accepting: isTrusted) else {
        return .absent
      }
      if let bytes = found.bytes { return text(bytes, path) }
      return problem(ofFile: path, found.status)
    } catch {
      return failure(error, path)
    }
  }

  /// Reads a file that systemd or a container engine has put there: they choose owner and mode, and
  /// some of them use links.
  static func readProvided(_ path: String) -> SecretPlace.Finding {
    do throws(SyscallError) {
      guard let found = try read(path, followsLinks: true, accepting: { _ in true }) else {
        return .absent
      }
      if let bytes = found.bytes { return text(bytes, path) }
      return problem(ofFile: path, found.status)
    } catch {
      return failure(error, path)
    }
  }

  /// Nil when there is no such file.
  private static func read(
    _ path: String,
    followsLinks: Bool,
    accepting isAccepted: (FileStatus) -> Bool
  ) throws(SyscallError) -> (status: FileStatus, bytes: [UInt8]?)? {
    do throws(SyscallError) {
      return try PrivateFile.read(
        path,
        atMost: Limits.secretBytesMax,
        followsLinks: followsLinks,
        accepting: isAccepted
      )
    } catch {
      if error.isNotFound { return nil }
      throw error
    }
  }

  private static func text(_ bytes: [UInt8], _ path: String) -> SecretPlace.Finding {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return .unusable(reason: "\(path) is not UTF-8 text", help: "write the value as plain text")
    }
    return .text(text)
  }

  private static func problem(
    ofFolder path: String,
    _ status: FileStatus,
    _ owners: [UInt32]
  ) -> SecretPlace.Finding? {
    if status.mode & 0o022 != 0 {
      return .unusable(
        reason: "\(path) can be changed by others, so nothing in it is used",
        help: "chmod 700 \(path)"
      )
    }
    // Root may ask for whomever the folder was made for.
    guard owners.contains(status.owner) || ProcessSecrecy.user == 0 else {
      return .unusable(
        reason: "\(path) belongs to user \(status.owner), so nothing in it is used",
        help: "it must belong to root or to the user that logagent runs as"
      )
    }
    return nil
  }

  private static func problem(ofFile path: String, _ status: FileStatus) -> SecretPlace.Finding {
    if status.isDirectory {
      return .unusable(reason: "\(path) is a folder", help: "put the secret into a plain file")
    }
    guard status.isRegularFile else {
      return .unusable(reason: "\(path) is not a file", help: "put the secret into a plain file")
    }
    if status.mode & 0o077 != 0 {
      return .unusable(
        reason: "\(path) can be read by others, so it is not used",
        help: "chmod 600 \(path)"
      )
    }
    return .unusable(
      reason: "\(path) belongs to user \(status.owner), so it is not used",
      help: "it must belong to root or to the user that logagent runs as"
    )
  }

  private static func failure(_ error: SyscallError, _ path: String) -> SecretPlace.Finding {
    if error.isLink {
      return .unusable(
        reason: "\(path) is a symbolic link, so it is not used",
        help: "put the file itself there"
      )
    }
    if error.isTooLarge {
      return .unusable(
        reason: "\(path) is larger than \(Limits.secretBytesMax) bytes",
        help: "a secret is a short text"
      )
    }
    return .unusable(reason: "\(error)", help: "make the file readable for logagent")
  }
}
