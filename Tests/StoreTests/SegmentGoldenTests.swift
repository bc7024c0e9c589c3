import Foundation
import LogModel
import Platform
import TestSupport
import Testing

@testable import Store

/// Segments as version 1 writes them, kept for ever: every later version has to read them.
///
/// `UPDATE_GOLDEN=1` writes those of the newest token filter anew; only a new version of the
/// format, or a new kind of filter, may do that, under new names.
@Suite struct SegmentGoldenTests {
  private static let folder =
    (#filePath as NSString).deletingLastPathComponent + "/../Golden/segments"

  /// Which kind of token filter the blocks of a file have.
  enum Filter: String, CaseIterable {
    /// Silent about JSON escapes.
    case unmarked = "version-1"
    /// Says whether messages hold JSON escapes; what is written today.
    case marked = "version-1-filter-2"

    var kind: UInt8 { self == .unmarked ? 1 : 2 }
  }

  private static let messages = [
    "first", "", "two\nlines", "NUL \u{0} CR \r ESC \u{1B}[31m", "é 漢字 🎉 \u{2028}",
    String(repeating: "long ", count: 200), "last",
  ]

  private static func write(codec: Codec) throws {
    let directory = TemporaryDirectory()
    var options = StoreOptions(dataDirectory: directory.path)
    options.codec = codec
    options.floodBytes = 1
    options.segmentBytes = 1_500
    options.ballastBytes = 0
    let clock = ManualClock()
    options.commitIntervalNanoseconds = 0
    let store = try Store.open(options, clock: clock, metrics: Metrics())
    for (turn, stream) in ["ecs/web/1", "ecs/web/2"].enumerated() {
      try Fixture.commit(
        Fixture.batch(
          messages,
          at: 1_800_000_000_000_000_000 + Int64(turn) * 1_000_000_000,
          stream: stream,
          checkpoint: SourceCheckpoint(source: "docker:golden", position: [1, 2, UInt8(turn)])
        ),
        to: store
      )
    }
    store.close()
    let path = directory.file("segments/000001/0000000001.log.\(codec.fileExtension)")
    let bytes = try FileSystem.read(path, atMost: 1 << 20)
    var text = ""
    for (index, byte) in bytes.enumerated() {
      let digits = String(byte, radix: 16)
      text += (digits.count == 1 ? "0" : "") + digits + (index % 40 == 39 ? "\n" : "")
    }
    if !text.hasSuffix("\n") { text += "\n" }
    let target = "\(folder)/\(Filter.marked.rawValue)-\(codec.fileExtension).hex"
    try text.write(toFile: target, atomically: true, encoding: .utf8)
  }

  private static func read(_ filter: Filter, codec: Codec) throws -> [UInt8] {
    let path = "\(folder)/\(filter.rawValue)-\(codec.fileExtension).hex"
    let digits = Array(try String(contentsOfFile: path, encoding: .utf8).filter { $0 != "\n" }.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
    }
  }

  @Test(
    "a segment of version 1 is read, to the byte, with either kind of token filter",
    arguments: Filter.allCases,
    Codec.allCases
  )
  func version1(filter: Filter, codec: Codec) throws {
    if filter == .marked, ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try Self.write(codec: codec)
    }
    let bytes = try Self.read(filter, codec: codec)
    let heads = bytes.indices.count { bytes[$0...].starts(with: [filter.kind, 5, 0, 0]) }
    #expect(heads == 2, "two blocks, each with a filter of kind \(filter.kind)")
    let directory = TemporaryDirectory()
    directory.write(
      "segments/000001/0000000001.log.\(codec.fileExtension)",
      bytes
    )
    let metrics = Metrics()
    var options = StoreOptions(dataDirectory: directory.path)
    options.ballastBytes = 0
    let store = try Store.open(options, clock: SystemClock(), metrics: metrics)
    defer { store.close() }
    #expect(metrics.total("logagent_storage_corruptions_total") == 0)
    #expect(store.position(of: "docker:golden") == [1, 2, 1])
    #expect(try Fixture.messages(directory) == Self.messages + Self.messages)
    let reader = try StoreReader(dataDirectory: directory.path)
    let group = try #require(try reader.groups().first)
    #expect(group.group == Fixture.group)
    let found = try reader.blocks(of: group.id, from: .distantPast, through: .distantFuture)
    var blocks = BlockReader()
    let present = NeedleProbe(literal: Array("long long ".utf8).span)
    let absent = NeedleProbe(literal: Array(" absentword ".utf8).span)
    let escaped = NeedleProbe(parts: [Array("\"absentword\"".utf8)], mayBeEscaped: true)
    for block in found {
      #expect(try blocks.mayContain([present], in: block))
      #expect(try !blocks.mayContain([absent], in: block))
      // Only a filter that would say so proves that no escape hides the word.
      #expect(try blocks.mayContain([escaped], in: block) == (filter == .unmarked))
    }
    let columns = try blocks.columns(of: try #require(found.last))
    #expect(columns.streams.map(\.name) == ["ecs/web/2"])
    #expect(columns.records.map(\.timestamp).first == 1_800_000_001_000_000_000)
    #expect(columns.records.map { $0.flags.contains(.stderr) }[2])
  }
}
