import Foundation
import TestSupport
import Testing

@testable import logagent

private func resolver(
  _ directory: String? = nil,
  _ environment: [String: String] = [:]
) -> SecretResolver {
  SecretResolver(
    directory: directory,
    environment: { environment[$0] },
    mounted: directory.map { $0 + "/mounted" } ?? "/nonexistent"
  )
}

private func write(_ directory: TemporaryDirectory, _ name: String, _ text: String, mode: Int)
  throws
{
  let path = directory.write(name, text)
  try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
}

@Suite("Secrets")
struct ConfigurationSecretTests {
  @Test(
    "references are read in every spelling",
    arguments: [
      ("$Secret('datadog.apiKey')", "datadog", "apiKey"), ("$Secret(\"a-b\")", "a-b", nil),
      ("$Secret(plain)", "plain", nil), ("$Secret( 'a.b.c' )", "a", "b.c"),
    ] as [(String, String, String?)]
  )
  func references(_ text: String, _ name: String, _ key: String?) throws {
    guard case .directive(let directive) = Directive.read(text), directive.name == "Secret",
      let argument = directive.arguments.first
    else {
      Issue.record("\(Directive.read(text))")
      return
    }
    let written =
      switch argument {
      case .quoted(let text), .plain(let text): text
      case .directive: ""
      }
    #expect(try SecretReference(named: written) == SecretReference(name: name, key: key))
  }

  @Test(
    "names that could leave the folder are refused",
    arguments: ["../x", "a/b", "", "a.", ".a", "ä", "a b", String(repeating: "a", count: 129)]
  )
  func refused(_ name: String) {
    #expect(throws: DirectiveProblem.self) { try SecretReference(named: name) }
  }

  @Test("credentials win over secrets.d, that over mounted secrets, and they over the environment")
  func order() throws {
    let directory = TemporaryDirectory()
    let reference = SecretReference(name: "dd", key: nil)
    let variable = ["LOGAGENT_SECRET_DD": "variable"]
    #expect(resolver(directory.path, variable).resolve(reference) == .found(Secret("variable")))
    try write(directory, "mounted/dd", "mounted\n", mode: 0o444)
    #expect(resolver(directory.path, variable).resolve(reference) == .found(Secret("mounted")))
    try write(directory, "secrets.d/dd", "file\n", mode: 0o600)
    #expect(resolver(directory.path, variable).resolve(reference) == .found(Secret("file")))
    try write(directory, "credentials/dd", "credential", mode: 0o440)
    let all = variable.merging(["CREDENTIALS_DIRECTORY": directory.file("credentials")]) { $1 }
    #expect(resolver(directory.path, all).resolve(reference) == .found(Secret("credential")))
  }

