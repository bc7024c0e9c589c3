import Foundation
import LogModel
import Platform
import Query
import TestSupport
import Testing

@testable import logagent

@Suite("Answers of queries")
struct AnswerWriterTests {
  private let directory = TemporaryDirectory("results")
  private static let counts = Answer(
    columns: ["bin(5m)", "host", "n"],
    texts: [
      ["2026-11-23 10:10:00.000", "a", "41"], ["2026-11-23 10:15:00.000", nil, "8"],
      ["2026-11-23 10:20:00.000", "long name", "0.5"],
    ],
    binColumn: 0
  )

  private func printed(
    _ result: Answer,
    _ format: EventFormat,
    isTerminal: Bool = false
  ) throws -> String {
    let path = directory.file("out-\(UUID().uuidString)")
    let file = try Descriptor(open: path, O_WRONLY | O_CREAT)
    let output = OutputBuffer(file.raw)
    let writer = AnswerWriter(
      format: format,
      output: output,
      isTerminal: isTerminal,
      width: isTerminal ? 60 : 0
    )
    writer.write(result)
    output.finish()
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test("a table is aligned, numbers to the right, what is absent is a dash")
  func table() throws {
    #expect(
      try printed(Self.counts, .plain) == """
        bin(5m)                  host         n
        2026-11-23 10:10:00.000  a           41
        2026-11-23 10:15:00.000  -            8
        2026-11-23 10:20:00.000  long name  0.5

        """
    )
  }

  @Test("counts over time have bars on a terminal")
  func bars() throws {
    let lines = try printed(Self.counts, .tty, isTerminal: true).split(separator: "\n")
    #expect(lines[1].hasSuffix("41  ██████████████████"))
    #expect(lines[2].hasSuffix(" 8  ███▌"))
    #expect(lines[3].hasSuffix("0.5  ▎"))
    var plain = Self.counts
    plain.binColumn = nil
    #expect(try !printed(plain, .tty, isTerminal: true).contains("█"))
    #expect(BarChart.bars([0, 1, 8], width: 1) == ["", "▏", "█"])
    #expect(BarChart.bars([0, -1, .nan], width: 10) == ["", "", ""])
  }

  @Test("JSON has objects of texts without what is absent")
  func json() throws {
    #expect(
      try printed(Self.counts, .jsonl).split(separator: "\n")[1]
        == "{\"bin(5m)\":\"2026-11-23 10:15:00.000\",\"n\":\"8\"}"
    )
    let array = try JSONSerialization.jsonObject(with: Data(try printed(Self.counts, .json).utf8))
    #expect((array as? [[String: String]])?.count == 3)
    let empty = Answer(columns: ["n"], texts: [])
    #expect(try printed(empty, .json) == "[]\n")
  }

  @Test("csv, logfmt, raw and templates")
  func others() throws {
    #expect(
      try printed(Self.counts, .csv).split(separator: "\r\n").prefix(3).last
        == "2026-11-23 10:15:00.000,,8"
    )
    #expect(
      try printed(Self.counts, .logfmt).split(separator: "\n")[2]
        == "bin(5m)=\"2026-11-23 10:20:00.000\" host=\"long name\" n=0.5"
    )
    #expect(
      try printed(Self.counts, .raw).split(separator: "\n")[0] == "2026-11-23 10:10:00.000\ta\t41"
    )
    #expect(
      try printed(Self.counts, .template(EventTemplate("{host}: {n}"))).split(separator: "\n")[0]
        == "a: 41"
    )
  }

  @Test(
    "values cannot act on a terminal",
    arguments: [EventFormat.tty, .jsonl, .csv, .raw, .logfmt]
  )
  func safety(_ format: EventFormat) throws {
    let evil = Answer(
      columns: ["x\u{1b}[2J"],
      texts: [["a\u{1b}]0;t\u{07}\u{9b}\u{7f}\u{202e}"]]
    )
    let shown = try printed(evil, format, isTerminal: true)
    #expect(
      !shown.unicodeScalars.contains {
        $0.value < 0x20 && $0 != "\n" && $0 != "\r" || (0x7F...0x9F).contains($0.value)
          || $0.value == 0x202E
      }
    )
  }

  @Test(
    "what is a number",
    arguments: [
      ("1", true), ("-1.5", true), ("", false), ("1.", false), (".5", false), ("1.2.3", false),
      ("1e5", false), ("2026-11-23", false), ("-", false), ("١", false),
    ]
  )
  func numbers(_ text: String, _ expected: Bool) {
    #expect(AnswerWriter.isNumber(text) == expected)
  }
}

extension Answer {
  fileprivate init(columns: [String], texts: [[String?]], binColumn: Int? = nil) {
    self.init(
      columns: columns,
      rows: texts.map { row in
        row.map { $0.map { InsightsValue.text(Array($0.utf8)) } ?? InsightsValue.null }
      },
      binColumn: binColumn
    )
  }
}
