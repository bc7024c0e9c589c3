import Foundation
import LogModel
import Store

/// A stored event as the tests compare it.
struct StoredEvent: Equatable {
  var timestamp: Int64
  var message: [UInt8]
  var flags: EventFlags
  var originalBytes: UInt64?

  var text: String { String(decoding: message, as: UTF8.self) }
}

/// What a data directory holds, read with the store's own reader while the agent may be running.
struct StoredEvents {
  let dataDirectory: String

  /// Visits a group's events in the order in which they were stored, without copying messages.
  func scan(
    _ group: String,
    _ body: (EventRecord, UnsafeRawBufferPointer, UInt64?) throws -> Void
  ) throws {
    let reader = try StoreReader(dataDirectory: dataDirectory)
    guard let info = try reader.groups().first(where: { $0.group.name == group }) else { return }
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    let all = try reader.blocks(
      of: info.id,
      from: Timestamp(nanoseconds: .min),
      through: Timestamp(nanoseconds: .max)
    )
    for block in all {
      let columns = try blocks.columns(of: block)
      try blocks.messages(of: block, into: &bytes)
      try bytes.withUnsafeBytes { buffer in
        for (index, record) in columns.records.enumerated() {
          let original = columns.originalLengths.isEmpty ? nil : columns.originalLength(of: index)
          try body(record, UnsafeRawBufferPointer(rebasing: buffer[record.range]), original)
        }
      }
    }
  }

  func events(_ group: String) throws -> [StoredEvent] {
    var found: [StoredEvent] = []
    try scan(group) { record, message, original in
      found.append(
        StoredEvent(
          timestamp: record.timestamp,
          message: Array(message),
          flags: record.flags,
          originalBytes: original
        )
      )
    }
    return found
  }

  /// How many events a group has, by the catalog.
  func count(_ group: String) -> UInt64 {
    guard let reader = try? StoreReader(dataDirectory: dataDirectory),
      let usage = try? reader.usage().first(where: { $0.info.group.name == group })
    else { return 0 }
    return usage.events
  }

  /// The last event of a group, from its newest block alone.
  func last(_ group: String) -> StoredEvent? {
    guard let reader = try? StoreReader(dataDirectory: dataDirectory),
      let info = try? reader.groups().first(where: { $0.group.name == group }),
      info.nextSequence > 0,
      let block = try? reader.blocks(of: info.id, sequence: info.nextSequence - 1, limit: 1).last
    else { return nil }
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    guard let columns = try? blocks.columns(of: block), let record = columns.records.last,
      (try? blocks.messages(of: block, into: &bytes)) != nil
    else { return nil }
    return StoredEvent(
      timestamp: record.timestamp,
      message: Array(bytes[record.range]),
      flags: record.flags
    )
  }
}

/// The stored numbers of one container that wrote `DockerEngine.numberedLines`.
struct NumberedLines {
  /// A run of numbers that are missing, and what stands in its place.
  struct Hole: CustomStringConvertible {
    /// The last number in front of the hole and the first one behind it.
    var before: Int
    var after: Int
    var timeBefore: Int64
    var timeAfter: Int64
    /// The messages of the gap records between the two.
    var gaps: [String]

    var description: String { "\(before + 1)…\(after - 1)" }
  }

  private(set) var count = 0
  private(set) var last = 0
  private(set) var holes: [Hole] = []
  /// Numbers that are not greater than the one in front of them: duplicates or disorder.
  private(set) var disorder: [(before: Int, after: Int)] = []
  /// Gap records where no number is missing.
  private(set) var needlessGaps: [(text: String, after: Int)] = []
  private(set) var gapRecords = 0
  /// Messages that no container wrote.
  private(set) var strange: [String] = []

  init(_ store: StoredEvents, _ group: String) throws {
    var gaps: [String] = []
    var lastTime: Int64 = 0
    try store.scan(group) { record, message, _ in
      if record.flags.contains(.gap) {
        gaps.append(String(decoding: message, as: UTF8.self))
        gapRecords += 1
        return
      }
      guard let number = Self.number(message) else {
        strange.append(String(decoding: message.prefix(100), as: UTF8.self))
        return
      }
      if number > last + 1 {
        holes.append(
          Hole(
            before: last,
            after: number,
            timeBefore: lastTime,
            timeAfter: record.timestamp,
            gaps: gaps
          )
        )
      } else {
        if number <= last { disorder.append((last, number)) }
        needlessGaps.append(contentsOf: gaps.map { ($0, number) })
      }
      gaps.removeAll()
      count += 1
      last = number
      lastTime = record.timestamp
    }
    needlessGaps.append(contentsOf: gaps.map { ($0, last + 1) })
  }

  /// The number that a line begins with: digits up to a space or the end.
  static func number(_ message: UnsafeRawBufferPointer) -> Int? {
    var value = 0
    var digits = 0
    for byte in message {
      guard byte >= 0x30, byte <= 0x39 else { break }
      value = value * 10 + Int(byte - 0x30)
      digits += 1
    }
    return digits > 0 && (digits == message.count || message[digits] == 0x20) ? value : nil
  }
}
