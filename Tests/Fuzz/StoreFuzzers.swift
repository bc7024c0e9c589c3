import Foundation
import LogModel
import Platform

@testable import Collect
@testable import Store

extension Fuzzer {
  /// Any bytes as a read position; one that is read is written the same way.
  static let positions = Fuzzer("positions") { bytes in
    if let position = TailPosition(decoding: bytes.span) {
      require(TailPosition(decoding: position.encoded().span) == position, "no round trip")
    }
    // The checksum is no wall against an enemy: the same behind a right one.
    var sealed = bytes
    sealed.append(littleEndian: CRC32C.checksum(bytes.span))
    if let position = TailPosition(decoding: sealed.span) {
      require(TailPosition(decoding: position.encoded().span) == position, "no round trip")
      _ = position.start
    }
  }

  /// Every part of a block, as if its checksum were right.
  static let blockParts = Fuzzer("block-parts") { bytes in
    var input = FuzzInput(bytes)
    let part = input.byte()
    let count = input.short() % 4_096
    let content = input.rest()
    switch part % 5 {
    case 0:
      if let times = ColumnCoding.decodeTimestamps(content.span, count: count) {
        require(times.count == count, "another number of times")
      }
    case 1:
      let rawBytes = count + Int(part)
      guard count > 0,
        let columns = ColumnCoding.decodeColumns(
          content.span,
          times: [Int64](repeating: 0, count: count),
          rawBytes: rawBytes
        )
      else { return }
      for (index, record) in columns.records.enumerated() {
        require(record.range.upperBound < rawBytes, "a message outside of its block")
        require(Int(record.stream) < columns.streams.count, "no such stream")
        _ = columns.ingestion(of: index)
      }
    case 2:
      if let checkpoints = CheckpointCoding.decode(content.span) {
        var again: [UInt8] = []
        CheckpointCoding.encode(checkpoints, into: &again)
        require(CheckpointCoding.decode(again.span) == checkpoints, "no round trip")
      }
    case 3:
      var sealed = content
      sealed.append(littleEndian: CRC32C.checksum(content.span))
      if let header = SegmentHeader.parse(sealed.span) {
        require(SegmentHeader.parse(header.encoded().span) == header, "no round trip")
      }
    default:
      let needle = NeedleProbe(literal: Array(content.prefix(count % 64)).span)
      _ = needle.mayMatch(content.span)
    }
  }

  /// A segment with damage, and with damage that checksums do not show: every block that is found
  /// reads, or says what is wrong with it.
  static let segmentFile = Fuzzer("segment-file") { bytes in
    var input = FuzzInput(bytes)
    let choices = input.byte()
    let sample = SampleSegment.of(choices & 1 == 0 ? .zstd : .gzip)
    var content = sample.bytes
    switch choices >> 1 & 3 {
    case 0: content = input.rest()
    case 1: content.replaceSubrange(sample.headerBytes..., with: input.rest())
    default:
      while !input.isAtEnd {
        let at = input.short() % content.count
        content[at] ^= input.byte()
      }
      if choices & 8 != 0 { sample.fixChecksums(&content) }
      if choices & 16 != 0 { content.removeLast(content.count / 3) }
    }
    SampleSegment.write(content, to: sample.file.path)
    do {
      guard let scan = try SegmentScan.scan(sample.file) else { return }
      require(scan.length <= content.count, "blocks behind the end")
      let file = try SegmentFile(path: sample.file.path, codec: sample.file.codec)
      for block in scan.blocks { read(block, file) }
    } catch StoreError.unsupported {
      // A header of a later version, with the right checksum.
    } catch {
      require(false, "a file that is there was not read: \(error)")
    }
  }

  private static func read(_ block: SegmentScan.Block, _ file: SegmentFile) {
    let reference = BlockReference(
      header: block.header,
      place: .segment(
        file,
        offset: block.offset,
        metadataBytes: block.metadataBytes,
        payloadBytes: Int(block.header.payloadBytes)
      )
    )
    var reader = BlockReader()
    do throws(StoreError) {
      let needle = NeedleProbe(literal: Array("request-4711".utf8).span)
      _ = try reader.mayContain([needle], in: reference)
      var messages: [UInt8] = []
      try reader.messages(of: reference, into: &messages)
      require(messages.count == reference.rawBytes, "another number of bytes")
      let columns = try reader.columns(of: reference)
      require(columns.records.count == reference.eventCount, "another number of events")
      for record in columns.records {
        require(record.range.upperBound < messages.count, "a message outside of its block")
      }
      _ = try reader.events(of: reference)
    } catch {
      // Damage that the scan does not look for, such as a filter's, is told as an error.
    }
  }

