/// A CloudWatch filter pattern, parsed.
///
/// The kind follows from the first character: `{` JSON, `[` space-delimited, `%` regex, else terms.
/// Printing a pattern and parsing it again gives the same pattern.
package enum FilterPattern: Sendable, Equatable {
  /// Absent or blank: every event matches.
  case all
  case terms(TermPattern)
  case regex(FilterRegex)
  case json(JSONCondition)
  case delimited(DelimitedPattern)

  /// What is worth saying about a pattern that is accepted, a sentence each.
  package var warnings: [String] {
    guard case .terms(let terms) = self, !terms.ignored.isEmpty else { return [] }
    return [
      "\(terms.ignored.joined(separator: " ")) ignored: optional terms count only when every "
        + "term is optional"
    ]
  }
}

/// A pattern of terms: substrings that must, may or must not occur.
package struct TermPattern: Sendable, Equatable {
  /// All of these occur.
  package var required: [[UInt8]] = []
  /// None of these occurs; an empty one is in every event.
  package var excluded: [[UInt8]] = []
  /// At least one of these occurs; empty unless every term of the pattern is optional.
  package var anyOf: [[UInt8]] = []
  /// Optional terms, as typed, that AWS ignores because other terms stand beside them.
  package var ignored: [String] = []
}

/// A condition over the properties of a message that is JSON as a whole.
package indirect enum JSONCondition: Sendable, Equatable {
  case any([JSONCondition])
  case all([JSONCondition])
  case test(JSONSelector, JSONTest)
}

/// A path into a JSON value: `$.users[0].name`.
package struct JSONSelector: Sendable, Equatable {
  /// One step down.
  package enum Step: Sendable, Equatable {
    case name([UInt8])
    case index(Int)
    /// `.*`: any member, or element.
    case anyMember
    /// `[*]`: any element.
    case anyElement
  }

  package var steps: [Step]

  /// How many of the steps are wildcards.
  var wildcards: Int { steps.count { $0 == .anyMember || $0 == .anyElement } }
}

/// What a selected value must be.
package enum JSONTest: Sendable, Equatable {
  case compare(Comparison)
  case isNull
  case isTrue
  case isFalse
  case notExists
}

/// `= value`, `< number` and so on, of JSON and of space-delimited patterns.
package struct Comparison: Sendable, Equatable {
  /// How values are compared.
  package enum Operator: String, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case greater = ">"
    case lessOrEqual = "<="
    case greaterOrEqual = ">="

    /// Whether it asks for an order, which only numbers have.
    var isOrdering: Bool { self != .equal && self != .notEqual }
  }

  /// What a value is compared to.
  package enum Operand: Sendable, Equatable {
    case text(TextOperand)
    /// A number as it was typed, such as `+1e3`.
    case number(String)
    case regex(FilterRegex)
  }

  package var operation: Operator
  package var operand: Operand
}

/// Text to be equal to, with a wildcard at either end: `*Event`, `5*`, `"*not found*"`, `*`.
package struct TextOperand: Sendable, Equatable {
  /// The text without its wildcards; a star inside is a star.
  package var literal: [UInt8]
  /// Anything may stand before the literal.
  package var isOpenAtStart = false
  /// Anything may stand behind the literal.
  package var isOpenAtEnd = false
  package var isQuoted: Bool
}

/// A pattern over the fields of a line: `[ip, user, ..., status = 4*, bytes > 1000]`.
package struct DelimitedPattern: Sendable, Equatable {
  package var slots: [Slot]

  /// What stands between two commas.
  package enum Slot: Sendable, Equatable {
    /// `...`: any number of fields.
    case ellipsis
    /// One field, with or without a name; without conditions it may be anything.
    case field(name: String?, condition: SlotCondition?)
  }
}

/// Comparisons of one field, joined by `||` and, binding tighter, `&&`.
package struct SlotCondition: Sendable, Equatable {
  /// Any of the inner lists, of which all comparisons hold.
  package var alternatives: [[Comparison]]
}
