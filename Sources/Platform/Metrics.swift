internal import Synchronization

/// Counters and gauges of one process, by name and labels.
///
/// Safe from any thread.
///
/// Touched once a batch, commit, request or sweep, never once an event.
package final class Metrics: Sendable {
  /// What a value is kept under.
  package struct Key: Hashable, Sendable, Comparable {
    package let name: String
    /// Rendered labels, `{a="b"}`, or empty.
    package let labels: String

    package static func < (left: Key, right: Key) -> Bool {
      (left.name, left.labels) < (right.name, right.labels)
    }
  }

  private let values = Mutex<[Key: Double]>([:])

  package init() {}

  package func add(_ name: String, _ amount: Double = 1, _ labels: [(String, String)] = []) {
    let key = Key(name: name, labels: Self.render(labels))
    values.withLock { $0[key, default: 0] += amount }
  }

  package func set(_ name: String, _ value: Double, _ labels: [(String, String)] = []) {
    let key = Key(name: name, labels: Self.render(labels))
    values.withLock { $0[key] = value }
  }

  package func value(_ name: String, _ labels: [(String, String)] = []) -> Double {
    let key = Key(name: name, labels: Self.render(labels))
    return values.withLock { $0[key] ?? 0 }
  }

  /// The sum over all labels of a name.
  package func total(_ name: String) -> Double {
    values.withLock { all in all.reduce(0) { $1.key.name == name ? $0 + $1.value : $0 } }
  }

  package func snapshot() -> [(Key, Double)] {
    values.withLock { all in all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
  }

  private static func render(_ labels: [(String, String)]) -> String {
    if labels.isEmpty { return "" }
    let parts = labels.map { name, value in
      var escaped = ""
      for character in value.unicodeScalars {
        switch character {
        case "\\": escaped += "\\\\"
        case "\"": escaped += "\\\""
        case "\n": escaped += "\\n"
        default: escaped.unicodeScalars.append(character)
        }
      }
      return "\(name)=\"\(escaped)\""
    }
    return "{" + parts.joined(separator: ",") + "}"
  }
}
