extension FilterPattern: CustomStringConvertible {
  /// The pattern in its canonical form: parsed again it is the same pattern.
  package var description: String {
    switch self {
    case .all: ""
    case .terms(let terms): terms.description
    case .regex(let regex): "%\(regex.source)%"
    case .json(let condition): "{ \(Self.text(condition)) }"
    case .delimited(let pattern): pattern.description
    }
  }

  private static func text(_ condition: JSONCondition) -> String {
    switch condition {
    case .any(let parts):
      parts.map { part in
        if case .any = part { "(\(text(part)))" } else { text(part) }
      }.joined(separator: " || ")
    case .all(let parts):
      parts.map { part in
        if case .test = part { text(part) } else { "(\(text(part)))" }
      }.joined(separator: " && ")
    case .test(let selector, let test): "\(selector) \(test)"
    }
  }
}

extension TermPattern: CustomStringConvertible {
  package var description: String {
    // Ignored terms need another one beside them, or they would count.
    let needsOther = !ignored.isEmpty && required.isEmpty && excluded.isEmpty
    let terms =
      ignored + required.map { Self.term($0) } + (needsOther ? ["\"\""] : [])
      + excluded.map { "-" + Self.term($0) } + anyOf.map { "?" + Self.term($0) }
    return terms.joined(separator: " ")
  }

  private static func term(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let isWord = !text.isEmpty && text.unicodeScalars.allSatisfy { PatternCursor.isWord($0) }
    return isWord ? text : PatternCursor.quoted(text)
  }
}

extension JSONSelector: CustomStringConvertible {
  package var description: String {
    steps.reduce(into: "$") { text, step in
      switch step {
      case .name(let bytes):
        let name = String(decoding: bytes, as: UTF8.self)
        let isPlain =
          !name.isEmpty && name.unicodeScalars.allSatisfy { JSONPatternParser.isName($0) }
        text += isPlain ? ".\(name)" : ".['\(name)']"
      case .index(let index): text += "[\(index)]"
      case .anyMember: text += ".*"
      case .anyElement: text += "[*]"
      }
    }
  }
}

extension JSONTest: CustomStringConvertible {
  package var description: String {
    switch self {
    case .compare(let comparison): comparison.description
    case .isNull: "IS NULL"
    case .isTrue: "IS TRUE"
    case .isFalse: "IS FALSE"
    case .notExists: "NOT EXISTS"
    }
  }
}

extension Comparison: CustomStringConvertible {
  package var description: String {
    let value =
      switch operand {
      case .number(let text): text
      case .regex(let regex): "%\(regex.source)%"
      case .text(let text): text.description
      }
    return "\(operation.rawValue) \(value)"
  }
}

extension TextOperand: CustomStringConvertible {
  package var description: String {
    let inner = String(decoding: literal, as: UTF8.self)
    let text = (isOpenAtStart ? "*" : "") + inner + (isOpenAtEnd ? "*" : "")
    return isQuoted ? PatternCursor.quoted(text) : text
  }
}

extension DelimitedPattern: CustomStringConvertible {
  package var description: String {
    "[" + slots.map(\.description).joined(separator: ", ") + "]"
  }
}

extension DelimitedPattern.Slot: CustomStringConvertible {
  package var description: String {
    switch self {
    case .ellipsis: "..."
    case .field(let name, let condition):
      condition?.description(of: name ?? "") ?? name ?? ""
    }
  }
}

extension SlotCondition {
  fileprivate func description(of name: String) -> String {
    alternatives.map { all in
      all.map { "\(name) \($0)" }.joined(separator: " && ")
    }.joined(separator: " || ")
  }
}
