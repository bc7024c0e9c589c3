internal import LogModel
internal import Platform

/// Functions of text; null where an argument is missing, a map or a list.
enum TextFunctions {
  static func isBlank(_ text: Span<UInt8>) -> Bool {
    for index in 0..<text.count where !isSpace(text[index]) { return false }
    return true
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (byte >= 0x09 && byte <= 0x0D)
  }

  /// Questions about text, which copy nothing.
  static func call(
    _ function: InsightsFunction,
    _ values: [InsightsValue],
    _ message: Span<UInt8>
  ) -> InsightsValue {
    if function == .concat { return concat(values, message) }
    if function == .strlen {
      return values[0].withText(message) { .integer(Int64(length($0))) } ?? .null
    }
    let answer = values[0].withText(message) { text in
      values[1].withText(message) { needle -> Bool in
        switch function {
        case .startsWith:
          return text.count >= needle.count
            && Bytes.equal(text.extracting(0..<needle.count), needle)
        case .endsWith:
          return text.count >= needle.count
            && Bytes.equal(text.extracting((text.count - needle.count)..<text.count), needle)
        default:
          guard values.count > 2, values[2].isTrue(message) else {
            return Bytes.firstIndex(of: needle, in: text) != nil
          }
          let lower = Array(String(repairing: text).lowercased().utf8)
          let wanted = Array(String(repairing: needle).lowercased().utf8)
          return Bytes.firstIndex(of: wanted.span, in: lower.span) != nil
        }
      }
    }
    return (answer ?? nil).map { .boolean($0) } ?? .null
  }

  private static func concat(_ values: [InsightsValue], _ message: Span<UInt8>) -> InsightsValue {
    var text: [UInt8] = []
    for value in values {
      if value.isNull || value.isStructure { return .null }
      value.appendText(message, to: &text)
    }
    return .text(text)
  }

  /// Code points; a byte that is not UTF-8 counts as one.
  static func length(_ text: Span<UInt8>) -> Int {
    var count = 0
    var at = 0
    while at < text.count {
      at += max(1, JSONWriter.sequenceLength(text, at))
      count += 1
    }
    return count
  }

  /// Functions that make a new text, or none.
  static func change(
    _ function: InsightsFunction,
    _ values: [InsightsValue],
    _ message: Span<UInt8>
  ) -> InsightsValue {
    var texts: [[UInt8]] = []
    for value in values {
      if value.isNull || value.isStructure { return .null }
      texts.append(value.printed(message))
    }
    let text = texts[0]
    switch function {
    case .tolower: return cased(text, isUpper: false)
    case .toupper: return cased(text, isUpper: true)
    case .trim, .ltrim, .rtrim: return trimmed(function, texts)
    case .substr: return substring(text, values, message)
    case .replace: return .text(replace(texts[1], in: text, with: texts[2]))
    case .split: return split(text, at: texts[1])
    case .urlEncode: return .text(TextCoding.percentEncode(text))
    case .urlDecode: return .text(TextCoding.percentDecode(text))
    case .base64Encode:
      var encoded: [UInt8] = []
      Base64.append(text.span, to: &encoded)
      return .text(encoded)
    case .base64Decode:
      var decoded: [UInt8] = []
      let isValid = Base64.decode(text.span, 0..<text.count, into: &decoded)
      return isValid ? .text(decoded) : .null
    case .hexToAscii: return TextCoding.bytes(hex: text).map { .text($0) } ?? .null
    case .hexToDec: return TextCoding.number(hex: text).map { .integer($0) } ?? .null
    case .decToHex:
      guard case .integer(let number)? = values[0].number(message) else { return .null }
      let digits = String(number.magnitude, radix: 16)
      return InsightsValue((number < 0 ? "-0x" : "0x") + digits)
    case .md5: return InsightsValue(Digest.md5(text.span))
    case .sha256: return InsightsValue(Digest.sha256(text.span))
    default: return .null
    }
  }

  private static func cased(_ text: [UInt8], isUpper: Bool) -> InsightsValue {
    guard Bytes.isASCII(text.span) else {
      let string = String(repairing: text.span)
      return InsightsValue(isUpper ? string.uppercased() : string.lowercased())
    }
    return .text(
      text.map { byte in
        let isLetter = (byte | 0x20) &- 0x61 < 26
        return isLetter ? (isUpper ? byte & 0xDF : byte | 0x20) : byte
      }
    )
  }

