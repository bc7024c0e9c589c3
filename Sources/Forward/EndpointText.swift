internal import LogModel
internal import Platform

/// What an endpoint says, made fit for the operator's eyes: short, on one line, without secrets.
///
/// An endpoint may say anything, such as the key that it refused or codes that move a terminal's
/// cursor.
enum EndpointText {
  static let hidden = "[redacted]"

  /// Text of at most about `limit` bytes; `mark` says that there was more.
  ///
  /// A secret is replaced wherever it stands whole, before anything is cut: none shows in part.
  static func excerpt(
    _ bytes: Span<UInt8>,
    limit: Int,
    hiding secrets: [[UInt8]],
    mark: String = "…"
  ) -> String {
    var kept: [UInt8] = []
    var at = 0
    while at < bytes.count, isSpace(bytes[at]) { at += 1 }
    while at < bytes.count, kept.count < limit {
      let length = secretLength(bytes, at, secrets)
      if length > 0 {
        kept.append(utf8: hidden)
        at += length
      } else {
        kept.append(bytes[at])
        at += 1
      }
    }
    if at == bytes.count {
      while let last = kept.last, isSpace(last) { kept.removeLast() }
      return escaped(String(repairing: kept.span))
    }
    // Not in the middle of a character.
    while let last = kept.last, last & 0xC0 == 0x80 { kept.removeLast() }
    if let last = kept.last, last >= 0xC0 { kept.removeLast() }
    return escaped(String(repairing: kept.span)) + mark
  }

  /// What of a destination nobody may see: its key whatever its length, and what may hold a token.
  ///
  /// Attributes such as `env: prod` are no secret, and hiding them would hide half the answer.
  static func secrets(of destination: Destination) -> [[UInt8]] {
    var all: [[UInt8]] = []
    if let key = destination.accessKey { all.append(Array(key.reveal().utf8)) }
    var others = destination.attributes.map { Array($0.value.reveal().utf8) }
    let url = destination.endpointURL
    if let mark = url.firstIndex(of: "?") { others.append(Array(url[mark...].dropFirst().utf8)) }
    all += others.filter { $0.count >= 8 }
    // As it stands in a JSON text.
    for secret in all {
      var quoted: [UInt8] = []
      JSONWriter.appendString(secret.span, to: &quoted)
      let inner = Array(quoted.dropFirst().dropLast())
      if inner != secret { all.append(inner) }
    }
    return all.filter { !$0.isEmpty }.sorted { $0.count > $1.count }
  }

  /// Bytes of the longest secret that begins at `at`, or 0.
  private static func secretLength(_ bytes: Span<UInt8>, _ at: Int, _ secrets: [[UInt8]]) -> Int {
    for secret in secrets
    where secret.count <= bytes.count - at
      && Bytes.equal(bytes.extracting(at..<(at + secret.count)), secret.span)
    {
      return secret.count
    }
    return 0
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// Control characters and those that turn or break a line, as escapes.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch (scalar, scalar.properties.generalCategory) {
      case ("\n", _): result += "\\n"
      case ("\r", _): result += "\\r"
      case ("\t", _): result += "\\t"
      case (_, .control), (_, .format), (_, .lineSeparator), (_, .paragraphSeparator):
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
