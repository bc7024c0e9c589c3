internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query

/// How the rows of a query are printed.
enum ResultFormat: String, ExpressibleByArgument, CaseIterable {
  /// Aligned columns with a heading.
  case table
  /// One object a row.
  case jsonl
  /// One array of objects.
  case json
  /// RFC 4180 with a heading.
  case csv
}

/// Prints rows of results; fields without a value are left out of objects and empty elsewhere.
final class ResultWriter {
  private let format: ResultFormat
  private let columns: [String]
  private let output: OutputBuffer
  private let isTerminal: Bool
  private var table: TableWriter
  private(set) var rows = 0

  init(_ format: ResultFormat, columns: [String], output: OutputBuffer, isTerminal: Bool) {
    self.format = format
    self.columns = columns
    self.output = output
    self.isTerminal = isTerminal
    table = TableWriter(columns.map { TerminalText.line(Array($0.utf8).span) })
    if format == .csv {
      csv(columns.map { Array($0.utf8) })
    } else if format == .json {
      output.append("[")
    }
  }

  func write(_ row: [InsightsValue]) {
    rows += 1
    switch format {
    case .table:
      let cells = row.map { value in
        let text = value.resultText ?? []
        return TerminalText.line(text.span)
      }
      if let text = table.add(cells) { output.append(text) }
    case .csv: csv(row.map { $0.resultText ?? [] })
    case .json, .jsonl:
      let isFirst = rows == 1
      output.append { bytes in
        if format == .json, !isFirst { bytes.append(utf8: ",\n") }
        Self.append(row, columns, isTerminal: isTerminal, to: &bytes)
        if format == .jsonl { bytes.append(0x0A) }
      }
    }
  }

  func finish() {
    if format == .json { output.append("]\n") }
    if let text = table.finish() { output.append(text) }
  }

  private func csv(_ cells: [[UInt8]]) {
    var bytes: [UInt8] = []
    for (index, cell) in cells.enumerated() {
      if index > 0 { bytes.append(0x2C) }
      CSVWriter.append(cell.span, to: &bytes)
    }
    output.append { output in
      if isTerminal {
        TerminalText.append(bytes.span, to: &output)
      } else {
        output.append(copying: bytes.span)
      }
      output.append(utf8: "\r\n")
    }
  }

  /// A row as an object of strings.
  static func append(
    _ row: [InsightsValue],
    _ columns: [String],
    isTerminal: Bool,
    to bytes: inout [UInt8]
  ) {
    var json: [UInt8] = [0x7B]
    for (index, value) in row.enumerated() {
      guard let text = value.resultText else { continue }
      if json.count > 1 { json.append(0x2C) }
      JSONWriter.appendString(columns[index], to: &json)
      json.append(0x3A)
      JSONWriter.appendString(text.span, to: &json)
    }
    json.append(0x7D)
    if isTerminal {
      TerminalText.appendJSON(json.span, to: &bytes)
    } else {
      bytes += json
    }
  }
}