  /// With a second argument, its characters are cut off instead of blanks.
  private static func trimmed(_ function: InsightsFunction, _ texts: [[UInt8]]) -> InsightsValue {
    let whole = texts[0]
    let cut = texts.count > 1 ? texts[1] : []
    if !cut.isEmpty, !Bytes.isASCII(whole.span) || !Bytes.isASCII(cut.span) {
      let characters = Set(String(repairing: cut.span).unicodeScalars)
      var scalars = Substring(String(repairing: whole.span)).unicodeScalars
      if function != .rtrim {
        while let first = scalars.first, characters.contains(first) { scalars.removeFirst() }
      }
      if function != .ltrim {
        while let last = scalars.last, characters.contains(last) { scalars.removeLast() }
      }
      return InsightsValue(String(Substring(scalars)))
    }
    let isCut: (UInt8) -> Bool =
      texts.count > 1 ? { cut.contains($0) } : { isSpace($0) }
    var text = whole[...]
    if function != .rtrim { text = text.drop(while: isCut) }
    if function != .ltrim {
      while let last = text.last, isCut(last) { text.removeLast() }
    }
    return .text(Array(text))
  }

  /// From a position counted from 0 in code points.
  private static func substring(
    _ text: [UInt8],
    _ values: [InsightsValue],
    _ message: Span<UInt8>
  ) -> InsightsValue {
    guard let start = values[1].number(message)?.real, start >= 0 else { return .null }
    var count = Double.infinity
    if values.count > 2 {
      guard let given = values[2].number(message)?.real, given >= 0 else { return .null }
      count = given
    }
    var lower = text.count
    var upper = text.count
    var at = 0
    var index = 0.0
    while at < text.count {
      if index == start.rounded(.down) { lower = at }
      if index == start.rounded(.down) + count.rounded(.down) {
        upper = at
        break
      }
      at += max(1, JSONWriter.sequenceLength(text.span, at))
      index += 1
    }
    return .text(lower < upper ? Array(text[lower..<upper]) : [])
  }

  static func replace(_ old: [UInt8], in text: [UInt8], with new: [UInt8]) -> [UInt8] {
    guard !old.isEmpty else { return text }
    var result: [UInt8] = []
    var at = 0
    while let hit = Bytes.firstIndex(of: old.span, in: text.span, from: at) {
      result += text[at..<hit]
      result += new
      at = hit + old.count
      if result.count > QueryLimits.textBytesMax { break }
    }
    return result + text[at...]
  }

  /// A list of texts.
  private static func split(_ text: [UInt8], at separator: [UInt8]) -> InsightsValue {
    var json: [UInt8] = [0x5B]
    var at = 0
    func append(_ range: Range<Int>) {
      if json.count > 1 { json.append(0x2C) }
      JSONWriter.appendString(text.span.extracting(range), to: &json)
    }
    while !separator.isEmpty,
      let hit = Bytes.firstIndex(of: separator.span, in: text.span, from: at)
    {
      append(at..<hit)
      at = hit + separator.count
    }
    append(at..<text.count)
    json.append(0x5D)
    return .json(json)
  }
}

/// Encodings of text in text.
enum TextCoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// All but letters, digits and `-_.~` as `%XX`.
  static func percentEncode(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in text {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F, 0x2E, 0x7E: result.append(byte)
      default: result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return result
  }

  /// A `%` without two hexadecimal digits stays.
  static func percentDecode(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var at = 0
    while at < text.count {
      if text[at] == 0x25, at + 2 < text.count, let high = digit(text[at + 1]),
        let low = digit(text[at + 2])
      {
        result.append(high << 4 | low)
        at += 3
      } else {
        result.append(text[at])
        at += 1
      }
    }
    return result
  }

  static func bytes(hex text: [UInt8]) -> [UInt8]? {
    let text = withoutPrefix(text)
    guard text.count % 2 == 0 else { return nil }
    var result: [UInt8] = []
    var at = text.startIndex
    while at < text.endIndex {
      guard let high = digit(text[at]), let low = digit(text[at + 1]) else { return nil }
      result.append(high << 4 | low)
      at += 2
    }
    return result
  }

  static func number(hex text: [UInt8]) -> Int64? {
    let text = withoutPrefix(text)
    guard !text.isEmpty else { return nil }
    var value: Int64 = 0
    for byte in text {
      guard let digit = digit(byte), value < 1 << 59 else { return nil }
      value = value << 4 | Int64(digit)
    }
    return value
  }

  private static func withoutPrefix(_ text: [UInt8]) -> ArraySlice<UInt8> {
    text.count >= 2 && text[0] == 0x30 && text[1] | 0x20 == 0x78 ? text[2...] : text[...]
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
