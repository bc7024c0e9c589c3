import Foundation

/// One case of the filter pattern language: a pattern, a message, and what CloudWatch makes of
/// them.
struct FilterVector: Decodable, Sendable, CustomStringConvertible {
  let pattern: String
  let message: String?
  let match: Bool?
  let error: Bool?
  let source: String

  var description: String { "\(pattern) on \(message ?? "-")" }

  /// From the examples and rules of CloudWatch's documentation.
  static let all: [FilterVector] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("Vectors/filter.jsonl")
    guard let data = try? Data(contentsOf: path) else { return [] }
    return data.split(separator: 0x0A).compactMap {
      try? JSONDecoder().decode(FilterVector.self, from: Data($0))
    }
  }()
}
