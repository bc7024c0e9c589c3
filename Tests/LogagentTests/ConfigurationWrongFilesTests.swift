import Testing

@testable import logagent

/// A file that is wrong in one way, where that is reported, and words of the message and the help.
struct WrongFile: CustomTestStringConvertible, Sendable {
  var text: String
  var place: String
  var message: String
  var help: String?

  init(_ text: String, _ place: String, _ message: String, help: String? = nil) {
    self.text = text
    self.place = place
    self.message = message
    self.help = help
  }

  var testDescription: String { "\(place) \(message)" }
}

private func endpoint(_ properties: String) -> String {
  "resources:\n  api:\n    logging:\n      logForwarding:\n        type: http-endpoint\n"
    + "        properties: { \(properties) }\n"
}

private let longName = String(repeating: "n", count: 257)
private let fiftyOne = (1...51).map { "p\($0): x" }.joined(separator: ", ")

private let shapes: [WrongFile] = [
  WrongFile("projct: shop\n", "1:1", "unknown key `projct`", help: "did you mean `project`?"),
  WrongFile("dataDir: /x\n", "1:1", "unknown key `dataDir`", help: "`dataDirectory`"),
  WrongFile("zebra: 1\n", "1:1", "unknown key `zebra`", help: "known here: `project`"),
  WrongFile("- a\n", "1:1", "the file must be a map of keys, found a list"),
  WrongFile("hello\n", "1:1", "the file must be a map of keys, found a string"),
  WrongFile("limits: 5\n", "1:9", "`limits` must be a map of keys, found an integer"),
  WrongFile("limits: [a]\n", "1:9", "`limits` must be a map of keys, found a list"),
  WrongFile(
    "sources:\n  dcoker: {}\n",
    "2:3",
    "unknown key `dcoker` in `sources`",
    help: "`docker`"
  ),
  WrongFile(
    "sources: { docker: { enable: true } }\n",
    "1:22",
    "unknown key `enable`",
    help: "`enabled`"
  ),
  WrongFile("project: a\nproject: b\n", "2:1", "the key `project` is here twice", help: "at 1:1"),
  WrongFile("<<: 5\n", "1:1", "`<<` merges maps only", help: "such as `<<: *base`"),
  WrongFile("project: [\n", "2:1", "did not find expected node content"),
  WrongFile("\tproject: a\n", "1:1", "cannot start any token", help: "YAML takes no tabs"),
  WrongFile(
    "project: a: b\n",
    "1:11",
    "mapping values are not allowed",
    help: "quote a value that holds"
  ),
  WrongFile("a: *nobody\n", "1:4", "the alias `*nobody` has no anchor"),
  WrongFile("a: &x [*x]\n", "1:8", "the alias `*x` has no anchor `&x` that ends before it"),
  WrongFile("project: a\n---\nproject: b\n", "2:1", "a second document starts here"),
  WrongFile("? [a]\n: b\n", "1:3", "a key must be a plain word"),
  WrongFile(
    "project: !!binary aGk\n",
    "1:10",
    "the tag `tag:yaml.org,2002:binary` is not supported"
  ),
  WrongFile("project: \"a\n", "2:1", "found unexpected end of stream"),
]

