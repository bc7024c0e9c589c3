internal import LogModel
internal import Platform

/// What a catalog that is rebuilt from segments could not know: kept beside it in a small file of
/// its own, replaced in one step every few seconds while it changes.
///
/// A rebuilt catalog begins delivery where these notes say, so an endpoint gets again what it got
/// in those seconds and what was in the lost tail, and nothing else.
struct RebuildNotes: Equatable {
  struct Lane: Equatable {
    var groupName: String
    var state: LaneState
  }

  struct Evicted: Equatable {
    var group: UInt32
    var groupName: String
    var part: EvictedStream
    var time: Int64
    var reason: String
  }

  private static let magic: UInt32 = 0x314E_414C  // "LAN1"
  private static let bytesMax = 67_108_864

  var store: String
  var lanes: [Lane] = []
  var evicted: [Evicted] = []

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(counted: store)
    bytes.append(varint: UInt64(lanes.count))
    for lane in lanes {
      bytes.append(littleEndian: lane.state.group)
      bytes.append(counted: lane.groupName)
      bytes.append(counted: lane.state.destination)
      bytes.append(varint: lane.state.cursor)
      bytes.append(counted: lane.state.pending?.requestID ?? "")
      bytes.append(varint: lane.state.pending?.endSequence ?? 0)
      bytes.append(signedVarint: lane.state.pending?.timestampMilliseconds ?? 0)
      bytes.append(littleEndian: lane.state.pending?.checksum ?? 0)
    }
    bytes.append(varint: UInt64(evicted.count))
    for entry in evicted {
      bytes.append(littleEndian: entry.group)
      bytes.append(counted: entry.groupName)
      bytes.append(counted: entry.part.stream.name)
      bytes.append(varint: entry.part.sequence)
      for value in [entry.part.events, entry.part.first, entry.part.last, entry.time] {
        bytes.append(signedVarint: value)
      }
      bytes.append(counted: entry.reason)
    }
    bytes.append(littleEndian: CRC32C.checksum(bytes.span))
    return bytes
  }

  /// Nil when there are none, or they are damaged.
  static func read(layout: Layout) -> RebuildNotes? {
    // Silence is right: without notes a rebuilt catalog is as good as the segments alone make it.
    guard let bytes = try? FileSystem.read(layout.rebuildNotes, atMost: bytesMax),
      bytes.count > 8
    else { return nil }
    return parse(bytes.span)
  }

  static func parse(_ bytes: Span<UInt8>) -> RebuildNotes? {
    guard bytes.count > 8 else { return nil }
    let end = bytes.count - 4
    var tail = ByteReader(from: end, to: bytes.count)
    guard tail.integer(UInt32.self, in: bytes) == CRC32C.checksum(bytes.extracting(0..<end)) else {
      return nil
    }
    var reader = ByteReader(to: end)
    guard reader.integer(UInt32.self, in: bytes) == magic,
      let store = reader.text(in: bytes, atMost: 64),
      let lanes = list(&reader, bytes, lane), let evicted = list(&reader, bytes, evictedEntry),
      reader.remaining == 0
    else { return nil }
    return RebuildNotes(store: store, lanes: lanes, evicted: evicted)
  }

  private static func list<T>(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>,
    _ element: (inout ByteReader, Span<UInt8>) -> T?
  ) -> [T]? {
    guard let count = reader.varint(in: bytes), count <= UInt64(bytes.count) else { return nil }
    var found: [T] = []
    for _ in 0..<count {
      guard let next = element(&reader, bytes) else { return nil }
      found.append(next)
    }
    return found
  }

  private static func lane(_ reader: inout ByteReader, _ bytes: Span<UInt8>) -> Lane? {
    guard let group = reader.integer(UInt32.self, in: bytes),
      let name = reader.text(in: bytes, atMost: Limits.nameBytesMax),
      let destination = reader.text(in: bytes, atMost: Limits.nameBytesMax),
      let cursor = reader.varint(in: bytes),
      let request = reader.text(in: bytes, atMost: Limits.nameBytesMax),
      let end = reader.varint(in: bytes), let time = reader.signedVarint(in: bytes),
      let checksum = reader.integer(UInt32.self, in: bytes)
    else { return nil }
    let pending =
      request.isEmpty
      ? nil
      : PendingRequest(
        requestID: request,
        endSequence: end,
        timestampMilliseconds: time,
        checksum: checksum
      )
    return Lane(
      groupName: name,
      state: LaneState(group: group, destination: destination, cursor: cursor, pending: pending)
    )
  }

  private static func evictedEntry(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>
  ) -> Evicted? {
    guard let group = reader.integer(UInt32.self, in: bytes),
      let name = reader.text(in: bytes, atMost: Limits.nameBytesMax),
      let stream = reader.text(in: bytes, atMost: Limits.nameBytesMax),
      let sequence = reader.varint(in: bytes), let events = reader.signedVarint(in: bytes),
      let first = reader.signedVarint(in: bytes), let last = reader.signedVarint(in: bytes),
      let time = reader.signedVarint(in: bytes),
      let reason = reader.text(in: bytes, atMost: Limits.nameBytesMax)
    else { return nil }
    return Evicted(
      group: group,
      groupName: name,
      part: EvictedStream(
        stream: LogStream(sanitizing: stream),
        sequence: sequence,
        events: events,
        first: first,
        last: last
      ),
      time: time,
      reason: reason
    )
  }
}

extension Catalog {
  /// The notes as this catalog would have them.
  func rebuildNotes() throws(StoreError) -> RebuildNotes {
    var notes = RebuildNotes(store: store)
    let lanes = try connection.prepare(
      """
      SELECT g.name, l.group_id, l.destination, l.cursor, l.request_id, l.request_end,
        l.request_time, l.request_checksum
      FROM lanes l JOIN groups g ON g.id=l.group_id ORDER BY l.group_id, l.destination
      """
    )
    while try lanes.step() {
      notes.lanes.append(
        RebuildNotes.Lane(groupName: lanes.text(0), state: LaneState(row: lanes, from: 1))
      )
    }
    let gaps = try connection.prepare(
      """
      SELECT g.name, e.group_id, e.stream, e.sequence, e.events, e.first, e.last, e.time, e.reason
      FROM evicted e JOIN groups g ON g.id=e.group_id ORDER BY e.group_id, e.stream
      """
    )
    while try gaps.step() {
      notes.evicted.append(
        RebuildNotes.Evicted(
          group: UInt32(truncatingIfNeeded: gaps.integer(1)),
          groupName: gaps.text(0),
          part: EvictedStream(
            stream: LogStream(sanitizing: gaps.text(2)),
            sequence: UInt64(bitPattern: gaps.integer(3)),
            events: gaps.integer(4),
            first: gaps.integer(5),
            last: gaps.integer(6)
          ),
          time: gaps.integer(7),
          reason: gaps.text(8)
        )
      )
    }
    return notes
  }
}

extension LaneState {
  /// A row of `lanes`, whose columns begin at `column`.
  init(row: Statement, from column: Int32) {
    self.init(
      group: UInt32(truncatingIfNeeded: row.integer(column)),
      destination: row.text(column + 1),
      cursor: UInt64(bitPattern: row.integer(column + 2))
    )
    if row.isNull(column + 3) { return }
    pending = PendingRequest(
      requestID: row.text(column + 3),
      endSequence: UInt64(bitPattern: row.integer(column + 4)),
      timestampMilliseconds: row.integer(column + 5),
      checksum: UInt32(truncatingIfNeeded: row.integer(column + 6))
    )
  }
}
