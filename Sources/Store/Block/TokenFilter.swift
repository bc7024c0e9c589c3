internal import Platform

/// A blocked Bloom filter over a block's tokens: tells that a substring cannot be in the block.
///
/// On disk: kind (2), probes per entry, two zero bytes, number of 64-byte lines (u32), then the
/// lines. Kind 1 is the same without the entry that marks escapes. Seven and a half bits an entry
/// and five probes let about 3 % of absent tokens through; an id of several pieces is let through
/// once in thousands. A token is a run of [A-Za-z0-9]; see `TokenSet` for what an entry is.
enum TokenFilter {
  private static let kind: UInt8 = 2
  /// Written before escapes were marked: silence about them proves nothing.
  private static let kindWithoutMark: UInt8 = 1
  private static let probes = 5
  private static let headBytes = 8
  private static let bitsPerTwoEntries = 15

  static func encode(_ tokens: TokenSet, into bytes: inout [UInt8]) {
    let lines = max(1, (tokens.count * bitsPerTwoEntries / 2 + 511) / 512)
    var words = [UInt64](repeating: 0, count: lines * 8)
    tokens.forEach { entry in
      let line = Self.line(of: entry, lines: lines) * 8
      var bits = Self.bits(of: entry)
      for _ in 0..<probes {
        let bit = Int(bits & 511)
        words[line + (bit >> 6)] |= 1 << UInt64(bit & 63)
        bits >>= 9
      }
    }
    bytes.append(kind)
    bytes.append(UInt8(probes))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt32(lines))
    for word in words { bytes.append(littleEndian: word) }
  }

  /// True unless an entry is proved absent.
  ///
  /// A filter of an unknown kind proves nothing.
  static func mayContain(_ entry: UInt64, in filter: Span<UInt8>) -> Bool {
    guard filter.count > headBytes, filter[0] == kind || filter[0] == kindWithoutMark,
      Int(filter[1]) == probes
    else { return true }
    let lines = (filter.count - headBytes) / 64
    guard lines > 0 else { return true }
    let line = headBytes + Self.line(of: entry, lines: lines) * 64
    var bits = Self.bits(of: entry)
    for _ in 0..<probes {
      let bit = Int(bits & 511)
      if filter[line + (bit >> 3)] & (1 << UInt8(bit & 7)) == 0 { return false }
      bits >>= 9
    }
    return true
  }

  /// Whether the block may hold a JSON escape of an ASCII character, `\u00..`, which can hide a
  /// letter of a token.
  static func mayContainEscapes(_ filter: Span<UInt8>) -> Bool {
    guard filter.count > headBytes, filter[0] == kind else { return true }
    return mayContain(TokenSet.escapeMark, in: filter)
  }

  private static func line(of entry: UInt64, lines: Int) -> Int {
    let hash = (entry ^ (entry >> 29)) &* 0xBF58_476D_1CE4_E5B9
    return Int(((hash >> 32) &* UInt64(lines)) >> 32)
  }

  private static func bits(of entry: UInt64) -> UInt64 {
    let mixed = (entry ^ (entry >> 31)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 30)
  }
}

/// What a filter can be asked about substrings of which a message must hold at least one.
package struct NeedleProbe: Sendable {
  private let choices: [Needle]

  /// Nothing can be proved about these needles.
  package var isOpen: Bool { choices.contains { $0.isOpen } }

  /// Asks about one substring.
  package init(literal: Span<UInt8>) {
    var bytes: [UInt8] = []
    bytes.append(copying: literal)
    self.init(parts: [bytes])
  }

  /// Asks about substrings that a message holds all.
  ///
  /// `mayBeEscaped` says that they are the text of a JSON string, which a message may write with
  /// escapes: where a block holds escapes of ASCII characters, nothing is proved then.
  package init(parts: [[UInt8]], mayBeEscaped: Bool = false) {
    choices = [Needle(parts, mayBeEscaped: mayBeEscaped)]
  }

  /// Asks whether any of several is there.
  package init(anyOf probes: [NeedleProbe]) {
    precondition(!probes.isEmpty)
    choices = probes.flatMap(\.choices)
  }

  func mayMatch(_ filter: Span<UInt8>) -> Bool {
    for needle in choices where needle.mayMatch(filter) { return true }
    return false
  }
}

/// One substring as filter entries that must all be there.
///
/// A part of the needle that is bounded on both sides by other characters is a whole token; one
/// bounded on its left gives the pieces at its own positions; one open on the left that is 15 bytes
/// or longer gives eight alternatives, one for each alignment it may have in the token around it.
private struct Needle: Sendable {
  /// All of these must be present.
  private let required: [UInt64]
  /// In each of these, at least one alternative must be present whole.
  private let alternatives: [[[UInt64]]]
  private let mayBeEscaped: Bool

  var isOpen: Bool { required.isEmpty && alternatives.isEmpty }

  init(_ parts: [[UInt8]], mayBeEscaped: Bool) {
    var required: [UInt64] = []
    var alternatives: [[[UInt64]]] = []
    for part in parts { Self.entries(of: part.span, &required, &alternatives) }
    self.required = required
    self.alternatives = alternatives
    self.mayBeEscaped = mayBeEscaped
  }

  private static func entries(
    of literal: Span<UInt8>,
    _ required: inout [UInt64],
    _ alternatives: inout [[[UInt64]]]
  ) {
    var index = 0
    while index < literal.count {
      guard isWord(literal[index]) else {
        index += 1
        continue
      }
      var end = index + 1
      while end < literal.count && isWord(literal[end]) { end += 1 }
      let length = end - index
      if index > 0 {
        if length < 8 {
          if end < literal.count { required.append(entry(literal, index, length)) }
        } else {
          required += pieces(literal, from: index, to: end)
        }
      } else if length >= 15 {
        alternatives.append((0..<8).map { pieces(literal, from: index + $0, to: end) })
      }
      index = end
    }
  }

  func mayMatch(_ filter: Span<UInt8>) -> Bool {
    if isOpen || mayBeEscaped && TokenFilter.mayContainEscapes(filter) { return true }
    for entry in required where !TokenFilter.mayContain(entry, in: filter) { return false }
    for choice in alternatives {
      var possible = false
      for pieces in choice {
        var all = true
        for entry in pieces where !TokenFilter.mayContain(entry, in: filter) {
          all = false
          break
        }
        if all {
          possible = true
          break
        }
      }
      if !possible { return false }
    }
    return true
  }

  private static func pieces(_ bytes: Span<UInt8>, from: Int, to: Int) -> [UInt64] {
    stride(from: from, through: to - 8, by: 8).map { entry(bytes, $0, 8) }
  }

  private static func entry(_ bytes: Span<UInt8>, _ start: Int, _ length: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<length { value |= UInt64(bytes[start + index]) << UInt64(8 * index) }
    return value
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
}
