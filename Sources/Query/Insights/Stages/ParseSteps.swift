internal import LogModel
internal import Platform

/// A command that sets columns of the row at hand.
class RowStep {
  func run(_ row: InsightsRow, _ message: Span<UInt8>) {}
}

/// `fields x as y`.
final class ComputeStep: RowStep {
  private let node: ValueNode
  private let slot: Int

  init(_ node: ValueNode, into slot: Int) {
    self.node = node
    self.slot = slot
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>) {
    row.slots[slot] = node.evaluate(row, message)
  }
}

/// `parse field "a*b*" as x, y`.
///
/// Found anywhere; each `*` takes the shortest text up to the next literal, a last one the rest.
/// The first place of every literal will do: if the next one is not behind it, it is nowhere.
final class GlobStep: RowStep {
  private let source: ValueNode
  private let literals: [[UInt8]]
  private let slots: [Int]
  private let ranges: Cells<Range<Int>>

  init(_ source: ValueNode, _ pattern: String, into slots: [Int]) {
    self.source = source
    self.slots = slots
    literals = Array(pattern.utf8).split(separator: 0x2A, omittingEmptySubsequences: false)
      .map { Array($0) }
    ranges = Cells(repeating: 0..<0, count: slots.count)
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>) {
    let value = source.evaluate(row, message)
    let isFound = value.withText(message) { match($0) } ?? false
    for index in 0..<slots.count {
      row.slots[slots[index]] = isFound ? value.part(ranges[index]) : .null
    }
  }

  private func match(_ text: Span<UInt8>) -> Bool {
    let head = literals[0]
    guard let first = Bytes.firstIndex(of: head.span, in: text) else { return false }
    var at = first + head.count
    for index in 1..<max(1, literals.count) {
      let isLast = index == literals.count - 1
      let end: Int
      if isLast, literals[index].isEmpty {
        end = text.count
      } else {
        let literal = literals[index]
        guard let hit = Bytes.firstIndex(of: literal.span, in: text, from: at) else {
          return false
        }
        end = hit
      }
      if index <= ranges.count { ranges[index - 1] = at..<end }
      at = end + literals[index].count
    }
    return true
  }
}

extension InsightsValue {
  /// A part of a text.
  @inline(__always)
  func part(_ range: Range<Int>) -> InsightsValue {
    switch self {
    case .slice(let slice):
      let offset = Int(slice.offset)
      return .slice(ByteSlice((range.lowerBound + offset)..<(range.upperBound + offset)))
    case .text(let bytes): return .text(Array(bytes[range]))
    default:
      let none: [UInt8] = []
      return .text(Array(printed(none.span)[range]))
    }
  }
}

/// `parse field /(?<x>..)/`: the first match.
final class RegexStep: RowStep {
  private let source: ValueNode
  private let search: PatternSearch
  private let captures: [(group: Int, slot: Int)]

  init(_ source: ValueNode, _ pattern: BytePattern, _ captures: [(group: Int, slot: Int)]) {
    self.source = source
    search = PatternSearch(pattern)
    self.captures = captures
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>) {
    let value = source.evaluate(row, message)
    let isFound =
      value.withText(message) { text -> Bool in
        do throws(PatternFailure) {
          return try search.firstMatch(in: text) != nil
        } catch {
          row.failure = error
          return false
        }
      } ?? false
    for (group, slot) in captures {
      row.slots[slot] =
        isFound ? search.range(of: group).map { value.part($0) } ?? .null : .null
    }
  }
}

/// `parse field logfmt as m`: `key=value` pairs as one map.
final class LogfmtStep: RowStep {
  private let source: ValueNode
  private let slot: Int

  init(_ source: ValueNode, into slot: Int) {
    self.source = source
    self.slot = slot
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>) {
    let value = source.evaluate(row, message)
    let map = value.withText(message) { Self.map($0) } ?? nil
    row.slots[slot] = map.map { .json($0) } ?? .null
  }

