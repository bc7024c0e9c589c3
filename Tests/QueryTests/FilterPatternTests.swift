import LogModel
import Testing

@testable import Query

@Suite("Filter patterns of terms")
struct FilterPatternTests {
  private func matches(_ pattern: String, _ message: String) throws -> Bool {
    let matcher = MessageMatcher(try FilterPatternParser.parse(pattern))
    return matcher.matches(Array(message.utf8).span)
  }

  /// The diagnostic as it is printed; nil when the pattern is accepted.
  private func refusal(_ pattern: String) -> String? {
    do throws(QueryDiagnostic) {
      _ = try FilterPatternParser.parse(pattern)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("every documented example has CloudWatch's outcome", arguments: TermVector.all)
  func vectors(_ vector: TermVector) throws {
    switch vector.outcome {
    case .error: #expect(refusal(vector.pattern) != nil)
    case .match: #expect(try matches(vector.pattern, vector.message ?? ""))
    case .reject: #expect(try !matches(vector.pattern, vector.message ?? ""))
    }
  }

  @Test("there are 60 examples or more")
  func vectorCount() { #expect(TermVector.all.count >= 60) }

  @Test("an address without quotes is refused with its column and the fix")
  func address() {
    #expect(
      refusal("ERROR user@example.com") == """
        `@` needs quotes, at column 11
          ERROR user@example.com
                    ^
        help: write "user@example.com"
        """
    )
  }

  @Test("a quote that is not closed is refused where it opens")
  func openQuote() {
    #expect(
      refusal("ERROR \"not found") == """
        this quote is not closed, at column 7
          ERROR "not found
                ^
        help: add a " at the end
        """
    )
  }

  @Test("a minus or a question mark alone is refused", arguments: ["ERROR -", "?", "ERROR ? WARN"])
  func aloneIsRefused(_ pattern: String) {
    #expect(refusal(pattern)?.contains("stands alone") == true)
  }

  @Test("a blank after the minus is for quoted terms only")
  func spacedMinus() throws {
    #expect(refusal("ERROR - WARN")?.contains("at column 7") == true)
    #expect(try !matches("ERROR - \"WARN\"", "ERROR WARN"))
  }

  @Test("the other kinds are named", arguments: ["{ $.a = 1 }", "[a, b]", "%ab+%"])
  func otherKinds(_ pattern: String) {
    #expect(refusal(pattern)?.contains("not supported") == true)
    #expect(refusal("  " + pattern)?.contains("at column 3") == true)
  }

  @Test("1,024 characters are accepted, 1,025 are not")
  func length() {
    #expect(refusal(String(repeating: "a", count: 1_024)) == nil)
    #expect(refusal(String(repeating: "a", count: 1_025))?.contains("1024") == true)
  }

  @Test("optional terms beside others are dropped and named")
  func ignored() throws {
    guard case .terms(let terms) = try FilterPatternParser.parse("?A ?\"b c\" REQUEST -DEBUG")
    else {
      Issue.record("not terms")
      return
    }
    #expect(terms.ignored == ["?A", "?\"b c\""])
    #expect(terms.required == [Array("REQUEST".utf8)])
    #expect(terms.excluded == [Array("DEBUG".utf8)])
    #expect(terms.anyOf.isEmpty)
  }

  @Test("a newline in a message is an ordinary character")
  func newline() throws {
    #expect(try matches("first second", "first\nsecond"))
    #expect(try matches("\"t\ns\"", "first\nsecond"))
  }

  @Test("bytes that are not UTF-8 do not keep a message from matching")
  func invalidBytes() throws {
    let matcher = MessageMatcher(try FilterPatternParser.parse("ERROR"))
    let message = [0xFF, 0x00, 0xC3] + Array("ERROR".utf8)
    let isMatch = matcher.matches(message.span)
    #expect(isMatch)
  }
}
