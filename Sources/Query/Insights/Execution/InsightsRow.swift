internal import LogModel
internal import Platform
internal import Store

/// What a row knows of the event it comes from, besides the message.
struct EventFacts: Sendable {
  /// Nil for lines without a time.
  var timestamp: Int64?
  var ingestion: Int64?
  var stream: [UInt8]?
  var group: GroupFacts?
  /// Nil where nobody knows.
  var isStderr: Bool?
  /// Position among the events of its group, for `@ptr` and for order among equal times.
  var sequence: UInt64 = 0
}

/// What events of one group have in common, as text.
final class GroupFacts: Sendable {
  let id: UInt32
  let name: [UInt8]
  let resource: [UInt8]?
  let container: [UInt8]?

  init(id: UInt32, name: String, resource: String?, container: String?) {
    self.id = id
    self.name = Array(name.utf8)
    self.resource = resource.map { Array($0.utf8) }
    self.container = container.map { Array($0.utf8) }
  }
}

/// Place of a row in the order of events: time, then ingestion; the parts of one event are equal.
struct EventPosition: Comparable, BitwiseCopyable, Sendable {
  var timestamp: Int64
  var ingestion: Int64
  var group: UInt32
  var sequence: UInt64
  /// Of several rows made from one event.
  var part: UInt32 = 0

  init(_ facts: EventFacts, part: UInt32 = 0) {
    timestamp = facts.timestamp ?? .min
    ingestion = facts.ingestion ?? .min
    group = facts.group?.id ?? 0
    sequence = facts.sequence
    self.part = part
  }

  @inline(__always)
  static func < (left: EventPosition, right: EventPosition) -> Bool {
    if left.timestamp != right.timestamp { return left.timestamp < right.timestamp }
    if left.ingestion != right.ingestion { return left.ingestion < right.ingestion }
    if left.group != right.group { return left.group < right.group }
    return left.sequence < right.sequence
  }
}

/// The row at hand: filled again for every event.
///
/// The message's fields are read all at once, when the first of them is asked for. One worker's.
final class InsightsRow {
  private let factsCell = Cells(repeating: EventFacts(), count: 1)
  var part: UInt32 = 0
  /// The columns that commands made.
  let slots: Cells<InsightsValue>
  private let discovery: FieldDiscovery
  private let fields: Cells<InsightsValue>
  private var isDiscovered = false
  /// Why a value could not be had; ends the query.
  var failure: PatternFailure?

  init(slots count: Int, discovery: FieldDiscovery) {
    slots = Cells(repeating: .null, count: count)
    fields = Cells(repeating: .null, count: discovery.count)
    self.discovery = discovery
  }

  var facts: EventFacts { factsCell[0] }

  /// Makes the row that of another event.
  @inline(__always)
  func begin(_ facts: EventFacts) {
    factsCell[0] = facts
    part = 0
    isDiscovered = false
  }

  /// A field of the message, by its number in the discovery.
  @inline(__always)
  func field(_ index: Int, _ message: Span<UInt8>) -> InsightsValue {
    if !isDiscovered {
      isDiscovered = true
      discovery.discover(message, into: fields)
    }
    return fields[index]
  }

  var position: EventPosition { EventPosition(facts, part: part) }
}

/// An expression that was compiled: gives a value for a row.
///
/// Subclasses are stateless but for buffers and searches of their own; one worker's.
class ValueNode {
  func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue { .null }

  func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    evaluate(row, message).isTrue(message)
  }
}

final class ConstantNode: ValueNode {
  let value: InsightsValue
  init(_ value: InsightsValue) { self.value = value }
  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue { value }
}

/// A column that an earlier command made.
final class SlotNode: ValueNode {
  let slot: Int
  init(_ slot: Int) { self.slot = slot }
  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    row.slots[slot]
  }
}

/// A field of the message.
final class DiscoveredNode: ValueNode {
  private let index: Int
  /// Maps and lists are no leaves: only functions that take them see them.
  private let givesStructure: Bool

  init(_ index: Int, givesStructure: Bool) {
    self.index = index
    self.givesStructure = givesStructure
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    let value = row.field(index, message)
    return value.isStructure && !givesStructure ? .null : value
  }
}

/// A field that every event has, whatever its message.
final class SystemNode: ValueNode {
  let field: SystemField
  init(_ field: SystemField) { self.field = field }
  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    // By far the most frequent, and it needs nothing of the event.
    if field == .message { return .slice(ByteSlice(0..<message.count)) }
    return field.value(row.facts, message)
  }
}

/// The fields that exist without looking into the message.
enum SystemField: String, CaseIterable {
  case timestamp = "@timestamp"
  case message = "@message"
  case logStream = "@logStream"
  case log = "@log"
  case ingestionTime = "@ingestionTime"
  case pointer = "@ptr"
  case resource = "@resource"
  case container = "@container"
  case stream = "@stream"
  case level = "@level"

  func value(_ facts: EventFacts, _ message: Span<UInt8>) -> InsightsValue {
    switch self {
    case .timestamp: facts.timestamp.map { .timestamp($0) } ?? .null
    case .message: .slice(ByteSlice(0..<message.count))
    case .logStream: facts.stream.map { .text($0) } ?? .null
    case .log: facts.group.map { .text($0.name) } ?? .null
    case .ingestionTime: facts.ingestion.map { .timestamp($0) } ?? .null
    case .pointer: pointer(facts)
    case .resource: facts.group?.resource.map { .text($0) } ?? .null
    case .container: facts.group?.container.map { .text($0) } ?? .null
    case .stream: facts.isStderr.map { InsightsValue($0 ? "stderr" : "stdout") } ?? .null
    case .level: LogLevel.detect(message).map { InsightsValue($0.name) } ?? .null
    }
  }

  private func pointer(_ facts: EventFacts) -> InsightsValue {
    guard let timestamp = facts.timestamp, let ingestion = facts.ingestion, let group = facts.group
    else { return .null }
    let id = EventID(
      event: Timestamp(nanoseconds: timestamp),
      ingestion: Timestamp(nanoseconds: ingestion),
      group: group.id,
      sequence: facts.sequence
    )
    return InsightsValue("\(id)")
  }
}
