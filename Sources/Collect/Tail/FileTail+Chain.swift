internal import LogModel
internal import Platform

// Where reading begins, where it goes on after a rotation, and what is said when something is gone.

extension FileTail {
  /// Opens the files and finds the committed position in them; false while there is no file.
  func openChain() throws(CollectError) -> Bool {
    rotationsWalked = countRotations?() ?? nil
    let (found, _) = try chain.open { _ throws(CollectError) in false }
    if found.isEmpty { return false }
    var position: TailPosition?
    if let stored = context.sink.position(of: source), !stored.isEmpty {
      position = TailPosition(decoding: stored.span)
      if position == nil {
        context.notify(
          CollectNotice(
            .warning,
            "\(source): the stored position is unreadable; reading from the first byte"
          )
        )
      }
    }
    if let position {
      try resumeReading(position, found)
    } else {
      follow(Array(found.reversed()), gap: lostBeginning(found))
    }
    if let first = segments.first { begin(first) }
    return isOpen
  }

  /// Whether files came and went before the log was first read.
  ///
  /// A chain that is as long as its rotation keeps may have lost some. Where rotation keeps a
  /// single file, that one tells by its age: the first is created before the writer starts, so a
  /// younger one had another before it. (One that is older than a restart tells nothing.)
  private func lostBeginning(_ found: [Segment]) -> GapReason? {
    guard let rotatedFilesMax else { return nil }
    if found.count >= max(2, rotatedFilesMax) { return .unseen }
    guard rotatedFilesMax == 1, let writerStartedAt, let only = found.first, let birth = only.birth,
      birth - writerStartedAt > CaptureLimits.firstFileGraceNanoseconds,
      // A copy is younger than what is in it, and tells nothing; neither does what has no status.
      let status = try? only.status(), status.modified >= birth
    else { return nil }
    return .rotation
  }

  /// Takes files, oldest first, as the next ones to read.
  private func follow(_ files: [Segment], gap: GapReason?) {
    for (index, segment) in files.enumerated() {
      segment.ordinal = nextOrdinal
      nextOrdinal += 1
      if index == 0 { segment.gapBefore = gap }
      segments.append(segment)
    }
  }

  /// Finds the position's files among those that are there, newest first.
  private func resumeReading(
    _ position: TailPosition,
    _ found: [Segment]
  ) throws(CollectError) {
    decoder.lastTime = position.lastTime
    for segment in found { try segment.identify() }
    let headFile = position.files.count - 1
    let candidates = found.indices.filter { found[$0].fingerprint == position.files[headFile] }
    guard let newestCandidate = candidates.first else {
      resumeAfterGap(position, found)
      return
    }
    // Several files have the same first record only when one line of equal chunks fills them all.
    var intact: Int?
    for index in candidates where try isIntact(position, in: found[index]) { intact = index }
    guard let headIndex = intact else {
      // The same first record but other bytes at the position: cut and written anew.
      follow(found[...newestCandidate].reversed(), gap: .truncated)
      return
    }
    let head = found[headIndex]
    let tail = try head.tail(before: position.head)
    history = position.files.enumerated().map { ($0.offset, $0.element) }
    decodedHead = position.head
    decodedTail = tail
    nextOrdinal = position.files.count
    head.ordinal = headFile
    head.head = position.head
    var older: [Segment] = []
    let start = position.start
    if start != TailPosition.Place(file: headFile, offset: position.head) {
      if let files = filesOfOpenLine(position, found, headIndex) {
        resume = position
        older = files
      } else {
        // The beginning of an open line was rotated away; what is left of it comes without.
        head.gapBefore = .rotation
      }
    }
    if keepsRetired {
      for segment in found[(headIndex + 1)...] where !older.contains(where: { $0 === segment }) {
        retired.append(
          RetiredFile(device: segment.device, inode: segment.inode, ordinal: -1, ticket: 0)
        )
      }
    }
    segments = older
    if !older.contains(where: { $0 === head }) { segments.append(head) }
    follow(found[..<headIndex].reversed(), gap: nil)
  }

  /// Whether a file holds, before the position, what was read there.
  private func isIntact(
    _ position: TailPosition,
    in segment: Segment
  ) throws(CollectError) -> Bool {
    let tail = try segment.tail(before: position.head)
    return tail.count == Int(min(position.head, Int64(CaptureLimits.tailBytes)))
      && StableHash.of(tail.span) == position.tail
  }