private let scalars: [WrongFile] = [
  WrongFile("project: sh op\n", "1:10", "`project` may hold letters, digits, `-` and `_` only"),
  WrongFile("stage: true\n", "1:8", "`stage` must be a text, found a boolean", help: "quote it"),
  WrongFile("project: { a: b }\n", "1:10", "`project` must be a text, found a map"),
  WrongFile("project: ''\n", "1:10", "`project` must not be empty"),
  WrongFile("dataDirectory: data\n", "1:16", "`dataDirectory` must be an absolute path"),
  WrongFile("dataDirectory:\n", "1:1", "`dataDirectory` must be a text, found nothing"),
  WrongFile(
    "sources: { docker: { socket: 'unix:///run/docker.sock' } }\n",
    "1:30",
    "an absolute path",
    help: "without `unix://`"
  ),
  WrongFile("sources: { docker: { enabled: maybe } }\n", "1:31", "`auto`, `true` or `false`"),
  WrongFile("stacktape: /srv/stacktape.yml\n", "1:12", "`stacktape` must be a list"),
  WrongFile("stacktape: [{ project: a }]\n", "1:13", "an entry of `stacktape` lacks `path`"),
  WrongFile("awsAccountId: '12'\n", "1:15", "`awsAccountId` must be 12 digits"),
  WrongFile("params: { db: x }\n", "1:15", "`params.db` must be a map of keys"),
  WrongFile("limits: { maxDiskUsage: 20XB }\n", "1:25", "a size, a percentage or `auto`"),
  WrongFile("limits: { maxDiskUsage: 20 }\n", "1:25", "at least 1MiB", help: "counts bytes"),
  WrongFile(
    "limits: { minFreeDisk: 101% }\n",
    "1:24",
    "`minFreeDisk` must be a size or a percentage"
  ),
  WrongFile("limits: { minFreeDisk: 0% }\n", "1:24", "a size or a percentage", help: "more than 0"),
  WrongFile("limits: { minFreeDisk: auto }\n", "1:24", "a size or a percentage"),
  WrongFile("limits: { maxEventSize: 100 }\n", "1:25", "must be from 1KiB to 4MiB"),
  WrongFile("limits: { maxEventSize: 1.5 }\n", "1:25", "`maxEventSize` must be a size"),
  WrongFile("limits: { memory: -1 }\n", "1:19", "`memory` must be a size"),
  WrongFile("limits: { memory: 99999999999TB }\n", "1:19", "`memory` must be a size"),
  WrongFile(
    "store: { compression: zst }\n",
    "1:23",
    "must be one of `zstd`, `gzip`, found `zst`",
    help: "did you mean `zstd`?"
  ),
  WrongFile(
    "defaults: { retentionDays: 0 }\n",
    "1:28",
    "a number of days from 1 to 36500, a duration such as `12h`, or `forever`, found 0"
  ),
  WrongFile("defaults: { retentionDays: 36501 }\n", "1:28", "or `forever`, found 36501"),
  WrongFile("defaults: { retentionDays: 59s }\n", "1:28", "from 1m to 36500d, or `forever`"),
  WrongFile("defaults: { retentionDays: 0h }\n", "1:28", "from 1m to 36500d, or `forever`"),
  WrongFile("defaults: { retentionDays: 36501d }\n", "1:28", "from 1m to 36500d"),
  WrongFile(
    "defaults: { retentionDays: 12 h }\n",
    "1:28",
    "found a string",
    help: "write it as `30`, `30d`, `12h`, `90m` or `forever`"
  ),
  WrongFile("defaults: { retentionDays: -12h }\n", "1:28", "found a string", help: "`12h`"),
  WrongFile("defaults: { retentionDays: 12H }\n", "1:28", "found a string", help: "`12h`"),
  WrongFile("defaults: { retentionDays: 1y }\n", "1:28", "found a string", help: "`30d`"),
  WrongFile(
    "defaults: { retentionDays: Forever }\n",
    "1:28",
    "found a string",
    help: "did you mean `forever`?"
  ),
  WrongFile(
    "resources: { api: { logging: { retentionDays: for-ever } } }\n",
    "1:47",
    "`retentionDays` must be a number of days",
    help: "did you mean `forever`?"
  ),
  WrongFile("defaults: { retentionDays: true }\n", "1:28", "or `forever`, found"),
  WrongFile("defaults: { retentionDays: -3 }\n", "1:28", "found -3"),
  WrongFile("defaults: { retentionDays: 1.5 }\n", "1:28", "found a number"),
  WrongFile(
    "defaults: { retentionDays: \"30\" }\n",
    "1:28",
    "found a string",
    help: "remove the quotes"
  ),
  WrongFile("defaults: { retentionDays: 99999999999999999999 }\n", "1:28", "found a number"),
  WrongFile(
    "defaults:\n  retentionDays: 3\n  logging: { retentionDays: 4 }\n",
    "3:14",
    "the default retention is here twice",
    help: "at 2:3"
  ),
  WrongFile(
    "defaults: { logging: { disabled: 1 } }\n",
    "1:34",
    "`true` or `false`, found an integer"
  ),
  WrongFile("forward: { flushSeconds: 0 }\n", "1:26", "an integer from 1 to 900"),
  WrongFile("forward: { allowInsecure: 'true' }\n", "1:27", "`true` or `false`, found a string"),
]

