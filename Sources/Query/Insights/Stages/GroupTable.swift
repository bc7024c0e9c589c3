internal import LogModel
internal import Platform

/// The groups of a `stats`: keys as bytes in one arena, found by hash.
///
/// A key holds every key column in turn: a tag, and for texts their length and bytes, for times
/// eight bytes. Groups are numbered in order of first sight. A value, so that finding a group is
/// one access for whoever holds it. One worker's.
struct GroupTable {
  private enum Tag {
    static let null: UInt8 = 0
    static let text: UInt8 = 1
    static let timestamp: UInt8 = 2
  }

  private var arena: [UInt8] = []
  /// Where each group's key ends in the arena.
  private var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// Open addressing; 0 is empty, else a group's number and one.
  private var table: [UInt32]
  private var mask: Int

  init() {
    table = [UInt32](repeating: 0, count: 256)
    mask = 255
  }

  var count: Int { ends.count }

  /// Memory of the keys.
  var bytes: Int { arena.capacity + ends.capacity * 16 + table.count * 4 }

  /// Appends one column's value to a key.
  @inline(__always)
  static func append(_ value: InsightsValue, _ message: Span<UInt8>, to key: inout [UInt8]) {
    switch value {
    case .null, .json, .jsonSlice: key.append(Tag.null)
    case .timestamp(let time):
      key.append(Tag.timestamp)
      key.append(littleEndian: time)
    case .slice(let slice):
      key.append(Tag.text)
      key.append(littleEndian: slice.count)
      key.append(copying: message.extracting(slice.range))
    default:
      key.append(Tag.text)
      let start = key.count
      key.append(littleEndian: UInt32(0))
      value.appendText(message, to: &key)
      key.patch(littleEndian: UInt32(key.count - start - 4), at: start)
    }
  }

  /// The group with this key, a new one if there is none.
  mutating func group(_ key: [UInt8]) -> Int {
    let hash = Bytes.hash(key.span)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while table[slot] != 0 {
      let group = Int(table[slot]) - 1
      if hashes[group] == hash, Bytes.equal(arena.span.extracting(range(of: group)), key.span) {
        return group
      }
      slot = (slot + 1) & mask
    }
    arena += key
    ends.append(arena.count)
    hashes.append(hash)
    table[slot] = UInt32(ends.count)
    if ends.count * 2 > mask { grow() }
    return ends.count - 1
  }

  private func range(of group: Int) -> Range<Int> {
    (group == 0 ? 0 : ends[group - 1])..<ends[group]
  }

  private mutating func grow() {
    mask = mask * 2 + 1
    table = [UInt32](repeating: 0, count: mask + 1)
    for (group, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & mask
      while table[slot] != 0 { slot = (slot + 1) & mask }
      table[slot] = UInt32(group + 1)
    }
  }

  /// The key's bytes, for looking it up in another table.
  func key(of group: Int) -> [UInt8] { Array(arena[range(of: group)]) }

  /// A key column's value as `sort` sees it; texts stay in the arena.
  private enum Part: BitwiseCopyable {
    case null
    case text(start: Int, end: Int)
    case integer(Int64)
    case real(Double)
    case timestamp(Int64)

    /// What is no text, for comparing; a text is null.
    var number: SortValue {
      switch self {
      case .null, .text: .null
      case .integer(let value): .number(.integer(value))
      case .real(let value): .number(.real(value))
      case .timestamp(let value): .timestamp(value)
      }
    }
  }

  /// The groups in the order of their keys, ascending, nulls last.
  func sorted(keys count: Int) -> [Int] {
    guard count > 0 else { return Array(0..<self.count) }
    let arena = arena
    var parts: [Part] = []
    parts.reserveCapacity(count * self.count)
    for group in 0..<self.count { appendParts(of: group, to: &parts) }
    precondition(parts.count == count * self.count)
    return (0..<self.count).sorted { left, right in
      for key in 0..<count {
        let (one, other) = (parts[left * count + key], parts[right * count + key])
        switch (one, other) {
        case (.null, .null): continue
        case (.null, _): return false
        case (_, .null): return true
        default: break
        }
        switch Self.order(one, other, arena.span) {
        case .equal: continue
        case .less: return true
        case .greater: return false
        }
      }
      return false
    }
  }

  /// As `SortValue.order` of the same values, neither of them null.
  private static func order(_ left: Part, _ right: Part, _ arena: Span<UInt8>) -> ValueOrder {
    if case .text(let start, let end) = left {
      guard case .text(let otherStart, let otherEnd) = right else { return .less }
      return ValueComparison.naturalOrder(
        arena.extracting(start..<end),
        arena.extracting(otherStart..<otherEnd)
      )
    }
    if case .text = right { return .greater }
    return SortValue.order(left.number, right.number)
  }

  private func appendParts(of group: Int, to parts: inout [Part]) {
    let range = range(of: group)
    var at = range.lowerBound
    while at < range.upperBound {
      let tag = arena[at]
      at += 1
      switch tag {
      case Tag.timestamp:
        parts.append(.timestamp(Int64(bitPattern: Bytes.word(arena.span, at: at))))
        at += 8
      case Tag.text:
        var length = 0
        for byte in 0..<4 { length |= Int(arena[at + byte]) << (8 * byte) }
        at += 4
        switch DecimalNumber.parse(arena.span.extracting(at..<(at + length))) {
        case .integer(let value)?: parts.append(.integer(value))
        case .real(let value)?: parts.append(.real(value))
        case nil: parts.append(.text(start: at, end: at + length))
        }
        at += length
      default: parts.append(.null)
      }
    }
  }

  /// The values of the key columns.
  func values(of group: Int) -> [InsightsValue] {
    let range = range(of: group)
    var values: [InsightsValue] = []
    var at = range.lowerBound
    while at < range.upperBound {
      let tag = arena[at]
      at += 1
      switch tag {
      case Tag.timestamp:
        let word = Bytes.word(arena.span, at: at)
        values.append(.timestamp(Int64(bitPattern: word)))
        at += 8
      case Tag.text:
        var length = 0
        for byte in 0..<4 { length |= Int(arena[at + byte]) << (8 * byte) }
        at += 4
        values.append(.text(Array(arena[at..<(at + length)])))
        at += length
      default: values.append(.null)
      }
    }
    return values
  }
}