  /// Nil when there is no pair.
  ///
  /// A key without `=` is not one.
  static func map(_ text: Span<UInt8>) -> [UInt8]? {
    var json: [UInt8] = [0x7B]
    var pairs = 0
    var at = 0
    while at < text.count, pairs < QueryLimits.pairsMax {
      while at < text.count, text[at] <= 0x20 { at += 1 }
      let start = at
      while at < text.count, text[at] > 0x20, text[at] != 0x3D, text[at] != 0x22 { at += 1 }
      guard at < text.count, text[at] == 0x3D, at > start else {
        // Not a pair: on to the next blank.
        while at < text.count, text[at] > 0x20 { at += 1 }
        continue
      }
      if pairs > 0 { json.append(0x2C) }
      JSONWriter.appendString(text.extracting(start..<at), to: &json)
      json.append(0x3A)
      at = appendValue(text, at + 1, to: &json)
      pairs += 1
    }
    json.append(0x7D)
    return pairs > 0 ? json : nil
  }

  /// Appends a bare or quoted value as a JSON string; gives where it ended.
  private static func appendValue(
    _ text: Span<UInt8>,
    _ start: Int,
    to json: inout [UInt8]
  ) -> Int {
    var at = start
    guard at < text.count, text[at] == 0x22 else {
      while at < text.count, text[at] > 0x20 { at += 1 }
      JSONWriter.appendString(text.extracting(start..<at), to: &json)
      return at
    }
    var value: [UInt8] = []
    at += 1
    while at < text.count, text[at] != 0x22 {
      if text[at] == 0x5C, at + 1 < text.count {
        at += 1
        switch text[at] {
        case 0x6E: value.append(0x0A)
        case 0x74: value.append(0x09)
        case 0x72: value.append(0x0D)
        default: value.append(text[at])
        }
      } else {
        value.append(text[at])
      }
      at += 1
    }
    JSONWriter.appendString(value.span, to: &json)
    return min(at + 1, text.count)
  }
}

/// `parse field csv as a, b`: comma-separated values by position, perhaps in double quotes.
final class CommaStep: RowStep {
  private let source: ValueNode
  private let slots: [Int]

  init(_ source: ValueNode, into slots: [Int]) {
    self.source = source
    self.slots = slots
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>) {
    let value = source.evaluate(row, message)
    let fields = value.withText(message) { Self.fields($0, atMost: slots.count) } ?? []
    for (index, slot) in slots.enumerated() {
      guard index < fields.count else {
        row.slots[slot] = .null
        continue
      }
      switch fields[index] {
      case .plain(let range): row.slots[slot] = value.part(range)
      case .quoted(let text): row.slots[slot] = .text(text)
      }
    }
  }

  enum Field {
    case plain(Range<Int>)
    case quoted([UInt8])
  }

  static func fields(_ text: Span<UInt8>, atMost count: Int) -> [Field] {
    var fields: [Field] = []
    var at = 0
    while fields.count < count {
      if at < text.count, text[at] == 0x22 {
        var value: [UInt8] = []
        at += 1
        while at < text.count {
          if text[at] == 0x22 {
            guard at + 1 < text.count, text[at + 1] == 0x22 else { break }
            at += 1
          }
          value.append(text[at])
          at += 1
        }
        fields.append(.quoted(value))
        at = Bytes.firstIndex(of: 0x2C, in: text, from: min(at, text.count)) ?? text.count
      } else {
        let end = Bytes.firstIndex(of: 0x2C, in: text, from: at) ?? text.count
        fields.append(.plain(at..<end))
        at = end
      }
      guard at < text.count else { break }
      at += 1
    }
    return fields
  }
}

/// A command that makes several rows of one.
class RowExpansion {
  /// Sets the row's columns for each of them in turn and calls `next`.
  func run(_ row: InsightsRow, _ message: Span<UInt8>, _ next: () -> Void) {}
}

/// `parse field /(x)/ multi`: one row for every match; one without values where there is none.
final class RegexExpansion: RowExpansion {
  private let source: ValueNode
  private let search: PatternSearch
  private let captures: [(group: Int, slot: Int)]

