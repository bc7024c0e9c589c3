internal import Glibc
internal import LogModel
internal import Platform

/// A new catalog from the segments alone: groups, blocks and the read positions that blocks carry.
///
/// What only the catalog had is lost: the unsealed tail (its sources are read again from the
/// positions in the blocks) and the delivery cursors (destinations get everything again: at least
/// once).
enum CatalogRebuild {
  static func rebuild(
    layout: Layout,
    files: [StoreRecovery.File],
    metrics: Metrics
  ) throws(StoreError) -> Catalog {
    metrics.add("logagent_storage_rebuilds_total")
    let catalog = try Catalog(path: layout.catalog)
    try catalog.begin()
    do throws(StoreError) {
      var groups: [UInt32: UInt64] = [:]
      for file in files {
        try adopt(file, into: catalog, groups: &groups, layout: layout, metrics: metrics)
      }
      for (group, next) in groups { try catalog.setNextSequence(next, group: group) }
      try catalog.commit()
    } catch {
      catalog.rollBack()
      throw error
    }
    return catalog
  }

  private static func adopt(
    _ file: StoreRecovery.File,
    into catalog: Catalog,
    groups: inout [UInt32: UInt64],
    layout: Layout,
    metrics: Metrics
  ) throws(StoreError) {
    guard let scan = try SegmentScan.scan(file) else {
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "segment_header")])
      let path = file.path
      try storing { () throws(SyscallError) in try FileSystem.rename(path, to: path + ".bad") }
      return
    }
    if groups[scan.header.group] == nil {
      try catalog.addGroup(scan.header.group, LogGroup(sanitizing: scan.header.groupName))
      groups[scan.header.group] = 0
    }
    if scan.damagedBytes > 0 {
      metrics.add("logagent_storage_corruptions_total", 1, [("kind", "block")])
    }
    let segment = SegmentWriter(
      continuing: file.id,
      group: scan.header.group,
      codec: file.codec,
      day: scan.header.day,
      length: scan.length,
      totals: SegmentWriter.Totals(),
      layout: layout
    )
    // Nothing is appended to a segment whose end was found by scanning.
    segment.isSealed = true
    for block in scan.blocks {
      segment.totals.add(block.header)
      try catalog.add(
        block.header,
        segment: file.id,
        offset: block.offset,
        metadataBytes: block.metadataBytes
      )
      for checkpoint in block.checkpoints {
        try catalog.put(
          checkpoint,
          group: scan.header.group,
          lastSequence: block.header.endSequence
        )
      }
      groups[scan.header.group] = max(
        groups[scan.header.group] ?? 0,
        block.header.endSequence
      )
    }
    try catalog.put(segment)
  }
}

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
    let bytes = try storing { () throws(SyscallError) in
      try FileSystem.read(file.path, atMost: 1 << 30)
    }
    var content: [UInt8] = []
    // The header's length is not known before it is read: at most 64 KiB of names.
    var size = 0
    if file.codec == .zstd {
      var reader = ByteReader(from: min(4, bytes.count), to: bytes.count)
      size = Int(reader.integer(UInt32.self, in: bytes.span) ?? 0)
    } else if bytes.count > 16 {
      size = Int(bytes[14]) | Int(bytes[15]) << 8
    }
    guard size <= 65_536,
      MetadataFrame.unwrap(
        bytes.span,
        at: 0,
        kind: .segment,
        codec: file.codec,
        count: size,
        into: &content
      ),
      let header = SegmentHeader.parse(content.span), header.segment == file.id,
      header.group == file.group
    else { return nil }
    var found: [Block] = []
    var offset = MetadataFrame.framedBytes(of: size, codec: file.codec)
    var end = Int64(offset)
    var damaged: Int64 = 0
    while offset < bytes.count {
      if let block = block(in: bytes, at: offset, codec: file.codec, header: header) {
        found.append(block)
        offset += block.metadataBytes + Int(block.header.payloadBytes)
        end = Int64(offset)
      } else {
        // A footer is not a block, but good; anything else is stepped over byte by byte.
        let next = nextFrame(in: bytes, after: offset, codec: file.codec)
        damaged += Int64(next - offset)
        offset = next
      }
    }
    return SegmentScan(header: header, blocks: found, length: end, damagedBytes: damaged)
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
