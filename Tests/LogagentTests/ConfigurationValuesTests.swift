import Foundation
import LogModel
import Platform
import TestSupport
import Testing

@testable import logagent

private let root = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Every path of keys in a document, such as `limits.memory`.
private func keyPaths(_ node: YAMLNode?, _ prefix: String = "") -> Set<String> {
  guard case .map(let entries) = node?.content else { return [] }
  return entries.reduce(into: []) { paths, entry in
    let path = prefix.isEmpty ? entry.key : "\(prefix).\(entry.key)"
    paths.insert(path)
    paths.formUnion(keyPaths(entry.value, path))
  }
}

@Suite("Configuration values")
struct ConfigurationValuesTests {
  @Test("conf/logagent.yml holds every key, and loading it equals the defaults")
  func shippedFile() throws {
    let path = root + "/conf/logagent.yml"
    let loaded = Configuration.load(path: path, environment: { _ in nil })
    #expect(loaded.diagnostics.map(\.headline) == [])
    #expect(loaded.configuration == Configuration())
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let document = YAMLDocument(Array(text.utf8), file: path)
    #expect(
      keyPaths(document.root) == [
        "project", "stage", "region", "awsAccountId", "params", "stacktape", "dataDirectory",
        "sources", "sources.docker",
        "sources.docker.enabled", "sources.docker.socket", "sources.docker.root", "limits",
        "limits.maxDiskUsage", "limits.minFreeDisk", "limits.maxEventSize", "limits.memory",
        "store", "store.compression", "defaults", "defaults.retentionDays", "defaults.logging",
        "defaults.logging.disabled", "defaults.logging.logForwarding", "retention",
        "retention.shrinkGrace", "resources", "forward",
        "forward.flushSeconds", "forward.allowInsecure",
      ]
    )
  }

  @Test("the examples in the comments of conf/logagent.yml are right")
  func commentedExamples() throws {
    let text = try String(contentsOfFile: root + "/conf/logagent.yml", encoding: .utf8)
    for (marker, prefix) in [("#   logForwarding:", "    "), ("#   api:", "")] {
      let lines = text.components(separatedBy: "\n")
      let start = try #require(lines.firstIndex { $0.contains(marker) })
      let block = lines[start...].prefix { $0.contains("#   ") }
        .map { prefix + $0.dropFirst(prefix.count + 2) }
      let parents = prefix.isEmpty ? "resources:\n" : "defaults:\n  logging:\n"
      let loaded = decode(parents + block.joined(separator: "\n") + "\n")
      #expect(loaded.configuration != nil, "\(loaded.diagnostics.map(\.headline))")
    }
  }

  @Test("every YAML example of the documentation is right")
  func documentedExamples() throws {
    var count = 0
    let names = ["README", "docs/configuration", "docs/operations", "docs/stacktape"]
    for name in names.map({ $0 + ".md" }) {
      let text = try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8)
      for part in text.components(separatedBy: "```yaml\n").dropFirst() {
        let example = part.components(separatedBy: "```")[0]
        count += 1
        let directory = TemporaryDirectory("example")
        let isStacktape = example.contains("type: web-service\n    properties:")
        for place in ["shop/stacktape.yml", "blog/stacktape.yml"] {
          directory.write(place, isStacktape ? example : "resources: {}\n")
        }
        let loaded = decode(
          isStacktape
            ? "project: a\nstage: b\nstacktape: [\(directory.file("shop"))]\n"
            : example.replacing("/srv/", with: directory.path + "/")
        )
        #expect(
          loaded.configuration != nil,
          "\(name): \(loaded.diagnostics.map(\.headline))\n\(example)"
        )
      }
    }
    #expect(count >= 3)
  }

  @Test("a full file is read whole")
  func fullFile() throws {
    let loaded = decode(
      """
      project: shop
      stage: prod
      dataDirectory: /data/logs/
      sources:
        docker: { enabled: false, socket: /var/run/d.sock, root: /docker }
      limits: { maxDiskUsage: 12.5%, minFreeDisk: 2GiB, maxEventSize: 256KB, memory: 64MiB }
      store: { compression: gzip }
      defaults: { retentionDays: 14 }
      resources:
        nightly-report:
          type: batch-job
          match:
            - { compose: shop/nightly, image: [a/*, b] }
            - label: com.example.role=report
          logging:
            retentionDays: 42
            logForwarding:
              type: http-endpoint
              properties:
                endpointUrl: https://logs.example.com:8443/in?x=1
                accessKey: abc
                gzipEncodingEnabled: true
                retryDuration: 0
                parameters: { environment: production, build: 12, empty: "" }
        quiet: { logging: { disabled: true, logForwarding: null } }
        bare:
      forward: { flushSeconds: 30, allowInsecure: true }

      """
    )
    #expect(loaded.diagnostics.map(summary) == [])
    let read = try #require(loaded.configuration)
    #expect(read.stack == "shop-prod")
    #expect(read.dataDirectory == "/data/logs")
    #expect(read.docker == DockerOptions(enabled: .off, socket: "/var/run/d.sock", root: "/docker"))
    #expect(read.limits.maxDiskUsage == .hundredthsOfPercent(1_250))
    #expect(read.limits.minFreeDisk == .bytes(2_147_483_648))
    #expect(read.limits.maxEventSize == 256_000)
    #expect(read.limits.memory == 67_108_864)
    #expect(read.store.compression == .gzip)
    #expect(read.defaults.retentionDays == 14)
    #expect(read.forward == ForwardConfiguration(flushSeconds: 30, allowInsecure: true))
    #expect(read.resources.map(\.name) == ["nightly-report", "quiet", "bare"])
    let report = read.resources[0]
    #expect(report.type == .batchJob)
    #expect(report.match.count == 2)
    #expect(report.match[0].images.map(\.pattern) == ["a/*", "b"])
    #expect(report.logging.retentionDays == 42)
    guard case .to(let destination) = report.logging.forwarding else {
      Issue.record("no destination")
      return
    }
    #expect(destination.endpointURL == "https://logs.example.com:8443/in?x=1")
    #expect(destination.accessKey == Secret("abc"))
    #expect(destination.gzip)
    #expect(destination.retryDurationSeconds == 0)
    #expect(destination.attributes.map(\.name) == ["environment", "build", "empty"])
    #expect(destination.attributes.map { $0.value.reveal() } == ["production", "12", ""])
    #expect(destination.pausedReason == nil)
    #expect(read.resources[1].logging.forwarding == .none)
    #expect(read.resources[1].logging.disabled == true)
  }

  @Test("highlight and datadog come with the presets that Stacktape provisions")
  func presets() throws {
    let loaded = decode(
      """
      resources:
        a: { logging: { logForwarding: { type: highlight, properties: { projectId: 4d7k } } } }
        b: { logging: { logForwarding: { type: datadog, properties: { apiKey: k } } } }
        c:
          logging:
            logForwarding:
              type: http-endpoint
              properties: { endpointUrl: "https://[::1]:8080/x" }

      """
    )
    let read = try #require(loaded.configuration)
    let destinations = read.resources.compactMap { resource -> ForwardingDestination? in
      guard case .to(let destination) = resource.logging.forwarding else { return nil }
      return destination
    }
    #expect(
      destinations == [
        ForwardingDestination(
          kind: .highlight,
          endpointURL: "https://pub.highlight.io/v1/logs/firehose",
          attributes: [.init(name: "x-highlight-project", value: Secret("4d7k"))],
          gzip: true,
          retryDurationSeconds: 300
        ),
        ForwardingDestination(
          kind: .datadog,
          endpointURL: "https://aws-kinesis-http-intake.logs.datadoghq.com/v1/input",
          accessKey: Secret("k"),
          gzip: true,
          retryDurationSeconds: 60
        ),
        ForwardingDestination(
          kind: .httpEndpoint,
          endpointURL: "https://[::1]:8080/x",
          gzip: false,
          retryDurationSeconds: 300
        ),
      ]
    )
  }

  @Test("http endpoints are taken with forward.allowInsecure, wherever that stands in the file")
  func insecure() {
    let text = """
      defaults:
        logging:
          logForwarding:
            type: http-endpoint
            properties: { endpointUrl: "http://127.0.0.1:9/x" }
      forward: { allowInsecure: true }

      """
    let read = decode(text).configuration
    #expect(read?.defaults.destination?.endpointURL == "http://127.0.0.1:9/x")
  }

  @Test(
    "sizes are decimal or binary, and never wrong by overflow",
    arguments: [
      ("0", 0), ("4096", 4_096), ("20GB", 20_000_000_000), ("20 GB", 20_000_000_000),
      ("1MiB", 1_048_576), ("1mib", 1_048_576), ("1.5GB", 1_500_000_000), ("0.5KiB", 512),
      ("1.1TiB", 1_209_462_790_553), ("1k", 1_000), ("1Ki", 1_024), ("7B", 7),
      ("9223372036854775807", Int64.max),
    ] as [(String, Int64)]
  )
  func sizes(_ text: String, _ bytes: Int64) {
    #expect(ByteSize.parse(text) == bytes)
  }

  @Test(
    "what is not a size is not read as one",
    arguments: [
      "", "GB", "-1", "1.5", "1..5GB", "1.GB", ".5GB", "20XB", "20GBs", "9223372036854775808",
      "9223372036854775807KB", "1,5GB", "1e3", "٣GB",
    ]
  )
  func notSizes(_ text: String) {
    #expect(ByteSize.parse(text) == nil)
  }

  @Test("percentages are more than 0 and at most 100")
  func percentages() {
    #expect(ByteSize.parsePercent("5%") == 500)
    #expect(ByteSize.parsePercent("12.5 %") == 1_250)
    #expect(ByteSize.parsePercent("0.01%") == 1)
    #expect(ByteSize.parsePercent("100%") == 10_000)
    for text in ["0%", "100.01%", "-5%", "5", "%", "5.555%", "1000%", "5%%"] {
      #expect(ByteSize.parsePercent(text) == nil, "\(text)")
    }
  }

  @Test("disk amounts: the default is the smaller of 20 GB and a tenth of the disk")
  func diskAmounts() {
    #expect(DiskAmount.automatic.bytes(ofTotal: 100_000_000_000) == 10_000_000_000)
    #expect(DiskAmount.automatic.bytes(ofTotal: 1_000_000_000_000) == 20_000_000_000)
    #expect(DiskAmount.hundredthsOfPercent(500).bytes(ofTotal: 1_000_000) == 50_000)
    #expect(DiskAmount.hundredthsOfPercent(10_000).bytes(ofTotal: .max) <= .max)
    #expect(DiskAmount.bytes(7).bytes(ofTotal: 1) == 7)
  }

  @Test("sizes are printed in a unit that they are a whole number of")
  func formatting() {
    #expect(ByteSize.format(1_048_576) == "1MiB")
    #expect(ByteSize.format(20_000_000_000) == "20GB")
    #expect(ByteSize.format(1_500) == "1500")
  }

  @Test("the nearest name is at most three edits away")
  func nearest() {
    let known = ["project", "stage", "retentionDays", "disabled"]
    #expect(NearestName.find("retentoinDays", among: known) == "retentionDays")
    #expect(NearestName.find("RETENTIONDAYS", among: known) == "retentionDays")
    #expect(NearestName.find("retention", among: known) == "retentionDays")
    #expect(NearestName.find("x", among: known) == nil)
    #expect(NearestName.find("", among: known) == nil)
    #expect(NearestName.distance(Array("ab".utf8), Array("ba".utf8)) == 1)
    #expect(NearestName.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
  }

  @Test("the data directory of the command line wins")
  func dataDirectory() {
    let directory = TemporaryDirectory()
    let path = directory.write("logagent.yml", "dataDirectory: /a\n")
    let environment: (String) -> String? = { _ in nil }
    #expect(
      Configuration.load(path: path, environment: environment).configuration?.dataDirectory == "/a"
    )
    let over = Configuration.load(path: path, dataDirectory: "b/c", environment: environment)
    #expect(over.configuration?.dataDirectory == "b/c")
    let none = Configuration.load(path: path, dataDirectory: "", environment: environment)
    #expect(none.configuration == nil)
  }

  @Test("a file that cannot be read is an error that says why")
  func unreadable() {
    let directory = TemporaryDirectory()
    let missing = Configuration.load(path: directory.file("none.yml"), environment: { _ in nil })
    #expect(missing.configuration == nil)
    #expect(missing.diagnostics.first?.message.contains("No such file or directory") == true)
    let folder = Configuration.load(path: directory.path, environment: { _ in nil })
    #expect(folder.diagnostics.map(\.headline) == ["\(directory.path): error: is a directory"])
  }

  @Test("a default file that may not be looked at is not taken for absent")
  func notAbsent() {
    let directory = TemporaryDirectory()
    directory.write("there.yml", "")
    #expect(Configuration.isAbsent(directory.file("none/none.yml")))
    #expect(!Configuration.isAbsent(directory.file("there.yml")))
    // A name that is too long fails with another error than "not found", also for root.
    #expect(!Configuration.isAbsent("/" + String(repeating: "x", count: 300)))
  }

  @Test("check reports what holds, or what is wrong with status 78")
  func check() {
    let directory = TemporaryDirectory()
    let good = directory.write(
      "good.yml",
      """
      project: shop
      stage: prod
      resources:
        job: { type: batch-job, logging: { retentionDays: 7 } }
        quiet: { logging: { disabled: true } }
        web: { logging: { logForwarding: { type: datadog, properties: { apiKey: $Secret(dd) } } } }

      """
    )
    let valid = CheckReport.make(path: good, environment: { _ in nil })
    #expect(valid.exitStatus == 0)
    #expect(valid.text.contains("1 warning\n\(good): valid\n"))
    #expect(valid.text.contains("job: /stp/shop-prod/batch/job/process-logs, 7 days\n"))
    #expect(valid.text.contains("service-container/process-logs, disabled\n"))
    #expect(valid.text.contains("90 days, to datadog (paused)\n"))
    let bad = directory.write("bad.yml", "stge: x\n")
    let invalid = CheckReport.make(path: bad, environment: { _ in nil })
    #expect(invalid.exitStatus == 78)
    #expect(
      invalid.text == """
        \(bad):1:1: error: unknown key `stge`
         1 | stge: x
           | ^^^^
           help: did you mean `stage`?

        1 error

        """
    )
  }
}
