internal import LogModel
internal import Platform
internal import Query

/// The rows of a query's answer.
struct Answer {
  var columns: [String]
  var rows: [[InsightsValue]]
  /// The column of time bins, if the query counts over time.
  var binColumn: Int?
}

/// Prints the answer of a query in any of the formats of `logs`.
struct AnswerWriter {
  let format: EventFormat
  let output: OutputBuffer
  var usesColour = false
  /// Whether what is printed reaches a terminal: then no byte of it may act on it.
  var isTerminal = false
  /// Columns of the terminal; 0 where it is none.
  var width = 0

  func write(_ answer: Answer) {
    switch format {
    case .tty, .plain, .table: writeTable(answer)
    case .csv: writeRows(answer, .csv)
    case .jsonl: writeRows(answer, .jsonl)
    case .json: writeRows(answer, .json)
    case .logfmt: writeLogfmt(answer)
    case .raw: writeRaw(answer)
    case .template(let template): writeTemplate(template, answer)
    }
  }

  private func writeRows(_ answer: Answer, _ format: ResultFormat) {
    let writer = ResultWriter(
      format,
      columns: answer.columns,
      output: output,
      isTerminal: isTerminal
    )
    for row in answer.rows where !output.isClosed { writer.write(row) }
    writer.finish()
  }

  private static func texts(_ answer: Answer) -> [[String?]] {
    answer.rows.map { row in
      row.map { value in value.resultText.map { String(repairing: $0.span) } }
    }
  }

  // MARK: table

  private func writeTable(_ result: Answer) {
    guard !result.columns.isEmpty else { return }
    let rows = Self.texts(result)
    let cells = rows.map { row in row.map { $0.map(Self.cell) ?? "-" } }
    let names = result.columns.map { TerminalText.string($0) }
    let isNumber = result.columns.indices.map { column in
      rows.contains { $0[column] != nil }
        && rows.allSatisfy { $0[column].map(Self.isNumber) ?? true }
    }
    let widths = names.indices.map { column in
      cells.reduce(Self.length(names[column])) { max($0, Self.length($1[column])) }
    }
    let bars = bars(rows, result.binColumn, isNumber, used: widths.reduce(0) { $0 + $1 + 2 })
    let head = Self.line(names, widths, isNumber)
    output.append((usesColour ? "\u{1b}[1m" + head + Colour.reset : head) + "\n")
    for (index, row) in cells.enumerated() where !output.isClosed {
      var line = Self.line(row, widths, isNumber)
      if let bars, !bars[index].isEmpty {
        let wanted = widths.reduce(0) { $0 + $1 + 2 }
        line += String(repeating: " ", count: max(0, wanted - Self.length(line)))
        line += usesColour ? "\u{1b}[36m" + bars[index] + Colour.reset : bars[index]
      }
      output.append(line + "\n")
    }
  }

  private static func line(_ row: [String], _ widths: [Int], _ isNumber: [Bool]) -> String {
    var line = ""
    for (column, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: widths[column] - length(cell))
      line += isNumber[column] ? padding + cell : cell + padding
      if column < row.count - 1 { line += "  " }
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  private static func cell(_ text: String) -> String {
    let bytes = Array(text.utf8)
    return TerminalText.line(bytes.span)
  }

  private static func length(_ text: String) -> Int { text.unicodeScalars.count }

  /// Digits with a sign and one point; nothing that only looks like a number to some.
  static func isNumber(_ text: String) -> Bool {
    var rest = text[...]
    if rest.first == "-" { rest.removeFirst() }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count <= 2
      && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
  }

  /// A bar beside every row of counts over time, on a terminal with room for it.
  private func bars(
    _ rows: [[String?]],
    _ bin: Int?,
    _ isNumber: [Bool],
    used: Int
  ) -> [String]? {
    guard isTerminal, let bin, width - used >= 8 || width == 0 else {
      return nil
    }
    // The first column of numbers that is not the bin is what the query is about, as in
    // `stats count(*) by bin(5m)`.
    guard let column = isNumber.indices.first(where: { isNumber[$0] && $0 != bin }) else {
      return nil
    }
    let values = rows.map { $0[column].flatMap { Double($0) } ?? 0 }
    return BarChart.bars(values, width: min(40, width == 0 ? 40 : width - used - 1))
  }

  // MARK: the others

  private func writeLogfmt(_ result: Answer) {
    for row in Self.texts(result) where !output.isClosed {
      appendText { bytes in
        var isFirst = true
        for (column, value) in zip(result.columns, row) {
          guard let value else { continue }
          if !isFirst { bytes.append(0x20) }
          isFirst = false
          LogfmtWriter.appendKey(column, to: &bytes)
          bytes.append(0x3D)
          LogfmtWriter.appendValue(Array(value.utf8).span, to: &bytes)
        }
      }
    }
  }

  /// Values alone, with tabs between them.
  private func writeRaw(_ result: Answer) {
    for row in Self.texts(result) where !output.isClosed {
      appendText { $0.append(utf8: row.map { $0 ?? "" }.joined(separator: "\t")) }
    }
  }

  private func writeTemplate(_ template: EventTemplate, _ result: Answer) {
    for row in Self.texts(result) where !output.isClosed {
      appendText { bytes in
        for piece in template.pieces {
          switch piece {
          case .text(let text): bytes.append(utf8: text)
          case .field(let field):
            let column = result.columns.firstIndex(of: field.name)
            bytes.append(utf8: column.flatMap { row[$0] } ?? "")
          }
        }
      }
    }
  }

  private func appendText(_ add: (inout [UInt8]) -> Void) {
    output.append { output in
      if isTerminal {
        var bytes: [UInt8] = []
        add(&bytes)
        TerminalText.append(bytes.span, to: &output)
      } else {
        add(&output)
      }
      output.append(0x0A)
    }
  }
}

/// Horizontal bars of block characters, in eighths of a column.
enum BarChart {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// The largest value takes `width` columns; what is above nothing is seen as something.
  static func bars(_ values: [Double], width: Int) -> [String] {
    let largest = values.max() ?? 0
    guard largest > 0, largest.isFinite, width > 0 else { return values.map { _ in "" } }
    return values.map { value in
      guard value > 0, value.isFinite else { return "" }
      let units = max(1, Int((value / largest * Double(width * 8)).rounded()))
      return String(repeating: "█", count: units / 8) + eighths[units % 8]
    }
  }
}
