/// Literals that every match of a regular expression contains: for skipping text that has none.
///
/// `(GET|POST) /api.*html` gives the clauses {GET, POST}, {" /api"} and {html}: a match holds one
/// of each. Where the expression uses something that the walk does not know, there are no clauses.
package struct RequiredLiterals: Sendable, Equatable {
  /// Of each clause, every match contains at least one literal; none is empty.
  package let clauses: [[[UInt8]]]

  package static let none = RequiredLiterals(clauses: [])

  package init(clauses: [[[UInt8]]]) { self.clauses = clauses }

  /// With `ignoresCase`, only literals without letters count: a search looks for them as they are.
  package init(of source: String, ignoresCase: Bool) {
    var walk = LiteralWalk(Array(source.utf8), ignoresCase)
    clauses = walk.run() ?? []
  }

  /// The longest literal that every match contains by itself.
  package var longest: [UInt8]? {
    clauses.compactMap { $0.count == 1 ? $0[0] : nil }.max { $0.count < $1.count }
  }
}

/// Walks an expression of PCRE2's syntax and gathers literals; gives up where it is unsure.
private struct LiteralWalk {
  typealias Clause = [[UInt8]]

  private let bytes: [UInt8]
  private let ignoresCase: Bool
  private var at = 0
  private var depth = 0
  private var isUnsure = false

  /// What one item of a sequence gives.
  private enum Item {
    /// A character that stands for itself.
    case text([UInt8])
    /// Takes text that is not known.
    case unknown
    /// Takes none: an anchor, a boundary.
    case empty
    case group([Clause])
  }

  init(_ bytes: [UInt8], _ ignoresCase: Bool) {
    self.bytes = bytes
    self.ignoresCase = ignoresCase
  }

  /// Nil when the walk gave up.
  mutating func run() -> [Clause]? {
    let clauses = alternatives()
    return isUnsure || at < bytes.count ? nil : clauses
  }

  /// Alternatives up to a closing parenthesis or the end.
  private mutating func alternatives() -> [Clause] {
    var branches: [[Clause]] = []
    while true {
      branches.append(sequence())
      guard !isUnsure, at < bytes.count, bytes[at] == 0x7C else { break }
      at += 1
    }
    if branches.count == 1 { return branches[0] }
    // One clause of all branches together: the best of each.
    var union: Clause = []
    for branch in branches {
      guard let best = Self.best(of: branch) else { return [] }
      for literal in best where !union.contains(literal) { union.append(literal) }
    }
    return union.count <= PatternLimits.literalAlternativesMax ? [union] : []
  }

  private mutating func sequence() -> [Clause] {
    var clauses: [Clause] = []
    var literal: [UInt8] = []
    func end(_ clauses: inout [Clause], _ literal: inout [UInt8]) {
      if !literal.isEmpty { clauses.append([literal]) }
      literal.removeAll()
    }
    while !isUnsure, at < bytes.count, bytes[at] != 0x7C, bytes[at] != 0x29 {
      let item = item()
      let count = quantifier()
      switch item {
      case .empty: continue
      case .text(let character):
        if count.min == 0 {
          end(&clauses, &literal)
        } else {
          literal += character
          if !count.isOne { end(&clauses, &literal) }
        }
      case .unknown: end(&clauses, &literal)
      case .group(let inner):
        end(&clauses, &literal)
        if count.min > 0 { clauses += inner }
      }
    }
    end(&clauses, &literal)
    return clauses
  }

  private mutating func item() -> Item {
    let byte = bytes[at]
    at += 1
    switch byte {
    case 0x5C: return escape()
    case 0x5B: return characterClass()
    case 0x28: return group()
    case 0x2E: return .unknown
    case 0x5E, 0x24: return .empty
    case 0x2A, 0x2B, 0x3F: return unsure()
    default: return literal(byte)
    }
  }

  /// The character that begins with `byte`, the one just taken.
  private mutating func literal(_ byte: UInt8) -> Item {
    var character = [byte]
    // A repeat behind it counts for the whole character.
    while byte >= 0xC0, at < bytes.count, (0x80...0xBF).contains(bytes[at]) {
      character.append(bytes[at])
      at += 1
    }
    let isLetter = (0x41...0x5A).contains(byte & 0xDF) || byte >= 0x80
    return ignoresCase && isLetter ? .unknown : .text(character)
  }

  private mutating func unsure() -> Item {
    isUnsure = true
    return .unknown
  }

  private mutating func escape() -> Item {
    guard at < bytes.count else { return unsure() }
    let byte = bytes[at]
    at += 1
    switch byte {
    case 0x64, 0x44, 0x73, 0x53, 0x77, 0x57, 0x68, 0x48, 0x76, 0x56, 0x4E, 0x52, 0x58:
      // \N{…} names a character.
      if byte == 0x4E, at < bytes.count, bytes[at] == 0x7B { return unsure() }
      return .unknown
    case 0x62, 0x42, 0x41, 0x7A, 0x5A, 0x47: return .empty
    case 0x6E: return .text([0x0A])
    case 0x72: return .text([0x0D])
    case 0x74: return .text([0x09])
    case 0x78: return hexEscape()
    case 0x31...0x39: return reference()
    case 0x30, 0x41...0x5A, 0x61...0x7A: return unsure()
    default: return literal(byte)
    }
  }

