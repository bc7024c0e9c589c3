internal import Glibc
internal import LogModel
internal import Platform

/// All blocks of a segment file that check out, found without the catalog.
struct SegmentScan {
  struct Block {
    let header: BlockHeader
    let offset: Int64
    let metadataBytes: Int
    let checkpoints: [SourceCheckpoint]
  }

  let header: SegmentHeader
  let blocks: [Block]
  /// Where the last good frame ends.
  let length: Int64
  /// Bytes that belong to no good block.
  let damagedBytes: Int64

  /// Nil when the segment's own header is unreadable.
  ///
  /// Reads everything and checks every checksum; after damage it looks for the next block that
  /// checks out.
  static func scan(_ file: StoreRecovery.File) throws(StoreError) -> SegmentScan? {
    let bytes = try read(file, atMost: fileBytesMax)
    guard let (header, start) = try header(of: file, in: bytes) else { return nil }
    var found: [Block] = []
    var offset = start
    var end = Int64(offset)
    var damaged: Int64 = 0
    while offset < bytes.count {
      if let block = block(in: bytes, at: offset, codec: file.codec, header: header) {
        found.append(block)
        offset += block.metadataBytes + Int(block.header.payloadBytes)
        end = Int64(offset)
      } else if let next = footerEnd(in: bytes, at: offset, codec: file.codec) {
        offset = next
        end = Int64(offset)
      } else {
        let next = nextFrame(in: bytes, after: offset, codec: file.codec)
        damaged += Int64(next - offset)
        offset = next
      }
    }
    return SegmentScan(header: header, blocks: found, length: end, damagedBytes: damaged)
  }

  /// What a segment says of itself; nil when that is unreadable or of another segment.
  static func header(of file: StoreRecovery.File) throws(StoreError) -> SegmentHeader? {
    try header(of: file, in: try read(file, atMost: headerBytesMax))?.header
  }

  private static func header(
    of file: StoreRecovery.File,
    in bytes: [UInt8]
  ) throws(StoreError) -> (header: SegmentHeader, end: Int)? {
    guard
      let frame = MetadataFrame.whole(
        bytes.span,
        at: 0,
        kind: .segment,
        codec: file.codec,
        atMost: headerBytesMax
      )
    else { return nil }
    if let version = SegmentHeader.newerVersion(frame.content.span) {
      throw .unsupported(
        path: file.path,
        reason: "segment version \(version) needs a newer logagent"
      )
    }
    guard let header = SegmentHeader.parse(frame.content.span), header.segment == file.id,
      header.group == file.group
    else { return nil }
    return (header, frame.end)
  }

  private static let headerBytesMax = 65_536
  /// Segments end at 64 MiB, and at the block that takes them there.
  private static let fileBytesMax = 1 << 30

  /// Without growing a buffer step by step: the largest segments are most of the memory there is.
  private static func read(
    _ file: StoreRecovery.File,
    atMost limit: Int
  ) throws(StoreError) -> [UInt8] {
    try storing { () throws(SyscallError) in
      let descriptor = try Descriptor(open: file.path, O_RDONLY | O_NOFOLLOW)
      var bytes: [UInt8] = []
      let size = Int(clamping: try descriptor.status().size)
      try descriptor.read(into: &bytes, atMost: min(size, limit), at: 0)
      return bytes
    }
  }

  /// Where the footer at `offset` ends; nil when there is none, or it is damaged.
  private static func footerEnd(in bytes: [UInt8], at offset: Int, codec: Codec) -> Int? {
    guard
      let frame = MetadataFrame.whole(
        bytes.span,
        at: offset,
        kind: .footer,
        codec: codec,
        atMost: Limits.blockMetadataBytesMax
      ), SegmentFooter.isIntact(frame.content.span)
    else { return nil }
    return frame.end
  }

  private static func block(
    in bytes: [UInt8],
    at offset: Int,
    codec: Codec,
    header segment: SegmentHeader
  ) -> Block? {
    var content: [UInt8] = []
    guard
      MetadataFrame.unwrap(
        bytes.span,
        at: offset,
        kind: .block,
        codec: codec,
        count: BlockHeader.byteCount,
        into: &content
      ),
      case .success(let header) = BlockHeader.parse(content.span, at: 0),
      header.group == segment.group, header.codec == codec,
      segment.store.hasPrefix(Entropy.hex(header.store))
    else { return nil }
    let framed = MetadataFrame.framedBytes(of: header.metadataBytes, codec: codec)
    let end = offset + framed + Int(header.payloadBytes)
    content.removeAll()
    guard end <= bytes.count,
      MetadataFrame.unwrap(
        bytes.span,
        at: offset,
        kind: .block,
        codec: codec,
        count: header.metadataBytes,
        into: &content
      ),
      CRC32C.checksum(bytes.span.extracting((offset + framed)..<end)) == header.payloadChecksum
    else { return nil }
    let start = BlockHeader.byteCount + Int(header.filterBytes)
    let packed = content.span.extracting(start..<(start + Int(header.checkpointBytes)))
    guard CRC32C.checksum(packed) == header.checkpointChecksum,
      let checkpoints = CheckpointCoding.decode(packed)
    else { return nil }
    return Block(
      header: header,
      offset: Int64(offset),
      metadataBytes: framed,
      checkpoints: checkpoints
    )
  }

  private static func nextFrame(in bytes: [UInt8], after offset: Int, codec: Codec) -> Int {
    var needle: [UInt8] = []
    switch codec {
    case .zstd: needle.append(littleEndian: MetadataFrame.Kind.block.rawValue)
    case .gzip: needle = [0x1f, 0x8b, 8, 4]
    }
    return Bytes.firstIndex(of: needle.span, in: bytes.span, from: min(offset + 1, bytes.count))
      ?? bytes.count
  }
}
