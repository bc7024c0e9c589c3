/// Standard base64 with padding (RFC 4648 §4).
package enum Base64 {
  private static let alphabet: [UInt8] = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )

  /// Pairs of digits for 12 bits: one table look-up for every byte and a half.
  private static let pairs: [UInt16] = (0..<4_096).map {
    UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8
  }

  package static func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
    let whole = bytes.count / 3
    text.append(addingCapacity: (bytes.count + 2) / 3 * 4) { output in
      var at = 0
      let pairs = pairs
      for _ in 0..<whole {
        let word = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
        let high = pairs[word >> 12]
        let low = pairs[word & 4_095]
        output.append(UInt8(truncatingIfNeeded: high))
        output.append(UInt8(truncatingIfNeeded: high >> 8))
        output.append(UInt8(truncatingIfNeeded: low))
        output.append(UInt8(truncatingIfNeeded: low >> 8))
        at += 3
      }
      let rest = bytes.count - at
      guard rest > 0 else { return }
      let word = Int(bytes[at]) << 16 | (rest == 2 ? Int(bytes[at + 1]) << 8 : 0)
      output.append(alphabet[word >> 18])
      output.append(alphabet[(word >> 12) & 63])
      output.append(rest == 2 ? alphabet[(word >> 6) & 63] : 0x3D)
      output.append(0x3D)
    }
  }
}
