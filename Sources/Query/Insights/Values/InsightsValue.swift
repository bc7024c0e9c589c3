internal import LogModel
internal import Platform

/// A value while a query runs.
///
/// Text that lies in the event's message stays there (`slice`); it is copied when the row outlives
/// the event (`kept`). Maps and lists are their JSON text. Numbers that were found in a message are
/// text: a number and its text are one thing to the language, and most are never calculated with.
package enum InsightsValue: Sendable {
  /// A missing field, a parse that did not match, a calculation without sense.
  case null
  case boolean(Bool)
  case integer(Int64)
  /// Never infinite, never not-a-number.
  case real(Double)
  /// Nanoseconds since the epoch.
  case timestamp(Int64)
  case text([UInt8])
  /// Text in the message of the row.
  case slice(ByteSlice)
  /// A map or a list, as valid JSON.
  case json([UInt8])
  /// A map or a list in the message of the row.
  case jsonSlice(ByteSlice)
}

/// A piece of the message at hand.
package struct ByteSlice: BitwiseCopyable, Sendable {
  let offset: UInt32
  let count: UInt32

  init(_ range: Range<Int>) {
    offset = UInt32(range.lowerBound)
    count = UInt32(range.count)
  }

  @inline(__always)
  var range: Range<Int> { Int(offset)..<Int(offset) + Int(count) }
}

extension InsightsValue {
  /// Null where a calculation left the numbers.
  @inline(__always)
  init(calculated value: Double) {
    self = value.isFinite ? .real(value) : .null
  }

  init(_ text: String) { self = .text(Array(text.utf8)) }

  var isNull: Bool {
    if case .null = self { true } else { false }
  }

  var isStructure: Bool {
    switch self {
    case .json, .jsonSlice: true
    default: false
    }
  }

  /// Calls `body` with the value as text; nil for null, maps and lists.
  @inline(__always)
  func withText<Result>(
    _ message: Span<UInt8>,
    _ body: (Span<UInt8>) -> Result
  ) -> Result? {
    switch self {
    case .slice(let slice): return body(message.extracting(slice.range))
    case .text(let bytes): return body(bytes.span)
    case .null, .json, .jsonSlice: return nil
    default:
      let bytes = printed(message)
      return body(bytes.span)
    }
  }

  /// Calls `body` with the JSON of a map or list; nil for anything else.
  @inline(__always)
  func withStructure<Result>(
    _ message: Span<UInt8>,
    _ body: (Span<UInt8>) -> Result
  ) -> Result? {
    switch self {
    case .jsonSlice(let slice): body(message.extracting(slice.range))
    case .json(let bytes): body(bytes.span)
    default: nil
    }
  }

  /// The value as a row shows it; empty for null, see `isNull`.
  func printed(_ message: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    appendText(message, to: &bytes)
    return bytes
  }

  /// Appends what a row shows: maps and lists as JSON, nothing for null.
  func appendText(_ message: Span<UInt8>, to bytes: inout [UInt8]) {
    switch self {
    case .null: break
    case .boolean(let value): bytes.append(value ? 0x31 : 0x30)
    case .integer(let value): JSONWriter.appendInteger(value, to: &bytes)
    case .real(let value): NumberText.append(value, to: &bytes)
    case .timestamp(let value): NumberText.append(timestamp: value, to: &bytes)
    case .text(let text), .json(let text): bytes += text
    case .slice(let slice), .jsonSlice(let slice):
      bytes.append(copying: message.extracting(slice.range))
    }
  }

  /// The value independent of the message.
  @inline(__always)
  func kept(_ message: Span<UInt8>) -> InsightsValue {
    switch self {
    case .slice: .text(printed(message))
    case .jsonSlice: .json(printed(message))
    default: self
    }
  }

  /// The value as a number: text that reads as one, a time in milliseconds, a boolean as 0 or 1.
  func number(_ message: Span<UInt8>) -> DecimalNumber.Value? {
    switch self {
    case .integer(let value): .integer(value)
    case .real(let value): .real(value)
    case .boolean(let value): .integer(value ? 1 : 0)
    case .timestamp(let value): .integer(Timestamp(nanoseconds: value).milliseconds)
    case .slice(let slice): DecimalNumber.parse(message.extracting(slice.range))
    case .text(let bytes): DecimalNumber.parse(bytes.span)
    case .null, .json, .jsonSlice: nil
    }
  }

  init(_ number: DecimalNumber.Value) {
    switch number {
    case .integer(let value): self = .integer(value)
    case .real(let value): self = .real(value)
    }
  }

  /// A condition's outcome: true, a number that is not 0, or the text `true`.
  func isTrue(_ message: Span<UInt8>) -> Bool {
    switch self {
    case .boolean(let value): value
    case .null, .json, .jsonSlice: false
    case .timestamp: true
    default:
      if let number = number(message) {
        number.real != 0
      } else {
        withText(message) { Self.boolean($0) } == true
      }
    }
  }

  /// `true` and `false` in any case.
  static func boolean(_ text: Span<UInt8>) -> Bool? {
    func reads(_ word: StaticString) -> Bool {
      guard text.count == word.utf8CodeUnitCount else { return false }
      var lower: [UInt8] = []
      for index in 0..<text.count { lower.append(text[index] | 0x20) }
      return Bytes.equal(lower.span, word)
    }
    if text.count == 4, reads("true") { return true }
    if text.count == 5, reads("false") { return false }
    return nil
  }
}

extension InsightsValue {
  /// What a result row shows, as text; nil when the field is absent.
  ///
  /// For rows of results, whose values stand by themselves.
  package var resultText: [UInt8]? {
    isNull ? nil : printed([UInt8]().span)
  }
}
