/// The set of words in a buffer, as integers: what a block's token filter is built from.
///
/// A token is a run of [A-Za-z0-9]. One under 8 bytes counts whole, a longer one as its 8-byte pieces at
/// positions 0, 8, 16 …; either way an entry is a little-endian word of at most 8 bytes, and never 0.
/// About 17,000 distinct entries per MiB of real logs. Used by one thread.
package struct TokenSet {
  /// Open addressing; 0 is an empty slot.
  private var slots: [UInt64]
  private var shift: UInt64
  /// The distinct entries, in order of first sight.
  package private(set) var entries: [UInt64] = []

  package init() {
    slots = Array(repeating: 0, count: 1 << 16)
    shift = 64 - 16
  }

  package mutating func removeAll() {
    for entry in entries { clear(entry) }
    entries.removeAll(keepingCapacity: true)
  }

  /// Adds the entries of all tokens in `bytes`.
  package mutating func insertTokens(of bytes: Span<UInt8>) {
    var start = 0
    // Safety: every load is checked against `count`; the short tail is copied into a word bytewise.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let raw = unsafe UnsafeRawPointer(base)
      let count = buffer.count
      var position = 0
      var carried = false
      while position < count {
        let mask = unsafe Self.wordMask(raw, at: position, count: count)
        var rest = mask
        let width = min(64, count - position)
        // A token that reached the end of the previous 64 bytes goes on here.
        if carried && rest & 1 == 0 {
          unsafe add(raw, from: start, to: position, count: count)
          carried = false
        }
        if carried {
          let run = (~rest).trailingZeroBitCount
          if run >= width {
            position += width
            continue
          }
          unsafe add(raw, from: start, to: position + run, count: count)
          carried = false
          rest &= ~0 << UInt64(run)
        }
        while rest != 0 {
          let first = rest.trailingZeroBitCount
          let run = (~(rest >> UInt64(first))).trailingZeroBitCount
          start = position + first
          if first + run >= width {
            carried = true
            break
          }
          unsafe add(raw, from: start, to: start + run, count: count)
          rest &= ~0 << UInt64(first + run)
        }
        position += width
      }
      if carried { unsafe add(raw, from: start, to: count, count: count) }
    }
  }

  /// One bit for each of the next (at most) 64 bytes: set where it is a letter or digit.
  @inline(__always)
  @unsafe
  private static func wordMask(_ raw: UnsafeRawPointer, at position: Int, count: Int) -> UInt64 {
    var mask: UInt64 = 0
    var lane: UInt64 = 0
    while lane < 8 {
      let at = position + Int(lane) * 8
      let word: UInt64
      if at + 8 <= count {
        word = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      } else if at < count {
        word = unsafe partialWord(raw, from: at, to: count)
      } else {
        break
      }
      mask |= alphanumericMask(word) << (lane * 8)
      lane += 1
    }
    return mask
  }

  /// SWAR: bit i is set when byte i of the word is in [A-Za-z0-9].
  @inline(__always)
  private static func alphanumericMask(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let seven = word & (ones &* 0x7f)
    let lower = (word | (ones &* 0x20)) & (ones &* 0x7f)
    let letter = (lower &+ ones &* (0x80 - 0x61)) & ~(lower &+ ones &* (0x80 - 0x7b))
    let digit = (seven &+ ones &* (0x80 - 0x30)) & ~(seven &+ ones &* (0x80 - 0x3a))
    let hits = (letter | digit) & ~word & (ones &* 0x80)
    return ((hits >> 7) &* 0x0102_0408_1020_4080) >> 56
  }

  @inline(__always)
  @unsafe
  private static func partialWord(_ raw: UnsafeRawPointer, from: Int, to: Int) -> UInt64 {
    var word: UInt64 = 0
    var shift: UInt64 = 0
    for index in from..<to {
      word |= UInt64(unsafe raw.load(fromByteOffset: index, as: UInt8.self)) << shift
      shift += 8
    }
    return word
  }

  @inline(__always)
  @unsafe
  private mutating func add(_ raw: UnsafeRawPointer, from: Int, to: Int, count: Int) {
    let length = to - from
    if length < 8 {
      let word: UInt64
      if from + 8 <= count {
        word =
          unsafe raw.loadUnaligned(fromByteOffset: from, as: UInt64.self)
          & (1 << (UInt64(length) * 8) &- 1)
      } else {
        word = unsafe Self.partialWord(raw, from: from, to: to)
      }
      insert(word)
      return
    }
    var at = from
    while at + 8 <= to {
      insert(unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at += 8
    }
  }

  @inline(__always)
  private mutating func insert(_ entry: UInt64) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: (entry &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while true {
      let found = slots[slot]
      if found == entry { return }
      if found == 0 { break }
      slot = (slot + 1) & mask
    }
    slots[slot] = entry
    entries.append(entry)
    if entries.count * 2 > slots.count { grow() }
  }

  private mutating func clear(_ entry: UInt64) {
    // The whole set goes, so every chain may be cut: emptying from the home slot on is enough.
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: (entry &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while slots[slot] != 0 {
      slots[slot] = 0
      slot = (slot + 1) & mask
    }
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    shift -= 1
    let mask = slots.count - 1
    for entry in entries {
      var slot = Int(truncatingIfNeeded: (entry &* 0x9E37_79B9_7F4A_7C15) >> shift)
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = entry
    }
  }
}
