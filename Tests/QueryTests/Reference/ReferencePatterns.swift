import Foundation
import LogModel

@testable import Query

/// `pattern` and `diff`, on whole strings.
///
/// A word is a run of letters, digits, `_` and everything beyond ASCII. Words with a digit are
/// variable. Templates that have the same text between their words and at least 70 % of the words
/// are one, from the most frequent on.
enum ReferencePatterns {
  private static let variable = "\u{1}"

  static func rows(_ texts: [String]) -> [ReferenceRow] {
    var counts: [String: Int] = [:]
    for text in texts { counts[template(text), default: 0] += 1 }
    var clusters: [(words: [String], between: [String], count: Int)] = []
    for (template, count) in sorted(counts) {
      let (words, between) = split(template)
      var best: (index: Int, same: Int)?
      for (index, cluster) in clusters.enumerated() where cluster.between == between {
        let same = zip(cluster.words, words).count { $0 == $1 }
        if same > best?.same ?? -1 { best = (index, same) }
      }
      if let best, Double(best.same) >= 0.7 * Double(words.count) - 1e-9 {
        clusters[best.index].words = zip(clusters[best.index].words, words).map { known, word in
          known == word ? word : variable
        }
        clusters[best.index].count += count
      } else {
        clusters.append((words, between, count))
      }
    }
    var joined: [String: Int] = [:]
    for cluster in clusters {
      let text = zip(cluster.between, cluster.words + [""]).map { $0 + $1 }.joined()
      joined[text, default: 0] += cluster.count
    }
    return sorted(joined).map { template, count in
      var row = ReferenceRow()
      row.defined["@pattern"] = .text(shown(template))
      row.defined["@sampleCount"] = .number(Double(count))
      row.defined["@ratio"] = .number(Double(count) / Double(max(1, texts.count)))
      row.defined["@severityLabel"] = severity(template)
      return row
    }
  }

  /// The counts beside those of the window before; patterns that are gone come too.
  static func diff(_ rows: [ReferenceRow], _ earlier: [ReferenceRow]) -> [ReferenceRow] {
    var before: [String: Double] = [:]
    for row in earlier {
      guard let pattern = row.defined["@pattern"]?.text else { continue }
      before[pattern, default: 0] += row.defined["@sampleCount"]?.number ?? 0
    }
    var all = rows
    let current = Set(rows.compactMap { $0.defined["@pattern"]?.text })
    for pattern in before.keys where !current.contains(pattern) {
      var row = ReferenceRow()
      row.defined["@pattern"] = .text(pattern)
      row.defined["@sampleCount"] = .number(0)
      row.defined["@ratio"] = .number(0)
      row.defined["@severityLabel"] = severity(pattern)
      all.append(row)
    }
    return all.map { row in
      var row = row
      let count = row.defined["@sampleCount"]?.number ?? 0
      let previous = before[row.defined["@pattern"]?.text ?? ""] ?? 0
      row.defined["@previousSampleCount"] = .number(previous)
      row.defined["@difference"] = .number(count - previous)
      row.defined["@differencePercent"] =
        previous == 0 ? .null : .number((count - previous) / previous * 100)
      return row
    }
  }

  private static func sorted(_ counts: [String: Int]) -> [(key: String, value: Int)] {
    counts.sorted { left, right in
      left.value != right.value
        ? left.value > right.value
        : left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
    }
  }

  private static func template(_ text: String) -> String {
    let (words, between) = split(text)
    let marked = words.map { word in
      word.unicodeScalars.contains { ("0"..."9").contains($0) } ? variable : word
    }
    var template = zip(between, marked + [""]).map { $0 + $1 }.joined()
    // `12:30:01` and `10.0.0.1` are one variable.
    while let joint = template.range(
      of: "\(variable)[.:/-]\(variable)",
      options: .regularExpression
    ) {
      template.replaceSubrange(joint, with: variable)
    }
    return template
  }

  /// Words, and the text before, between and behind them: one more than there are words.
  private static func split(_ text: String) -> (words: [String], between: [String]) {
    var words: [String] = []
    var between = [""]
    var isWord = false
    for scalar in text.unicodeScalars {
      let belongs =
        scalar.value >= 0x80 || scalar == "_" || String(scalar) == variable
        || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
      if belongs {
        if !isWord {
          words.append("")
          between.append("")
        }
        words[words.count - 1].unicodeScalars.append(scalar)
      } else {
        between[between.count - 1].unicodeScalars.append(scalar)
      }
      isWord = belongs
    }
    return (words, between)
  }

  private static func shown(_ template: String) -> String {
    let parts = template.components(separatedBy: variable)
    return parts.dropFirst().enumerated().reduce(parts[0]) { text, part in
      text + "<Token-\(part.offset + 1)>" + part.element
    }
  }

  private static func severity(_ text: String) -> ReferenceValue {
    .text(LogLevel.detect(Array(text.utf8).span)?.name.uppercased() ?? "NONE")
  }
}