private let resources: [WrongFile] = [
  WrongFile("resources: [api]\n", "1:12", "`resources` must be a map of keys, found a list"),
  WrongFile("resources: { a/b: {} }\n", "1:14", "a resource's name may hold letters"),
  WrongFile(
    "resources:\n  nightly-report: {}\n  nightlyReport: {}\n",
    "3:3",
    "the resource `nightlyReport` cannot be told from the one at 2:3"
  ),
  WrongFile(
    "resources: { api: { type: batchjob } }\n",
    "1:27",
    "`type` must be one of `batch-job`",
    help: "did you mean `batch-job`?"
  ),
  WrongFile("resources: { api: { matches: {} } }\n", "1:21", "unknown key", help: "`match`"),
  WrongFile("resources: { api: { match: {} } }\n", "1:28", "`match` must not be empty"),
  WrongFile("resources: { api: { match: [] } }\n", "1:28", "`match` must not be empty"),
  WrongFile("resources: { api: { match: { name: [] } } }\n", "1:36", "`name` must not be empty"),
  WrongFile("resources: { api: { match: { name: [[a]] } } }\n", "1:37", "`name` must be a text"),
  WrongFile("resources: { api: { match: { compose: a/b/c } } }\n", "1:39", "`project/service`"),
  WrongFile(
    "resources: { api: { logging: { retention: 3 } } }\n",
    "1:32",
    "`retention`",
    help: "Days"
  ),
  WrongFile("resources: { api: { logging: { logForwarding: {} } } }\n", "1:32", "lacks `type`"),
  WrongFile(
    "resources: { api: { logging: { logForwarding: { type: splunk } } } }\n",
    "1:55",
    "must be one of `http-endpoint`, `highlight`, `datadog`"
  ),
  WrongFile(
    "resources: { api: { logging: { logForwarding: { type: datadog } } } }\n",
    "1:49",
    "lacks `properties`",
    help: "`apiKey`"
  ),
  WrongFile(endpoint("accessKey: x"), "6:9", "a `http-endpoint` forwarding lacks `endpointUrl`"),
  WrongFile(endpoint("endpointUrl: 'http://h/x'"), "6:36", "in the clear", help: "allowInsecure"),
  WrongFile(endpoint("endpointUrl: h.example.com"), "6:36", "not an address", help: "https://"),
  WrongFile(endpoint("endpointUrl: 'ftp://h/x'"), "6:36", "the scheme must be `https`"),
  WrongFile(endpoint("endpointUrl: 'https://u:p@h/x'"), "6:36", "a user or password"),
  WrongFile(endpoint("endpointUrl: 'https://h:0/x'"), "6:36", "the port must be a number"),
  WrongFile(endpoint("endpointUrl: 'https:///x'"), "6:36", "has no host"),
  WrongFile(endpoint("endpointUrl: 'https://h/a b'"), "6:36", "holds a space"),
  WrongFile(endpoint("endpointUrl: 'https://h/#a'"), "6:36", "has a fragment"),
  WrongFile(endpoint("endpointUrl: 'https://h_/', retryDuration: 7201"), "6:66", "from 0 to 7200"),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', accessKey: \"a\\nb\""),
    "6:61",
    "holds a line break"
  ),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', accessKey: \(String(repeating: "k", count: 4_097))"),
    "6:61",
    "is longer than 4096 bytes"
  ),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', parameters: { \(fiftyOne) }"),
    "6:50",
    "has 51 entries"
  ),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', parameters: { \(longName): x }"),
    "6:64",
    "1 to 256 characters"
  ),
  WrongFile(endpoint("endpointUrl: 'https://h/', parameters: { '': x }"), "6:64", "has 0"),
  WrongFile(
    endpoint(
      "endpointUrl: 'https://h/', parameters: { a: \(String(repeating: "v", count: 1_025)) }"
    ),
    "6:67",
    "1025 characters; at most 1024"
  ),
  WrongFile(endpoint("endpointUrl: 'https://h/', parameters: { a: [1] }"), "6:67", "found a list"),
  WrongFile(endpoint("endpointUrl: $Sage()"), "6:36", "no directive `$Sage()`", help: "`$Stage()`"),
  WrongFile(endpoint("endpointUrl: $Secret('a/b')"), "6:36", "must be letters, digits"),
  WrongFile(endpoint("endpointUrl: \"$Secret('a)\""), "6:36", "lacks its closing quote"),
  WrongFile(endpoint("endpointUrl: https://h/$Secret('a')"), "6:36", "inside a longer text"),
  WrongFile(endpoint("endpointUrl: 'https://h/', apiKey: x"), "6:50", "unknown key `apiKey`"),
]

@Suite("Wrong configuration files")
struct ConfigurationWrongFilesTests {
  static let count = shapes.count + scalars.count + resources.count

