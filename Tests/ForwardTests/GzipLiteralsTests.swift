import Platform
import TestSupport
import Testing

@testable import Forward

@Suite struct GzipLiteralsTests {
  private func packed(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = [0x2A]
    GzipLiterals.append(bytes.span, to: &output)
    #expect(output.first == 0x2A)
    return Array(output.dropFirst())
  }

  @Test("every byte value and every length unpacks to itself")
  func roundTrip() {
    let all = (0..<1_024).map { UInt8(truncatingIfNeeded: $0 &* 167) }
    for count in 0..<300 {
      let bytes = Array(all[..<count])
      #expect(Envelope.gunzip(packed(bytes)) == bytes)
    }
    for value in 0..<256 {
      let bytes = [UInt8](repeating: UInt8(value), count: 777)
      #expect(Envelope.gunzip(packed(bytes)) == bytes)
    }
  }

  @Test("gzip itself takes a megabyte of base64, three quarters as long")
  func gzipReads() throws {
    var text: [UInt8] = []
    let noise = DeliveryFixture.noise(786_432).map { $0 &* 197 }
    Base64.append(noise.span, to: &text)
    let member = packed(text)
    let folder = TemporaryDirectory()
    _ = folder.write("body.gz", member)
    #expect(
      try Shell.run("gzip -dc \(folder.file("body.gz"))") == String(decoding: text, as: UTF8.self)
    )
    #expect(member.count < text.count * 77 / 100)
  }
}