  /// The files from the one in which the oldest open line began up to the head's, oldest first,
  /// with their numbers; nil when its first one is gone.
  private func filesOfOpenLine(
    _ position: TailPosition,
    _ found: [Segment],
    _ headIndex: Int
  ) -> [Segment]? {
    let start = position.start
    var files: [Segment] = []
    var index = headIndex
    for file in (start.file..<position.files.count).reversed() {
      while index < found.count, found[index].fingerprint != position.files[file] { index += 1 }
      guard index < found.count else { return nil }
      let segment = found[index]
      segment.ordinal = file
      segment.head = file == start.file ? start.offset : 0
      files.append(segment)
      index += 1
    }
    return files.reversed()
  }

  /// The file that was being read is gone: everything newer than the newest file that we know is
  /// unread, and what lay between is lost.
  private func resumeAfterGap(_ position: TailPosition, _ found: [Segment]) {
    let known = Set(position.files)
    let newestKnown = found.firstIndex { segment in
      segment.fingerprint.map { known.contains($0) } ?? false
    }
    guard let newestKnown else {
      follow(found.reversed(), gap: .rotation)
      return
    }
    if newestKnown > 0 {
      follow(found[..<newestKnown].reversed(), gap: .rotation)
    } else {
      // Only files that were read to their end: go on after them.
      let segment = found[0]
      segment.head = baseSize(segment)
      follow([segment], gap: .rotation)
    }
  }

  private func baseSize(_ segment: Segment) -> Int64 {
    // A file that cannot be asked is read from its start.
    (try? segment.status().size) ?? 0
  }

  /// Sees whether the base is another file than the newest one that we hold, and opens what is new.
  func lookForRotation() throws(CollectError) {
    guard let newest = segments.last else { return }
    let status: FileStatus?
    do throws(SyscallError) {
      status = try FileSystem.statusIfPresent(of: chain.base)
    } catch {
      throw .system(error)
    }
    guard let status else {
      // Between the two renames of a rotation the base is missing; without the directory it is
      // gone.
      if removedAt == nil, !FileSystem.exists(chain.directory) {
        removedAt = context.clock.monotonic()
      }
      if removedAt != nil { baseStatus = nil }
      return
    }
    if newest.isSameFile(as: status) {
      baseStatus = (status.size, status.modified)
      return
    }
    try newest.identify()
    for _ in 0..<3 {
      let before = countRotations?()
      let (found, isContiguous) = try newerFiles(than: newest)
      let after = countRotations?()
      // A rotation during the walk: look again, or the count would not belong to what was found.
      if before != after, !isContiguous { continue }
      if found.isEmpty { break }
      var gap: GapReason? = isContiguous ? nil : .rotation
      if gap != nil, let after, let walked = rotationsWalked, found.count >= after - walked {
        // The file we hold was rotated away, but everything after it is here.
        gap = nil
      }
      rotationsWalked = before ?? nil
      follow(found.reversed(), gap: gap)
      break
    }
    baseStatus = (status.size, status.modified)
  }

  /// The files after `newest`, newest first, and whether the chain was seen to lead back to it.
  private func newerFiles(
    than newest: Segment
  ) throws(CollectError) -> (found: [Segment], isContiguous: Bool) {
    let held = segments
    var (found, reachedKnown) = try chain.open { segment throws(CollectError) in
      held.contains(where: { $0.isSameFile(as: segment) })
    }
    if reachedKnown { return (found.dropLast(), found[found.count - 1].isSameFile(as: newest)) }
    // None of the files that we hold has its name any more: compressed or removed. Now contents
    // count.
    let fingerprints = Set(held.compactMap(\.fingerprint)).union(history.map(\.fingerprint))
    for (index, segment) in found.enumerated() {
      guard let fingerprint = try segment.identify(), fingerprints.contains(fingerprint)
      else { continue }
      found.removeLast(found.count - index)
      return (found, fingerprint == newest.fingerprint)
    }
    return (found, false)
  }

