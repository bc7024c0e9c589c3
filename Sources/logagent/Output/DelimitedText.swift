internal import LogModel
internal import Platform

/// Cells of RFC 4180: in quotes where they hold a comma, a quote or a line break.
enum CSVWriter {
  static func append(_ cell: Span<UInt8>, to bytes: inout [UInt8]) {
    var needsQuotes = false
    for index in 0..<cell.count {
      switch cell[index] {
      case 0x22, 0x2C, 0x0A, 0x0D: needsQuotes = true
      default: continue
      }
      break
    }
    guard needsQuotes else {
      bytes.append(copying: cell)
      return
    }
    bytes.append(0x22)
    for index in 0..<cell.count {
      if cell[index] == 0x22 { bytes.append(0x22) }
      bytes.append(cell[index])
    }
    bytes.append(0x22)
  }
}

/// Keys and values of logfmt: quoted, with JSON's escapes, where they are not one plain word.
enum LogfmtWriter {
  /// What ends a key becomes `_`.
  static func appendKey(_ key: String, to bytes: inout [UInt8]) {
    for byte in key.utf8 {
      bytes.append(byte <= 0x20 || byte == 0x3D || byte == 0x22 || byte == 0x7F ? 0x5F : byte)
    }
  }

  static func appendValue(_ value: Span<UInt8>, to bytes: inout [UInt8]) {
    var isPlain = value.count > 0
    for index in 0..<value.count where isPlain {
      let byte = value[index]
      isPlain = byte > 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x3D && byte != 0x5C
    }
    if isPlain {
      bytes.append(copying: value)
    } else {
      JSONWriter.appendString(value, to: &bytes)
    }
  }
}

/// Columns that grow with what they have held, up to a bound, so that lines can be printed at once.
struct ColumnWidths {
  private static let widthMax = 40
  private var widths: [Int]

  init(count: Int) { widths = Array(repeating: 0, count: count) }

  mutating func line(_ cells: [String], _ separator: String) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      if index > 0 { line += separator }
      line += cell
      guard index < cells.count - 1 else { break }
      let width = cell.unicodeScalars.count
      widths[index] = max(widths[index], min(width, Self.widthMax))
      line += String(repeating: " ", count: max(0, widths[index] - width))
    }
    return line
  }
}

/// A table whose columns are as wide as its first rows need: those are held back, the rest is not.
struct TableWriter {
  /// Rows that decide the widths.
  private static let heldRowsMax = 1_000
  private let head: [String]
  private var held: [[String]] = []
  private var widths: [Int]?

  init(_ head: [String]) { self.head = head }

  /// Takes a row; text that is ready, if there is any.
  mutating func add(_ row: [String]) -> String? {
    if let widths { return Self.line(row, widths) }
    held.append(row)
    return held.count >= Self.heldRowsMax ? release() : nil
  }

  /// What is left.
  mutating func finish() -> String? { widths == nil && !held.isEmpty ? release() : nil }

  private mutating func release() -> String {
    let rows = [head] + held
    let widths = head.indices.map { column in
      rows.map { $0[column].unicodeScalars.count }.max() ?? 0
    }
    self.widths = widths
    held = []
    return rows.map { Self.line($0, widths) }.joined()
  }

  private static func line(_ row: [String], _ widths: [Int]) -> String {
    var line = ""
    for (column, cell) in row.enumerated() {
      line += cell
      guard column < row.count - 1 else { break }
      let padding = widths[column] - cell.unicodeScalars.count
      line += String(repeating: " ", count: max(0, padding) + 2)
    }
    return line + "\n"
  }
}
