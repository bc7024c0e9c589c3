import Foundation
import LogModel
import Platform
import Testing

@Suite("JSON cursor")
struct JSONCursorTests {
  private func end(_ text: String) -> JSONSyntax.End {
    let bytes = Array(text.utf8)
    return JSONSyntax.value(bytes.span, from: 0, to: bytes.count)
  }

  @Test(
    "valid values end where they end",
    arguments: [
      "{}", "[]", "0", "-0", "-1.5e+10", "1E5", "true", "false", "null", #""""#,
      #"{"a":1,"b":[1,2,{"c":null}],"d":"x\"y\\\u00e9\/"}"#, "[[[[]]]]", " \t\r\n[ 1 , 2 ]",
      "{ \"a\" : { } }", "\"\u{7f}\u{e9}\"",
    ]
  )
  func valid(_ text: String) { #expect(end(text) == .value(text.utf8.count)) }

  @Test(
    "what the grammar refuses is refused",
    arguments: [
      "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{\"a\":}", "[1 2]", "[,]",
      "tru", "nul", "fals", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "-", "+1", "1.", ".5",
      "1e",
      "{\"a\":1]", "[1}", "{1:2}", "'a'", "01e",
    ]
  )
  func invalid(_ text: String) {
    let bytes = Array(text.utf8)
    if case .value(let end) = end(text) { #expect(end != bytes.count) }
  }

  @Test("agrees with Foundation on mutated texts")
  func differential() {
    var random = SystemRandomNumberGenerator()
    let seeds = [
      #"{"a":[1,2.5e3,-0.1,true,false,null],"bc":{"d":"e\n\u0041","f":""},"g":[[],{}]}"#,
      #"[{"x":"\\\"","y":0},"z",-12]"#,
    ]
    let alphabet = Array("{}[]\",:\\0123456789eE+-.truefalsn \n/u".utf8)
    for round in 0..<20_000 {
      var bytes = Array(seeds[round % 2].utf8)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = alphabet.randomElement(using: &random) ?? 0x20
        case 1: bytes.remove(at: at)
        default: bytes.insert(alphabet.randomElement(using: &random) ?? 0x20, at: at)
        }
      }
      var cursor = JSONCursor(0..<bytes.count)
      let ours = cursor.skip(in: bytes.span) && cursor.isAtEnd(in: bytes.span)
      let theirs =
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
      let text = String(decoding: bytes, as: UTF8.self)
      // Foundation refuses numbers beyond a double and lets a last comma pass.
      let isKnown =
        text.lowercased().contains("e")
        || (!ours && text.range(of: #",\s*[\]}]"#, options: .regularExpression) != nil)
      if ours != theirs, !isKnown {
        Issue.record("\(text): ours \(ours)")
        return
      }
    }
  }

  @Test("nesting is bounded, not recursive")
  func depth() {
    let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(end(deep) == .value(128))
    #expect(end("[" + deep + "]") == .failure(64))
    #expect(end(String(repeating: "[", count: 1_000_000)) == .failure(64))
  }

  @Test("an object is walked member by member")
  func walk() throws {
    let text = #"{"a": 1, "b\u0063": [10, "x", {}], "d": {"e": "f\ng"}}"#
    let bytes = Array(text.utf8)
    var cursor = JSONCursor(0..<bytes.count)
    let isObject = cursor.enterObject(in: bytes.span)
    #expect(isObject)
    var seen: [String] = []
    var buffer: [UInt8] = []
    while let name = cursor.nextName(in: bytes.span) {
      JSONCursor.unescape(name, in: bytes.span, into: &buffer)
      seen.append(String(decoding: buffer, as: UTF8.self))
      if cursor.enterArray(in: bytes.span) {
        while cursor.nextElement(in: bytes.span) {
          let taken = cursor.take(in: bytes.span)
          let element = try #require(taken)
          seen.append(String(decoding: bytes[element.range], as: UTF8.self))
        }
      } else {
        let taken = cursor.take(in: bytes.span)
        let value = try #require(taken)
        seen.append(String(decoding: bytes[value.range], as: UTF8.self))
      }
    }
    let isAtEnd = cursor.isAtEnd(in: bytes.span)
    #expect(isAtEnd)
    #expect(seen == ["a", "1", "bc", "10", "x", "{}", "d", #"{"e": "f\ng"}"#])
  }

  @Test("a failed cursor stays failed")
  func failure() {
    let bytes = Array(#"{"a": tru, "b": 1}"#.utf8)
    var cursor = JSONCursor(0..<bytes.count)
    let isObject = cursor.enterObject(in: bytes.span)
    let hasName = cursor.nextName(in: bytes.span) != nil
    let hasValue = cursor.take(in: bytes.span) != nil
    let hasSecond = cursor.nextName(in: bytes.span) != nil
    let isAtEnd = cursor.isAtEnd(in: bytes.span)
    #expect(isObject && hasName && !hasValue && !hasSecond && !isAtEnd && cursor.hasFailed)
  }
}

@Suite("Decimal numbers")
struct DecimalNumberTests {
  private func parse(_ text: String) -> DecimalNumber.Value? {
    DecimalNumber.parse(Array(text.utf8).span)
  }

  @Test("whole numbers stay exact")
  func integers() {
    #expect(parse("9007199254740993") == .integer(9_007_199_254_740_993))
    #expect(parse("-9223372036854775807") == .integer(-9_223_372_036_854_775_807))
    #expect(parse("007") == .integer(7))
    #expect(parse("+5") == .integer(5))
    #expect(parse("18446744073709551616")?.real == 18_446_744_073_709_551_616)
  }

  @Test(
    "what is no number is none",
    arguments: [
      "", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "inf", "nan", " 1", "1 ", "1,000",
      "1e999",
    ]
  )
  func none(_ text: String) { #expect(parse(text) == nil) }

  @Test("decimals are the nearest double")
  func reals() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let value = Double.random(in: -1e6...1e6, using: &random)
      let digits = Int.random(in: 0...20, using: &random)
      let text = String(format: "%.\(digits)f", value)
      #expect(parse(text)?.real == Double(text))
      let scientific = String(format: "%.\(digits)e", value * 1e-200)
      #expect(parse(scientific)?.real == Double(scientific))
    }
    #expect(parse("1e3") == .real(1_000))
    #expect(parse(".5") == .real(0.5))
    #expect(parse("5.") == .real(5))
  }
}
