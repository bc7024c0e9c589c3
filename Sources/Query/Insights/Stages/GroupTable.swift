internal import LogModel
internal import Platform

/// The groups of a `stats`: keys as bytes in one arena, found by hash.
///
/// A key holds every key column in turn: a tag, and for texts their length and bytes, for times
/// eight bytes. Groups are numbered in order of first sight. One worker's.
final class GroupTable {
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
  func group(_ key: [UInt8]) -> Int {
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

  private func grow() {
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
