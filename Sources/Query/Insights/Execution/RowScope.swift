internal import LogModel

/// What names stand for at one place of a query, and the slots that its rows need.
///
/// Three kinds: rows that are events, rows kept from events beyond the event's message, and rows of
/// a table such as `stats` makes. Filled while the query is compiled; one worker's.
final class RowScope {
  private enum Kind {
    case events
    /// Names that are first used here are fetched from the rows before, while the event is at hand.
    case kept(RowScope)
    case table
  }

  private let kind: Kind
  private var columns: [String: Int] = [:]
  private(set) var slotCount = 0
  /// What is to be kept of each row, and in which slot.
  private(set) var keeps: [(slot: Int, node: ValueNode)] = []
  private var json: [String] = []
  private var lambda: [LambdaField] = []
  private var discovered: [(node: DiscoveredField, index: Int)] = []
  /// Names of the two sides after a `join`.
  private var sides: (left: String, right: String)?

  private enum DiscoveredField: Equatable {
    case json(String)
    case lambda(LambdaField)
  }

  private init(_ kind: Kind) { self.kind = kind }

  static func events() -> RowScope { RowScope(.events) }
  static func table() -> RowScope { RowScope(.table) }
  func kept() -> RowScope {
    let scope = RowScope(.kept(self))
    scope.sides = sides
    return scope
  }

  /// A new column; an older one of this name is out of sight from here on.
  func define(_ name: String) -> Int {
    slotCount += 1
    columns[name] = slotCount - 1
    return slotCount - 1
  }

  func has(_ name: String) -> Bool { columns[name] != nil }

  func setSides(left: String, right: String) { sides = (left, right) }

  /// Names that are columns of their own, not found in events.
  var columnNames: [String] { columns.keys.sorted() }

  func discovery() -> FieldDiscovery { FieldDiscovery(json: json, lambda: lambda) }

  /// The value of a field; a constant null where there can be none.
  ///
  /// `asStructure`: maps and lists of the message count too.
  func node(_ field: InsightsField, asStructure: Bool = false) -> ValueNode {
    var parts = field.parts
    if let sides, parts.count > 1, parts[0] == sides.left, columns[field.name] == nil {
      parts.removeFirst()
    }
    return node(parts, asStructure: asStructure)
  }

  private func node(_ parts: [String], asStructure: Bool) -> ValueNode {
    let name = parts.joined(separator: ".")
    // With the mark of structures, so that both forms of one field can be kept.
    if asStructure, let slot = columns["\0" + name] { return SlotNode(slot) }
    for count in stride(from: parts.count, to: 0, by: -1) {
      guard let slot = columns[parts[..<count].joined(separator: ".")] else { continue }
      if count == parts.count { return SlotNode(slot) }
      let rest = parts[count...].joined(separator: ".")
      return MemberNode(SlotNode(slot), StructurePath(rest))
    }
    switch kind {
    case .table: return ConstantNode(.null)
    case .kept(let origin):
      let node = origin.node(parts, asStructure: asStructure)
      if node is ConstantNode { return node }
      let slot = define(asStructure ? "\0" + name : name)
      keeps.append((slot, node))
      return SlotNode(slot)
    case .events: return event(name, asStructure: asStructure)
    }
  }

  private func event(_ name: String, asStructure: Bool) -> ValueNode {
    guard name.hasPrefix("@") else { return discover(.json(name), asStructure) }
    if name.hasPrefix("@@") { return discover(.json(String(name.dropFirst())), asStructure) }
    if let field = SystemField(rawValue: name) { return SystemNode(field) }
    if let field = LambdaField(rawValue: name) { return discover(.lambda(field), false) }
    return ConstantNode(.null)
  }

  private func discover(_ field: DiscoveredField, _ asStructure: Bool) -> ValueNode {
    let known = discovered.firstIndex { $0.node == field }
    if let known {
      return PendingFieldNode(self, known, givesStructure: asStructure)
    }
    switch field {
    case .json(let path):
      discovered.append((field, json.count))
      json.append(path)
    case .lambda(let name):
      discovered.append((field, lambda.count))
      lambda.append(name)
    }
    return PendingFieldNode(self, discovered.count - 1, givesStructure: asStructure)
  }

  /// The number of a field in the discovery: JSON comes first, so it is known when all are.
  fileprivate func fieldIndex(_ number: Int) -> Int {
    let (field, index) = discovered[number]
    if case .json = field { return index }
    return json.count + index
  }

  /// The slot that holds a field of rows that are kept or of a table; nil where there is none.
  func slot(_ field: InsightsField) -> Int? { (node(field) as? SlotNode)?.slot }

  /// What a field is while it is one of the event's own, and no column hides it.
  enum Origin {
    case message
    case json(lastName: String)
    case lambda
  }

  func origin(_ field: InsightsField) -> Origin? {
    guard case .events = kind, sides == nil else { return nil }
    for count in 1...field.parts.count
    where columns[field.parts[..<count].joined(separator: ".")] != nil {
      return nil
    }
    let name = field.name
    if name == SystemField.message.rawValue { return .message }
    if LambdaField(rawValue: name) != nil { return .lambda }
    guard !name.hasPrefix("@") || name.hasPrefix("@@") else { return nil }
    return name.split(separator: ".").last.map { .json(lastName: String($0)) }
  }

  /// Gives a slot another name too.
  func alias(_ name: String, slot: Int) { columns[name] = slot }

  /// The slot of a column made by a command.
  func column(_ name: String) -> Int? { columns[name] }
}

/// A field of the message whose number is settled when the query is compiled to its end.
private final class PendingFieldNode: ValueNode {
  private unowned let scope: RowScope
  private let number: Int
  private let givesStructure: Bool
  private lazy var node = DiscoveredNode(
    scope.fieldIndex(number),
    givesStructure: givesStructure
  )

  init(_ scope: RowScope, _ number: Int, givesStructure: Bool) {
    self.scope = scope
    self.number = number
    self.givesStructure = givesStructure
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    node.evaluate(row, message)
  }
}

/// A part of a map or list.
final class MemberNode: ValueNode {
  private let value: ValueNode
  private let path: StructurePath

  init(_ value: ValueNode, _ path: StructurePath) {
    self.value = value
    self.path = path
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    path.value(value.evaluate(row, message), message)
  }
}