  /// The file was cut behind our back: what was not read is lost, and reading starts over in it.
  func restartTruncated(_ segment: Segment) throws(CollectError) {
    var current = takeBatch(expecting: 0)
    decoder.flushPartials(into: &current)
    putBack(current)
    segment.restart(ordinal: nextOrdinal)
    nextOrdinal += 1
    // Newer files keep their order: theirs must be larger than that of this one.
    for newer in segments.dropFirst() {
      newer.ordinal = nextOrdinal
      nextOrdinal += 1
    }
    segment.gapBefore = .truncated
    resume = nil
    begin(segment)
  }

  /// Gives up the oldest unread file, to free the disk that its deleted content uses.
  func dropOldestHeld() {
    guard segments.count > 1 else { return }
    segments.removeFirst()
    segments[0].gapBefore = .budget
    begin(segments[0])
  }

  /// Bytes of files that have no name any more and are kept only by us.
  var heldDeletedBytes: Int64 {
    if segments.count < 2 { return 0 }
    return segments.reduce(0) { sum, segment in
      // A file that cannot be asked is not in the figure.
      guard let status = try? segment.status(), status.links == 0 else { return sum }
      return sum + status.size
    }
  }

  // MARK: ends and gaps

  /// Everything that is there was read: ends what will not go on.
  func atEnd() throws(CollectError) {
    if let removedAt {
      if context.clock.monotonic() - removedAt >= CaptureLimits.removedGraceNanoseconds {
        try finish(forgetting: true)
      }
      return
    }
    if mustEndPartials {
      var current = takeBatch(expecting: 0)
      decoder.flushPartials(into: &current)
      putBack(current)
    }
  }

  /// A source without any file: it waits, or ends with its directory.
  func endWithoutFiles() throws(CollectError) -> Outcome {
    if !FileSystem.exists(chain.directory) { try finish(forgetting: true) }
    return .idle
  }

  /// Says that records are missing before the record in `firstRecord` of the buffer.
  ///
  /// It goes out with the first record after the gap, in one batch: so it is committed exactly
  /// once.
  func appendGap(
    _ reason: GapReason,
    before buffer: [UInt8],
    _ firstRecord: Range<Int>
  ) throws(CollectError) {
    let to = decoder.peekTime(buffer.span, firstRecord) ?? context.clock.now()
    var earlier = takeBatch(expecting: 0)
    decoder.flushPartials(into: &earlier)
    putBack(earlier)
    try submit()
    var current = takeBatch(expecting: buffer.count)
    gapRecord(reason, to: to, into: &current)
    putBack(current)
  }

  func gapRecord(_ reason: GapReason, to: Int64, into batch: inout EventBatch) {
    let from = decoder.lastTime.map {
      Calendar.formatRFC3339(Timestamp(nanoseconds: $0), decimals: 9)
    }
    let until = Calendar.formatRFC3339(Timestamp(nanoseconds: to), decimals: 9)
    let text = "gap: \(reason.explanation) (\(from ?? "the beginning") to \(until))"
    batch.append(
      timestamp: Timestamp(nanoseconds: to),
      message: Array(text.utf8).span,
      flags: .gap
    )
    context.metrics.add(
      "logagent_source_gaps_total",
      1,
      [("resource", groupName), ("reason", reason.rawValue)]
    )
    context.notify(CollectNotice(.warning, "\(source): \(text)"))
  }

  // MARK: position

  /// Where the source stands; nil before its first record.
  func position() -> TailPosition? {
    guard let last = history.last else { return nil }
    func place(_ partial: Partial) -> TailPosition.Place? {
      guard partial.isOpen,
        let index = history.firstIndex(where: { $0.ordinal == partial.ordinal })
      else { return nil }
      return TailPosition.Place(file: index, offset: partial.offset)
    }
    precondition(last.ordinal < nextOrdinal)
    let tail = decodedTail
    return TailPosition(
      files: history.map(\.fingerprint),
      head: decodedHead,
      tail: StableHash.of(tail.span),
      lastTime: decoder.lastTime,
      out: place(decoder.out),
      err: place(decoder.err)
    )
  }

  /// The number of the oldest file that a resumed source would read again.
  var oldestNeededOrdinal: Int {
    var oldest = history.last?.ordinal ?? 0
    for partial in [decoder.out, decoder.err] where partial.isOpen {
      oldest = min(oldest, partial.ordinal)
    }
    return oldest
  }
}