  @Test("are reported once, at the place, with what to do", arguments: shapes + scalars + resources)
  func wrongFile(_ wrong: WrongFile) throws {
    let loaded = decode(wrong.text)
    #expect(loaded.configuration == nil)
    let errors = loaded.diagnostics.filter { $0.severity == .error }
    #expect(errors.count == 1, "\(errors.map(summary))")
    let first = try #require(errors.first)
    #expect("\(first.line):\(first.column)" == wrong.place, "\(summary(first))")
    #expect(first.message.contains(wrong.message), "\(first.message)")
    if let help = wrong.help {
      #expect(first.help?.contains(help) == true, "\(first.help ?? "-")")
    }
  }

  @Test("the table is as long as promised")
  func tableSize() {
    #expect(Self.count >= 80)
  }

  @Test("all problems of a file are reported in one run, in its order")
  func allAtOnce() {
    let loaded = decode(
      """
      projct: shop
      limits:
        memory: lots
        memry: 1
      store: { compression: lz4 }
      resources:
        api:
          logging: { retentionDays: 0, disabled: perhaps }
      forward: { flushSeconds: never }

      """
    )
    #expect(loaded.configuration == nil)
    #expect(loaded.diagnostics.map(\.line) == [1, 3, 4, 5, 8, 8, 9])
  }

  @Test("a word that was a boolean in YAML 1.1 is taken as meant, with a warning")
  func oldBooleans() throws {
    for (word, value) in [("yes", true), ("on", true), ("no", false), ("off", false)] {
      let loaded = decode("forward: { allowInsecure: \(word) }\n")
      let configuration = try #require(loaded.configuration)
      #expect(configuration.forward.allowInsecure == value)
      let warning = try #require(loaded.diagnostics.first)
      #expect(loaded.diagnostics.count == 1)
      #expect(summary(warning).hasPrefix("1:27 warning: `\(word)` is text in YAML 1.2"))
    }
  }

  @Test("half a stack is a warning")
  func halfStack() {
    let loaded = decode("project: shop\n")
    #expect(loaded.configuration?.stack == nil)
    #expect(
      loaded.diagnostics.map(summary) == ["1:1 warning: `project` names no stack without `stage`"]
    )
  }

  @Test("a file with thousands of problems ends in a bounded report")
  func boundedReport() {
    let loaded = decode((0..<5_000).map { "key\($0)x: 1\n" }.joined())
    #expect(loaded.configuration == nil)
    #expect(loaded.diagnostics.count == 201)
    #expect(loaded.diagnostics.last?.message == "and 4800 more problems")
  }

  @Test("bytes of any kind never trap")
  func anyBytes() {
    var state: UInt64 = 42
    let alphabet = Array("{}[]:,-?*&!|>'\"%@`# \n\tabc01.~$()".utf8) + [0x00, 0xFF, 0xC3, 0xA9]
    for _ in 0..<2_000 {
      var bytes: [UInt8] = []
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      for _ in 0..<(state >> 58) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      let loaded = Configuration.decode(
        bytes,
        file: "f",
        resolver: SecretResolver(directory: nil, environment: { _ in nil })
      )
      let hasError = loaded.diagnostics.contains { $0.severity == .error }
      #expect((loaded.configuration == nil) == hasError)
      #expect(DiagnosticPrinter.render(loaded.diagnostics).isEmpty == loaded.diagnostics.isEmpty)
    }
  }

  @Test("a caret stands under its value in lines of any width, and names cannot move the cursor")
  func printing() {
    let wide = "limits: { " + String(repeating: " ", count: 300) + "memory: lots }\n"
    #expect(
      DiagnosticPrinter.render(decode(wide).diagnostics).hasSuffix(
        " 1 | …" + String(repeating: " ", count: 71) + "memory: lots }\n"
          + "   | " + String(repeating: " ", count: 80) + "^^^^\n"
          + "   help: write it as `20GB` (decimal), `20GiB` (binary) or in bytes\n\n1 error\n"
      )
    )
    let tabs = decode("limits: {\tmemory:\tlots }\n")
    #expect(
      DiagnosticPrinter.render(tabs.diagnostics).contains(
        " 1 | limits: {\tmemory:\tlots }\n   |          \t       \t^^^^\n"
      )
    )
    let escape = DiagnosticPrinter.render(decode("\"\\e[2Jx\": 1\n").diagnostics)
    #expect(escape.contains("unknown key `?[2Jx`"))
    #expect(!escape.unicodeScalars.contains("\u{1b}"))
    let block = decode("store:\n  compression: |\n    a\n    b\n")
    #expect(block.diagnostics.map(\.line) == [2])
    let two = decode("a1: 1\nstage: 'x\n  y'\n")
    #expect(DiagnosticPrinter.render(two.diagnostics).hasSuffix("\n2 errors\n"))
  }
}
