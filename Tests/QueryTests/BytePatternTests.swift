import Platform
import Testing

@testable import Query

@Suite("Regular expressions over bytes")
struct BytePatternTests {
  private func match(
    _ source: String,
    _ subject: [UInt8],
    _ options: BytePattern.Options = []
  ) throws -> Range<Int>? {
    try PatternSearch(BytePattern(source, options: options)).firstMatch(in: subject.span)
  }

  private func match(
    _ source: String,
    _ subject: String,
    _ options: BytePattern.Options = []
  ) throws -> Range<Int>? {
    try match(source, Array(subject.utf8), options)
  }

  @Test("gives the range of the first match")
  func ranges() throws {
    #expect(try match("b+", "aabbb") == 2..<5)
    #expect(try match("x", "aabbb") == nil)
    #expect(try match("", "") == 0..<0)
    #expect(try match("^$", "") == 0..<0)
    #expect(try match("ERROR", "error", .ignoreCase) == 0..<5)
    #expect(try match("É", "é", .ignoreCase) == 0..<2)
  }

  @Test("the dollar is the very end, and anchors are the message's unless lines are asked for")
  func anchors() throws {
    #expect(try match("a$", "a\n") == nil)
    #expect(try match("^b", "a\nb") == nil)
    #expect(try match("^b", "a\nb", .multiline) == 2..<3)
    #expect(try match("a.b", "a\nb") == nil)
    #expect(try match("a.b", "a\nb", .dotMatchesNewline) == 0..<3)
  }

  @Test("one character is one whatever its bytes")
  func characters() throws {
    #expect(try match("^.$", "é") == 0..<2)
    #expect(try match("^[^a]$", "😀") == 0..<4)
  }

  @Test("bytes that are not UTF-8 do not hide a match")
  func strayBytes() throws {
    let message = Array("start ".utf8) + [0xFF, 0xC3] + Array(" end".utf8)
    #expect(try match("start.*end", message) == 0..<12)
    #expect(try match("end$", message) == 9..<12)
    #expect(try match("^start", message) == 0..<5)
    #expect(try match("absent", message) == nil)
    #expect(try match("é", [0x61, 0xFF] + Array("é".utf8)) == 2..<4)
    // A pattern that has no form over bytes.
    #expect(try match("\\x{100}", [0xFF]) == nil)
  }

  @Test("searching goes on from an offset, with groups and their names")
  func groups() throws {
    let pattern = try BytePattern("(?<key>\\w+)=(?<value>\\d+)?;")
    #expect(pattern.captureCount == 2)
    #expect(pattern.names.map(\.name) == ["key", "value"])
    #expect(pattern.names.map(\.group) == [1, 2])
    let search = PatternSearch(pattern)
    let text = Array("a=1;bc=;".utf8)
    #expect(try search.firstMatch(in: text.span) == 0..<4)
    #expect(search.range(of: 1) == 0..<1)
    #expect(search.range(of: 2) == 2..<3)
    #expect(try search.firstMatch(in: text.span, from: 4) == 4..<8)
    #expect(search.range(of: 1) == 4..<6)
    #expect(search.range(of: 2) == nil)
    #expect(search.range(of: 9) == nil)
    #expect(try search.firstMatch(in: text.span, from: 8) == nil)
    #expect(search.range(of: 0) == nil)
  }

  @Test(
    "what does not compile says where",
    arguments: [("a(b", 3), ("é[a", 3), ("*a", 0), ("a\\", 2), ("\\C", 2), ("(?<1>a)", 3)]
  )
  func errors(_ source: String, _ offset: Int) {
    do throws(BytePatternError) {
      _ = try BytePattern(source)
      Issue.record("accepted")
    } catch {
      #expect(error.offset == offset, "\(error.message)")
      #expect(!error.message.isEmpty)
      let shown = error.diagnostic(in: "like /\(source)/", from: 6)
      #expect(shown.range.lowerBound == 6 + offset)
    }
  }

  @Test(
    "a match that backtracks for ever ends in an error within 100 ms",
    arguments: [
      "^(a+)+$", "(a+)+[bc]", "^a*a*a*a*[bc]", "a+a+a+a+[bc]", "(a|aa)+$", "(.*)(.*)(.*)(.*)[bc]",
      "(?:a|a)*[bc]",
    ],
    [40, 4_000, 65_537, 1_000_000]
  )
  func runaway(_ source: String, _ count: Int) throws {
    let search = PatternSearch(try BytePattern(source))
    let subject = [UInt8](repeating: 0x61, count: count) + [0x21]
    let start = ThreadClock.nanoseconds()
    do throws(PatternFailure) {
      let match = try search.firstMatch(in: subject.span)
      #expect(match == nil)
    } catch {
      #expect(error.description.contains("given up"))
      #expect(error.diagnostic(in: "%\(source)%").range == 1..<(source.count + 1))
    }
    #expect(ThreadClock.nanoseconds() - start < 150_000_000)
    // The search is as good as new.
    #expect(try search.firstMatch(in: Array("x".utf8).span) == (try match(source, "x")))
  }

