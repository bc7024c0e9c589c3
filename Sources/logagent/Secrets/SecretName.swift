/// How commands name a secret: `datadog`, `datadog.apiKey`, `ssm/shop/key` or `/shop/key`.
enum SecretName {
  /// Nil when the text could not stand in `$Secret()` or `$SsmParam()`.
  static func parse(_ text: String, key: String? = nil) -> SecretReference? {
    if text.hasPrefix("/") || text.hasPrefix("ssm/") {
      let path = text.hasPrefix("/") ? text.dropFirst() : text.dropFirst(4)
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard key == nil, text.utf8.count <= 1_024, parts.count <= 16,
        parts.allSatisfy({ isWord($0, extra: "_-.") && $0.first != "." })
      else { return nil }
      return SecretReference(name: "ssm/" + path, key: nil)
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let name = parts.first, isWord(name, extra: "_-"), parts.count <= 2,
      parts.count == 1 || key == nil
    else { return nil }
    let chosen = key ?? (parts.count == 2 ? String(parts[1]) : nil)
    if let chosen {
      guard !chosen.isEmpty, chosen.utf8.count <= 128, !chosen.contains("."),
        chosen.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
      else { return nil }
    }
    return SecretReference(name: String(name), key: chosen)
  }

  private static func isWord(_ word: Substring, extra: String) -> Bool {
    !word.isEmpty && word.utf8.count <= 128
      && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || extra.contains($0)) }
  }
}
