internal import CYAML
internal import Platform

/// One step through a YAML file, with everything copied out of libyaml's memory.
struct YAMLEvent {
  enum Kind {
    case documentStart
    case scalar(YAMLScalar, anchor: String?)
    case alias(String)
    case listStart(anchor: String?, tag: String?)
    case listEnd
    case mapStart(anchor: String?, tag: String?)
    case mapEnd
    /// Stream borders and document ends, which carry nothing.
    case border
  }

  var kind: Kind
  var range: SourceRange
}

/// A place where a file is not YAML, in libyaml's words.
struct YAMLSyntaxError: Equatable {
  var problem: String
  var range: SourceRange
}

/// libyaml's event parser.
///
/// The only file that touches its memory.
enum YAMLParser {
  /// Parses `bytes` and hands every event to `body` until it returns false; an error ends it too.
  static func parse(_ bytes: [UInt8], _ body: (YAMLEvent) -> Bool) -> YAMLSyntaxError? {
    // Safety: the parser is released on every path, and its input outlives it: both end in here.
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    defer { unsafe parser.deallocate() }
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      return YAMLSyntaxError(problem: "not enough memory to parse", range: .wholeFile)
    }
    defer { unsafe yaml_parser_delete(parser) }
    return unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      unsafe yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
      while true {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else {
          return unsafe syntaxError(of: parser, bytes)
        }
        let isLast = unsafe event.type == YAML_STREAM_END_EVENT
        let goesOn = unsafe body(copy(event))
        unsafe yaml_event_delete(&event)
        if isLast || !goesOn { return nil }
      }
    }
  }

  private static func copy(_ event: yaml_event_t) -> YAMLEvent {
    // Safety: the union's member is chosen by the event's type, as libyaml defines it, and every
    // pointer in it lives until the event is deleted, which is after this copy.
    let kind: YAMLEvent.Kind
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: kind = .documentStart
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let value = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      kind = .scalar(
        YAMLScalar(
          text: unsafe String(decoding: value, as: UTF8.self),
          style: unsafe style(scalar.style),
          tag: unsafe text(scalar.tag)
        ),
        anchor: unsafe text(scalar.anchor)
      )
    case YAML_ALIAS_EVENT: kind = .alias(unsafe text(event.data.alias.anchor) ?? "")
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      kind = .listStart(anchor: unsafe text(start.anchor), tag: unsafe text(start.tag))
    case YAML_SEQUENCE_END_EVENT: kind = .listEnd
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      kind = .mapStart(anchor: unsafe text(start.anchor), tag: unsafe text(start.tag))
    case YAML_MAPPING_END_EVENT: kind = .mapEnd
    default: kind = .border
    }
    return YAMLEvent(kind: kind, range: unsafe range(event.start_mark, event.end_mark))
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    // Safety: tags and anchors are NUL-terminated copies owned by the event.
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(decodingCString: pointer, as: UTF8.self)
  }

  private static func style(_ style: yaml_scalar_style_t) -> YAMLScalar.Style {
    switch style {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: .quoted
    case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
    default: .plain
    }
  }

  private static func range(_ start: yaml_mark_t, _ end: yaml_mark_t) -> SourceRange {
    SourceRange(
      line: Int(start.line) + 1,
      column: Int(start.column) + 1,
      endLine: Int(end.line) + 1,
      endColumn: Int(end.column) + 1
    )
  }

  private static func syntaxError(
    of parser: UnsafeMutablePointer<yaml_parser_t>,
    _ bytes: [UInt8]
  ) -> YAMLSyntaxError {
    // Safety: the problem is a string constant of the library, or null.
    let words = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
    let problem = words ?? "not YAML"
    let isEncoding = unsafe parser.pointee.error == YAML_READER_ERROR
    if isEncoding {
      // Marks stand still while the reader looks ahead; the byte offset is exact.
      let offset = unsafe min(Int(parser.pointee.problem_offset), bytes.count)
      return YAMLSyntaxError(problem: problem, range: place(of: offset, in: bytes))
    }
    let mark = unsafe parser.pointee.problem_mark
    return YAMLSyntaxError(
      problem: problem,
      range: .at(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    )
  }

  private static func place(of offset: Int, in bytes: [UInt8]) -> SourceRange {
    var line = 1
    var column = 1
    for byte in bytes[..<offset] {
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return .at(line: line, column: column)
  }
}
