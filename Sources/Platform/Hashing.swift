extension Bytes {
  /// Eight bytes as one little-endian word, for comparing and parsing a word at a time.
  @inlinable
  package static func word(_ bytes: Span<UInt8>, at index: Int) -> UInt64 {
    precondition(index >= 0 && index &+ 8 <= bytes.count)
    // Safety: the eight bytes lie within the span, as just checked; any bytes make a valid integer.
    return unsafe bytes.bytes.unsafeLoadUnaligned(
      fromUncheckedByteOffset: index,
      as: UInt64.self
    ).littleEndian
  }
}

extension Bytes {
  /// A 64-bit hash for tables in memory: another one in every process, so that nobody can choose
  /// keys that collide.
  package static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    var state = hashSeed ^ UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    while at &+ 8 <= bytes.count {
      state = mix(state ^ word(bytes, at: at), 0xA076_1D64_78BD_642F)
      at &+= 8
    }
    var rest: UInt64 = 0
    while at < bytes.count {
      rest = rest &<< 8 | UInt64(bytes[at])
      at &+= 1
    }
    return mix(mix(state ^ rest, 0xE703_7ED1_A0B4_28DB), hashSeed | 1)
  }

  private static let hashSeed = UInt64(bitPattern: Int64(Hasher().finalize()))

  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (high, low) = left.multipliedFullWidth(by: right)
    return high ^ low
  }
}

/// A 64-bit hash that is the same for ever: it is stored.
///
/// FNV-1a with a final mix; chunks of any size give the same value. Not for untrusted keys of a
/// table.
package struct StableHash: Sendable, Equatable {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func update(_ bytes: Span<UInt8>) {
    var hash = state
    for index in 0..<bytes.count {
      hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01b3
    }
    state = hash
  }

  package var value: UInt64 {
    var mixed = state
    mixed ^= mixed >> 33
    mixed = mixed &* 0xff51_afd7_ed55_8ccd
    mixed ^= mixed >> 33
    mixed = mixed &* 0xc4ce_b9fe_1a85_ec53
    return mixed ^ mixed >> 33
  }

  package static func of(_ bytes: Span<UInt8>) -> UInt64 {
    var hash = StableHash()
    hash.update(bytes)
    return hash.value
  }
}

extension Bytes {
  /// Whether a span holds exactly the bytes of a literal.
  package static func equal(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    // Safety: a static string of ASCII lives for ever; the buffer has the literal's own length.
    return text.withUTF8Buffer { literal in
      for index in 0..<bytes.count {
        if unsafe bytes[index] != literal[index] { return false }
      }
      return true
    }
  }
  /// Whether a span holds the bytes of a literal of small letters, its own letters in any case.
  package static func equal(_ bytes: Span<UInt8>, ignoringCaseOf text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    // Safety: a static string of ASCII lives for ever; the buffer has the literal's own length.
    return text.withUTF8Buffer { literal in
      for index in 0..<bytes.count {
        let byte = bytes[index]
        let small = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
        if unsafe small != literal[index] { return false }
      }
      return true
    }
  }
}
