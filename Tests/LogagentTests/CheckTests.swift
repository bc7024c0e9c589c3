import Foundation
import LogModel
import TestSupport
import Testing

@testable import logagent

@Suite("logagent check")
struct CheckTests {
  private let directory = TemporaryDirectory("check")

  private func check(
    _ files: [String],
    config: String? = nil,
    choices: StackChoices = StackChoices()
  ) -> [CheckRun.File] {
    var run = CheckRun(config: config, choices: choices)
    run.environment = { _ in nil }
    return run.check(files)
  }

  private static let wrong = """
    resources:
      api:
        type: web-service
        properties:
          logging: { retentionDays: 45, logForwarding: { type: datadog } }

    """

  private static let warned = """
    resources:
      api:
        type: web-service
        properties:
          logging:
            logForwarding: { type: datadog, properties: { apiKey: $Secret('a,b%') } }

    """

  @Test(
    "the two files are told apart by what is in them, and by the name only when that says nothing",
    arguments: [
      ("a.yml", "stacktape: []\n", ConfigurationKind.logagent),
      ("a.yml", "serviceName: x\n", .stacktape),
      ("stacktape.yml", "dataDirectory: /x\n", .logagent),
      ("logagent.yml", "resources: { a: { type: web-service, properties: {} } }\n", .stacktape),
      ("stacktape.yml", "resources: { a: { type: web-service, match: { name: x } } }\n", .logagent),
      ("a.yml", "resources: { a: { type: web-service } }\n", .stacktape),
      ("a.yml", "resources: { a: { logging: {} } }\n", .logagent),
      ("stacktape.json", "{}", .stacktape), ("a.json", "{}", .logagent), ("a.yml", "[", .logagent),
    ]
  )
  func kinds(_ name: String, _ text: String, _ kind: ConfigurationKind) {
    let path = directory.write(name, text)
    #expect(check([path]).map(\.kind) == [kind])
  }

