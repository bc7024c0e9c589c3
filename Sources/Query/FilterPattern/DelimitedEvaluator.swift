internal import Platform

/// Evaluates a space-delimited pattern over messages.
///
/// Fields are separated by blanks, tabs and line ends; what stands between `[` and `]` or between
/// two quotes is one field without them. Without an ellipsis the last slot takes the rest of the
/// message. Used by one thread.
final class DelimitedEvaluator {
  /// The conditions of a slot: any of the lists, of which all hold.
  private typealias Tests = [[ValueTest]]

  /// Slots before the ellipsis, or all of them.
  private let front: [Tests]
  /// Slots behind it.
  private let back: [Tests]
  private let hasEllipsis: Bool
  private var fields: [Field] = []

  private struct Field {
    /// Without its delimiters.
    var text: Range<Int>
    /// Where it begins with them.
    var start: Int
  }

  init(_ pattern: DelimitedPattern) {
    var parts: [[Tests]] = [[]]
    for slot in pattern.slots {
      switch slot {
      case .ellipsis: parts.append([])
      case .field(_, let condition):
        let tests = condition?.alternatives.map { all in all.map { ValueTest($0) } }
        parts[parts.count - 1].append(tests ?? [])
      }
    }
    front = parts[0]
    back = parts.count > 1 ? parts[1] : []
    hasEllipsis = parts.count > 1
  }

  func matches(_ message: Span<UInt8>) throws(PatternFailure) -> Bool {
    if front.isEmpty && back.isEmpty { return true }
    // Of a rest it matters only whether there is more than one field of it.
    split(message, atMost: hasEllipsis ? .max : front.count + 1)
    guard fields.count >= front.count + back.count else { return false }
    if !hasEllipsis, fields.count > front.count {
      fields[front.count - 1].text = rest(message, from: fields[front.count - 1].start)
    }
    for (slot, tests) in front.enumerated() {
      guard try passes(tests, message.extracting(fields[slot].text)) else { return false }
    }
    let first = fields.count - back.count
    for (slot, tests) in back.enumerated() {
      guard try passes(tests, message.extracting(fields[first + slot].text)) else { return false }
    }
    return true
  }

  private func passes(_ tests: Tests, _ field: Span<UInt8>) throws(PatternFailure) -> Bool {
    if tests.isEmpty { return true }
    for all in tests {
      var holds = true
      // A field that reads as a number is one; other text is left as it is.
      for test in all where holds { holds = try test.passes(number: field) }
      if holds { return true }
    }
    return false
  }

  private func split(_ message: Span<UInt8>, atMost count: Int) {
    fields.removeAll(keepingCapacity: true)
    var at = 0
    while fields.count < count {
      while at < message.count, Self.isBlank(message[at]) { at += 1 }
      guard at < message.count else { return }
      let start = at
      let closing: UInt8? = message[at] == 0x22 ? 0x22 : message[at] == 0x5B ? 0x5D : nil
      if let closing,
        let end = Bytes.firstIndex(of: closing, in: message, from: at + 1)
      {
        fields.append(Field(text: (start + 1)..<end, start: start))
        at = end + 1
      } else {
        while at < message.count, !Self.isBlank(message[at]) { at += 1 }
        fields.append(Field(text: start..<at, start: start))
      }
    }
  }

  /// From a field's beginning to the end of the message, without blanks there.
  private func rest(_ message: Span<UInt8>, from start: Int) -> Range<Int> {
    var end = message.count
    while end > start, Self.isBlank(message[end - 1]) { end -= 1 }
    return start..<end
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
