import Foundation
import Testing

@testable import logagent

/// What is written from definitions is not older than they are; `make docs` writes it anew.
@Suite("Documentation")
struct DocumentationTests {
  /// The date in the manual pages: that of the last change of the definitions.
  private static let date = "2026-11-25"

  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Compares, or writes with `UPDATE_GOLDEN`.
  private func expect(_ path: String, is text: String) throws {
    let file = Self.root.appendingPathComponent(path)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    let written = try? String(contentsOf: file, encoding: .utf8)
    #expect(written == text, "\(path) is stale: run `make docs`")
  }

  @Test("logagent(1) says what the argument parser takes")
  func commands() throws {
    try expect("docs/man/logagent.1", is: try CommandManual.text(date: Self.date))
  }

  @Test("logagent.yml(5) says what the decoder takes")
  func keys() throws {
    try expect("docs/man/logagent.yml.5", is: ConfigurationManual.manual(date: Self.date))
  }

  @Test("the table of docs/configuration.md says what the decoder takes")
  func table() throws {
    let path = "docs/configuration.md"
    let text = try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
    let begin = try #require(text.range(of: "<!-- keys: written by `make docs` -->\n"))
    let end = try #require(text.range(of: "<!-- keys: end -->"))
    let whole = text[..<begin.upperBound] + ConfigurationManual.table + text[end.lowerBound...]
    try expect(path, is: String(whole))
  }

  @Test("every command and key that is shown has its words")
  func words() throws {
    for key in ConfigurationKeys.all { #expect(!key.meaning.isEmpty && !key.type.isEmpty) }
    let page = try CommandManual.text(date: Self.date)
    #expect(!page.contains("\n.B\n") && !page.contains("exec-shim"))
  }

  @Test("the decoder knows the keys of the table and no others, in every map")
  func known() throws {
    let parents = Set(ConfigurationKeys.all.map(\.parent))
    for parent in parents.sorted() where !ConfigurationKeys.names(in: parent).isEmpty {
      var known: Set<String> = []
      let isForwarding = parent.hasSuffix(".properties")
      for type in isForwarding ? ["http-endpoint", "highlight", "datadog"] : [""] {
        let keys = isForwarding ? "type: \(type), properties: { qqqqqqqq: 1 }" : "qqqqqqqq: 1"
        let place = isForwarding ? String(parent.dropLast(".properties".count)) : parent
        known.formUnion(try keysNamed(in: place, keys))
      }
      #expect(known == Set(ConfigurationKeys.names(in: parent)), "in `\(parent)`")
    }
  }

  /// The keys that the decoder names when it is given another at a path.
  private func keysNamed(in path: String, _ keys: String) throws -> Set<String> {
    var text = keys
    for part in path.split(separator: ".").reversed() {
      let name = part == "<name>" ? "some" : part.replacing("[]", with: "")
      text = part.hasSuffix("[]") ? "\(name): [{ \(text) }]" : "\(name): { \(text) }"
    }
    let problems = decode(text + "\n").diagnostics.filter { $0.message.contains("qqqqqqqq") }
    let help = try #require(problems.first?.help, "\(path): \(text)")
    return Set(help.matches(of: /`([^`]+)`/).map { String($0.1) })
  }

  @Test("the defaults in the table are the defaults")
  func defaults() throws {
    for key in ConfigurationKeys.all {
      guard let standard = key.standard, !key.parent.hasSuffix(".properties") else { continue }
      let parts = key.path.split(separator: ".").map { $0 == "<name>" ? "some" : String($0) }
      var text = "\(parts.last ?? ""): \(standard)"
      for part in parts.dropLast().reversed() { text = "\(part): { \(text) }" }
      let loaded = decode(text + "\n")
      var expected = Configuration()
      if key.path.hasPrefix("resources.") {
        // A default of a resource is what holds without the key.
        expected = try #require(decode("resources: { some: {} }\n").configuration)
        let matcher = ResourceMatcher(try #require(loaded.configuration))
        let other = ResourceMatcher(expected)
        #expect(
          matcher.settings(of: matcher.configuration.resources[0])
            == other.settings(of: expected.resources[0]),
          "\(key.path)"
        )
      } else {
        #expect(loaded.configuration == expected, "\(key.path): \(standard)")
      }
    }
  }
}
