import Foundation
import LogModel
import TestSupport
import Testing

@testable import logagent

private func context(
  _ directory: TemporaryDirectory? = nil,
  root: String = "",
  environment: [String: String] = [:]
) -> DirectiveContext {
  var context = DirectiveContext(
    secrets: SecretResolver(directory: directory?.path, environment: { environment[$0] })
  )
  context.project = "shop"
  context.stage = "prod"
  context.region = "eu-west-1"
  context.directory = directory?.path
  context.root = YAMLDocument(Array(root.utf8), file: "f").root
  context.arguments = ["days": "30", "name": "x"]
  context.parameters = ["db": ["host": Secret("db.internal")]]
  return context
}

/// What a text becomes, in words: the value, `secret`, `unknown: …`, or `error: …`.
private func resolve(_ text: String, _ context: DirectiveContext) -> String {
  var resolver = DirectiveResolver(context)
  let node = resolver.expand(.text(text, at: .at(line: 1, column: 1)))
  if let report = resolver.reports.first { return "\(report.severity): \(report.message)" }
  switch node.content {
  case .scalar(let scalar): return scalar.style == .plain ? "\(scalar.value)" : scalar.text
  case .secret(let secret): return "secret of \(secret.reveal().count)"
  case .unresolved(let value): return "unknown: \(value.reason)"
  case .list(let items): return "list of \(items.count)"
  case .map(let entries): return "map of \(entries.map(\.key).joined(separator: " "))"
  }
}

@Suite("Directives")
struct DirectiveTests {
  @Test(
    "a value is a directive when it begins like one and its last `)` ends it or leads to a path",
    arguments: [
      ("$Stage()", true), ("$Var().a.b", true), ("$Format('a)b', $Stage())", true),
      ("$Anything(x)", true), ("$Stage() x", false), ("x$Stage()", false), ("$Stage", false),
      ("$ Stage()", false), ("$()", false), ("$Stage(", false), ("$HOME/x", false), ("", false),
      ("$", false), ("$Stage()x", false), ("$a_b9()", true), ("$a-b()", false), ("${x}", false),
    ]
  )
  func recognised(_ text: String, _ isOne: Bool) {
    switch Directive.read(text) {
    case .directive: #expect(isOne, "\(text)")
    case .text, .embedded: #expect(!isOne, "\(text)")
    case .malformed(let problem): Issue.record("\(text): \(problem.message)")
    }
  }

