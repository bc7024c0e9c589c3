import Platform
import Testing

/// Searches that look at many bytes at once, against ones that look at each.
@Suite struct ByteSearchTests {
  private struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  private func naive(_ needle: [UInt8], _ bytes: [UInt8], _ start: Int) -> Int? {
    var at = start
    while at + needle.count <= bytes.count {
      if bytes[at..<(at + needle.count)].elementsEqual(needle) { return at }
      at += 1
    }
    return nil
  }

  @Test("a needle is found where a search byte by byte finds it", arguments: 1...8)
  func needles(seed: UInt64) {
    var random = Random(state: seed)
    // Few letters, so that there are many near misses, of common and of rare bytes.
    let alphabets = ["es ", "etaoin", "XJ", "aQ1", "ms 0123456789"].map { Array($0.utf8) }
    for _ in 0..<4_000 {
      let alphabet = alphabets[random.next(alphabets.count)]
      let bytes = (0..<random.next(300)).map { _ in alphabet[random.next(alphabet.count)] }
      let needle = (0..<random.next(9)).map { _ in alphabet[random.next(alphabet.count)] }
      let start = random.next(bytes.count + 1)
      #expect(
        Bytes.firstIndex(of: needle.span, in: bytes.span, from: start)
          == naive(needle, bytes, start)
      )
    }
  }

  @Test("a needle of one byte over and over does not take quadratic time")
  func repeats() {
    let bytes = [UInt8](repeating: 0x61, count: 400_000)
    let needle = [UInt8](repeating: 0x61, count: 4_000) + [0x62]
    #expect(Bytes.firstIndex(of: needle.span, in: bytes.span) == nil)
    #expect(Bytes.firstIndex(of: needle.span, in: (bytes + [0x62]).span) == 396_000)
  }

  @Test("cells hold what was put in last, and let go of it")
  func cells() {
    final class Witness {
      let leave: () -> Void
      init(_ leave: @escaping () -> Void) { self.leave = leave }
      deinit { leave() }
    }
    var left = 0
    do {
      let cells = Cells<Witness?>(repeating: nil, count: 3)
      for index in 0..<3 { cells[index] = Witness { left += 1 } }
      #expect(left == 0)
      cells[1] = nil
      #expect(left == 1)
      #expect(cells[0] != nil && cells[1] == nil && cells.count == 3)
    }
    #expect(left == 3)
  }
}
