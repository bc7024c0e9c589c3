internal import LogModel
internal import Platform

/// Reads blocks: checksums first, then decompression, then decoding with every bound checked.
///
/// Keeps its buffers and contexts, so a worker should keep its reader. One thread at a time.
package struct BlockReader: ~Copyable {
  private var decompressor = Decompressor()
  private var framed: [UInt8] = []
  private var metadata: [UInt8] = []
  private var unpacked: [UInt8] = []

  package init() {}

  /// False only when the block provably has no message that holds every needle.
  ///
  /// Reads header and filter alone: about 20 KB a block.
  package mutating func mayContain(
    _ needles: [NeedleProbe],
    in block: BlockReference
  ) throws(StoreError) -> Bool {
    guard case .segment = block.place, needles.contains(where: { !$0.isOpen }) else { return true }
    let header = try loadMetadata(of: block, parts: .filter)
    let filter = BlockHeader.byteCount..<(BlockHeader.byteCount + Int(header.filterBytes))
    let bytes = metadata.span.extracting(filter)
    guard CRC32C.checksum(bytes) == header.filterChecksum else {
      throw damage(block, "filter checksum")
    }
    for needle in needles where !needle.mayMatch(bytes) { return false }
    return true
  }

  /// Replaces `bytes` with the messages, each followed by a newline.
  ///
  /// Messages may hold newlines of their own; only the columns tell where one ends.
  package mutating func messages(
    of block: BlockReference,
    into bytes: inout [UInt8]
  ) throws(StoreError) {
    bytes.removeAll(keepingCapacity: true)
    let header = try loadMetadata(of: block, parts: .header)
    switch block.place {
    case .segment(let file, let offset, let metadataBytes, let payloadBytes):
      guard payloadBytes == Int(header.payloadBytes) else { throw damage(block, "payload length") }
      var payload = Self.take(&framed)
      defer { framed = payload }
      payload.removeAll(keepingCapacity: true)
      let got = try storing { () throws(SyscallError) in
        try file.descriptor.read(
          into: &payload,
          atMost: payloadBytes,
          at: offset + Int64(metadataBytes)
        )
      }
      guard got == payloadBytes else { throw damage(block, "file is shorter than its blocks") }
      try unpack(block, header, payload.span, into: &bytes)
    case .tail(let image):
      guard image.count == header.metadataBytes + Int(header.payloadBytes) else {
        throw damage(block, "row length")
      }
      try unpack(
        block,
        header,
        image.span.extracting(header.metadataBytes..<image.count),
        into: &bytes
      )
    case .lost(let error):
      throw error
    }
  }

  /// The events without their messages.
  package mutating func columns(of block: BlockReference) throws(StoreError) -> BlockColumns {
    let header = try loadMetadata(of: block, parts: .all)
    let times = try decodeTimes(block, header)
    let end = header.metadataBytes
    let metadata = Self.take(&self.metadata)
    var unpacked = Self.take(&self.unpacked)
    defer {
      self.metadata = metadata
      self.unpacked = unpacked
    }
    let packed = metadata.span.extracting((end - Int(header.columnBytes))..<end)
    guard CRC32C.checksum(packed) == header.columnChecksum else {
      throw damage(block, "column checksum")
    }
    unpacked.removeAll(keepingCapacity: true)
    guard
      decompressor.decompress(
        packed,
        with: header.codec,
        count: Int(header.columnRawBytes),
        into: &unpacked
      ),
      let columns = ColumnCoding.decodeColumns(
        unpacked.span,
        times: times,
        rawBytes: Int(header.rawBytes)
      )
    else { throw damage(block, "columns do not decode") }
    return columns
  }

  /// The event times alone, in order of ingestion: a third of the work of `columns`.
  package mutating func timestamps(of block: BlockReference) throws(StoreError) -> [Int64] {
    try decodeTimes(block, try loadMetadata(of: block, parts: .all))
  }

  /// The read positions that the block reached, for rebuilding a catalog.
  mutating func checkpoints(of block: BlockReference) throws(StoreError) -> [SourceCheckpoint] {
    let header = try loadMetadata(of: block, parts: .all)
    let start = BlockHeader.byteCount + Int(header.filterBytes)
    let bytes = metadata.span.extracting(start..<(start + Int(header.checkpointBytes)))
    guard CRC32C.checksum(bytes) == header.checkpointChecksum,
      let checkpoints = CheckpointCoding.decode(bytes)
    else { throw damage(block, "checkpoints do not decode") }
    return checkpoints
  }

  /// The block's events as they were before encoding, for merging a tail into a block.
  mutating func events(of block: BlockReference) throws(StoreError) -> PendingEvents {
    var bytes: [UInt8] = []
    try messages(of: block, into: &bytes)
    let columns = try columns(of: block)
    var runs: [(count: Int, time: Int64)] = []
    var start = 0
    for run in columns.ingestionEnds {
      runs.append((run.end - start, run.time))
      start = run.end
    }
    return PendingEvents(
      bytes: bytes,
      records: columns.records,
      streams: columns.streams,
      originalLengths: columns.originalLengths,
      ingestion: runs
    )
  }

  private enum Parts {
    case header, filter, all
  }

  /// Leaves the metadata, at least up to the wanted part, in `metadata` and returns its checked
  /// header.
  private mutating func loadMetadata(
    of block: BlockReference,
    parts: Parts
  ) throws(StoreError) -> BlockHeader {
    metadata.removeAll(keepingCapacity: true)
    switch block.place {
    case .lost(let error):
      throw error
    case .tail(let image):
      metadata.append(copying: image.span)
      let header = try parseHeader(block)
      guard metadata.count >= header.metadataBytes else { throw damage(block, "row length") }
      return header
    case .segment(let file, let offset, let metadataBytes, _):
      guard metadataBytes <= 2 * Limits.blockMetadataBytesMax else {
        throw damage(block, "metadata length in the catalog")
      }
      // The filter is most of the metadata: what only wants the header reads one page of it.
      let first = parts == .header ? min(metadataBytes, 512) : metadataBytes
      framed.removeAll(keepingCapacity: true)
      let got = try storing { () throws(SyscallError) in
        try file.descriptor.read(into: &framed, atMost: first, at: offset)
      }
      guard got == first else { throw damage(block, "file is shorter than its blocks") }
      guard unwrap(file, count: BlockHeader.byteCount) else { throw damage(block, "no block here") }
      let header = try parseHeader(block)
      guard MetadataFrame.framedBytes(of: header.metadataBytes, codec: file.codec) == metadataBytes
      else { throw damage(block, "metadata length") }
      if parts == .header { return header }
      let wanted =
        parts == .filter
        ? BlockHeader.byteCount + Int(header.filterBytes) : header.metadataBytes
      metadata.removeAll(keepingCapacity: true)
      guard unwrap(file, count: wanted) else { throw damage(block, "metadata is cut off") }
      return header
    }
  }

  private mutating func unwrap(_ file: SegmentFile, count: Int) -> Bool {
    let framed = Self.take(&self.framed)
    defer { self.framed = framed }
    return MetadataFrame.unwrap(
      framed.span,
      at: 0,
      kind: .block,
      codec: file.codec,
      count: count,
      into: &metadata
    )
  }

  /// The header, when it says of the block what the catalog says.
  private func parseHeader(_ block: BlockReference) throws(StoreError) -> BlockHeader {
    let parsed = BlockHeader.parse(metadata.span, at: 0)
    switch parsed {
    case .failure(.damaged(let reason)):
      throw damage(block, reason)
    case .failure(.newer(let reason)):
      throw .unsupported(path: block.location.path, reason: reason)
    case .success(let header):
      guard header.group == block.group, header.firstSequence == block.firstSequence,
        Int(header.eventCount) == block.eventCount, Int(header.rawBytes) == block.rawBytes,
        header.minTimestamp == block.minTimestamp.nanoseconds,
        header.maxTimestamp == block.maxTimestamp.nanoseconds
      else { throw damage(block, "the catalog and the block disagree") }
      return header
    }
  }

  private mutating func decodeTimes(
    _ block: BlockReference,
    _ header: BlockHeader
  ) throws(StoreError) -> [Int64] {
    let end = header.metadataBytes - Int(header.columnBytes)
    let metadata = Self.take(&self.metadata)
    var unpacked = Self.take(&self.unpacked)
    defer {
      self.metadata = metadata
      self.unpacked = unpacked
    }
    let packed = metadata.span.extracting((end - Int(header.timestampBytes))..<end)
    guard CRC32C.checksum(packed) == header.timestampChecksum else {
      throw damage(block, "timestamp checksum")
    }
    unpacked.removeAll(keepingCapacity: true)
    guard
      decompressor.decompress(
        packed,
        with: header.codec,
        count: Int(header.timestampRawBytes),
        into: &unpacked
      ),
      let times = ColumnCoding.decodeTimestamps(unpacked.span, count: Int(header.eventCount))
    else { throw damage(block, "timestamps do not decode") }
    return times
  }

  private mutating func unpack(
    _ block: BlockReference,
    _ header: BlockHeader,
    _ payload: Span<UInt8>,
    into bytes: inout [UInt8]
  ) throws(StoreError) {
    guard CRC32C.checksum(payload) == header.payloadChecksum else {
      throw damage(block, "payload checksum")
    }
    guard
      decompressor.decompress(
        payload,
        with: header.codec,
        count: Int(header.rawBytes),
        into: &bytes
      )
    else { throw damage(block, "payload does not unpack") }
  }

  /// Moves a buffer out of `self` while it is in use: a span of a stored array and a mutation of
  /// another field would overlap.
  private static func take(_ bytes: inout [UInt8]) -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &bytes)
    return taken
  }

  private func damage(_ block: BlockReference, _ reason: String) -> StoreError {
    let place = block.location
    return .corrupt(path: place.path, offset: place.offset, reason: reason)
  }
}
