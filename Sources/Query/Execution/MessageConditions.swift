package import LogModel
internal import Platform

/// What is asked of messages besides the filter pattern: regular expressions and levels.
package struct MessageConditions: Sendable {
  /// All of these match.
  package var required: [BytePattern] = []
  /// None of these does.
  package var excluded: [BytePattern] = []
  /// The level is one of these; a message that says none has none of them.
  ///
  /// Gap records are warnings.
  package var levels: LogLevelSet?

  package init() {}

  /// What a block must hold: the longest text that every match of an expression has in it.
  var literals: [[UInt8]] { required.compactMap { $0.literals.longest } }

  package var isEmpty: Bool { required.isEmpty && excluded.isEmpty && levels == nil }
}

/// The conditions with what PCRE2 needs between calls.
///
/// Used by one thread.
final class ConditionCheck {
  private let required: [PatternSearch]
  private let excluded: [PatternSearch]
  private let levels: LogLevelSet?

  init(_ conditions: MessageConditions) {
    required = conditions.required.map { PatternSearch($0) }
    excluded = conditions.excluded.map { PatternSearch($0) }
    levels = conditions.levels
  }

  func passes(_ message: Span<UInt8>, _ flags: EventFlags) throws(PatternFailure) -> Bool {
    if let levels {
      let level = flags.contains(.gap) ? LogLevel.warn : LogLevel.detect(message)
      guard let level, levels.contains(level) else { return false }
    }
    for search in required where try search.firstMatch(in: message) == nil { return false }
    for search in excluded where try search.firstMatch(in: message) != nil { return false }
    return true
  }
}