  @Test("arguments are quoted, plain or directives; commas and parentheses count outside quotes")
  func arguments() {
    let text = #"$A('x, (y)', "it's", plain text , true, 5, $B($C(), 'z').p.q ).r.0"#
    let inner = Directive(
      name: "B",
      arguments: [.directive(Directive(name: "C", arguments: [])), .quoted("z")],
      path: ["p", "q"]
    )
    #expect(
      Directive.read(text)
        == .directive(
          Directive(
            name: "A",
            arguments: [
              .quoted("x, (y)"), .quoted("it's"), .plain("plain text"), .plain("true"),
              .plain("5"), .directive(inner),
            ],
            path: ["r", "0"]
          )
        )
    )
  }

  @Test(
    "what looks like a directive and is none says why",
    arguments: [
      ("$A('x)", "closing quote"), ("$A(x", "-"), ("$A('a' 'b')", "separated by commas"),
      ("$A(,)", "is empty"), ("$A('a',)", "is empty"), ("$A(a'b)", "holds a quote"),
      ("$A(f(x))", "holds a quote or a `(`"), ("$A()..b", "empty part"), ("$A().", "empty part"),
      ("$A() $B()", "text follows"), ("$A($B()", "lacks its closing"),
      (String(repeating: "$A(", count: 40) + String(repeating: ")", count: 40), "nested deeper"),
      ("$A(" + String(repeating: "x,", count: 100) + "x)", "more than 64 arguments"),
      ("$A('" + String(repeating: "x", count: 70_000) + "')", "at most 65536 bytes"),
      ("$A()" + String(repeating: ".a", count: 100), "is too long"),
    ]
  )
  func malformed(_ text: String, _ message: String) {
    switch Directive.read(text) {
    case .malformed(let problem):
      #expect(problem.message.contains(message), "\(problem.message)")
    case .text: #expect(message == "-", "\(text.prefix(60))")
    case let other: Issue.record("\(text.prefix(60)): \(other)")
    }
  }

  @Test(
    "each of the 18 has its meaning on this machine",
    arguments: [
      ("$Stage()", "prod"), ("$Region()", "eu-west-1"), ("$Profile()", ""),
      ("$AwsAccountId()", "000000000000"), ("$Var().days", "integer(30)"),
      ("$Var().nested.list.1", "string(\"b\")"), ("$Var().again", "prod"),
      ("$Var().viaFile", "from file"),
      ("$This().variables.days", "integer(30)"), ("$Format('{}-{}', $Stage(), 5)", "prod-5"),
      ("$Format('plain')", "plain"), ("$CfFormat('{}/x', $Stage())", "prod/x"),
      ("$CfFormat('Bearer {}', $Secret('tok'))", "secret of 10"),
      ("$File('a.json').key", "from file"), ("$File(a.json)", "map of key list"),
      ("$File('a.yml').deep.er", "integer(7)"), ("$File('.env').TOKEN", "a b"),
      ("$File('.env').PLAIN", "1"), ("$File('x.ini').top", "t"), ("$File('x.ini').s.k", "v w"),
      ("$FileRaw('raw.txt')", "raw\ntext"), ("$CliArgs('days')", "integer(30)"),
      ("$CliArgs('none', 7)", "integer(7)"), ("$CliArgs('none', 'x')", "x"),
      ("$CliArgs('stage')", "prod"), ("$GitInfo('branch')", "main"),
      ("$GitInfo('commit')", String(repeating: "a1", count: 20)),
      ("$GitInfo().sha1", String(repeating: "a1", count: 20)),
      ("$GitInfo('gitUrl')", "https://git.example.com/shop.git"),
      ("$GitInfo('repository')", "shop"),
      ("$GitInfo('username')", "Ada"), ("$Secret('tok')", "secret of 3"),
      ("$Secret(json.key)", "secret of 5"), ("$SsmParam('/shop/key')", "secret of 4"),
      ("$ResourceParam('db', 'host')", "secret of 11"),
      ("$ResourceParam('api', 'logGroupArn')", "arn"),
      ("$ResourceParam('db', 'port')", "unknown: `$ResourceParam()` is known on AWS only"),
      ("$CfResourceParam('db', 'host')", "secret of 11"),
      ("$CfResourceParam('Vpc', 'id')", "unknown: `$CfResourceParam()` is known on AWS only"),
      ("$StackOutput('db', 'host')", "secret of 11"),
      ("$StackOutput('s', 'o')", "unknown: `$StackOutput()` is known on AWS only"),
      ("$CfStackOutput('s', 'o')", "unknown: `$CfStackOutput()` is known on AWS only"),
      ("$Secret('gone')", "unknown: the secret `gone` is not set"),
      ("$CfFormat('{}', $Secret('gone'))", "unknown: the secret `gone` is not set"),
      ("$Format('{}', $CliArgs('gone'))", "unknown: `$CliArgs()` has no `gone`"),
    ]
  )
  func meaning(_ text: String, _ expected: String) throws {
    let directory = try folder()
    let root = """
      variables:
        days: 30
        nested: { list: [a, b] }
        again: $Stage()
        viaFile: $File('a.json').key
      resources: { api: { type: web-service } }

      """
    let environment = [
      "LOGAGENT_SECRET_TOK": "abc", "LOGAGENT_SECRET_JSON": #"{"key":"value"}"#,
      "LOGAGENT_SECRET_SSM_SHOP_KEY": "ssm!",
    ]
    let found = resolve(text, context(directory, root: root, environment: environment))
    if expected == "arn" {
      #expect(
        found == "arn:aws:logs:eu-west-1:000000000000:log-group:"
          + "/stp/shop-prod/ecs/api/service-container/process-logs:*"
      )
    } else {
      #expect(found == expected, "\(text)")
    }
  }

  private func folder() throws -> TemporaryDirectory {
    let directory = TemporaryDirectory("directives")
    directory.write("a.json", #"{"key": "from file", "list": [1]}"#)
    directory.write("a.yml", "deep: { er: 7 }\n")
    directory.write(".env", "# c\nexport TOKEN='a b' # c\nPLAIN=1 # comment\n")
    directory.write("x.ini", "top = t\n; c\n[s]\nk = \"v w\"\n")
    directory.write("raw.txt", "raw\ntext")
    directory.write(".git/HEAD", "ref: refs/heads/main\n")
    directory.write(
      ".git/packed-refs",
      "# pack-refs\n\(String(repeating: "a1", count: 20)) refs/heads/main\n"
    )
    directory.write(
      ".git/config",
      """
      [user]
      \tname = Ada
      [remote "origin"]
      \turl = https://ada:secret@git.example.com/shop.git

      """
    )
    return directory
  }

  @Test("every directive of Stacktape's is one, and runtime ones are no arguments of others")
  func names() {
    #expect(Directive.BuiltIn.allCases.count == 18)
    for runtime in Directive.BuiltIn.allCases where runtime.isRuntime {
      let text = "$Format('{}', $\(runtime.rawValue)('a', 'b'))"
      #expect(resolve(text, context()).hasPrefix("error: `$Format()` cannot take"), "\(text)")
    }
  }

  @Test("files are read below the folder only: not above it, not through links, not other kinds")
  func confinement() throws {
    let outer = TemporaryDirectory("outer")
    outer.write("secret.json", #"{"key": "leaked"}"#)
    outer.write("inner/ok/a.json", #"{"key": "fine"}"#)
    outer.write("inner/big.json", String(repeating: " ", count: 1_048_577))
    outer.write("inner/broken.json", #"{"key": "hidden" "#)
    let inner = outer.path + "/inner"
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: inner + "/link.json",
      withDestinationPath: "../secret.json"
    )
    try files.createSymbolicLink(atPath: inner + "/up", withDestinationPath: "..")
    #expect(mkfifo(inner + "/pipe.json", 0o600) == 0)
    var place = context()
    place.directory = inner
    for path in [
      "../secret.json", "ok/../../secret.json", "/etc/passwd", "link.json", "up/secret.json",
      "pipe.json", "ok", "none.json", "big.json", "broken.json", "", "ok/a.json/x.json",
    ] {
      for name in ["File", "FileRaw"] where name == "File" || path != "broken.json" {
        let found = resolve("$\(name)('\(path)').key", place)
        #expect(found.hasPrefix("error: "), "\(path): \(found)")
        #expect(!found.contains("leaked") && !found.contains("hidden"))
      }
    }
    #expect(resolve("$File('ok/a.json').key", place) == "fine")
    #expect(resolve("$File('./ok//a.json').key", place) == "fine")
  }

  @Test("values that lead back to themselves, or double for ever, end soon")
  func circles() {
    let root = """
      variables:
        a: $Var().b
        b: $Var().a
        self: $This().variables.self
        list: [$Var().list]
        d0: "xxxxxxxxxxxxxxxx"

      """
      + (1...40).map { "  d\($0): \"$Format('{}{}', $Var().d\($0 - 1), $Var().d\($0 - 1))\"\n" }
      .joined()
    let place = context(root: root)
    let clock = ContinuousClock()
    let time = clock.measure {
      #expect(resolve("$Var().a", place).contains("leads back to itself"))
      #expect(resolve("$Var().self", place).contains("leads back to itself"))
      #expect(resolve("$Var().list", place) == "error: directives make this nest too deep")
      #expect(resolve("$Var().d40", place).hasPrefix("error: "))
    }
    #expect(time < .seconds(5), "\(time)")
    #expect(resolve("$Var().d4", place) == String(repeating: "x", count: 256))
  }

  @Test("a directive inside a longer text stays as it is, and is told")
  func embedded() {
    #expect(
      resolve("https://$Stage()/x", context())
        == "warning: `$Stage()` inside a longer text is not resolved"
    )
    #expect(
      resolve("Bearer $Secret('x')", context())
        == "error: `$Secret()` inside a longer text is not resolved"
    )
    #expect(resolve("costs $Five(5)", context()) == "costs $Five(5)")
  }

  @Test("texts of any bytes are read, and a directive that is read can be written and read again")
  func anyText() {
    var state: UInt64 = 7
    let alphabet = Array("$AVarFormatSecret()'\".,{} \n\\b0-_é".unicodeScalars)
    let place = context(root: "variables: { A: $Var().b, b: [1, $Stage()] }\n")
    for _ in 0..<20_000 {
      var text = "$"
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      for _ in 0..<(state >> 59) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text.unicodeScalars.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      _ = resolve(text, place)
      if case .directive(let directive) = Directive.read(text) {
        #expect(Directive.read(directive.written) == .directive(directive), "\(text)")
      }
    }
  }
}

extension Directive {
  /// The directive as it would be written; quotes of either kind inside arguments exclude it.
  var written: String {
    let arguments = arguments.map { argument -> String in
      switch argument {
      case .quoted(let text): text.contains("'") ? "\"\(text)\"" : "'\(text)'"
      case .plain(let text): text
      case .directive(let inner): inner.written
      }
    }
    return "$\(name)(\(arguments.joined(separator: ",")))" + path.map { ".\($0)" }.joined()
  }
}
