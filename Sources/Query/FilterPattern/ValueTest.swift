internal import Platform

/// One comparison of a filter pattern, ready to test values where they stand.
///
/// Holds what PCRE2 needs between calls: used by one thread.
struct ValueTest {
  private enum Operand {
    case text(TextOperand)
    case number(bytes: [UInt8], value: DecimalText)
    case regex(PatternSearch)
  }

  private let operation: Comparison.Operator
  private let operand: Operand

  init(_ comparison: Comparison) {
    operation = comparison.operation
    switch comparison.operand {
    case .text(let text): operand = .text(text)
    case .number(let text):
      let bytes = Array(text.utf8)
      guard let value = DecimalText(bytes.span) else {
        preconditionFailure("the parser accepts numbers only")
      }
      operand = .number(bytes: bytes, value: value)
    case .regex(let regex): operand = .regex(PatternSearch(regex.pattern))
    }
  }

  /// Of a JSON string: text, which no order is asked of, and which a number is equal to as text.
  func passes(text: Span<UInt8>) throws(PatternFailure) -> Bool {
    guard !operation.isOrdering else { return false }
    let isEqual: Bool
    switch operand {
    case .text(let operand): isEqual = operand.matches(text)
    case .number(let bytes, _): isEqual = Bytes.equal(bytes.span, text)
    case .regex(let search): isEqual = try search.firstMatch(in: text) != nil
    }
    return isEqual == (operation == .equal)
  }

  /// Of a number as it is written: by value against a number, else by its text.
  func passes(number: Span<UInt8>) throws(PatternFailure) -> Bool {
    guard case .number(let bytes, let value) = operand, let given = DecimalText(number) else {
      return try passes(text: number)
    }
    let order = DecimalText.compare(given, number, value, bytes.span)
    switch operation {
    case .equal: return order == 0
    case .notEqual: return order != 0
    case .less: return order < 0
    case .greater: return order > 0
    case .lessOrEqual: return order <= 0
    case .greaterOrEqual: return order >= 0
    }
  }

  /// Of `true` or `false` in JSON: equal to the bare word alone, and unequal to nothing.
  func passes(boolean: Bool) -> Bool {
    guard operation == .equal, case .text(let text) = operand, !text.isQuoted, !text.isOpenAtStart,
      !text.isOpenAtEnd
    else { return false }
    return text.literal.elementsEqual((boolean ? "true" : "false").utf8)
  }
}

extension TextOperand {
  func matches(_ text: Span<UInt8>) -> Bool {
    guard text.count >= literal.count else { return false }
    switch (isOpenAtStart, isOpenAtEnd) {
    case (true, true): return Bytes.firstIndex(of: literal.span, in: text) != nil
    case (true, false):
      return Bytes.equal(text.extracting(last: literal.count), literal.span)
    case (false, true):
      return Bytes.equal(text.extracting(first: literal.count), literal.span)
    case (false, false): return Bytes.equal(text, literal.span)
    }
  }
}
