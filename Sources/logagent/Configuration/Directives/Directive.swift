/// A directive of a stacktape.yml: `$Name(arguments).path`.
struct Directive: Sendable, Equatable {
  enum Argument: Sendable, Equatable {
    /// Quoted: a text whatever it looks like.
    case quoted(String)
    /// Not quoted: a number, `true`, `false` or a text.
    case plain(String)
    case directive(Directive)
  }

  /// What a value of a file turned out to be.
  enum Reading: Equatable {
    /// An ordinary text.
    case text
    /// An ordinary text with a directive somewhere in it, which stays as it is.
    case embedded(name: String)
    case directive(Directive)
    case malformed(DirectiveProblem)
  }

  var name: String
  var arguments: [Argument]
  /// The members to take from the result.
  var path: [String] = []

  /// Stacktape's own directives.
  ///
  /// Those that it resolves on AWS, when the stack runs, may not be arguments of the others.
  enum BuiltIn: String, CaseIterable {
    case stage = "Stage"
    case region = "Region"
    case profile = "Profile"
    case awsAccountID = "AwsAccountId"
    case variable = "Var"
    case this = "This"
    case format = "Format"
    case cfFormat = "CfFormat"
    case file = "File"
    case fileRaw = "FileRaw"
    case cliArgs = "CliArgs"
    case gitInfo = "GitInfo"
    case secret = "Secret"
    case ssmParam = "SsmParam"
    case resourceParam = "ResourceParam"
    case cfResourceParam = "CfResourceParam"
    case stackOutput = "StackOutput"
    case cfStackOutput = "CfStackOutput"

    var isRuntime: Bool {
      switch self {
      case .cfFormat, .secret, .ssmParam, .resourceParam, .cfResourceParam, .cfStackOutput: true
      case .stage, .region, .profile, .awsAccountID, .variable, .this, .format, .file, .fileRaw,
        .cliArgs, .gitInfo, .stackOutput:
        false
      }
    }
  }

  var builtIn: BuiltIn? { BuiltIn(rawValue: name) }

  /// How it is named in messages: arguments could hold what should not be shown.
  var shown: String { "$\(name)()" }

  /// Reads a value of a file.
  ///
  /// A directive begins with `$Name(`, holds a `)`, and the last one ends it or a `.` follows.
  static func read(_ text: String) -> Reading {
    guard text.utf8.contains(0x24) else { return .text }
    let bytes = Array(text.utf8)
    if DirectiveParser.startsLikeOne(bytes), let close = bytes.lastIndex(of: 0x29),
      close + 1 == bytes.count || bytes[close + 1] == 0x2E
    {
      do throws(DirectiveProblem) {
        return .directive(try DirectiveParser.parse(bytes))
      } catch {
        return .malformed(error)
      }
    }
    return embedded(in: bytes).map { .embedded(name: $0) } ?? .text
  }

  /// The name of the first of Stacktape's directives that stands inside a text.
  private static func embedded(in bytes: [UInt8]) -> String? {
    var at = 0
    while let dollar = bytes[at...].firstIndex(of: 0x24) {
      let end = bytes[(dollar + 1)...].firstIndex { !DirectiveParser.isNameByte($0) }
      if let end, bytes[end] == 0x28 {
        let name = String(decoding: bytes[(dollar + 1)..<end], as: UTF8.self)
        if BuiltIn(rawValue: name) != nil { return name }
      }
      at = dollar + 1
    }
    return nil
  }
}

/// Why a directive cannot be what its author meant, and what to do about it.
struct DirectiveProblem: Error, Equatable, Sendable {
  var message: String
  var help: String?

  init(_ message: String, help: String? = nil) {
    self.message = message
    self.help = help
  }
}

/// A value that is not known on this machine.
struct UnresolvedValue: Sendable, Equatable {
  /// Such as "the secret `datadog` is not set".
  var reason: String
  var help: String?
  /// The file's author was already told.
  var isReported = false
}