  @Test("ordinary patterns work on messages of a megabyte")
  func longMessages() throws {
    let subject = Array(String(repeating: "GET /index 200 12ms ", count: 52_000).utf8)
    #expect(try match("[0-9]+ms $", subject)?.upperBound == subject.count)
    #expect(try match("absent|missing", subject) == nil)
    #expect(try match("^GET.*12ms $", subject) == 0..<subject.count)
  }
}

@Suite("Literals that a regular expression requires")
struct RequiredLiteralsTests {
  private func clauses(_ source: String, ignoresCase: Bool = false) -> [[String]] {
    RequiredLiterals(of: source, ignoresCase: ignoresCase).clauses.map { clause in
      clause.map { String(decoding: $0, as: UTF8.self) }
    }
  }

  @Test(
    "finds what every match contains",
    arguments: [
      ("error", [["error"]]), ("colou?r", [["colo"], ["r"]]), ("ab+c", [["ab"], ["c"]]),
      ("ab*c", [["a"], ["c"]]), ("[0-9]+ms$", [["ms"]]), ("gray|grey", [["gray", "grey"]]),
      ("(GET|POST) /api.*html", [["GET", "POST"], [" /api"], ["html"]]),
      ("10\\.10\\.0\\.1", [["10.10.0.1"]]), ("\\x28a\\x29", [["(a)"]]), ("a|b*", []),
      ("(abc)?d", [["d"]]), ("(abc){2,3}d", [["abc"], ["d"]]), ("a{0,3}b", [["b"]]),
      ("foo\\bbar", [["foobar"]]), ("(?=look)at", [["at"]]), ("(?!not)at", [["at"]]),
      ("(?<n>abc)", [["abc"]]), ("(?i)abc", []), ("a\\Q.\\Eb", []), ("[a]b", [["ab"]]),
      ("[]a]b", [["b"]]), ("[^a]b", [["b"]]), ("[[:alpha:]]b", []), ("a{b", [["a{b"]]),
      ("a{,3}b", []), ("é+x", [["é"], ["x"]]), ("é*x", [["x"]]), ("", []),
      ("(a(b(c)))", [["a"], ["b"], ["c"]]),
      ("(a)\\1b", [["a"], ["b"]]), ("a(*FAIL)", []),
    ]
  )
  func finds(_ source: String, _ expected: [[String]]) { #expect(clauses(source) == expected) }

  @Test("without regard to case only what has none counts")
  func ignoringCase() {
    #expect(clauses("GET /1[0-9]/", ignoresCase: true) == [[" /1"], ["/"]])
    #expect(clauses("[0-9]+ms", ignoresCase: true) == [])
  }

  @Test("no match of a random pattern lacks a required literal")
  func holds() throws {
    var random = SplitMix(seed: 7)
    var matched = 0
    for _ in 0..<4_000 {
      let source = Self.source(&random, depth: 0)
      // Some of what is made does not compile, such as a repeat of nothing.
      guard let pattern = try? BytePattern(source) else { continue }
      for _ in 0..<8 {
        let subject = (0..<random.below(12)).map { _ in UInt8(0x61 + random.below(4)) }
        // Some of what is made backtracks for ever.
        guard let range = try? PatternSearch(pattern).firstMatch(in: subject.span) else { continue }
        matched += 1
        let found = Array(subject[range])
        for clause in pattern.literals.clauses {
          let isThere = clause.contains { Bytes.firstIndex(of: $0.span, in: found.span) != nil }
          #expect(isThere, "\(source) on \(String(decoding: subject, as: UTF8.self))")
        }
      }
    }
    #expect(matched > 1_000)
  }

  private static func source(_ random: inout SplitMix, depth: Int) -> String {
    (0...random.below(4)).map { _ in
      var item =
        switch random.below(depth > 2 ? 7 : 9) {
        case 0...3: String(UnicodeScalar(UInt8(0x61 + random.below(4))))
        case 4: "."
        case 5: ["[ab]", "[^c]", "[d]", "\\w", "\\b", "\\x61"][random.below(6)]
        case 6: ["^", "$", "\\d"][random.below(3)]
        case 7: "(" + source(&random, depth: depth + 1) + ")"
        default:
          "(?:" + source(&random, depth: depth + 1) + "|" + source(&random, depth: depth + 1) + ")"
        }
      item += ["", "", "", "*", "+", "?", "{2}", "{0,2}", "*?", "+?"][random.below(10)]
      return item
    }.joined()
  }
}
