/// A piece of a query's text.
struct InsightsToken: Sendable {
  enum Kind: Sendable, Equatable {
    /// A name or keyword, a name in backticks, or a dotted path of such. A word is one part without
    /// backticks: only words can be keywords or names of functions.
    case path([String], isWord: Bool)
    /// `.a.b`: what follows a call or a bracket.
    case members([String])
    case number(String)
    case period(InsightsPeriod)
    case string(String)
    /// One of the signs of the language.
    case symbol(String)
    case end
  }

  var kind: Kind
  /// In Unicode scalars.
  var range: Range<Int>

  /// The lower-case form of a word; nil for everything else.
  var keyword: String? {
    guard case .path(let parts, isWord: true) = kind, let word = parts.first else { return nil }
    return word.lowercased()
  }

  func isSymbol(_ symbol: String) -> Bool { kind == .symbol(symbol) }
}
