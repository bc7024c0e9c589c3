import Platform
import Testing

/// The walk over JSON in words of eight bytes, against one that reads the grammar byte by byte.
@Suite struct JSONSyntaxTests {
  /// RFC 8259 as it is written, one function for each rule; nil where the text breaks it.
  private struct Grammar {
    let bytes: [UInt8]

    private func at(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    private func blank(_ start: Int) -> Int {
      var index = start
      while [0x20, 0x09, 0x0A, 0x0D].contains(at(index)), index < bytes.count { index += 1 }
      return index
    }

    func value(_ start: Int, _ depth: Int = 0) -> Int? {
      let start = blank(start)
      switch at(start) {
      case 0x22: return string(start)
      case 0x7B: return container(start, 0x7D, depth)
      case 0x5B: return container(start, 0x5D, depth)
      case 0x74: return word("true", start)
      case 0x66: return word("false", start)
      case 0x6E: return word("null", start)
      default: return number(start)
      }
    }

    private func word(_ word: String, _ start: Int) -> Int? {
      bytes[start...].starts(with: word.utf8) ? start + word.utf8.count : nil
    }

    private func container(_ start: Int, _ closing: UInt8, _ depth: Int) -> Int? {
      guard depth < JSONSyntax.depthMax else { return nil }
      var index = blank(start + 1)
      if at(index) == closing { return index + 1 }
      while true {
        if closing == 0x7D {
          guard at(blank(index)) == 0x22, let name = string(blank(index)) else { return nil }
          index = blank(name)
          guard at(index) == 0x3A else { return nil }
          index += 1
        }
        guard let end = value(index, depth + 1) else { return nil }
        index = blank(end)
        if at(index) == closing { return index + 1 }
        guard at(index) == 0x2C else { return nil }
        index += 1
      }
    }

    private func string(_ start: Int) -> Int? {
      var index = start + 1
      while index < bytes.count {
        switch at(index) {
        case 0x22: return index + 1
        case 0x00..<0x20: return nil
        case 0x5C:
          if at(index + 1) == 0x75 {
            for digit in 2..<6 where !Character(UnicodeScalar(at(index + digit))).isHexDigit {
              return nil
            }
            index += 6
          } else {
            guard Array(#""\/bfnrt"#.utf8).contains(at(index + 1)) else { return nil }
            index += 2
          }
        default: index += 1
        }
      }
      return nil
    }

    private func digits(_ start: Int) -> Int? {
      var index = start
      while (0x30...0x39).contains(at(index)) { index += 1 }
      return index > start ? index : nil
    }

    private func number(_ start: Int) -> Int? {
      var index = start
      if at(index) == 0x2D { index += 1 }
      if at(index) == 0x30 {
        index += 1
      } else {
        guard let end = digits(index) else { return nil }
        index = end
      }
      if at(index) == 0x2E {
        guard let end = digits(index + 1) else { return nil }
        index = end
      }
      if at(index) | 0x20 == 0x65 {
        index += 1
        if at(index) == 0x2B || at(index) == 0x2D { index += 1 }
        guard let end = digits(index) else { return nil }
        index = end
      }
      return index
    }
  }

  private struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  private func make(_ random: inout Random, _ depth: Int) -> String {
    let blank = ["", "", "", " ", "\n\t"][random.next(5)]
    let names = ["a", "status", "x\\ny", "a longer name", "é", "\\u00e9", "\\\\", "1234567"]
    switch random.next(depth > 4 ? 5 : 8) {
    case 0: return blank + ["true", "false", "null"][random.next(3)]
    case 1: return blank + ["0", "-0", "12345678", "123456789012", "-7"][random.next(5)]
    case 2: return ["0.5", "1e3", "12.25E-7", "99999999.125", "1E+22"][random.next(5)] + blank
    case 3, 4: return "\"\(names[random.next(names.count)])\"" + blank
    case 5, 6:
      let members = (0..<random.next(4)).map { _ in
        "\(blank)\"\(names[random.next(names.count)])\"\(blank):" + make(&random, depth + 1)
      }
      return "{" + members.joined(separator: ",") + blank + "}"
    default:
      let elements = (0..<random.next(4)).map { _ in make(&random, depth + 1) }
      return blank + "[" + elements.joined(separator: ",") + "]"
    }
  }

  @Test("values end where the grammar says, and broken ones are refused", arguments: 1...8)
  func agreesWithGrammar(seed: UInt64) {
    var random = Random(state: seed)
    let stray = Array("{}[]\",:0.eE+-\\u tx\u{1}".utf8)
    var valid = 0
    for round in 0..<6_000 {
      var bytes = Array(make(&random, 0).utf8)
      if round % 2 == 1 {
        for _ in 0...random.next(2) {
          let place = random.next(bytes.count)
          switch random.next(3) {
          case 0: bytes[place] = stray[random.next(stray.count)]
          case 1: bytes.insert(stray[random.next(stray.count)], at: place)
          default: bytes.removeSubrange(place...)
          }
          if bytes.isEmpty { bytes = [0x20] }
        }
      }
      let expected = Grammar(bytes: bytes).value(0)
      switch JSONSyntax.value(bytes.span, from: 0, to: bytes.count) {
      case .value(let end):
        valid += 1
        #expect(end == expected, "\(String(decoding: bytes, as: UTF8.self))")
      case .failure(let place):
        #expect(expected == nil, "\(String(decoding: bytes, as: UTF8.self))")
        #expect(place >= 0 && place <= bytes.count)
      }
    }
    #expect(valid > 3_000)
  }
}
