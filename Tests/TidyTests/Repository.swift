import Foundation

/// The files of the repository, as the rules look at them.
struct Repository: Sendable {
  struct File: Sendable {
    /// Relative to the root.
    let path: String
    let text: String
    let lines: [String]
    /// The lines without comments and without the contents of string literals.
    let code: [String]

    init(path: String, text: String) {
      self.path = path
      self.text = text
      lines = text.components(separatedBy: "\n")
      code = path.hasSuffix(".swift") ? CodeView(text).lines : lines
    }

    /// The folder below Sources or Tests.
    var target: String {
      let parts = path.split(separator: "/")
      return parts.count > 2 ? String(parts[1]) : ""
    }

    var isSource: Bool { path.hasPrefix("Sources/") && !path.hasPrefix("Sources/CModules/") }
    var isTest: Bool { path.hasPrefix("Tests/") }
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  let files: [File]

  static let shared = Repository()

  /// Everything but what building makes.
  ///
  /// Walks the tree, so that a file counts before it is added.
  init() {
    let skipped: Set<String> = ["dist", "node_modules"]
    var found: [File] = []
    let walk = FileManager.default.enumerator(atPath: Self.root)
    while let path = walk?.nextObject() as? String {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      let isHidden = name.hasPrefix(".") && ![".ci", ".swift-format", ".gitignore"].contains(name)
      let isBuilt = skipped.contains(path) || path == "Tests/Benchmarks/out"
      if isHidden || isBuilt || path == "Package.resolved" {
        walk?.skipDescendants()
        continue
      }
      let full = Self.root + "/" + path
      guard let text = try? String(contentsOfFile: full, encoding: .utf8) else { continue }
      found.append(File(path: path, text: text))
    }
    files = found.sorted { $0.path < $1.path }
  }

  var swift: [File] { files.filter { $0.path.hasSuffix(".swift") } }
  var sources: [File] { swift.filter(\.isSource) }
}

/// Swift source with comments and string contents replaced by spaces, line by line.
///
/// Not a parser: nested interpolation is blanked with its string, which is what the rules want.
struct CodeView {
  private(set) var lines: [String] = []

  private enum State: Equatable {
    case code
    case lineComment
    case blockComment(depth: Int)
    /// `quotes` is 1 or 3, `hashes` the number of `#` around it.
    case string(quotes: Int, hashes: Int)
  }

  init(_ text: String) {
    let bytes = Array(text.utf8)
    var output: [UInt8] = []
    var state = State.code
    var at = 0
    func starts(_ word: String, at index: Int) -> Bool {
      let word = Array(word.utf8)
      return index + word.count <= bytes.count
        && bytes[index..<(index + word.count)].elementsEqual(word)
    }
    func blank(_ count: Int) {
      for index in at..<min(at + count, bytes.count) {
        output.append(bytes[index] == 0x0A ? 0x0A : 0x20)
      }
      at += count
    }
    while at < bytes.count {
      switch state {
      case .code:
        if starts("//", at: at) {
          state = .lineComment
          blank(2)
        } else if starts("/*", at: at) {
          state = .blockComment(depth: 1)
          blank(2)
        } else if let (quotes, hashes) = Self.opening(bytes, at) {
          state = .string(quotes: quotes, hashes: hashes)
          output.append(0x22)
          at += 1
          blank(quotes + hashes - 1)
        } else {
          output.append(bytes[at])
          at += 1
        }
      case .lineComment:
        if bytes[at] == 0x0A { state = .code }
        blank(1)
      case .blockComment(let depth):
        if starts("*/", at: at) {
          state = depth == 1 ? .code : .blockComment(depth: depth - 1)
          blank(2)
        } else if starts("/*", at: at) {
          state = .blockComment(depth: depth + 1)
          blank(2)
        } else {
          blank(1)
        }
      case .string(let quotes, let hashes):
        let close = String(repeating: "\"", count: quotes) + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        if starts(escape, at: at) {
          blank(escape.utf8.count + 1)
        } else if starts(close, at: at) || quotes == 1 && bytes[at] == 0x0A {
          state = .code
          if bytes[at] == 0x0A { blank(1) } else { blank(quotes + hashes) }
        } else {
          blank(1)
        }
      }
    }
    lines = String(decoding: output, as: UTF8.self).components(separatedBy: "\n")
  }

  /// Quotes and hashes of a string literal that starts here.
  private static func opening(_ bytes: [UInt8], _ start: Int) -> (quotes: Int, hashes: Int)? {
    var at = start
    while at < bytes.count, bytes[at] == 0x23 { at += 1 }
    let hashes = at - start
    guard at < bytes.count, bytes[at] == 0x22 else { return nil }
    let isTriple = at + 2 < bytes.count && bytes[at + 1] == 0x22 && bytes[at + 2] == 0x22
    return (isTriple ? 3 : 1, hashes)
  }
}
