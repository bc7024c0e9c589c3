import LogModel
import Testing

@Suite struct EventIDTests {
  @Test("an id is 56 digits of event_ms << 144 | ingest_ms << 80 | opaque << 16 | index")
  func layout() {
    let id = EventID(
      event: Timestamp(milliseconds: 1_600_000_000_123),
      ingestion: Timestamp(milliseconds: 1_600_000_000_456),
      group: 7,
      sequence: 0x1_0002
    )
    // Computed with arbitrary-precision integers.
    #expect(id.description == expected)
    #expect(id.description.utf8.count == 56)
  }

  @Test("ids are exact at every edge of their parts")
  func exact() {
    let edges: [UInt64] = [0, 1, 9, 10, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 1_795_305_600_123]
    var state: UInt64 = 1
    func random(_ bits: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> (64 - bits)
    }
    var cases: [[UInt64]] = []
    for event in edges { for ingestion in edges { cases.append([event, ingestion, 7, event]) } }
    for _ in 0..<2_000 { cases.append([random(41), random(41), random(24), random(56)]) }
    for parts in cases {
      let id = EventID(
        event: Timestamp(milliseconds: Int64(parts[0])),
        ingestion: Timestamp(milliseconds: Int64(parts[1])),
        group: UInt32(parts[2]),
        sequence: parts[3]
      )
      #expect(id.description == longhand(parts))
    }
  }

  /// The number's bits from the top, each doubling a row of decimal digits.
  private func longhand(_ parts: [UInt64]) -> String {
    let opaque = parts[2] << 40 | parts[3] >> 16
    var digits = [Int](repeating: 0, count: 56)
    for (value, bits) in [(parts[0], 64), (parts[1], 64), (opaque, 64), (parts[3] & 0xFFFF, 16)] {
      for bit in (0..<bits).reversed() {
        var carry = Int(value >> UInt64(bit) & 1)
        for index in digits.indices.reversed() {
          let sum = digits[index] * 2 + carry
          digits[index] = sum % 10
          carry = sum / 10
        }
      }
    }
    return digits.map(String.init).joined()
  }

  let expected = "35681192320391988687810697194580948610882969727167168514"
}
