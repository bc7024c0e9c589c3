/// How events are printed.
enum EventFormat: Equatable {
  /// For people at a terminal: local time, colours, prefixes.
  case tty
  /// For people and grep: RFC 3339 time and message.
  case plain
  /// One JSON object a line.
  case jsonl
  /// Messages alone, byte for byte.
  case raw
  /// One JSON array.
  case json
  /// RFC 4180 with a heading.
  case csv
  /// `key=value` pairs, one line an event.
  case logfmt
  /// Aligned columns with a heading.
  case table
  /// Text with `{field}` in it.
  case template(EventTemplate)

  /// What may be asked for by name alone.
  static let names: [(name: String, format: EventFormat)] = [
    ("tty", .tty), ("plain", .plain), ("jsonl", .jsonl), ("raw", .raw), ("json", .json),
    ("csv", .csv), ("logfmt", .logfmt), ("table", .table),
  ]

  /// Whether it has an end that a stream of events never reaches.
  var needsEnd: Bool { self == .json || self == .table }

  /// Whether it is read by programs, which want no hints, prefixes and separators in it.
  var isData: Bool {
    switch self {
    case .tty, .plain, .table: false
    default: true
    }
  }
}

/// A line with places for fields: `{@timestamp} {user.id} {@message}`.
struct EventTemplate: Equatable {
  enum Piece: Equatable {
    case text(String)
    case field(EventField)
  }

  let pieces: [Piece]

  struct Malformed: Error { let reason: String }

  /// `{{` and `}}` are braces; `\n`, `\t` and `\\` mean what they mean elsewhere.
  init(_ text: String) throws(Malformed) {
    var pieces: [Piece] = []
    var literal = ""
    var rest = text[...]
    func flush() {
      if !literal.isEmpty { pieces.append(.text(literal)) }
      literal = ""
    }
    while let character = rest.popFirst() {
      switch character {
      case "{" where rest.first == "{", "}" where rest.first == "}":
        rest.removeFirst()
        literal.append(character)
      case "{":
        guard let end = rest.firstIndex(of: "}") else {
          throw Malformed(reason: "`{` without `}`; a brace itself is written `{{`")
        }
        let name = String(rest[..<end])
        guard !name.isEmpty else { throw Malformed(reason: "`{}` names no field") }
        flush()
        pieces.append(.field(try EventField(name)))
        rest = rest[rest.index(after: end)...]
      case "}": throw Malformed(reason: "`}` without `{`; a brace itself is written `}}`")
      case "\\":
        switch rest.popFirst() {
        case "n": literal.append("\n")
        case "t": literal.append("\t")
        case "\\": literal.append("\\")
        default: throw Malformed(reason: "`\\` is followed by n, t or \\")
        }
      default: literal.append(character)
      }
    }
    flush()
    self.pieces = pieces
  }
}
