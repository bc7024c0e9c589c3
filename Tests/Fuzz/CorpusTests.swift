import Foundation
import Testing

/// The corpora as regression tests: every file runs through its fuzzer, without libFuzzer.
@Suite("Fuzz corpora")
struct CorpusTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "corpus")

  @Test(arguments: Fuzzer.all.map(\.name))
  func `a fuzzer holds for its corpus, for nothing and for a mebibyte of one byte`(
    name: String
  ) throws {
    let fuzzer = try #require(Fuzzer.all.first { $0.name == name })
    let folder = Self.folder.appending(path: name)
    for file in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
      fuzzer.check([UInt8](try Data(contentsOf: folder.appending(path: file))))
    }
    fuzzer.check([])
    for byte in [0x00, 0x0A, 0x22, 0x5B, 0xFF] as [UInt8] {
      fuzzer.check([UInt8](repeating: byte, count: 1_048_576))
    }
  }

  @Test func `every corpus belongs to a fuzzer, and names are used once`() throws {
    let names = Fuzzer.all.map(\.name)
    #expect(Set(names).count == names.count)
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(folders).subtracting(names) == [])
  }
}
