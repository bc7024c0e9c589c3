internal import Glibc
internal import LogModel
internal import Platform

/// One segment file that blocks are appended to.
///
/// Store thread only.
///
/// Bytes behind `committedLength` do not exist yet: a restart cuts them off. After a failed
/// fdatasync the file is never written again, because a retry reports success over lost pages.
final class SegmentWriter {
  /// What the catalog's row sums up.
  struct Totals {
    var events: UInt64 = 0
    var rawBytes: UInt64 = 0
    var minTimestamp = Int64.max
    var maxTimestamp = Int64.min
    var maxAgeBase = Int64.min
    var maxIngestion = Int64.min

    mutating func add(_ header: BlockHeader) {
      events += UInt64(header.eventCount)
      rawBytes += UInt64(header.rawBytes)
      minTimestamp = min(minTimestamp, header.minTimestamp)
      maxTimestamp = max(maxTimestamp, header.maxTimestamp)
      maxAgeBase = max(maxAgeBase, header.maxAgeBase)
      maxIngestion = max(maxIngestion, header.maxIngestion)
    }
  }

  let id: UInt64
  let group: UInt32
  let codec: Codec
  /// Day of age that its events belong to, since the epoch.
  let day: Int64
  let path: String
  private(set) var length: Int64
  private(set) var committedLength: Int64
  private(set) var committedTotals: Totals
  var totals: Totals
  var isSealed = false
  private(set) var isDirty = false
  private var descriptor: Descriptor?
  var lastUse: Int64 = 0

  /// Creates the file with its header, durable under its name before any row speaks of it.
  init(
    creating id: UInt64,
    group: UInt32,
    name: LogGroup,
    codec: Codec,
    day: Int64,
    layout: Layout,
    store: String,
    now: Timestamp
  ) throws(StoreError) {
    self.id = id
    self.group = group
    self.codec = codec
    self.day = day
    path = layout.segment(id, group: group, codec: codec)
    let content = SegmentHeader(
      store: store,
      segment: id,
      group: group,
      groupName: name.name,
      created: now.nanoseconds,
      day: day
    ).encoded()
    var bytes: [UInt8] = []
    MetadataFrame.append(content.span, kind: .segment, codec: codec, to: &bytes)
    let directory = layout.groupDirectory(group)
    let path = path
    let file = try storing { () throws(SyscallError) in
      try FileSystem.makeDirectory(directory)
      return try Descriptor(open: path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW)
    }
    try storing { () throws(SyscallError) in
      try file.write(bytes.span, at: 0)
      try file.syncData()
      try FileSystem.syncDirectory(directory)
    }
    length = Int64(bytes.count)
    committedLength = length
    totals = Totals()
    committedTotals = totals
    descriptor = consume file
  }

  /// Goes on with a segment that the catalog knows.
  init(
    continuing id: UInt64,
    group: UInt32,
    codec: Codec,
    day: Int64,
    length: Int64,
    totals: Totals,
    layout: Layout
  ) {
    self.id = id
    self.group = group
    self.codec = codec
    self.day = day
    self.length = length
    committedLength = length
    self.totals = totals
    committedTotals = totals
    path = layout.segment(id, group: group, codec: codec)
  }

  /// Appends a block; returns where it begins and how long its framed metadata is.
  func append(_ block: EncodedBlock) throws(StoreError) -> (offset: Int64, metadataBytes: Int) {
    precondition(!isSealed)
    var bytes: [UInt8] = []
    let framed = MetadataFrame.framedBytes(of: block.metadata.count, codec: codec)
    bytes.reserveCapacity(framed + block.payload.count)
    MetadataFrame.append(block.metadata.span, kind: .block, codec: codec, to: &bytes)
    precondition(bytes.count == framed)
    bytes.append(copying: block.payload.span)
    let offset = length
    try open()
    isDirty = true
    try write(bytes, at: offset)
    length += Int64(bytes.count)
    totals.add(block.header)
    return (offset, framed)
  }

  /// Makes all appended blocks durable.
  func sync() throws(StoreError) {
    guard isDirty else { return }
    if let error = syncError() { throw .io(error) }
    isDirty = false
  }

  private func syncError() -> SyscallError? {
    do throws(SyscallError) {
      try descriptor?.syncData()
      return nil
    } catch {
      return error
    }
  }

  /// Writes the directory of blocks and lets the file go; it is never written again.
  func seal(blocks: [SegmentFooter.Entry]) throws(StoreError) {
    var bytes: [UInt8] = []
    let content = SegmentFooter(entries: blocks).encoded()
    MetadataFrame.append(content.span, kind: .footer, codec: codec, to: &bytes)
    try open()
    isDirty = true
    try write(bytes, at: length)
    length += Int64(bytes.count)
    try sync()
    isSealed = true
  }

  /// What is appended is now in the catalog.
  func markCommitted() {
    committedLength = length
    committedTotals = totals
    if isSealed { descriptor = nil }
  }

  /// Forgets what was appended since the last commit; the bytes are cut off if the disk lets us.
  func rollBack() {
    length = committedLength
    totals = committedTotals
    isSealed = false
    let target = committedLength
    // Silence is right: bytes behind the committed length are cut at the next start in any case.
    try? descriptor?.truncate(to: target)
  }

  /// Gives up a file whose fsync failed: what is committed stays readable, nothing is added.
  func abandon() {
    rollBack()
    isSealed = true
    isDirty = false
    descriptor = nil
  }

  /// Closes the descriptor until the next append, to keep their number bounded.
  func closeWhileIdle() {
    guard !isDirty else { return }
    descriptor = nil
  }

  var isOpen: Bool { descriptor != nil }

  private func open() throws(StoreError) {
    if descriptor != nil { return }
    let path = path
    descriptor = try storing { () throws(SyscallError) in
      try Descriptor(open: path, O_RDWR | O_NOFOLLOW)
    }
  }

  private func write(_ bytes: [UInt8], at offset: Int64) throws(StoreError) {
    do throws(SyscallError) {
      try descriptor?.write(bytes.span, at: offset)
    } catch {
      let target = offset
      // Silence is right: the write's own error is reported, and a restart cuts the rest off.
      try? descriptor?.truncate(to: target)
      throw .io(error)
    }
  }
}
