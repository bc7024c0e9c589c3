/// A piece of a configuration file; lines and columns count from 1, columns in characters.
struct SourceRange: Sendable, Equatable {
  var line: Int
  var column: Int
  var endLine: Int
  /// One past the last character.
  var endColumn: Int

  /// No particular place: the problem is the file as a whole.
  static let wholeFile = SourceRange(line: 0, column: 0, endLine: 0, endColumn: 0)

  /// A single character.
  static func at(line: Int, column: Int) -> SourceRange {
    SourceRange(line: line, column: column, endLine: line, endColumn: column + 1)
  }

  /// `12:5`, for messages that name another place of the same file.
  var start: String { "\(line):\(column)" }
}