  /// A number: a group that matched before, whatever it was.
  private mutating func reference() -> Item {
    // Two digits and more may be octal.
    if at < bytes.count, (0x30...0x39).contains(bytes[at]) { return unsure() }
    return .unknown
  }

  private mutating func hexEscape() -> Item {
    guard at + 1 < bytes.count, let high = Self.digit(bytes[at]),
      let low = Self.digit(bytes[at + 1])
    else { return unsure() }
    at += 2
    // Above ASCII it is a character of two bytes in text, and of one where bytes are matched.
    return high < 8 ? literal(high << 4 | low) : .unknown
  }

  /// Skips a class; one of a single plain character is that character.
  private mutating func characterClass() -> Item {
    var members: [UInt8] = []
    var isPlain = true
    if at < bytes.count, bytes[at] == 0x5E {
      isPlain = false
      at += 1
    }
    var isFirst = true
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == 0x5D, !isFirst {
        return isPlain && members.count == 1 ? literal(members[0]) : .unknown
      }
      isFirst = false
      if byte == 0x5C {
        guard at < bytes.count else { return unsure() }
        let next = bytes[at]
        at += 1
        if next == 0x51 || next == 0x45 { return unsure() }
        if (0x30...0x39).contains(next) || (0x41...0x5A).contains(next & 0xDF) { isPlain = false }
        members.append(next)
      } else {
        // [:alpha:] and the like close with a bracket of their own.
        if byte == 0x5B, at < bytes.count, [0x3A, 0x2E, 0x3D].contains(bytes[at]) {
          return unsure()
        }
        if byte >= 0x80 { isPlain = false }
        members.append(byte)
      }
    }
    return unsure()
  }

  private mutating func group() -> Item {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Int(PatternLimits.nestingMax) else { return unsure() }
    var isAhead = false
    if at < bytes.count, bytes[at] == 0x2A { return unsure() }
    if at < bytes.count, bytes[at] == 0x3F {
      at += 1
      guard let kind = groupKind() else { return unsure() }
      isAhead = kind
    }
    let inner = alternatives()
    guard !isUnsure, at < bytes.count, bytes[at] == 0x29 else { return unsure() }
    at += 1
    return isAhead ? .empty : .group(inner)
  }

  /// Reads what is behind `(?`; true for a look around, nil for what is not known here.
  private mutating func groupKind() -> Bool? {
    guard at < bytes.count else { return nil }
    let byte = bytes[at]
    at += 1
    switch byte {
    case 0x3A, 0x3E: return false
    case 0x3D, 0x21: return true
    case 0x50, 0x3C, 0x27:
      if byte == 0x3C, at < bytes.count, bytes[at] == 0x3D || bytes[at] == 0x21 {
        at += 1
        return true
      }
      if byte == 0x50 {
        guard at < bytes.count, bytes[at] == 0x3C else { return nil }
        at += 1
      }
      let close: UInt8 = byte == 0x27 ? 0x27 : 0x3E
      guard let end = bytes[at...].firstIndex(of: close) else { return nil }
      at = end + 1
      return false
    default: return nil
    }
  }

  /// How often the item before stands there at least, and whether that is exactly once.
  private mutating func quantifier() -> (min: Int, isOne: Bool) {
    guard at < bytes.count else { return (1, true) }
    var least = 1
    switch bytes[at] {
    case 0x2A, 0x3F: least = 0
    case 0x2B: least = 1
    case 0x7B:
      guard let range = counts() else { return (1, true) }
      least = range
    default: return (1, true)
    }
    at += 1
    // Lazy and possessive forms.
    if at < bytes.count, bytes[at] == 0x3F || bytes[at] == 0x2B { at += 1 }
    return (least, false)
  }

  /// The least number of `{m,n}`, leaving its closing brace; nil where the brace is a literal.
  private mutating func counts() -> Int? {
    guard let close = bytes[at...].firstIndex(of: 0x7D), close - at <= 16 else { return nil }
    let inner = bytes[(at + 1)..<close]
    let parts = inner.split(separator: 0x2C, omittingEmptySubsequences: false)
    guard let first = parts.first, !first.isEmpty, parts.count <= 2,
      parts.allSatisfy({ $0.allSatisfy { (0x30...0x39).contains($0) } })
    else {
      // `{,3}` is a literal in this version and a count in later ones.
      isUnsure = inner.first == 0x2C || inner.contains(0x20)
      return nil
    }
    at = close
    return first.contains { $0 != 0x30 } ? 1 : 0
  }

  /// The clause whose shortest literal is longest.
  private static func best(of clauses: [Clause]) -> Clause? {
    func shortest(_ clause: Clause) -> Int { clause.map(\.count).min() ?? 0 }
    return clauses.max { shortest($0) < shortest($1) }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
