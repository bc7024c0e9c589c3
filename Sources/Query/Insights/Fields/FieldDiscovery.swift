internal import LogModel
internal import Platform

/// Finds the fields that a query names in a message: JSON leaves by path, and those of AWS Lambda's
/// own lines.
///
/// JSON counts where the message is an object, and else where the first valid object stands in it.
/// Only the named paths are looked at; all else is checked and passed over. One worker's.
final class FieldDiscovery {
  private let paths: FieldPaths
  private let lambda: [(field: LambdaField, slot: Int)]
  /// How good the name is under which each slot's value was found.
  private let ranks: Cells<UInt64>
  private var buffer: [UInt8] = []

  /// How many fields there are: those of `json` in order, then those of `lambda`.
  var count: Int { ranks.count + lambda.count }

  init(json: [String], lambda: [LambdaField]) {
    paths = FieldPaths(json)
    ranks = Cells(repeating: .max, count: json.count)
    self.lambda = lambda.enumerated().map { ($0.element, json.count + $0.offset) }
  }

  func discover(_ message: Span<UInt8>, into slots: Cells<InsightsValue>) {
    if !lambda.isEmpty {
      for (field, slot) in lambda { slots[slot] = field.value(in: message) }
    }
    guard ranks.count > 0 else { return }
    for slot in 0..<ranks.count { slots[slot] = .null }
    guard let first = Self.start(of: message) else { return }
    if message[first] == 0x5B {
      // A list counts only as the whole message: brackets begin many lines.
      if walk(message, from: first, into: slots, whole: true) { return }
    }
    var at = first
    while let start = Bytes.firstIndex(of: 0x7B, in: message, from: at) {
      if walk(message, from: start, into: slots, whole: false) { return }
      // The next try is behind what refuted this one, so all tries together are linear.
      guard case .failure(let stop) = JSONSyntax.value(message, from: start, to: message.count),
        stop < message.count
      else { return }
      at = max(stop, start + 1)
    }
  }

  private static func start(of message: Span<UInt8>) -> Int? {
    var at = 0
    while at < message.count, message[at] <= 0x20 { at += 1 }
    return at < message.count ? at : nil
  }

  /// Reads one JSON text; false, with no slot set, when it is none.
  private func walk(
    _ message: Span<UInt8>,
    from start: Int,
    into slots: Cells<InsightsValue>,
    whole: Bool
  ) -> Bool {
    for slot in 0..<ranks.count { ranks[slot] = .max }
    var cursor = JSONCursor(start..<message.count)
    let isValid =
      paths.descend(0, rank: 0, depth: 0, &cursor, message, ranks, slots, &buffer)
      && (!whole || cursor.isAtEnd(in: message))
    if !isValid {
      for slot in 0..<ranks.count { slots[slot] = .null }
    }
    return isValid
  }
}

/// Paths through JSON as one tree, for looking up all of them in one pass.
///
/// A path is its parts joined by dots. A name in the JSON may itself hold dots, so that `a.b.c` is
/// also the member `b.c` of `a`; the longest literal name wins. Numbers are positions in arrays.
struct FieldPaths: Sendable {
  private struct Edge: Sendable {
    let name: [UInt8]
    let index: Int?
    let next: Int
    /// Added to the rank on this edge: bits of the dots that were nesting, first dot highest.
    let rank: UInt64
    let slots: [Int]
  }

  private var nodes: [[Edge]] = [[]]

  /// Longer paths find nothing.
  static let partsMax = 32

  init(_ paths: [String]) {
    var states: [String: Int] = ["": 0]
    for (slot, path) in paths.enumerated() {
      let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard parts.count <= Self.partsMax else { continue }
      for from in 0..<parts.count {
        let node = state(parts[..<from], &states)
        for to in (from + 1)...parts.count {
          let name = parts[from..<to].joined(separator: ".")
          let next = state(parts[..<to], &states)
          insert(name, from: node, to: next, bit: from, slot: to == parts.count ? slot : nil)
        }
      }
    }
  }

