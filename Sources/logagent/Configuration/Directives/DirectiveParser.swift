internal import LogModel

/// Reads the text of a directive into its parts.
///
/// Every text ends in a directive or a `DirectiveProblem`; time and depth are bounded.
struct DirectiveParser {
  private let bytes: [UInt8]
  private var at = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
    default: false
    }
  }

  /// `$Name(`.
  static func startsLikeOne(_ bytes: [UInt8], at start: Int = 0) -> Bool {
    guard start < bytes.count, bytes[start] == 0x24 else { return false }
    guard let end = bytes[(start + 1)...].firstIndex(where: { !isNameByte($0) }) else {
      return false
    }
    return end > start + 1 && bytes[end] == 0x28
  }

  /// The whole of `bytes`, which starts like a directive.
  static func parse(_ bytes: [UInt8]) throws(DirectiveProblem) -> Directive {
    guard bytes.count <= Limits.directiveBytesMax else {
      throw DirectiveProblem("a directive has at most \(Limits.directiveBytesMax) bytes")
    }
    var parser = DirectiveParser(bytes)
    let directive = try parser.directive(depth: 1, isOutermost: true)
    guard parser.at == bytes.count else {
      throw DirectiveProblem(
        "text follows the `)` of `\(directive.shown)`",
        help: "a directive is the whole value; join texts with `$Format('{}…', …)`"
      )
    }
    return directive
  }

  private mutating func directive(
    depth: Int,
    isOutermost: Bool
  ) throws(DirectiveProblem) -> Directive {
    guard depth <= Limits.directiveDepthMax else {
      throw DirectiveProblem("directives are nested deeper than \(Limits.directiveDepthMax) levels")
    }
    at += 1
    let start = at
    while Self.isNameByte(bytes[at]) { at += 1 }
    var directive = Directive(
      name: String(decoding: bytes[start..<at], as: UTF8.self),
      arguments: []
    )
    at += 1
    skipBlank()
    if at < bytes.count, bytes[at] == 0x29 {
      at += 1
    } else {
      while true {
        directive.arguments.append(try argument(of: directive, depth: depth))
        guard directive.arguments.count <= Limits.directiveArgumentsMax else {
          throw DirectiveProblem(
            "`\(directive.shown)` has more than \(Limits.directiveArgumentsMax) arguments"
          )
        }
        skipBlank()
        guard at < bytes.count else {
          throw DirectiveProblem("`\(directive.shown)` lacks its closing `)`")
        }
        at += 1
        if bytes[at - 1] == 0x29 { break }
        guard bytes[at - 1] == 0x2C else {
          throw DirectiveProblem(
            "arguments of `\(directive.shown)` must be separated by commas",
            help: "quote an argument that holds quotes, commas or parentheses"
          )
        }
      }
    }
    directive.path = try path(of: directive, isOutermost: isOutermost)
    return directive
  }

  private mutating func argument(
    of directive: Directive,
    depth: Int
  ) throws(DirectiveProblem) -> Directive.Argument {
    skipBlank()
    guard at < bytes.count else {
      throw DirectiveProblem("`\(directive.shown)` lacks its closing `)`")
    }
    if bytes[at] == 0x27 || bytes[at] == 0x22 {
      guard let close = bytes[(at + 1)...].firstIndex(of: bytes[at]) else {
        throw DirectiveProblem("an argument of `\(directive.shown)` lacks its closing quote")
      }
      defer { at = close + 1 }
      return .quoted(String(decoding: bytes[(at + 1)..<close], as: UTF8.self))
    }
    if Self.startsLikeOne(bytes, at: at) {
      return .directive(try self.directive(depth: depth + 1, isOutermost: false))
    }
    let start = at
    while at < bytes.count, bytes[at] != 0x2C, bytes[at] != 0x29 {
      guard bytes[at] != 0x27, bytes[at] != 0x22, bytes[at] != 0x28 else {
        throw DirectiveProblem(
          "an argument of `\(directive.shown)` holds a quote or a `(`",
          help: "quote the whole argument"
        )
      }
      at += 1
    }
    var end = at
    while end > start, Self.isBlank(bytes[end - 1]) { end -= 1 }
    guard end > start else {
      throw DirectiveProblem("an argument of `\(directive.shown)` is empty", help: "remove a comma")
    }
    return .plain(String(decoding: bytes[start..<end], as: UTF8.self))
  }

  /// `.a.b` behind the `)`.
  ///
  /// Of an argument it ends where the argument does.
  private mutating func path(
    of directive: Directive,
    isOutermost: Bool
  ) throws(DirectiveProblem) -> [String] {
    var path: [String] = []
    while at < bytes.count, bytes[at] == 0x2E {
      at += 1
      let start = at
      while at < bytes.count, bytes[at] != 0x2E,
        isOutermost || !(bytes[at] == 0x2C || bytes[at] == 0x29 || Self.isBlank(bytes[at]))
      {
        at += 1
      }
      guard at > start else {
        throw DirectiveProblem("the path behind `\(directive.shown)` has an empty part")
      }
      path.append(String(decoding: bytes[start..<at], as: UTF8.self))
      guard path.count <= Limits.configurationDepthMax else {
        throw DirectiveProblem("the path behind `\(directive.shown)` is too long")
      }
    }
    return path
  }

  private mutating func skipBlank() {
    while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
