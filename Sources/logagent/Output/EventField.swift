internal import Collect
internal import LogModel
internal import Platform
internal import Query
internal import Store

/// A field of an event, as `--fields` and templates name it.
///
/// Names with `@` are the agent's own; all others are members of a message that is a JSON object,
/// or ends in one.
struct EventField: Equatable {
  enum Kind: String, CaseIterable {
    case timestamp = "@timestamp"
    case ingestionTime = "@ingestionTime"
    case message = "@message"
    case logStream = "@logStream"
    case log = "@log"
    case resource = "@resource"
    case container = "@container"
    case stream = "@stream"
    case level = "@level"
    case id = "@id"
  }

  let name: String
  /// Nil for a member of the message.
  let kind: Kind?

  /// Refuses an unknown name with `@`; a member may be called anything.
  init(_ name: String) throws(EventTemplate.Malformed) {
    self.name = name
    kind = Kind(rawValue: name)
    guard kind != nil || !name.hasPrefix("@") else {
      let near = NearestName.find(name, among: Kind.allCases.map(\.rawValue))
      throw EventTemplate.Malformed(
        reason: "there is no field \(name)" + (near.map { "; did you mean \($0)?" } ?? "")
      )
    }
  }
}

/// The fields of one event; its message is parsed at most once.
struct EventFields {
  private let event: MatchedEvent
  private var members: JSONValue?
  private var isParsed = false

  init(_ event: MatchedEvent) { self.event = event }

  /// The text of a field; nil when the event has none.
  ///
  /// Times are written by `time`.
  mutating func text(_ field: EventField, time: (Timestamp) -> String) -> [UInt8]? {
    guard let kind = field.kind else {
      return member(field.name).map { value in
        if case .string(let text) = value { return Array(text.utf8) }
        var bytes: [UInt8] = []
        Self.append(value, to: &bytes)
        return bytes
      }
    }
    switch kind {
    case .timestamp: return Array(time(event.timestamp).utf8)
    case .ingestionTime: return Array(time(event.ingestion).utf8)
    case .message: return event.message
    case .logStream: return Array(event.stream.name.utf8)
    case .log: return Array(event.group.group.name.utf8)
    case .resource: return Array(Self.resource(event).utf8)
    case .container:
      return GroupParts(event.group.group.name)?.container.map { Array($0.utf8) }
    case .stream: return Array((event.flags.contains(.stderr) ? "stderr" : "stdout").utf8)
    case .level: return LogLevel.detect(event.message.span).map { Array($0.name.utf8) }
    case .id: return Array(event.id.description.utf8)
    }
  }

  /// Appends a field as a JSON value; false when the event has none.
  mutating func appendJSON(_ field: EventField, to bytes: inout [UInt8]) -> Bool {
    if field.kind == .timestamp || field.kind == .ingestionTime {
      let time = field.kind == .timestamp ? event.timestamp : event.ingestion
      JSONWriter.appendInteger(time.milliseconds, to: &bytes)
      return true
    }
    if field.kind == nil {
      guard let value = member(field.name) else { return false }
      Self.append(value, to: &bytes)
      return true
    }
    guard let text = text(field, time: { _ in "" }) else { return false }
    JSONWriter.appendString(text.span, to: &bytes)
    return true
  }

  /// What a person calls the resource of an event.
  static func resource(_ event: MatchedEvent) -> String {
    GroupParts(event.group.group.name)?.shown ?? event.group.group.name
  }

  /// A member by its dotted name; a name that holds dots itself goes before nesting.
  private mutating func member(_ name: String) -> JSONValue? {
    if !isParsed {
      isParsed = true
      let start = event.message.firstIndex(of: 0x7B)
      members = start.flatMap { JSONValue(parsing: Array(event.message[$0...])) }
    }
    return members.flatMap { Self.find(name[...], in: $0) }
  }

  private static func find(_ name: Substring, in value: JSONValue) -> JSONValue? {
    if case .array(let items) = value {
      let (head, rest) = split(name)
      guard let index = Int(head), items.indices.contains(index) else { return nil }
      return rest.map { find($0, in: items[index]) } ?? items[index]
    }
    if let whole = value[String(name)] { return whole }
    // The longest first part that is a member decides.
    var end = name.lastIndex(of: ".")
    while let dot = end {
      if let inner = value[String(name[..<dot])],
        let found = find(name[name.index(after: dot)...], in: inner)
      {
        return found
      }
      end = name[..<dot].lastIndex(of: ".")
    }
    return nil
  }

  private static func split(_ name: Substring) -> (Substring, Substring?) {
    guard let dot = name.firstIndex(of: ".") else { return (name, nil) }
    return (name[..<dot], name[name.index(after: dot)...])
  }

  static func append(_ value: JSONValue, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes.append(utf8: "null")
    case .bool(let flag): bytes.append(utf8: flag ? "true" : "false")
    case .number(let text): bytes.append(utf8: text)
    case .string(let text): JSONWriter.appendString(text, to: &bytes)
    case .array(let items):
      bytes.append(0x5B)
      for (index, item) in items.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        append(item, to: &bytes)
      }
      bytes.append(0x5D)
    case .object(let members):
      bytes.append(0x7B)
      for (index, key) in members.keys.sorted().enumerated() {
        if index > 0 { bytes.append(0x2C) }
        JSONWriter.appendString(key, to: &bytes)
        bytes.append(0x3A)
        if let item = members[key] { append(item, to: &bytes) }
      }
      bytes.append(0x7D)
    }
  }
}