  private mutating func state(
    _ parts: ArraySlice<String>,
    _ states: inout [String: Int]
  ) -> Int {
    let key = parts.isEmpty ? "" : "." + parts.joined(separator: ".")
    if let known = states[key] { return known }
    nodes.append([])
    states[key] = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func insert(_ name: String, from node: Int, to next: Int, bit: Int, slot: Int?) {
    let bytes = Array(name.utf8)
    if let at = nodes[node].firstIndex(where: { $0.name == bytes }) {
      let old = nodes[node][at]
      nodes[node][at] = Edge(
        name: bytes,
        index: old.index,
        next: next,
        rank: old.rank,
        slots: old.slots + (slot.map { [$0] } ?? [])
      )
      return
    }
    nodes[node].append(
      Edge(
        name: bytes,
        index: Int(name),
        next: next,
        rank: bit == 0 ? 0 : 1 << UInt64(63 - bit),
        slots: slot.map { [$0] } ?? []
      )
    )
  }

  /// Takes the value at the cursor and sets the slots of what lies below `node`; false when it is
  /// not valid JSON.
  func descend(
    _ node: Int,
    rank: UInt64,
    depth: Int,
    _ cursor: inout JSONCursor,
    _ bytes: Span<UInt8>,
    _ ranks: Cells<UInt64>,
    _ slots: Cells<InsightsValue>,
    _ buffer: inout [UInt8]
  ) -> Bool {
    guard depth < JSONSyntax.depthMax else { return false }
    if cursor.enterObject(in: bytes) {
      while let name = cursor.nextName(in: bytes) {
        let found = edge(node, name, bytes, &buffer)
        guard
          take(node, found, rank: rank, depth: depth, &cursor, bytes, ranks, slots, &buffer)
        else { return false }
      }
    } else if cursor.enterArray(in: bytes) {
      var index = 0
      while cursor.nextElement(in: bytes) {
        let found = nodes[node].firstIndex { $0.index == index }
        guard
          take(
            node,
            found,
            rank: rank,
            depth: depth,
            &cursor,
            bytes,
            ranks,
            slots,
            &buffer
          )
        else { return false }
        index += 1
      }
    } else {
      return cursor.skip(in: bytes)
    }
    return !cursor.hasFailed
  }

  private func take(
    _ node: Int,
    _ number: Int?,
    rank: UInt64,
    depth: Int,
    _ cursor: inout JSONCursor,
    _ bytes: Span<UInt8>,
    _ ranks: Cells<UInt64>,
    _ slots: Cells<InsightsValue>,
    _ buffer: inout [UInt8]
  ) -> Bool {
    guard let number else { return cursor.skip(in: bytes) }
    let edge = nodes[node][number]
    let rank = rank | edge.rank
    guard let kind = cursor.kind(in: bytes) else { return false }
    let start = cursor.at
    let value: InsightsValue
    if kind == .object || kind == .array, !nodes[edge.next].isEmpty {
      guard
        descend(
          edge.next,
          rank: rank,
          depth: depth + 1,
          &cursor,
          bytes,
          ranks,
          slots,
          &buffer
        )
      else { return false }
      value = .jsonSlice(ByteSlice(start..<cursor.at))
    } else {
      guard let token = cursor.take(in: bytes) else { return false }
      value = Self.value(of: token, bytes)
    }
    // A null is no value; another name may have one.
    if value.isNull { return true }
    for slot in edge.slots where rank <= ranks[slot] {
      slots[slot] = value
      ranks[slot] = rank
    }
    return true
  }

  private func edge(
    _ node: Int,
    _ name: JSONToken,
    _ bytes: Span<UInt8>,
    _ buffer: inout [UInt8]
  ) -> Int? {
    if name.hasEscapes {
      JSONCursor.unescape(name, in: bytes, into: &buffer)
      return nodes[node].firstIndex { $0.name == buffer }
    }
    let count = name.range.count
    for index in nodes[node].indices where nodes[node][index].name.count == count {
      let known = nodes[node][index].name
      if Bytes.equal(bytes.extracting(name.range), known.span) { return index }
    }
    return nil
  }

  /// A JSON value as the language sees it.
  static func value(of token: JSONToken, _ bytes: Span<UInt8>) -> InsightsValue {
    switch token.kind {
    case .null: return .null
    case .boolean: return .boolean(bytes[token.range.lowerBound] == 0x74)
    case .object, .array: return .jsonSlice(ByteSlice(token.range))
    case .number:
      if let plain = NumberText.plain(bytes.extracting(token.range)) { return .text(plain) }
      return .slice(ByteSlice(token.range))
    case .string:
      guard token.hasEscapes else { return .slice(ByteSlice(token.range)) }
      var text: [UInt8] = []
      JSONCursor.unescape(token, in: bytes, into: &text)
      return .text(text)
    }
  }
}

/// A part of a map or list, by one path.
struct StructurePath {
  private let paths: FieldPaths

  init(_ path: String) { paths = FieldPaths([path]) }

  /// Null when the structure has no such part.
  func value(_ structure: InsightsValue, _ message: Span<UInt8>) -> InsightsValue {
    switch structure {
    case .jsonSlice(let slice):
      guard let found = find(message.extracting(slice.range)) else { return .null }
      return found.moved(by: Int(slice.offset))
    case .json(let bytes):
      guard let found = find(bytes.span) else { return .null }
      return found.kept(bytes.span)
    default: return .null
    }
  }

  private func find(_ json: Span<UInt8>) -> InsightsValue? {
    let slots = Cells<InsightsValue>(repeating: .null, count: 1)
    let ranks = Cells<UInt64>(repeating: .max, count: 1)
    var buffer: [UInt8] = []
    var cursor = JSONCursor(0..<json.count)
    let isValid = paths.descend(0, rank: 0, depth: 0, &cursor, json, ranks, slots, &buffer)
    return isValid ? slots[0] : nil
  }
}

extension InsightsValue {
  /// A slice of a part of the message as one of the message.
  func moved(by offset: Int) -> InsightsValue {
    switch self {
    case .slice(let slice):
      let range = slice.range
      return .slice(ByteSlice((range.lowerBound + offset)..<(range.upperBound + offset)))
    case .jsonSlice(let slice):
      let range = slice.range
      return .jsonSlice(ByteSlice((range.lowerBound + offset)..<(range.upperBound + offset)))
    default: return self
    }
  }
}
