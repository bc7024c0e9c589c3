internal import CZlib
internal import Platform

/// Writes gzip members that give back the third that base64 adds, and look for nothing else.
///
/// Base64 of what is compressed has no repeats, and its 64 letters are equally frequent: one code,
/// known beforehand, is within 1 % of what zlib makes of it with `Z_HUFFMAN_ONLY`, at five times
/// the speed (that took a sixth of all the processor time of forwarding).
enum GzipLiterals {
  private static let code = LiteralCode()

  /// Appends one member that unpacks to `bytes`, whatever they are.
  static func append(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
    let code = code
    output.append(copying: code.prelude.span)
    // The longest code for every byte, the end of the block, and a whole word for the last store.
    let bound = (bytes.count + 1) * LiteralCode.bitsMax / 8 + 16
    var checksum: UInt = 0
    output.append(addingCapacity: bound) { spare in
      // Safety: every step writes eight bytes and moves on by at most seven; `bound` has room for
      // all bytes in the longest code and for what the last store writes beyond them. The table has
      // an entry for each of the 257 symbols.
      unsafe spare.withUnsafeMutableBufferPointer { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        let target = UnsafeMutableRawPointer(base)
        var written = initialized
        var bits = code.preludeRest
        var count = code.preludeRestBits
        unsafe bytes.withUnsafeBufferPointer { input in
          unsafe code.entries.withUnsafeBufferPointer { entries in
            var at = 0
            while at < input.count {
              // Four codes of 14 bits and the seven left over are less than a word.
              let end = min(at &+ 4, input.count)
              while at < end {
                let entry = unsafe entries[Int(input[at])]
                bits |= UInt64(entry & 0xFFFF) &<< count
                count &+= UInt64(entry &>> 16)
                at &+= 1
              }
              unsafe target.storeBytes(
                of: bits.littleEndian,
                toByteOffset: written,
                as: UInt64.self
              )
              let whole = count &>> 3
              written &+= Int(whole)
              bits &>>= whole &* 8
              count &= 7
            }
            let end = unsafe entries[256]
            bits |= UInt64(end & 0xFFFF) &<< count
            count &+= UInt64(end &>> 16)
          }
          checksum = unsafe crc32_z(0, input.baseAddress, input.count)
        }
        unsafe target.storeBytes(of: bits.littleEndian, toByteOffset: written, as: UInt64.self)
        initialized = written &+ Int((count &+ 7) &>> 3)
      }
    }
    for value in [UInt32(truncatingIfNeeded: checksum), UInt32(truncatingIfNeeded: bytes.count)] {
      for shift in [0, 8, 16, 24] as [UInt32] {
        output.append(UInt8(truncatingIfNeeded: value >> shift))
      }
    }
  }
}

/// A Huffman code for an envelope of base64, complete as RFC 1951 wants it, and the start of every
/// member that uses it: the gzip header and the block's description of the code.
private struct LiteralCode: Sendable {
  static let bitsMax = 14

  /// For each byte, and for the end of the block: the code's bits as deflate writes them, and their
  /// number from bit 16 on.
  let entries: [UInt32]
  let prelude: [UInt8]
  /// The description ends within a byte.
  let preludeRest: UInt64
  let preludeRestBits: UInt64

  init() {
    let lengths = Self.lengths()
    entries = Self.codes(lengths)
    // gzip, deflate, no flags, no time, fastest, Unix.
    var head = BitWriter(bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 3])
    // The last block, with a code of its own: 257 literals, 2 distances, 18 lengths of lengths.
    head.append(1, 1)
    head.append(2, 2)
    head.append(0, 5)
    head.append(1, 5)
    head.append(14, 4)
    var lengthLengths = [Int](repeating: 0, count: 19)
    for (length, bits) in [(14, 1), (6, 2), (9, 3), (13, 4), (7, 5), (1, 5)] {
      lengthLengths[length] = bits
    }
    for length in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
      head.append(UInt64(lengthLengths[length]), 3)
    }
    let lengthCodes = Self.codes(lengthLengths)
    // Distances are never used; some decoders want two of them.
    for length in lengths + [1, 1] {
      let entry = lengthCodes[length]
      head.append(UInt64(entry & 0xFFFF), UInt64(entry >> 16))
    }
    prelude = head.bytes
    preludeRest = head.rest
    preludeRestBits = head.restBits
  }

  /// 60 letters of base64 take 6 bits, 4 take 7, what JSON adds takes 9, and everything else shares
  /// what is left: 9 of 13 bits and 174 of 14 make the sum of all 2^-length exactly 1.
  private static func lengths() -> [Int] {
    var lengths = [Int](repeating: bitsMax, count: 257)
    for byte in 0..<9 { lengths[byte] = 13 }
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    for (index, letter) in letters.enumerated() { lengths[Int(letter)] = index < 60 ? 6 : 7 }
    for byte in "{}[]\":,-=".utf8 { lengths[Int(byte)] = 9 }
    lengths[256] = 9
    return lengths
  }

  /// RFC 1951 §3.2.2: codes in order of length and symbol; written with the first bit lowest.
  private static func codes(_ lengths: [Int]) -> [UInt32] {
    var entries = [UInt32](repeating: 0, count: lengths.count)
    var next: UInt32 = 0
    for length in 1...bitsMax {
      for symbol in lengths.indices where lengths[symbol] == length {
        var reversed: UInt32 = 0
        for bit in 0..<length where next & (1 << UInt32(bit)) != 0 {
          reversed |= 1 << UInt32(length - 1 - bit)
        }
        entries[symbol] = reversed | UInt32(length) << 16
        next += 1
      }
      next <<= 1
    }
    return entries
  }
}

/// Bits in deflate's order; for the few of a header.
private struct BitWriter {
  var bytes: [UInt8]
  private(set) var rest: UInt64 = 0
  private(set) var restBits: UInt64 = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func append(_ value: UInt64, _ count: UInt64) {
    rest |= value << restBits
    restBits += count
    while restBits >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
      restBits -= 8
    }
  }
}
