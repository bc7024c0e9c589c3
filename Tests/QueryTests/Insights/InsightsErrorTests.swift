import Foundation
import Testing

@testable import Query

/// What people read when a query is wrong, word for word.
///
/// `UPDATE_GOLDEN=1` writes the file anew; the difference is the review.
@Suite("Insights errors")
struct InsightsErrorTests {
  private static let file = TestFiles.golden("insights-errors.txt")

  struct Case: Sendable, CustomStringConvertible {
    var query: String
    var error: String
    var description: String { query }
  }

  /// Blocks of `-- query` and `-- error`.
  private static func cases() throws -> [Case] {
    let text = try String(contentsOf: file, encoding: .utf8)
    return text.components(separatedBy: "-- query\n").dropFirst().map { block in
      let parts = block.components(separatedBy: "\n-- error\n")
      return Case(
        query: parts[0],
        error: parts.count > 1 ? parts[1].trimmingCharacters(in: .newlines) : ""
      )
    }
  }

  private static func error(of query: String) -> String {
    do {
      _ = try InsightsProgram.compile(query)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test("every error names the place, what is wrong and what to write")
  func golden() throws {
    let cases = try Self.cases()
    #expect(cases.count >= 60)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      let blocks = cases.map { "-- query\n\($0.query)\n-- error\n\(Self.error(of: $0.query))\n" }
      try blocks.joined(separator: "\n").write(to: Self.file, atomically: true, encoding: .utf8)
    }
    for item in cases {
      #expect(Self.error(of: item.query) == item.error, "\(item.query)")
      #expect(item.error != "no error")
    }
  }

  @Test("ten thousand parentheses are refused")
  func depth() {
    for text in [
      "filter " + String(repeating: "(", count: 9_000),
      "filter " + String(repeating: "not ", count: 2_000) + "a",
      "filter " + String(repeating: "!", count: 9_000) + "a",
      "fields " + String(repeating: "abs(", count: 2_000),
      "fields a" + String(repeating: "+1", count: 4_000),
      "fields a" + String(repeating: "^a", count: 4_000),
      "fields jsonParse(a)" + String(repeating: "[0]", count: 3_000),
      String(repeating: "filter a in (", count: 700),
    ] {
      #expect(throws: QueryDiagnostic.self) { try InsightsProgram.compile(text) }
    }
  }

  @Test("long lists and chains of conditions are not deep")
  func width() throws {
    let list = (0..<1_500).map(String.init).joined(separator: ", ")
    _ = try InsightsProgram.compile("filter a in [\(list)]")
    let chain = Array(repeating: "a = 1", count: 900).joined(separator: " or ")
    _ = try InsightsProgram.compile("filter \(chain)")
    let fields = (0..<1_000).map { "f\($0)" }.joined(separator: ", ")
    _ = try InsightsProgram.compile("fields \(fields)")
  }

  @Test("a text of more than 10,000 characters is refused")
  func length() throws {
    let longest = "fields a # " + String(repeating: "x", count: 10_000 - 11)
    _ = try InsightsProgram.compile(longest)
    #expect(throws: QueryDiagnostic.self) { try InsightsProgram.compile(longest + "x") }
  }

  @Test("what CloudWatch has and this does not is named, not skipped")
  func unimplemented() {
    for command in InsightsSuggestions.unimplementedCommands {
      #expect(Self.error(of: "\(command) a").contains("`\(command)` is not implemented"))
    }
    for function in InsightsSuggestions.unimplementedFunctions {
      #expect(
        Self.error(of: "stats \(function)(a, 1m)").contains("`\(function)` is not implemented")
      )
    }
  }
}
