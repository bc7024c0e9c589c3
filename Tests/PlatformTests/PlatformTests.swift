import Platform
import TestSupport
import Testing

@Suite struct BytesTests {
  @Test("a literal is found where it is, whatever its rarest byte")
  func search() {
    let text = Array("GET /quartz zzz e e e zebra-zq end".utf8)
    for start in 0..<text.count {
      for length in 1...min(6, text.count - start) {
        let needle = Array(text[start..<(start + length)])
        let expected = (0...(text.count - length)).first {
          Array(text[$0..<($0 + length)]) == needle
        }
        #expect(Bytes.firstIndex(of: needle.span, in: text.span) == expected)
      }
    }
    #expect(Bytes.firstIndex(of: Array("zzzz".utf8).span, in: text.span) == nil)
    #expect(Bytes.firstIndex(of: [UInt8]().span, in: text.span, from: 3) == 3)
    #expect(Bytes.firstIndex(of: text.span, in: Array("short".utf8).span) == nil)
  }

  @Test("a common byte in a long text falls back without missing a hit")
  func fallback() {
    var text = [UInt8](repeating: 0x65, count: 10_000)
    text += Array("ex".utf8)
    #expect(Bytes.firstIndex(of: Array("eeex".utf8).span, in: text.span) == 9_998)
    #expect(Bytes.firstIndex(of: Array("xe".utf8).span, in: text.span) == nil)
  }
}

@Suite struct CodingTests {
  @Test("CRC-32C has its check value")
  func checksum() {
    #expect(CRC32C.checksum(Array("123456789".utf8).span) == 0xE306_9283)
    let half = CRC32C.checksum(Array("12345".utf8).span)
    #expect(CRC32C.checksum(Array("6789".utf8).span, continuing: half) == 0xE306_9283)
  }

  @Test("varints come back, and damaged ones are refused")
  func varints() {
    var bytes: [UInt8] = []
    let values: [Int64] = [0, 1, -1, 63, -64, 64, 1 << 40, .max, .min]
    for value in values { bytes.append(signedVarint: value) }
    var reader = ByteReader(to: bytes.count)
    for value in values { #expect(reader.signedVarint(in: bytes.span) == value) }
    #expect(reader.remaining == 0)
    let endless = [UInt8](repeating: 0xFF, count: 11)
    var broken = ByteReader(to: endless.count)
    #expect(broken.varint(in: endless.span) == nil)
  }

  @Test("base64 pads as RFC 4648 has it")
  func base64() {
    for (text, expected) in [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"),
    ] {
      var encoded: [UInt8] = []
      Base64.append(Array(text.utf8).span, to: &encoded)
      #expect(String(decoding: encoded, as: UTF8.self) == expected)
    }
  }

  @Test("a token is whole below eight bytes and pieces from there on")
  func tokens() {
    let tokens = TokenSet()
    tokens.insertTokens(of: Array("GET /abcdefghijklmnopq?x=1 GET".utf8).span)
    var words: [String] = []
    tokens.forEach { entry in
      words.append(
        String(
          decoding: (0..<8).map { UInt8(truncatingIfNeeded: entry >> ($0 * 8)) }.filter { $0 != 0 },
          as: UTF8.self
        )
      )
    }
    #expect(words == ["GET", "abcdefgh", "ijklmnop", "x", "1"])
  }
}

@Suite struct QueueTests {
  @Test("a full queue holds its pusher until there is room, and keeps order")
  func backPressure() throws {
    let queue = BoundedQueue<Int>(capacity: 3)
    let thread = try OSThread(name: "push") {
      for value in 1...100 { queue.push(value) }
      queue.close()
    }
    var seen: [Int] = []
    while !queue.isDrained {
      if let value = queue.pop(waiting: 1_000_000_000) { seen.append(value) }
      #expect(queue.waitingWeight <= 4)
    }
    thread.join()
    #expect(seen == Array(1...100))
    #expect(queue.push(1) == nil)
  }
}
