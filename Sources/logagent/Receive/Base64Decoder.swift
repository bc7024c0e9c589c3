internal import Platform

/// Standard base64, strictly: padded, nothing else in it.
enum Base64Decoder {
  static func decode(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    var bytes: [UInt8] = []
    return Base64.decode(digits.span, 0..<digits.count, into: &bytes) ? bytes : nil
  }
}
