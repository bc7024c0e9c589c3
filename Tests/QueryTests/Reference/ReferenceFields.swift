import Foundation

/// An event as the reference evaluator sees it.
struct ReferenceEvent: Sendable {
  var nanoseconds: Int64
  var message: String
  var stream: String
  var group: String
  var isStderr = false
  /// Order of writing: of equal times the later written is the newer.
  var order: Int
  /// Everything that is found in the message.
  let fields: ReferenceValue

  init(
    nanoseconds: Int64,
    message: String,
    stream: String,
    group: String,
    isStderr: Bool = false,
    order: Int
  ) {
    self.nanoseconds = nanoseconds
    self.message = message
    self.stream = stream
    self.group = group
    self.isStderr = isStderr
    self.order = order
    fields = ReferenceFields.discovered(in: message)
  }
}

/// Finds the fields of an event by reading all of its message.
enum ReferenceFields {
  static func system(_ name: String, of event: ReferenceEvent) -> ReferenceValue? {
    switch name {
    case "@timestamp": .time(Double(event.nanoseconds / 1_000_000))
    case "@message": .text(event.message)
    case "@logStream": .text(event.stream)
    default: nil
    }
  }

  static func discovered(in message: String) -> ReferenceValue {
    var fields = lambda(message)
    if let start = message.firstIndex(of: "{") {
      var parser = ReferenceJSON(Array(message[start...].unicodeScalars))
      if case .map(let members)? = parser.value() {
        for (name, value) in members { fields[name.hasPrefix("@") ? "@" + name : name] = value }
      }
    }
    return .map(fields)
  }

  /// The fields of the lines that AWS Lambda writes around an invocation.
  private static func lambda(_ message: String) -> [String: ReferenceValue] {
    let kinds = ["START", "END", "REPORT"]
    guard let kind = kinds.first(where: { message.hasPrefix($0 + " RequestId: ") }) else {
      return [:]
    }
    var fields: [String: ReferenceValue] = ["@type": .text(kind)]
    func value(after label: String) -> String? {
      guard let range = message.range(of: label) else { return nil }
      return String(message[range.upperBound...].prefix { $0 != " " && $0 != "\t" })
    }
    if let id = value(after: "RequestId: ") { fields["@requestId"] = .text(id) }
    guard kind == "REPORT" else { return fields }
    for (label, name, scale) in [
      ("\tDuration: ", "@duration", 1.0), ("\tBilled Duration: ", "@billedDuration", 1),
      ("\tInit Duration: ", "@initDuration", 1), ("\tMemory Size: ", "@memorySize", 1e6),
      ("\tMax Memory Used: ", "@maxMemoryUsed", 1e6),
    ] {
      guard let text = value(after: label), let number = Double(text) else { continue }
      fields[name] = .number(number * scale)
    }
    return fields
  }

  /// The part of `value` at `parts`: the longest name that fits comes first.
  static func part(_ parts: ArraySlice<String>, of value: ReferenceValue) -> ReferenceValue {
    guard !parts.isEmpty else { return value }
    switch value {
    case .map(let members):
      for count in stride(from: parts.count, through: 1, by: -1) {
        let name = parts.prefix(count).joined(separator: ".")
        guard let member = members[name] else { continue }
        let found = part(parts.dropFirst(count), of: member)
        if !found.isNull { return found }
      }
      return .null
    case .list(let elements):
      guard let first = parts.first, let index = Int(first), elements.indices.contains(index) else {
        return .null
      }
      return part(parts.dropFirst(), of: elements[index])
    default: return .null
    }
  }

  /// `key=value` and `key="value"`; a word that is no pair is passed over to the next blank.
  static func logfmt(_ text: String) -> ReferenceValue {
    var members: [String: ReferenceValue] = [:]
    let pattern =
      #"(?s)[\x00-\x20]*(?:([^\x00-\x20="]+)=(?:"((?:[^"\\]|\\.)*)(?:"|$)|([^\x00-\x20]*))"#
      + #"|[^\x00-\x20]+)"#
    let string = text as NSString
    for match in ReferenceRegex.matches(pattern, in: text) {
      guard match.range(at: 1).location != NSNotFound else { continue }
      let isQuoted = match.range(at: 2).location != NSNotFound
      var value = string.substring(with: match.range(at: isQuoted ? 2 : 3))
      if isQuoted { value = unescaped(value) }
      let name = string.substring(with: match.range(at: 1))
      // Of names that come twice the last counts.
      members[name] = .text(value)
    }
    return members.isEmpty ? .null : .map(members)
  }

  private static func unescaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\", let next = rest.popFirst() else {
        result.append(scalar)
        continue
      }
      switch next {
      case "n": result.append("\n")
      case "t": result.append("\t")
      case "r": result.append("\r")
      default: result.append(next)
      }
    }
    return String(result)
  }
}

/// Reads one JSON value; numbers stay texts.
struct ReferenceJSON {
  private let scalars: [Unicode.Scalar]
  private var at = 0

  init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

  /// The value of a text that is JSON from end to end.
  static func whole(_ text: String) -> ReferenceValue? {
    var parser = ReferenceJSON(Array(text.unicodeScalars))
    guard let value = parser.value() else { return nil }
    parser.blanks()
    return parser.at == parser.scalars.count ? value : nil
  }

  private mutating func blanks() {
    while at < scalars.count, [" ", "\t", "\n", "\r"].contains(scalars[at]) { at += 1 }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    blanks()
    guard at < scalars.count, scalars[at] == scalar else { return false }
    at += 1
    return true
  }

  mutating func value() -> ReferenceValue? {
    blanks()
    guard at < scalars.count else { return nil }
    switch scalars[at] {
    case "{": return object()
    case "[": return array()
    case "\"": return string().map { .text($0) }
    default: return word()
    }
  }

  private mutating func object() -> ReferenceValue? {
    at += 1
    var members: [String: ReferenceValue] = [:]
    if take("}") { return .map(members) }
    repeat {
      blanks()
      guard at < scalars.count, scalars[at] == "\"", let name = string(), take(":"),
        let member = value()
      else { return nil }
      // Of names that come twice the first counts.
      if members[name] == nil { members[name] = member }
    } while take(",")
    return take("}") ? .map(members) : nil
  }

  private mutating func array() -> ReferenceValue? {
    at += 1
    var elements: [ReferenceValue] = []
    if take("]") { return .list(elements) }
    repeat {
      guard let element = value() else { return nil }
      elements.append(element)
    } while take(",")
    return take("]") ? .list(elements) : nil
  }

  private mutating func string() -> String? {
    let start = at
    at += 1
    while at < scalars.count, scalars[at] != "\"" { at += scalars[at] == "\\" ? 2 : 1 }
    guard at < scalars.count else { return nil }
    at += 1
    let text = String(String.UnicodeScalarView(scalars[start..<at]))
    return try? JSONDecoder().decode(String.self, from: Data(text.utf8))
  }

  private mutating func word() -> ReferenceValue? {
    let start = at
    while at < scalars.count, !",]} \t\n\r".unicodeScalars.contains(scalars[at]) { at += 1 }
    let text = String(String.UnicodeScalarView(scalars[start..<at]))
    switch text {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "null": return .null
    default: return ReferenceValue.number(text).map { _ in .text(text) }
    }
  }
}
