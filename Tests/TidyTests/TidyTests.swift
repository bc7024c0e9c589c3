import Foundation
import Testing

/// The house rules that a machine can check.
///
/// Every offence is listed with its file and line.
@Suite("House rules")
struct TidyTests {
  private let repository = Repository.shared

  /// One issue for all offences of a rule, in a form that editors jump to.
  private func expectNone(_ offences: [String], _ rule: String) {
    #expect(offences.isEmpty, "\(rule)\n\(offences.joined(separator: "\n"))")
  }

  /// Every line of code that matches, in files that are not exempt.
  private func offences(
    _ pattern: String,
    in files: [Repository.File],
    except exempt: (String) -> Bool = { _ in false }
  ) throws -> [String] {
    let expression = try NSRegularExpression(pattern: pattern)
    return files.filter { !exempt($0.path) }.flatMap { file in
      file.code.enumerated().compactMap { number, line in
        let range = NSRange(line.startIndex..., in: line)
        guard expression.firstMatch(in: line, range: range) != nil else { return nil }
        return
          "\(file.path):\(number + 1): \(file.lines[number].trimmingCharacters(in: .whitespaces))"
      }
    }
  }

  // MARK: sizes

  @Test("a file has at most 600 lines")
  func fileLength() {
    let long = repository.swift.filter { $0.lines.count > 601 }
    expectNone(long.map { "\($0.path):601: \($0.lines.count - 1) lines" }, "split these files:")
  }

  @Test("a function has at most 70 lines")
  func functionLength() {
    let long = repository.sources.flatMap { file in
      FunctionLengths.of(file.code).filter { $0.lines > 70 }
        .map { "\(file.path):\($0.line): \($0.name) has \($0.lines) lines" }
    }
    expectNone(long, "split these functions:")
  }

  @Test("a line has at most 100 columns")
  func lineLength() {
    let kinds = [".swift", ".sh", ".c", ".h", "Makefile", ".yml"]
    let offences = repository.files.filter { file in kinds.contains { file.path.hasSuffix($0) } }
      .flatMap { file in
        file.lines.enumerated().filter { $0.element.count > 100 }.map {
          "\(file.path):\($0.offset + 1): \($0.element.count) columns"
        }
      }
    expectNone(offences, "break these lines:")
  }

  // MARK: words