  init(_ source: ValueNode, _ pattern: BytePattern, _ captures: [(group: Int, slot: Int)]) {
    self.source = source
    search = PatternSearch(pattern)
    self.captures = captures
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>, _ next: () -> Void) {
    let value = source.evaluate(row, message)
    // All matches first: what follows may search too.
    var found: [[InsightsValue]] = []
    _ = value.withText(message) { text in
      do throws(PatternFailure) {
        var at = 0
        while at <= text.count, found.count < QueryLimits.partsMax,
          let match = try search.firstMatch(in: text, from: at)
        {
          found.append(
            captures.map { search.range(of: $0.group).map { value.part($0) } ?? .null }
          )
          at = match.upperBound
          if match.isEmpty {
            guard at < text.count else { break }
            at += max(1, JSONWriter.sequenceLength(text, at))
          }
        }
      } catch {
        row.failure = error
      }
    }
    if found.isEmpty { found.append(captures.map { _ in .null }) }
    for values in found {
      for (index, capture) in captures.enumerated() { row.slots[capture.slot] = values[index] }
      next()
    }
  }
}

/// `unnest list into x`: one row for every element; what is no list is one element.
final class UnnestExpansion: RowExpansion {
  private let list: ValueNode
  private let slot: Int

  init(_ list: ValueNode, into slot: Int) {
    self.list = list
    self.slot = slot
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>, _ next: () -> Void) {
    let value = list.evaluate(row, message)
    guard value.isStructure, let elements = JSONFunctions.elements(value, message) else {
      row.slots[slot] = value
      return next()
    }
    for element in elements.prefix(QueryLimits.partsMax) {
      row.slots[slot] = element
      next()
    }
  }
}

/// `join`: one row for every row of the other side with an equal key.
final class JoinExpansion: RowExpansion {
  private let key: ValueNode
  private let table: JoinTable
  private let slots: [Int]
  private let keepsUnmatched: Bool

  /// `slots` has one for each column of the table.
  init(_ key: ValueNode, _ table: JoinTable, into slots: [Int], keepsUnmatched: Bool) {
    self.key = key
    self.table = table
    self.slots = slots
    self.keepsUnmatched = keepsUnmatched
  }

  override func run(_ row: InsightsRow, _ message: Span<UInt8>, _ next: () -> Void) {
    let value = key.evaluate(row, message)
    let matches =
      value.isNull || value.isStructure ? [] : table.rows(with: JoinTable.key(value, message))
    if matches.isEmpty, keepsUnmatched {
      for slot in slots { row.slots[slot] = .null }
      next()
    }
    for match in matches.prefix(QueryLimits.partsMax) {
      for (column, slot) in slots.enumerated() { row.slots[slot] = match[column] }
      next()
    }
  }
}

/// The right side of a `join`: rows by key.
struct JoinTable: Sendable {
  let columns: [String]
  private var byKey: [[UInt8]: [[InsightsValue]]] = [:]

  /// The first column is the key, the others are the fields.
  init(_ table: InsightsTable) throws(QueryFailure) {
    columns = Array(table.columns.dropFirst())
    let none: [UInt8] = []
    for row in table.rows where !row[0].isNull && !row[0].isStructure {
      byKey[Self.key(row[0], none.span), default: []].append(Array(row.dropFirst()))
    }
    guard byKey.count <= QueryLimits.joinKeysMax else {
      throw .tooLarge(
        "the right side of `join` has \(byKey.count) keys; \(QueryLimits.joinKeysMax) are allowed",
        hint: "filter the query in parentheses"
      )
    }
  }

  func rows(with key: [UInt8]) -> [[InsightsValue]] { byKey[key] ?? [] }

  /// Numbers that are equal are one key, however they are written.
  static func key(_ value: InsightsValue, _ message: Span<UInt8>) -> [UInt8] {
    guard let number = value.number(message) else { return value.printed(message) }
    return Array("\(number.real)".utf8)
  }
}