  /// A file that ends in `.gz`, with and without damage.
  static let gzipFile = Fuzzer("gzip-file") { bytes in
    let path = SampleSegment.folder + "/chain.gz"
    SampleSegment.write(bytes, to: path)
    guard let codec = try? Collect.GzipCodec(),
      let file = try? Descriptor(open: path, 0)
    else { return }
    var text: [UInt8] = []
    // A bomb gives a thousand times its size: it is read in turns, as everything is.
    while text.count < 4_194_304 {
      let before = text.count
      codec.read(file, into: &text, atMost: 65_536, at: Int64(before))
      require(text.count - before <= 65_536, "more than was asked for")
      if text.count == before { break }
    }
    var again: [UInt8] = []
    codec.read(file, into: &again, atMost: 1_024, at: 0)
    require(again == Array(text.prefix(again.count)), "another text when it is read again")
  }
}

/// A segment of two blocks, to be damaged.
struct SampleSegment: Sendable {
  let file: StoreRecovery.File
  let bytes: [UInt8]
  let headerBytes: Int
  /// Where the blocks start, and what they were before any damage.
  let blocks: [(offset: Int, metadataBytes: Int, header: BlockHeader)]

  static let folder: String = {
    let folder = "/dev/shm/logagent-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    atexit {
      try? FileManager.default.removeItem(atPath: SampleSegment.folder)
    }
    return folder
  }()

  static func write(_ bytes: [UInt8], to path: String) {
    let isWritten = FileManager.default.createFile(atPath: path, contents: Data(bytes))
    require(isWritten, "\(path) cannot be written")
  }

  private static let zstd = SampleSegment(.zstd)
  private static let gzip = SampleSegment(.gzip)

  static func of(_ codec: Codec) -> SampleSegment { codec == .zstd ? zstd : gzip }

  private init(_ codec: Codec) {
    let store = "0123456789abcdef0123456789abcdef"
    file = StoreRecovery.File(
      path: Self.folder + "/1.log." + codec.fileExtension,
      group: 7,
      id: 1,
      codec: codec
    )
    let header = SegmentHeader(
      store: store,
      segment: 1,
      group: 7,
      groupName: "/docker/shop/web",
      created: 0,
      day: 0
    ).encoded()
    var bytes: [UInt8] = []
    MetadataFrame.append(header.span, kind: .segment, codec: codec, to: &bytes)
    headerBytes = bytes.count
    var encoder = BlockEncoder(codec: codec, store: 0x0123_4567_89ab_cdef)
    var blocks: [(offset: Int, metadataBytes: Int, header: BlockHeader)] = []
    for number in 0..<2 {
      var batch = EventBatch(
        group: LogGroup(sanitizing: "/docker/shop/web"),
        stream: LogStream(sanitizing: "0123456789ab")
      )
      for index in 0..<24 {
        batch.append(
          timestamp: Timestamp(nanoseconds: Int64(index) * 1_000),
          message: Array("GET /cart/\(number)/\(index) request-4711 200".utf8).span,
          flags: index % 5 == 0 ? .stderr : []
        )
      }
      let block = encoder.encode(
        PendingEvents(batch, ingestion: Timestamp(nanoseconds: 5_000)),
        group: 7,
        firstSequence: UInt64(number * 24),
        checkpoints: [SourceCheckpoint(source: "docker:0123", position: [1, 2, 3])],
        withFilter: true
      )
      let start = bytes.count
      MetadataFrame.append(block.metadata.span, kind: .block, codec: codec, to: &bytes)
      blocks.append((start, bytes.count - start, block.header))
      bytes += block.payload
    }
    self.blocks = blocks
    self.bytes = bytes
  }

  /// Makes the checksums of the blocks right again, whatever their bytes say now.
  func fixChecksums(_ content: inout [UInt8]) {
    for block in blocks {
      // Both codecs have the metadata in one piece, behind the head of its frame or member.
      let start = block.offset + (file.codec == .zstd ? 8 : 16)
      var at = start + BlockHeader.byteCount
      let header = block.header
      // In the order of the parts in the file, with the places of their checksums in the header.
      for (field, count) in [
        (116, header.filterBytes), (120, header.checkpointBytes), (124, header.timestampBytes),
        (128, header.columnBytes),
      ] {
        Self.put(checksumOf: at..<(at + Int(count)), at: start + field, in: &content)
        at += Int(count)
      }
      let payload = block.offset + block.metadataBytes
      let payloadRange = payload..<(payload + Int(header.payloadBytes))
      Self.put(checksumOf: payloadRange, at: start + 112, in: &content)
      let end = start + BlockHeader.byteCount - 4
      Self.put(checksumOf: start..<end, at: end, in: &content)
    }
  }

  private static func put(
    checksumOf range: Range<Int>,
    at offset: Int,
    in content: inout [UInt8]
  ) {
    var sum: [UInt8] = []
    sum.append(littleEndian: CRC32C.checksum(content.span.extracting(range)))
    content.replaceSubrange(offset..<(offset + 4), with: sum)
  }
}