  @Test("Sources do not import Foundation")
  func noFoundation() throws {
    expectNone(
      try offences(#"\bimport\s+(\w+\s+)?Foundation\w*"#, in: repository.sources),
      "full Foundation adds 40 MB to the binary and 9 MB to memory:"
    )
  }

  @Test("every import in Sources has an access level")
  func importAccess() throws {
    expectNone(
      try offences(#"^\s*(@\w+(\([^)]*\))?\s+)*import\s"#, in: repository.sources),
      "write `internal import` or `package import`:"
    )
  }

  @Test("`unsafe` stands in Platform and the named adapter files only")
  func unsafeAllowList() throws {
    let files = [
      "Sources/Store/Catalog/SQLite.swift", "Sources/Forward/HTTPTransfer.swift",
      "Sources/logagent/Configuration/YAMLParser.swift",
      "Sources/Query/Regex/PatternCode.swift", "Sources/Query/Regex/PatternSearch.swift",
      "Sources/Collect/Tail/GzipCodec.swift",
      "Sources/Collect/Import/ZstdCodec.swift",
      "Sources/Forward/GzipMember.swift", "Sources/Forward/GzipInflater.swift",
      "Sources/Forward/GzipLiterals.swift",
    ]
    let folders = ["Sources/Platform/", "Sources/Store/Compression/"]
    expectNone(
      try offences(#"\bunsafe\b|@unsafe\b|nonisolated\(unsafe\)"#, in: repository.sources) { path in
        files.contains(path) || folders.contains { path.hasPrefix($0) }
      },
      "move these into Platform or an adapter file:"
    )
  }

  @Test("every file with `unsafe` says why it is safe")
  func safetyComments() {
    let silent = repository.sources.filter { file in
      file.code.contains { $0.range(of: #"\bunsafe\b"#, options: .regularExpression) != nil }
        && !file.text.contains("// Safety:")
    }
    expectNone(silent.map { "\($0.path):1" }, "add `// Safety:` comments:")
  }

  @Test("nothing is public")
  func noPublic() throws {
    expectNone(
      try offences(
        #"\b(public|open)\s+(\w+\s+)*(func|var|let|class|struct|enum|protocol|init|import)\b"#,
        in: repository.sources
      ),
      "use `package`, or nothing:"
    )
  }

  @Test("no try!, as!, fatalError, forced print or force cast in Sources")
  func noTraps() throws {
    expectNone(
      try offences(#"\btry!|\bas!|\bfatalError\b"#, in: repository.sources),
      "throw, or use `precondition` for our own bugs:"
    )
  }

  @Test("`print` is not how Sources write")
  func noPrint() throws {
    expectNone(
      try offences(#"(^|[^.\w])(print|debugPrint|dump)\("#, in: repository.sources) {
        $0.hasPrefix("Sources/logagent/Output/")
      },
      "stdout carries data and stderr logs: write through Output:"
    )
  }

  @Test("`try?` has a comment on its line or just above that says why silence is right")
  func silentTry() {
    let offences = repository.sources.flatMap { file in
      file.code.enumerated().compactMap { number, line -> String? in
        guard line.range(of: #"\btry\?"#, options: .regularExpression) != nil else { return nil }
        let above = file.lines[max(0, number - 3)...number]
        return above.contains { $0.contains("//") } ? nil : "\(file.path):\(number + 1): \(line)"
      }
    }
    expectNone(offences, "say why nothing is done about the error:")
  }

  @Test("`@unchecked Sendable` names its lock in a comment")
  func uncheckedSendable() {
    let offences = repository.sources.flatMap { file in
      file.code.enumerated().compactMap { number, line -> String? in
        guard line.contains("@unchecked Sendable") else { return nil }
        let above = file.lines[max(0, number - 12)...number]
        return above.contains { $0.contains("//") } ? nil : "\(file.path):\(number + 1): \(line)"
      }
    }
    expectNone(offences, "say which lock or thread makes it safe:")
  }

  @Test("a TODO has the number of an issue")
  func todos() throws {
    // Outside comments, three X are a letter of Java's date patterns.
    let expression = try NSRegularExpression(
      pattern: #"(\b(TODO|FIXME|HACK)|//.*\bXXX)\b(?!\(?:?\s*#\d+)"#
    )
    let offences = repository.files.filter { !$0.path.hasPrefix("Tests/TidyTests/") }
      .flatMap { file in
        file.lines.enumerated().compactMap { number, line -> String? in
          let range = NSRange(line.startIndex..., in: line)
          guard expression.firstMatch(in: line, range: range) != nil else { return nil }
          return "\(file.path):\(number + 1): \(line.trimmingCharacters(in: .whitespaces))"
        }
      }
    expectNone(offences, "do it, or open an issue:")
  }

  // MARK: structure

  @Test(
    "imports point one way: logagent, Collect and Retain and Forward and Query, Store, LogModel"
  )
  func importDirection() throws {
    let allowed: [String: Set<String>] = [
      "Platform": [],
      "LogModel": ["Platform"],
      "Store": ["LogModel", "Platform"],
      "Retain": ["Store", "LogModel", "Platform"],
      "Forward": ["Store", "LogModel", "Platform"],
      "Query": ["Store", "LogModel", "Platform"],
      "Collect": ["LogModel", "Platform"],
      "Jobs": ["Collect", "LogModel", "Platform"],
    ]
    let own = Set(allowed.keys).union(["logagent"])
    let expression = try NSRegularExpression(pattern: #"^\s*(?:@\w+\s+)*(?:\w+\s+)?import\s+(\w+)"#)
    var offences: [String] = []
    for file in repository.sources where file.target != "logagent" {
      guard let permitted = allowed[file.target] else {
        offences.append("\(file.path):1: the target \(file.target) is not in the diagram")
        continue
      }
      for (number, line) in file.code.enumerated() {
        let range = NSRange(line.startIndex..., in: line)
        guard let match = expression.firstMatch(in: line, range: range),
          let name = Range(match.range(at: 1), in: line).map({ String(line[$0]) })
        else { continue }
        if own.contains(name), !permitted.contains(name) {
          offences.append("\(file.path):\(number + 1): \(file.target) imports \(name)")
        }
        let isFramework = ["ArgumentParser", "Logging", "ServiceLifecycle"].contains(name)
        if isFramework || name.hasPrefix("NIO") || name == "CYAML" {
          offences.append("\(file.path):\(number + 1): only logagent imports \(name)")
        }
      }
    }
    expectNone(offences, "imports against the arrows:")
  }

  @Test("async code stands in logagent/Daemon and Commands only")
  func asyncPlaces() throws {
    expectNone(
      try offences(
        #"\basync\b|\bawait\b|\bTask\s*[.{]|^\s*(\w+\s+)*actor\s+\w+"#,
        in: repository.sources
      ) {
        $0.hasPrefix("Sources/logagent/")
      },
      "loops are plain threads; lifecycle is the daemon's:"
    )
  }

  @Test("every limit says what it bounds")
  func limitsAreDocumented() {
    let files = repository.sources.filter { $0.path.hasSuffix("Limits.swift") }
    #expect(files.count >= 2)
    let offences = files.flatMap { file in
      file.lines.enumerated().compactMap { number, line -> String? in
        guard line.contains("static let") else { return nil }
        var above = number - 1
        // Neighbours may share a comment: limits of one thing, such as the ends of a range.
        while above >= 0, file.lines[above].contains("static let") { above -= 1 }
        let isDocumented = above >= 0 && file.lines[above].contains("///")
        return isDocumented ? nil : "\(file.path):\(number + 1): \(line)"
      }
    }
    expectNone(offences, "give the reason for:")
  }

  @Test("`package` declarations of Sources are documented")
  func packageIsDocumented() {
    let kinds = ["struct", "class", "enum", "protocol", "actor"]
    let offences = repository.sources.flatMap { file in
      file.code.enumerated().compactMap { number, line -> String? in
        let words = line.split(separator: " ").map(String.init)
        guard words.first == "package" || words.first == "@inlinable",
          words.contains(where: kinds.contains)
        else { return nil }
        var above = number - 1
        func isBetween(_ line: String) -> Bool {
          let text = line.trimmingCharacters(in: .whitespaces)
          return text.hasPrefix("@") || text.hasPrefix("//") && !text.hasPrefix("///")
        }
        while above >= 0, isBetween(file.lines[above]) { above -= 1 }
        let isDocumented = above >= 0 && file.lines[above].contains("///")
        return isDocumented ? nil : "\(file.path):\(number + 1): \(line)"
      }
    }
    expectNone(offences, "say what these are:")
  }

  @Test("every target of the pipeline has tests")
  func everyTargetIsTested() {
    for target in Set(repository.sources.map(\.target)) {
      let name = target.prefix(1).uppercased() + target.dropFirst()
      let folder = "Tests/\(name)Tests/"
      let hasTest = repository.swift.contains {
        $0.path.hasPrefix(folder) && $0.text.contains("@Test")
      }
      // A target that is only a placeholder has nothing to test yet.
      let lines = repository.sources.filter { $0.target == target }.map(\.lines.count).reduce(0, +)
      #expect(hasTest || lines < 20, "\(folder): no test")
    }
  }

  // MARK: publishing

  @Test("no file names a machine's folders or a package registry")
  func noMachinePaths() throws {
    // Spelled in parts, so that this file does not name them either.
    let words = [
      "/" + "work/", "/" + "tmp/wt-", "/" + "home/", "/" + "Users/", "registry." + "npmjs",
      "crates" + ".io", "pypi" + ".org", "proxy.golang" + ".org", "rubygems" + ".org",
      "deb." + "debian.org", "artifact" + "ory", "nexus" + ".", "../" + "shared",
    ]
    let offences = repository.files.flatMap { file in
      file.lines.enumerated().flatMap { number, line in
        words.filter { line.contains($0) }.map { "\(file.path):\(number + 1): \($0)" }
      }
    }
    expectNone(offences, "these hold on one machine only:")
  }

  @Test("documentation uses the words of the glossary")
  func glossary() throws {
    // What people read: the left word is not ours, the right one is.
    let words = [
      "bookmark": "checkpoint", "offset file": "checkpoint", "DLQ": "dead letter",
      "data sink": "destination", "log shipper": "log pipeline", "whitelist": "allow list",
      "blacklist": "deny list",
    ]
    let pages = repository.files.filter {
      $0.path.hasPrefix("conf/") || $0.path.hasPrefix("docs/") || $0.path == "README.md"
    }
    #expect(pages.count >= 4)
    var offences: [String] = []
    for page in pages {
      for (number, line) in page.lines.enumerated() {
        for (word, ours) in words where line.lowercased().contains(word.lowercased()) {
          offences.append("\(page.path):\(number + 1): \(word) (say \(ours))")
        }
      }
    }
    expectNone(offences, "words that are not in the glossary:")
  }

  @Test("a file ends with one newline, and no line ends with a space")
  func whitespace() {
    let offences = repository.files.flatMap { file -> [String] in
      guard !file.text.isEmpty else { return [] }
      let isGolden = file.path.hasPrefix("Tests/") && !file.path.hasSuffix(".swift")
      if isGolden { return [] }
      var offences = file.lines.enumerated().filter { $0.element.hasSuffix(" ") }
        .map { "\(file.path):\($0.offset + 1): a space at the end" }
      if !file.text.hasSuffix("\n") || file.text.hasSuffix("\n\n") {
        offences.append("\(file.path):\(file.lines.count): must end with one newline")
      }
      return offences
    }
    expectNone(offences, "white space:")
  }
}

/// Where functions start and how many lines they have, by counting braces in code without strings.
enum FunctionLengths {
  struct Function: Equatable {
    var name: String
    var line: Int
    var lines: Int
  }

  static func of(_ code: [String]) -> [Function] {
    var functions: [Function] = []
    // Functions whose body is open, and the depth at which it ends.
    var open: [(function: Function, depth: Int)] = []
    var pending: (function: Function, parentheses: Int)?
    var depth = 0
    for (number, line) in code.enumerated() {
      if let name = name(in: line) {
        pending = (Function(name: name, line: number + 1, lines: 0), 0)
      }
      for character in line {
        switch character {
        case "(" where pending != nil: pending?.parentheses += 1
        case ")" where pending != nil: pending?.parentheses -= 1
        case "{":
          depth += 1
          // A brace inside parentheses is a default argument's closure.
          if let started = pending, started.parentheses == 0 {
            open.append((started.function, depth))
            pending = nil
          }
        case "}":
          if let last = open.last, last.depth == depth {
            var function = last.function
            function.lines = number + 1 - function.line + 1
            functions.append(function)
            open.removeLast()
          }
          depth -= 1
          // A requirement of a protocol has no body.
          if pending?.parentheses == 0 { pending = nil }
        default: break
        }
      }
    }
    return functions
  }

  private static func name(in line: String) -> String? {
    let pattern = #"\b(func\s+[^\s(<]+|init[?(<]|deinit\b|subscript\s*[(<])"#
    guard let range = line.range(of: pattern, options: .regularExpression) else { return nil }
    let before = line[..<range.lowerBound]
    // A call such as `self.init(` or `.init(` declares nothing.
    if before.hasSuffix(".") { return nil }
    let words = before.split(separator: " ")
    let modifiers: Set<Substring> = [
      "package", "internal", "private", "fileprivate", "static", "mutating", "borrowing",
      "consuming",
      "final", "override", "convenience", "required", "@discardableResult", "@inlinable",
      "nonisolated",
      "@inline(__always)", "class", "indirect", "isolated", "@Sendable",
    ]
    guard words.allSatisfy({ modifiers.contains($0) || $0.hasPrefix("@") || $0.hasSuffix(")") })
    else { return nil }
    let name = line[range].split(separator: " ").last.map(String.init) ?? String(line[range])
    return name.trimmingCharacters(in: CharacterSet(charactersIn: "(<?"))
  }
}

@Suite("The rules' own tools")
struct TidyToolTests {
  @Test("comments and string contents are not code")
  func codeView() {
    let view = CodeView("let a = \"try! // x\" // fatalError\n/* as! /* y */ z */ b\n#\"\\(\"#; c")
    #expect(view.lines.map { $0.trimmingCharacters(in: .whitespaces) }.count == 3)
    #expect(!view.lines.joined().contains("try!"))
    #expect(!view.lines.joined().contains("fatalError"))
    #expect(!view.lines.joined().contains("as!"))
    #expect(view.lines[1].hasSuffix(" b"))
    #expect(view.lines[2].hasSuffix("; c"))
    #expect(
      CodeView("x = \"\"\"\n  try!\n  \"\"\"\ny").lines.map { $0.contains("try!") }.contains(true)
        == false
    )
  }

  @Test("functions are measured from their first line to their closing brace")
  func functionLengths() {
    let code = [
      "struct S {", "  func a() {", "    if x {", "    }", "  }", "  init(x: Int = { 1 }()) {",
      "  }",
      "  func b(", "    _ x: Int", "  ) -> Int {", "    [].map { $0 }", "  }", "}",
    ]
    #expect(
      FunctionLengths.of(code) == [
        .init(name: "a", line: 2, lines: 4), .init(name: "init", line: 6, lines: 2),
        .init(name: "b", line: 8, lines: 5),
      ]
    )
  }
}
