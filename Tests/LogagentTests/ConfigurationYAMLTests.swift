import LogModel
import Testing

@testable import logagent

private func parse(_ text: String) -> YAMLDocument { YAMLDocument(Array(text.utf8), file: "f.yml") }

@Suite("YAML documents")
struct ConfigurationYAMLTests {
  @Test(
    "scalars mean what YAML 1.2's core schema says",
    arguments: [
      ("true", YAMLValue.bool(true)), ("False", .bool(false)), ("yes", .string("yes")),
      ("on", .string("on")), ("~", .null), ("", .null), ("null", .null), ("12", .integer(12)),
      ("-7", .integer(-7)), ("+3", .integer(3)), ("0x1F", .integer(31)), ("0o17", .integer(15)),
      ("0777", .integer(777)), ("1.5", .float(1.5)), ("1e3", .float(1000)), (".5", .float(0.5)),
      ("1.", .float(1)), ("1e", .string("1e")), ("0x", .string("0x")), ("0x-1", .string("0x-1")),
      ("-", .string("-")), ("+", .string("+")), (".", .string(".")), ("1_000", .string("1_000")),
      ("12:30:45", .string("12:30:45")), (".inf", .float(.infinity)), ("-.INF", .float(-.infinity)),
      ("99999999999999999999", .float(1e20)),
    ]
  )
  func coreSchema(_ text: String, _ expected: YAMLValue) {
    #expect(YAMLValue(plain: text) == expected)
  }

  @Test("quoting makes a string, a string tag too")
  func quoting() {
    #expect(YAMLScalar(text: "true", style: .quoted, tag: nil).value == .string("true"))
    #expect(YAMLScalar(text: "5", style: .block, tag: nil).value == .string("5"))
    #expect(
      YAMLScalar(text: "5", style: .plain, tag: "tag:yaml.org,2002:str").value == .string("5")
    )
    #expect(
      YAMLScalar(text: "5", style: .quoted, tag: "tag:yaml.org,2002:int").value == .integer(5)
    )
  }

  @Test("every node knows where it starts and ends, counted in characters")
  func places() throws {
    let document = parse("a: é\nlist:\n  - 'two words'\n  - { k: v }\n")
    #expect(document.problems.isEmpty)
    guard case .map(let entries) = document.root?.content else {
      Issue.record("no map")
      return
    }
    #expect(entries.map(\.key) == ["a", "list"])
    #expect(entries[0].value.range == SourceRange(line: 1, column: 4, endLine: 1, endColumn: 5))
    guard case .list(let items) = entries[1].value.content else {
      Issue.record("no list")
      return
    }
    #expect(items[0].range == SourceRange(line: 3, column: 5, endLine: 3, endColumn: 16))
    #expect(items[1].range == SourceRange(line: 4, column: 5, endLine: 4, endColumn: 13))
  }

  @Test("a file of comments only, or nothing, is empty and right")
  func empty() {
    for text in ["", "# hello\n", "\n\n", "---\n...\n"] {
      let document = parse(text)
      #expect(document.problems.isEmpty)
      #expect(document.root?.isNull ?? true)
      #expect(decode(text).configuration == Configuration())
    }
  }

  @Test("aliases are resolved")
  func aliases() {
    let loaded = decode(
      "resources:\n  a: { logging: &l { retentionDays: 3 } }\n  b: { logging: *l }\n"
    )
    #expect(loaded.configuration?.resources.map(\.logging.retentionDays) == [3, 3])
  }

  @Test("a YAML bomb is refused before it goes off")
  func bomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    let clock = ContinuousClock()
    var document = parse("")
    let time = clock.measure { document = parse(text) }
    #expect(document.root == nil)
    #expect(document.problems.count == 1)
    #expect(document.problems.first?.message.contains("more than 100000 values") == true)
    #expect(document.problems.first?.line == 5)
    #expect(time < .seconds(1))
  }

  @Test("aliases cannot nest deeper than the text may")
  func deepAliases() {
    var text = "a0: &a0 [x]\n"
    for level in 1...100 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
    let document = parse(text)
    #expect(document.problems.first?.message == "nested deeper than 64 levels")
  }

  @Test("deep nesting is refused fast, in flow and in block style")
  func depth() {
    let clock = ContinuousClock()
    let time = clock.measure {
      for text in [
        String(repeating: "[", count: 200_000), String(repeating: "- ", count: 200_000),
        String(repeating: "{a: ", count: 200_000),
      ] {
        #expect(parse(text).problems.first?.message == "nested deeper than 64 levels")
      }
    }
    #expect(time < .seconds(5))
    let allowed = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(parse(allowed).problems.isEmpty)
  }

  @Test("a file above 1 MiB, or with too many values, is refused")
  func size() {
    let large = parse("# " + String(repeating: "x", count: 1_048_576))
    #expect(large.problems.map(\.message) == ["the file is larger than 1048576 bytes"])
    let many = parse("[" + String(repeating: "1,", count: 100_001) + "]")
    #expect(many.problems.first?.message.contains("more than 100000 values") == true)
  }

  @Test("bytes that are not UTF-8 are reported at their place")
  func notUTF8() {
    let document = YAMLDocument(Array("a: b\nc: ".utf8) + [0xFF, 0x0A], file: "f")
    #expect(document.problems.map(\.range.start) == ["2:4"])
    let control = YAMLDocument(Array("a: b\nc: ".utf8) + [0x07, 0x0A], file: "f")
    #expect(control.problems.first?.message == "control characters are not allowed")
  }

  @Test(
    "a megabyte of any token is read or refused in bounded time",
    arguments: [
      "[", "{", "]", "? ", "- ", ": ", "&a ", "*a ", "!a ", "\"", "'", "|\n ", ">", ",", "#", "\n",
      "a\n", "a: ", "a: b\n", "[a,", "{a,", "- a\n", "- [", "%a\n", "---\n", "\"\\n", "a ", "\t",
      "@",
      "? a\n", "\u{feff}", "\r", "a:\n ", "!<a> ", "{? ", "[? ", "&a [*a,", "'a': ", "[{",
    ]
  )
  func floods(_ token: String) {
    let text = String(repeating: token, count: 1_048_576 / token.utf8.count)
    let time = ContinuousClock().measure {
      let loaded = decode(text)
      #expect(DiagnosticPrinter.render(loaded.diagnostics).utf8.count < 200_000)
    }
    #expect(time < .seconds(20), "\(token): \(time)")
  }
}
