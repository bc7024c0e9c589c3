import Foundation
import LogModel
import Testing

@testable import logagent

@Suite("Log text on a terminal")
struct LogsTerminalTests {
  private func shown(_ bytes: [UInt8], keepsColour: Bool = false) -> [UInt8] {
    var output: [UInt8] = []
    TerminalText.append(bytes.span, keepsColour: keepsColour, to: &output)
    return output
  }

  private func shown(_ text: String, keepsColour: Bool = false) -> String {
    String(decoding: shown(Array(text.utf8), keepsColour: keepsColour), as: UTF8.self)
  }

  @Test(
    "no message can act on the terminal",
    arguments: [
      ("a\u{1b}[2Jb", "a\\x1b[2Jb"),
      ("\u{1b}]0;title\u{07}", "\\x1b]0;title\\x07"),
      ("\u{1b}]52;c;ZXZpbA==\u{07}", "\\x1b]52;c;ZXZpbA==\\x07"),
      ("\u{1b}]8;;http://x\u{1b}\\link", "\\x1b]8;;http://x\\x1b\\link"),
      ("\u{1b}P$qm\u{1b}\\", "\\x1bP$qm\\x1b\\"),
      ("\u{1b}[21t", "\\x1b[21t"),
      ("end\u{1b}", "end\\x1b"),
      ("a\u{9b}2Jb", "a\\u{9b}2Jb"),
      ("real\rfake", "real\\rfake"),
      ("ab\u{08}\u{08}c", "ab\\x08\\x08c"),
      ("a\u{202e}b\u{2066}c\u{2028}d\u{feff}", "a\\u{202e}b\\u{2066}c\\u{2028}d\\u{feff}"),
      ("\u{1b}Pq#0;2;0;0;0#0~~", "\\x1bPq#0;2;0;0;0#0~~"),
      ("del\u{7f}nul\u{00}", "del\\x7fnul\\x00"),
      ("\u{1b}[38;5;1", "\\x1b[38;5;1"),
      ("tab\there é 漢 👩‍💻", "tab\there é 漢 👩‍💻"),
    ]
  )
  func harmless(_ text: String, _ expected: String) {
    for keepsColour in [false, true] {
      #expect(shown(text, keepsColour: keepsColour) == expected)
      #expect(!shown(text, keepsColour: keepsColour).unicodeScalars.contains { $0.value == 0x1B })
    }
  }

  @Test("raw C1 bytes and broken UTF-8 are shown as numbers")
  func brokenBytes() {
    #expect(shown([0x9B, 0x32, 0x4A]) == Array("\\x9b2J".utf8))
    #expect(shown([0xC3, 0x28, 0xED, 0xA0, 0x80]) == Array("\\xc3(\\xed\\xa0\\x80".utf8))
    #expect(shown([0xF4, 0x90, 0x80, 0x80]) == Array("\\xf4\\x90\\x80\\x80".utf8))
  }

  @Test("colours stay where wanted, and end with their line")
  func colours() {
    #expect(
      shown("\u{1b}[31mred", keepsColour: true) == "\u{1b}[31mred\u{1b}[0m"
    )
    #expect(
      shown("\u{1b}[38;2;1;2;3mred\nnext", keepsColour: true)
        == "\u{1b}[38;2;1;2;3mred\u{1b}[0m\n  next"
    )
    #expect(shown("\u{1b}[31mred") == "\\x1b[31mred")
    let long = "\u{1b}[" + String(repeating: "1;", count: 40) + "m"
    #expect(!shown(long, keepsColour: true).hasPrefix("\u{1b}"))
  }

  @Test("a line that a newline begins is indented, a carriage return before it is left out")
  func lines() {
    #expect(shown("a\r\nb\r") == "a\n  b")
  }

  @Test("a million combining marks take linear time")
  func combiningMarks() {
    let marks = [UInt8]("a".utf8) + (0..<1_000_000).flatMap { _ in [0xCC, 0x81] as [UInt8] }
    let started = ContinuousClock.now
    #expect(shown(marks).count == marks.count)
    #expect(ContinuousClock.now - started < .seconds(5))
  }

  @Test("whatever the bytes, the output is UTF-8 without controls but tab, newline and colours")
  func randomBytes() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let bytes = (0..<200).map { _ in
        [
          0x1B, 0x5B, 0x9B, 0xC2, 0xE2, 0x80, 0xAE, 0x0D, 0x0A,
          UInt8.random(in: 0...255, using: &random),
        ]
        .randomElement(using: &random) ?? 0
      }
      let output = shown(bytes)
      let text = String(validating: output, as: UTF8.self)
      #expect(text != nil)
      let harmful = text?.unicodeScalars.contains { scalar in
        (scalar.value < 0x20 && scalar != "\t" && scalar != "\n")
          || (0x7F...0x9F).contains(scalar.value)
          || (0x202A...0x202E).contains(scalar.value)
      }
      #expect(harmful == false)
    }
  }
}