  @Test("several files are checked in one run, and one that is wrong makes the status 78")
  func several() {
    let good = directory.write("good.yml", "project: a\nstage: b\n")
    let bad = directory.write("stacktape.yml", Self.wrong)
    let files = check([good, bad, directory.file("none.yml")])
    #expect(files.map(\.kind) == [.logagent, .stacktape, .logagent])
    let report = CheckReport(files)
    #expect(report.exitStatus == 78)
    #expect(
      report.text.hasPrefix(
        """
        \(bad):5:33: error: `retentionDays` must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, \
        180, 365, 400, 545, 731, 1827, 3653 (found 45)
         3 |     type: web-service
         4 |     properties:
         5 |       logging: { retentionDays: 45, logForwarding: { type: datadog } }
           |                                 ^^
           help: nearest: 30 and 60; logagent.yml takes any number of days


        """
      )
    )
    #expect(report.text.contains("cannot read"))
    #expect(report.text.hasSuffix("3 errors\n\(good): valid\n" + describedDefaults))
  }

  private let describedDefaults = """
      data directory  /var/lib/logagent
      retention       90 days by default

    """

  @Test("a stacktape.yml is checked with the logagent.yml that --config names")
  func context() throws {
    let config = directory.write(
      "logagent.yml",
      "project: shop\nstage: prod\nresources: { api: { logging: { retentionDays: 8 } } }\n"
    )
    let path = directory.write("stacktape.yml", "resources: { api: { type: web-service } }\n")
    let file = try #require(check([path], config: config).first)
    #expect(file.loaded.configuration?.stack == "shop-prod")
    let report = CheckReport([file])
    #expect(
      report.text.contains("api: /stp/shop-prod/ecs/api/service-container/process-logs, 8 days")
    )
    let other = check([path], config: config, choices: StackChoices(stage: "dev"))
    #expect(other.first?.loaded.configuration?.stack == "shop-dev")
  }

  @Test("warnings fail only when --strict says so")
  func strict() {
    let path = directory.write(
      "stacktape.yml",
      Self.warned.replacing("'a,b%'", with: "x")
    )
    let files = check([path])
    #expect(CheckReport(files).exitStatus == 0)
    #expect(CheckReport(files, isStrict: true).exitStatus == 78)
    #expect(CheckReport(files).text.contains("1 warning\n"))
  }

  @Test("a program is refused with what to do, as a file and in a folder")
  func programs() {
    let script = directory.write("a/stacktape.ts", "export default {}\n")
    for path in [script, directory.file("a")] {
      let report = CheckReport(check([path]))
      #expect(report.exitStatus == 78)
      #expect(report.text.contains("a program, and logagent runs none"))
      #expect(report.text.contains("export it as JSON"))
    }
  }

  @Test("json says everything in one object")
  func json() throws {
    let path = directory.write("stacktape.yml", Self.wrong)
    let text = CheckReport(check([path]), format: .json).text
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let found = object?["diagnostics"] as? [[String: Any]]
    #expect(object?["errors"] as? Int == 2 && object?["warnings"] as? Int == 0)
    #expect(found?.first?["line"] as? Int == 5 && found?.first?["column"] as? Int == 33)
    #expect(found?.first?["endColumn"] as? Int == 35)
    #expect(found?.first?["severity"] as? String == "error")
    #expect((found?.first?["help"] as? String)?.hasPrefix("nearest: 30") == true)
  }

  @Test("github gets workflow commands whose texts cannot break out of them")
  func github() {
    let diagnostic = Diagnostic(
      .warning,
      file: "a,b:c%.yml",
      at: SourceRange(line: 2, column: 3, endLine: 2, endColumn: 9),
      "100% wrong",
      help: "mend it"
    )
    #expect(
      DiagnosticGitHub.render([diagnostic])
        == "::warning file=a%2Cb%3Ac%25.yml,line=2,endLine=2,col=3,endColumn=9"
        + "::100%25 wrong%0Ahelp: mend it\n"
    )
  }

  @Test("sarif has what version 2.1.0 requires, with places counted in characters")
  func sarif() throws {
    let path = directory.write("odd name é.yml", Self.wrong)
    let text = CheckReport(check([path]), format: .sarif).text
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    #expect(object?["version"] as? String == "2.1.0")
    let runs = try #require(object?["runs"] as? [[String: Any]])
    let driver = (runs[0]["tool"] as? [String: Any])?["driver"] as? [String: Any]
    let rules = try #require(driver?["rules"] as? [[String: Any]])
    #expect(driver?["name"] as? String == "logagent")
    #expect(runs[0]["columnKind"] as? String == "unicodeCodePoints")
    let results = try #require(runs[0]["results"] as? [[String: Any]])
    #expect(results.count == 2)
    for result in results {
      #expect(rules.contains { $0["id"] as? String == result["ruleId"] as? String })
      #expect(["error", "warning", "note"].contains(result["level"] as? String))
      #expect((result["message"] as? [String: Any])?["text"] is String)
      let location = (result["locations"] as? [[String: Any]])?.first?["physicalLocation"]
      let place = try #require(location as? [String: Any])
      let uri = (place["artifactLocation"] as? [String: Any])?["uri"] as? String
      #expect(uri == "file://" + directory.path + "/odd%20name%20%C3%A9.yml")
      #expect(uri.flatMap { URL(string: $0)?.path } == path)
      let region = try #require(place["region"] as? [String: Int])
      #expect(region["startLine"] == 5 && (region["endColumn"] ?? 0) > (region["startColumn"] ?? 0))
    }
    let whole = CheckReport(check([directory.file("none.yml")]), format: .sarif).text
    #expect(!whole.contains("region"))
    #expect(object?["$schema"] as? String == "https://json.schemastore.org/sarif-2.1.0.json")
    #expect(runs.count == 1 && results.allSatisfy { $0["ruleIndex"] as? Int == 0 })
    #expect(rules.allSatisfy { ($0["shortDescription"] as? [String: Any])?["text"] is String })
    // No keys but those of the standard: its schema takes no others.
    #expect(Set(try #require(object).keys) == ["$schema", "version", "runs"])
    #expect(Set(runs[0].keys) == ["tool", "columnKind", "results"])
    #expect(
      results.allSatisfy {
        Set($0.keys) == ["ruleId", "ruleIndex", "level", "message", "locations"]
      }
    )
    // Behind what takes two units of UTF-16 and four bytes, and is one character.
    let emoji = directory.write("emoji.yml", "defaults: { \"😀é\": 1, retentionDays: 0 }\n")
    let shifted = CheckReport(check([emoji]), format: .sarif).text
    let region = #""startLine":1,"startColumn":37,"endLine":1,"endColumn":38"#
    #expect(shifted.contains(region), "\(shifted)")
    let right = directory.write("ok.yml", "project: a\nstage: b\n")
    let valid = CheckReport(check([right]), format: .sarif)
    #expect(valid.text.contains(#""results":[]"#) && valid.exitStatus == 0)
  }

  @Test("--effective shows resources with their containers, retention and target, and the rest")
  func effective() throws {
    let config = directory.write(
      "logagent.yml",
      """
      project: shop
      stage: prod
      resources:
        other: { match: { name: "shared*" } }
        another: { match: { name: "shared*" } }

      """
    )
    let path = directory.write(
      "stacktape.yml",
      """
      resources:
        api:
          type: web-service
          properties:
            logging:
              retentionDays: 7
              logForwarding:
                type: http-endpoint
                properties: { endpointUrl: "https://logs.example.com/in?key=hidden" }
            sideContainers: [{ name: proxy, logging: { disabled: true } }]
        report:
          type: batch-job
          properties: { resources: { cpu: 2, memory: 4096 }, retryConfig: { attempts: 2 } }
        mainDb: { type: relational-database }

      """
    )
    let file = try #require(check([path], config: config).first)
    let id = String(repeating: "ef", count: 32)
    let places = file.loaded.places
    let mapping = EffectiveMapping(
      try #require(file.loaded.configuration, "\(file.loaded.summaries)"),
      title: "stack shop-prod",
      running: ["shop-prod-api-1", "api", "grafana\u{1b}[2J", "shared"].map {
        ContainerMetadata(id: id, name: $0)
      },
      blindness: nil,
      places: places,
      file: path
    )
    #expect(
      mapping.ambiguities.map(\.headline) == [
        "\(config):5:3: error: the container `shared` fits `another` and, as well, `other` "
          + "(\(config):4:3)"
      ]
    )
    #expect(mapping.ambiguities.first?.help?.contains("narrow `match`") == true)
    #expect(mapping.ambiguities.first?.excerpt.last?.text.contains("another: {") == true)
    let failed = CheckReport([file], effective: [mapping])
    #expect(failed.exitStatus == 78 && failed.problems.hasSuffix("1 error\n"))
    #expect(failed.answer == mapping.text)
    #expect(
      mapping.text == """
        stack shop-prod
        RESOURCE   TYPE                 CONTAINERS               RETENTION  FORWARD
        other      –                    shared                   90 days    –
        another    –                    none                     90 days    –
        api        web-service          shop-prod-api-1, api     7 days     \
        http-endpoint logs.example.com
        api/proxy  web-service          none                     disabled   –
        report     batch-job            none                     90 days    –
        mainDb     relational-database  – not a local container  90 days    –
        report: cpu 2 · memory 4096 MB · 2 attempts, waits 0 s
        not matched: grafana\\x1b[2J → /docker/default/grafana__2J, 90 days
        ambiguous: shared fits other and another; the first has it

        """
    )
    let blind = EffectiveMapping(
      try #require(file.loaded.configuration),
      title: "t",
      running: nil,
      blindness: "no answer"
    )
    #expect(blind.text.contains("running containers are not known: no answer\n"))
    let bare = directory.write("stacktape.json", #"{"resources": {"job": {"type": "batch-job"}}}"#)
    let job = try #require(check([bare]).first?.loaded.configuration)
    #expect(
      !EffectiveMapping(job, title: "t", running: [], blindness: nil).text.contains("job: ")
    )
    let json = CheckReport([file], format: .json, effective: [mapping]).text
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let first = (object?["effective"] as? [[String: Any]])?.first
    #expect((first?["resources"] as? [Any])?.count == 6 && (first?["others"] as? [Any])?.count == 2)
    #expect(!json.contains("hidden"))
  }

  @Test("rules of two resources that fit the same containers are an error, with both places")
  func overlaps() throws {
    let path = directory.write(
      "logagent.yml",
      """
      resources:
        one: { match: { compose: shop/redis } }
        two:
          match:
            - { name: other }
            - compose: "*/redis"
              label: [a=b, c]
        three: { match: { compose: [redis, shop/db] } }
        four: { match: { image: redis } }
        five: { match: { image: "redis:7" } }

      """
    )
    let report = CheckReport(check([path]))
    #expect(report.exitStatus == 78)
    #expect(
      report.problems.split(separator: "\n").filter { $0.contains("error: ") } == [
        "\(path):8:19: error: this rule of `three` and one of `one` fit the same containers",
        "\(path):10:18: error: this rule of `five` and one of `four` fit the same containers",
      ]
    )
    #expect(report.problems.contains("help: the other rule is at 2:17 and would have them"))
    // The daemon works with it, by the order of the file.
    #expect(Configuration.load(path: path, environment: { _ in nil }).configuration != nil)
  }

  @Test(
    "a rule covers another when every container that fits the other fits it",
    arguments: [
      ("redis", "redis", true), ("re*", "redis", true), ("re*", "red*", true),
      ("redis", "re*", false), ("re?is", "redis", true), ("re?", "re*", false),
      ("re?", "re?", true), ("*", "x*y", true), ("a*c", "a*b*c", true), ("a*b*c", "a*c", false),
    ]
  )
  func globs(_ wide: String, _ narrow: String, _ covers: Bool) {
    #expect(Glob(wide).covers(Glob(narrow)) == covers)
  }

  @Test("--match describes a container by name, image, Compose and labels")
  func match() throws {
    let container = try CheckCommand.container([
      "name=a", "image=b:1", "compose=p/s", "label.x=y=z",
    ])
    #expect(container.name == "a" && container.image == "b:1")
    #expect(
      container.labels == [
        "com.docker.compose.project": "p", "com.docker.compose.service": "s", "x": "y=z",
      ]
    )
    for wrong in ["name", "colour=red", "=x"] {
      #expect(throws: (any Error).self) { try CheckCommand.container([wrong]) }
    }
  }

  @Test("a YAML bomb is refused by the number of its values, and soon")
  func bomb() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    text += "m0: &m0 { x: 1 }\n"
    for level in 1...30 {
      text += "m\(level): &m\(level) { <<: [*m\(level - 1), *m\(level - 1)] }\n"
    }
    let path = directory.write("stacktape.yml", text + "resources: {}\n")
    let clock = ContinuousClock()
    var best = Duration.seconds(60)
    for _ in 0..<3 {
      let time = clock.measure {
        let report = CheckReport(check([path]))
        #expect(report.exitStatus == 78)
        #expect(report.text.contains("more than 100000 values"))
      }
      best = min(best, time)
    }
    // A debug build on a busy machine is several times slower than what ships.
    #expect(best < .milliseconds(500), "\(best)")
  }
}
