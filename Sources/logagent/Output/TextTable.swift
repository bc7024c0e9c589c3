/// Aligned columns: numbers to the right, everything else to the left.
struct TextTable {
  private var rows: [[String]]

  init(_ head: [String]) { rows = [head] }

  mutating func add(_ row: [String]) {
    precondition(row.count == rows[0].count)
    rows.append(row)
  }

  var text: String {
    let columns = rows[0].indices
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let isNumber = columns.map { column in
      rows.dropFirst().allSatisfy { $0[column].first?.isNumber ?? false }
        && !rows.dropFirst().contains { $0[column].contains("T") }
    }
    var text = ""
    for row in rows {
      var line = ""
      for column in columns {
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        line += isNumber[column] ? padding + row[column] : row[column] + padding
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }
}

/// Byte counts for people: 3.1 GB, decimal as disks are sold.
enum ByteCount {
  static func text(_ bytes: UInt64) -> String {
    if bytes < 1_000 { return "\(bytes) B" }
    var value = bytes
    var unit = 0
    while value >= 1_000_000 && unit < 4 {
      value /= 1_000
      unit += 1
    }
    let tenths = (value + 50) / 100
    return "\(tenths / 10).\(tenths % 10) \(["kB", "MB", "GB", "TB", "PB"][unit])"
  }
}