  @Test("a parameter is a file below ssm/, and has a flat name elsewhere")
  func parameter() throws {
    let directory = TemporaryDirectory()
    let reference = try #require(SecretName.parse("/shop/key"))
    #expect(reference == SecretReference(name: "ssm/shop/key", key: nil))
    #expect(
      resolver(directory.path, ["LOGAGENT_SECRET_SSM_SHOP_KEY": "variable"]).resolve(reference)
        == .found(Secret("variable"))
    )
    try write(directory, "mounted/ssm_shop_key", "mounted", mode: 0o444)
    #expect(resolver(directory.path).resolve(reference) == .found(Secret("mounted")))
    try write(directory, "secrets.d/ssm/shop/key", "file", mode: 0o600)
    #expect(resolver(directory.path).resolve(reference) == .found(Secret("file")))
  }

  @Test(
    "names that could leave the folder name no secret",
    arguments: [
      "", "..", "../x", "a/b", "/a/../b", "/", "ssm/", "/.a", "a.b.c", "a.", "a b", "/a//b",
    ]
  )
  func names(_ text: String) { #expect(SecretName.parse(text) == nil) }

  @Test("a link, a folder that others may write, and what is no file are not used")
  func links() throws {
    let directory = TemporaryDirectory()
    let reference = SecretReference(name: "dd", key: nil)
    func reason() -> String {
      guard case .missing(let reason, _) = resolver(directory.path).resolve(reference) else {
        return "used"
      }
      return reason
    }
    try write(directory, "secrets.d/real", "value", mode: 0o600)
    let path = directory.file("secrets.d/dd")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "real")
    #expect(reason() == "\(path) is a symbolic link, so it is not used")
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(reason() == "\(path) is a folder")
    try FileManager.default.removeItem(atPath: path)
    mkfifo(path, 0o600)
    #expect(reason() == "\(path) is not a file")
    try FileManager.default.removeItem(atPath: path)
    try write(directory, "secrets.d/dd", "value", mode: 0o600)
    chmod(directory.file("secrets.d"), 0o770)
    #expect(
      reason()
        == "\(directory.file("secrets.d")) can be changed by others, so nothing in it is used"
    )
    chmod(directory.file("secrets.d"), 0o700)
    #expect(resolver(directory.path).resolve(reference) == .found(Secret("value")))
  }

  @Test("what is listed of secrets are names, keys of objects, and places")
  func listing() throws {
    let directory = TemporaryDirectory()
    try write(directory, "secrets.d/dd", #"{"apiKey": "hunter2", "b": "hunter3"}"#, mode: 0o600)
    try write(directory, "secrets.d/text", "hunter: hunter4", mode: 0o600)
    try write(directory, "secrets.d/open", "hunter5", mode: 0o644)
    try write(directory, "mounted/dd", "hunter6", mode: 0o444)
    let entries = try SecretListing.make(
      resolver(directory.path, ["LOGAGENT_SECRET_MORE": "hunter7"]),
      variables: ["LOGAGENT_SECRET_MORE"]
    )
    #expect(entries.map(\.name) == ["dd", "dd", "more", "open", "text"])
    #expect(entries[0].keys == ["apiKey", "b"] && entries[0].state == "used")
    #expect(entries[1].state == "hidden by \(directory.file("secrets.d/dd"))")
    #expect(entries[3].state.contains("can be read by others"))
    #expect(entries[4].keys.isEmpty)
    for entry in entries { #expect(!entry.json.contains("hunter")) }
  }

  @Test("the variable's name is the secret's in capitals")
  func variable() {
    #expect(SecretReference(name: "data-dog_2", key: nil).variable == "LOGAGENT_SECRET_DATA_DOG_2")
  }

  @Test("a key means a member of the JSON object that the secret holds")
  func member() {
    let json =
      #"{"apiKey": "k\u00e91", "port": 443, "nested": {"x": 1}, "empty": "", "a.b": "dot"}"#
    let environment = ["LOGAGENT_SECRET_DD": json]
    func resolve(_ key: String) -> SecretResolver.Outcome {
      resolver(nil, environment).resolve(SecretReference(name: "dd", key: key))
    }
    #expect(resolve("apiKey") == .found(Secret("ké1")))
    #expect(resolve("port") == .found(Secret("443")))
    #expect(resolve("a.b") == .found(Secret("dot")))
    // Stacktape looks at the first two parts only.
    #expect(resolve("port.further") == .found(Secret("443")))
    #expect(
      resolver(nil, ["LOGAGENT_SECRET_DD": "apiKey: k1\nother: 2\n"])
        .resolve(SecretReference(name: "dd", key: "apiKey")) == .found(Secret("k1"))
    )
    for key in ["none", "nested", "empty"] {
      guard case .missing(let reason, let help) = resolve(key) else {
        Issue.record("found \(key)")
        continue
      }
      #expect(!"\(reason) \(help)".contains("k\u{e9}1"))
    }
    guard
      case .missing = resolver(nil, ["LOGAGENT_SECRET_DD": "plain"])
        .resolve(SecretReference(name: "dd", key: "apiKey"))
    else {
      Issue.record("a plain text has no members")
      return
    }
  }

  @Test("a file that others can read is not used", arguments: [0o644, 0o640, 0o604, 0o660])
  func modes(_ mode: Int) throws {
    let directory = TemporaryDirectory()
    try write(directory, "secrets.d/dd", "value", mode: mode)
    let outcome = resolver(directory.path).resolve(SecretReference(name: "dd", key: nil))
    guard case .missing(let reason, let help) = outcome else {
      Issue.record("used")
      return
    }
    #expect(reason.contains("can be read by others"))
    #expect(help == "chmod 600 \(directory.path)/secrets.d/dd")
  }

  @Test("empty and oversized files are not used")
  func sizes() throws {
    let directory = TemporaryDirectory()
    try write(directory, "secrets.d/empty", "\n", mode: 0o600)
    try write(directory, "secrets.d/large", String(repeating: "x", count: 65_537), mode: 0o600)
    for name in ["empty", "large"] {
      guard
        case .missing = resolver(directory.path).resolve(SecretReference(name: name, key: nil))
      else {
        Issue.record("used \(name)")
        continue
      }
    }
  }

  @Test("an unresolved secret pauses the forwarding with a warning, and is no error")
  func paused() throws {
    let text = """
      resources:
        api:
          logging: { logForwarding: { type: datadog, properties: { apiKey: $Secret('dd.key') } } }

      """
    let loaded = decode(text, directory: "/etc/logagent")
    let configuration = try #require(loaded.configuration)
    guard case .to(let destination) = configuration.resources[0].logging.forwarding else {
      Issue.record("no destination")
      return
    }
    #expect(destination.pausedReason == "the secret `dd` is not set")
    #expect(destination.accessKey == nil)
    let warning = try #require(loaded.diagnostics.first)
    #expect(warning.severity == .warning)
    #expect(warning.line == 3 && warning.column == 70)
    #expect(
      warning.help == "logagent secret set dd --key key"
    )
    let resolved = decode(text, environment: ["LOGAGENT_SECRET_DD": #"{"key":"v"}"#])
    guard case .to(let ready) = resolved.configuration?.resources[0].logging.forwarding else {
      Issue.record("no destination")
      return
    }
    #expect(ready.accessKey?.reveal() == "v")
    #expect(ready.pausedReason == nil)
  }

  @Test("a resolved value is checked like a written one, without showing it")
  func resolvedValueIsChecked() {
    let text = """
      defaults:
        logging: { logForwarding: { type: datadog, properties: { apiKey: $Secret(dd) } } }

      """
    let loaded = decode(text, environment: ["LOGAGENT_SECRET_DD": "hidden\nvalue"])
    #expect(loaded.configuration == nil)
    let output = DiagnosticPrinter.render(loaded.diagnostics)
    #expect(output.contains("holds a line break"))
    #expect(!output.contains("hidden"))
  }

  @Test("a Secret shows itself nowhere")
  func redaction() {
    let secret = Secret("hunter2")
    var dumped = ""
    dump(secret, to: &dumped)
    dump([ForwardingDestination.Attribute(name: "n", value: secret)], to: &dumped)
    for text in [
      "\(secret)", String(reflecting: secret), dumped, "\([secret])", "\(Optional(secret) as Any)",
    ] {
      #expect(!text.contains("hunter2"))
      #expect(!text.contains("104"))
    }
    #expect(secret == Secret("hunter2"))
    #expect(secret != Secret("hunter3"))
    #expect(secret != Secret("hunter"))
  }

  @Test("no diagnostic shows a key that stands in the file")
  func maskedSource() {
    let wrong = """
      defaults:
        logging:
          logForwarding:
            type: http-endpoint
            properties:
              endpointUrl: https://user:sesame@h/x
              accessKey: hunter2
              acessKey: 5
              retryDuration: x

      """
    let output = DiagnosticPrinter.render(decode(wrong).diagnostics)
    #expect(output.contains("unknown key `acessKey`"))
    #expect(output.contains("accessKey: *******\n"))
    #expect(!output.contains("hunter2"))
    #expect(!output.contains("sesame"))
    let unparsed = "endpointUrl: https://user:sesame@h/x\naccessKey: \"hunter2\"\n  x: y: z\n"
    let syntax = DiagnosticPrinter.render(decode(unparsed).diagnostics)
    #expect(!syntax.contains("hunter2"))
    #expect(!syntax.contains("sesame"))
  }

  @Test(
    "lines are those that YAML counts, so that masks hit",
    arguments: ["\r", "\r\n", "\u{85}", "\u{2028}"]
  )
  func lineBreaks(_ lineBreak: String) {
    let lines = [
      "defaults:", "  logging:", "    logForwarding:", "      type: datadog", "      properties:",
      "        apiKey: hunter2", "        apKey: 1", "",
    ]
    let loaded = decode(lines.joined(separator: lineBreak))
    #expect(loaded.diagnostics.map(\.line) == [7])
    let output = DiagnosticPrinter.render(loaded.diagnostics)
    #expect(output.contains("apiKey: *******\n"))
    #expect(output.contains("did you mean `apiKey`?"))
  }

  @Test("a key in a file that everybody can read is a warning")
  func worldReadable() {
    let text =
      "defaults: { logging: { logForwarding: { type: datadog, properties: { apiKey: k } } } }\n"
    #expect(decode(text).diagnostics.isEmpty)
    let warned = decode(text, isReadableByAll: true)
    #expect(warned.configuration != nil)
    #expect(
      warned.diagnostics.map(\.message) == ["everybody on this machine can read this `apiKey`"]
    )
  }
}
