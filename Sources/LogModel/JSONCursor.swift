internal import Platform

/// What kind of value stands at a place in a JSON text.
package enum JSONKind: Sendable, Equatable {
  case object, array, string, number, boolean, null
}

/// A value that was not decoded: its kind, and where its text lies.
package struct JSONToken: Sendable, Equatable {
  package let kind: JSONKind
  /// The value's text; of a string what stands between the quotes.
  package let range: Range<Int>
  /// A string that is not its own text: `unescape` it before comparing.
  package let hasEscapes: Bool
}

/// Walks over JSON text in place: no tree, no String, no allocation.
///
/// A position and an end; the bytes come along with each call, the same ones every time. To walk an
/// object call `enterObject`, then `nextName` until it gives nil, taking or skipping the value each
/// time; arrays likewise with `enterArray` and `nextElement`. Values are checked strictly when they
/// are skipped or taken. After the first thing that is not JSON the cursor has failed: it gives nil
/// for ever.
package struct JSONCursor: Sendable {
  package private(set) var at: Int
  package let end: Int
  package private(set) var hasFailed = false
  private var isFirst = false

  package init(_ range: Range<Int>) {
    at = range.lowerBound
    end = range.upperBound
  }

  /// The kind of the next value, which is not taken.
  package mutating func kind(in bytes: Span<UInt8>) -> JSONKind? {
    skipBlank(bytes)
    guard !hasFailed, at < end else { return nil }
    switch bytes[at] {
    case 0x7B: return .object
    case 0x5B: return .array
    case 0x22: return .string
    case 0x2D, 0x30...0x39: return .number
    case 0x74, 0x66: return .boolean
    case 0x6E: return .null
    default: return nil
    }
  }

  /// Takes the opening brace; false, and nothing taken, when the next value is no object.
  package mutating func enterObject(in bytes: Span<UInt8>) -> Bool { enter(0x7B, bytes) }

  package mutating func enterArray(in bytes: Span<UInt8>) -> Bool { enter(0x5B, bytes) }

  /// The next member's name in the object entered last; nil at its end, which is taken.
  package mutating func nextName(in bytes: Span<UInt8>) -> JSONToken? {
    guard goesOn(0x7D, bytes) else { return nil }
    guard at < end, bytes[at] == 0x22,
      let (close, hasEscapes) = JSONSyntax.string(bytes, from: at + 1, to: end)
    else { return fail() }
    let name = JSONToken(kind: .string, range: (at + 1)..<close, hasEscapes: hasEscapes)
    at = close + 1
    skipBlank(bytes)
    guard at < end, bytes[at] == 0x3A else { return fail() }
    at += 1
    return name
  }

  /// Whether the array entered last has another element, which is next then; its end is taken.
  package mutating func nextElement(in bytes: Span<UInt8>) -> Bool { goesOn(0x5D, bytes) }

  /// Takes the next value whole, whatever it is.
  package mutating func take(in bytes: Span<UInt8>) -> JSONToken? {
    guard let kind = kind(in: bytes) else { return fail() }
    let start = at
    if kind == .string {
      guard let (close, hasEscapes) = JSONSyntax.string(bytes, from: start + 1, to: end) else {
        return fail()
      }
      at = close + 1
      return JSONToken(kind: kind, range: (start + 1)..<close, hasEscapes: hasEscapes)
    }
    guard case .value(let next) = JSONSyntax.value(bytes, from: start, to: end) else {
      return fail()
    }
    at = next
    return JSONToken(kind: kind, range: start..<next, hasEscapes: false)
  }

  /// Takes the next value unseen; false when it is none.
  package mutating func skip(in bytes: Span<UInt8>) -> Bool { take(in: bytes) != nil }

  /// Whether nothing but blanks is left.
  package mutating func isAtEnd(in bytes: Span<UInt8>) -> Bool {
    skipBlank(bytes)
    return !hasFailed && at == end
  }

  /// Replaces `buffer` by the text of a string token.
  package static func unescape(
    _ token: JSONToken,
    in bytes: Span<UInt8>,
    into buffer: inout [UInt8]
  ) {
    buffer.removeAll(keepingCapacity: true)
    if token.hasEscapes {
      let close = JSONString.unescape(
        bytes,
        from: token.range.lowerBound,
        to: token.range.upperBound + 1,
        into: &buffer
      )
      precondition(close == token.range.upperBound, "a token is unescaped in its own text")
    } else {
      buffer.append(copying: bytes.extracting(token.range))
    }
  }

  // MARK: steps

  private mutating func enter(_ bracket: UInt8, _ bytes: Span<UInt8>) -> Bool {
    skipBlank(bytes)
    guard !hasFailed, at < end, bytes[at] == bracket else { return false }
    at += 1
    isFirst = true
    return true
  }

  /// Steps over the comma before the next item; false at the closing bracket, or when neither is
  /// there.
  private mutating func goesOn(_ closing: UInt8, _ bytes: Span<UInt8>) -> Bool {
    skipBlank(bytes)
    guard !hasFailed, at < end else {
      hasFailed = true
      return false
    }
    let wasFirst = isFirst
    isFirst = false
    if bytes[at] == closing {
      at += 1
      return false
    }
    if wasFirst { return true }
    guard bytes[at] == 0x2C else {
      hasFailed = true
      return false
    }
    at += 1
    skipBlank(bytes)
    return true
  }

  private mutating func fail() -> JSONToken? {
    hasFailed = true
    return nil
  }

  private mutating func skipBlank(_ bytes: Span<UInt8>) {
    while at < end {
      let next = bytes[at]
      guard next <= 0x20, next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 else {
        return
      }
      at += 1
    }
  }
}
