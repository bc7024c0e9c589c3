/// A value of a YAML file with its place.
struct YAMLNode: Sendable {
  enum Content: Sendable {
    case scalar(YAMLScalar)
    case list([YAMLNode])
    /// Entries in the order of the file; keys are unique.
    case map([YAMLEntry])
    /// A directive that stood here gave a value that no output may show.
    case secret(Secret)
    /// A directive stood here whose value is not known on this machine.
    case unresolved(UnresolvedValue)
  }

  var content: Content
  var range: SourceRange

  /// What this is, in the words of an error message.
  var kindDescription: String {
    switch content {
    case .scalar(let scalar): scalar.value.kindDescription
    case .list: "a list"
    case .map: "a map"
    case .secret: "a secret"
    case .unresolved: "an unknown value"
    }
  }

  var isNull: Bool {
    if case .scalar(let scalar) = content, case .null = scalar.value { return true }
    return false
  }
}

/// A key with its value.
struct YAMLEntry: Sendable {
  var key: String
  var keyRange: SourceRange
  var value: YAMLNode
}

/// The text of a scalar, and how it was written, which decides what it means.
struct YAMLScalar: Sendable, Equatable {
  enum Style: Sendable {
    case plain
    case quoted
    case block
  }

  var text: String
  var style: Style
  /// `!!str` and its like; nil when none was written.
  var tag: String?

  /// What the text stands for by YAML 1.2's core schema: `yes`, `on` and `0777` are not special.
  var value: YAMLValue {
    switch tag {
    case "tag:yaml.org,2002:str", "!": return .string(text)
    case .some(let tag) where !tag.hasPrefix("tag:yaml.org,2002:"): return .string(text)
    case .some, nil: break
    }
    if style != .plain && tag == nil { return .string(text) }
    return YAMLValue(plain: text)
  }
}

/// A scalar by YAML 1.2's core schema.
enum YAMLValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case float(Double)
  case string(String)

  init(plain text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .bool(true)
    case "false", "False", "FALSE": self = .bool(false)
    case ".nan", ".NaN", ".NAN": self = .float(.nan)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": self = .float(-.infinity)
    default: self = Self.number(text) ?? .string(text)
    }
  }

  private static func number(_ text: String) -> YAMLValue? {
    let bytes = Array(text.utf8)
    if text.hasPrefix("0x") || text.hasPrefix("0o") {
      let digits = text.dropFirst(2)
      guard let first = digits.utf8.first, first != 0x2B, first != 0x2D else { return nil }
      return Int64(digits, radix: text.hasPrefix("0x") ? 16 : 8).map { .integer($0) }
    }
    var at = bytes.first == 0x2B || bytes.first == 0x2D ? 1 : 0
    func digits() -> Int {
      let start = at
      while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at += 1 }
      return at - start
    }
    let whole = digits()
    if at == bytes.count {
      guard whole > 0 else { return nil }
      return Int64(text).map { .integer($0) } ?? Double(text).map { .float($0) }
    }
    var fraction = 0
    if bytes[at] == 0x2E {
      at += 1
      fraction = digits()
    }
    guard whole + fraction > 0 else { return nil }
    if at < bytes.count, bytes[at] | 0x20 == 0x65 {
      at += 1
      if at < bytes.count, bytes[at] == 0x2B || bytes[at] == 0x2D { at += 1 }
      guard digits() > 0 else { return nil }
    }
    guard at == bytes.count else { return nil }
    return Double(text.hasSuffix(".") ? text + "0" : text).map { .float($0) }
  }

  var kindDescription: String {
    switch self {
    case .null: "nothing"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .float: "a number"
    case .string: "a string"
    }
  }
}
