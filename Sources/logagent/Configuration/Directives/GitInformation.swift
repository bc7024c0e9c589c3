internal import LogModel
internal import Platform

/// What the files of `.git` say, for `$GitInfo()`; git itself is never run.
struct GitInformation {
  enum Field: String, CaseIterable {
    case commit
    case sha1
    case branch
    case username
    case user
    case email
    case gitUrl
    case repository
  }

  private static let fileBytesMax = 1_048_576
  private static let parentsMax = 32

  /// The folder with `HEAD` in it.
  private let directory: String
  /// The folder with `config` and `packed-refs`; another one for a linked worktree.
  private let common: String

  /// Nil when no folder from `path` upwards is a working copy.
  init?(searchingFrom path: String) {
    var folder = path
    for _ in 0..<Self.parentsMax {
      let candidate = folder + "/.git"
      if FileSystem.exists(candidate + "/HEAD") {
        directory = candidate
        common = candidate
        return
      }
      // A linked worktree has a file that names the folder.
      if let text = Self.text(candidate), text.hasPrefix("gitdir: ") {
        let named = String(text.dropFirst(8))
        directory = named.hasPrefix("/") ? named : folder + "/" + named
        let shared = Self.text(directory + "/commondir") ?? "."
        common = shared.hasPrefix("/") ? shared : directory + "/" + shared
        return
      }
      guard folder != "/", folder != "." else { return nil }
      folder = FileSystem.parent(of: folder)
    }
    return nil
  }

  func value(of field: Field) -> String? {
    switch field {
    case .commit, .sha1: commit
    case .branch: branch
    case .username, .user: setting("user", "name")
    case .email: setting("user", "email")
    case .gitUrl: url
    case .repository:
      url.map { url in
        let name = url.split { $0 == "/" || $0 == ":" }.last.map(String.init) ?? url
        return name.hasSuffix(".git") ? String(name.dropLast(4)) : name
      }
    }
  }

  private var head: String? { Self.text(directory + "/HEAD") }

  private var branch: String? {
    guard let head, head.hasPrefix("ref: refs/heads/") else { return nil }
    return String(head.dropFirst(16))
  }

  private var commit: String? {
    guard let head else { return nil }
    guard head.hasPrefix("ref: ") else { return Self.isHash(head) ? head : nil }
    let name = String(head.dropFirst(5))
    // The name becomes a path.
    guard name.hasPrefix("refs/"), !name.split(separator: "/").contains("..") else { return nil }
    if let loose = Self.text(common + "/" + name), Self.isHash(loose) { return loose }
    for line in (Self.text(common + "/packed-refs") ?? "").split(separator: "\n")
    where line.hasSuffix(" " + name) {
      let hash = String(line.prefix { $0 != " " })
      if Self.isHash(hash) { return hash }
    }
    return nil
  }

  /// `origin`'s address, without a user or password.
  private var url: String? {
    guard let url = setting("remote \"origin\"", "url") else { return nil }
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let host = rest.prefix { $0 != "/" }
    guard let at = host.lastIndex(of: "@") else { return url }
    return url[..<scheme.upperBound] + String(rest[rest.index(after: at)...])
  }

  private func setting(_ section: String, _ name: String) -> String? {
    var isInside = false
    var found: String?
    for line in (Self.text(common + "/config") ?? "").split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
      if words.hasPrefix("[") {
        isInside = words == "[\(section)]"
      } else if isInside, words.lowercased().hasPrefix(name + " = ") {
        found = String(words.dropFirst(name.count + 3))
      }
    }
    return found
  }

  private static func isHash(_ text: String) -> Bool {
    (text.utf8.count == 40 || text.utf8.count == 64)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
      }
  }

  /// A small file without its last newline; nil when it cannot be read.
  private static func text(_ path: String) -> String? {
    // Silence is right: what is not there is not known, and the caller says so.
    guard let bytes = try? FileSystem.read(path, atMost: fileBytesMax) else { return nil }
    var text = String(decoding: bytes, as: UTF8.self)
    while text.last?.isNewline == true { text.removeLast() }
    return text
  }
}
