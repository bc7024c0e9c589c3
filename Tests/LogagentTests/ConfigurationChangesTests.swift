import Testing

@testable import logagent

@Suite("Changes of a configuration")
struct ConfigurationChangesTests {
  private func changes(
    _ old: String,
    _ new: String,
    secrets: (String, String) = ("one", "two")
  ) throws -> [String] {
    let from = decode(old, environment: secrets.0.isEmpty ? [:] : ["LOGAGENT_SECRET_DD": secrets.0])
    let to = decode(new, environment: secrets.1.isEmpty ? [:] : ["LOGAGENT_SECRET_DD": secrets.1])
    return ConfigurationChanges.describe(
      from: try #require(from.configuration),
      to: try #require(to.configuration)
    )
  }

  private let forwarding =
    "resources: { api: { logging: { logForwarding: "
    + "{ type: datadog, properties: { apiKey: $Secret(dd) } } } } }\n"

  @Test("resources are named with what changes of them")
  func resources() throws {
    #expect(
      try changes(
        "resources: { api: {}, old: {}, same: { logging: { retentionDays: 5 } } }\n",
        "resources: { api: { logging: { retentionDays: 7, disabled: true } }, new: {}, "
          + "same: { logging: { retentionDays: 5 } } }\n"
      ) == ["api disabled", "api retentionDays 90 → 7", "new added", "old removed"]
    )
    #expect(
      try changes(
        "resources: { api: { match: { name: a } } }\n",
        "resources: { api: { match: { name: b }, type: batch-job } }\n"
      ) == ["api match changed", "api type not set → batch-job"]
    )
  }

  @Test("limits, names and defaults are named with both values")
  func values() throws {
    #expect(
      try changes(
        "{ project: a, stage: b, limits: { minFreeDisk: 5%, maxDiskUsage: auto } }\n",
        "{ project: a, stage: c, limits: { minFreeDisk: 2.5%, maxDiskUsage: 20GB }, "
          + "retention: { shrinkGrace: 1h }, defaults: { retentionDays: 30 } }\n"
      ) == [
        "stage b → c", "limits.maxDiskUsage auto → 20GB", "limits.minFreeDisk 5% → 2.5%",
        "retention.shrinkGrace 24h → 1h", "defaults retentionDays 90 → 30",
      ]
    )
  }

  @Test("a changed, missing or found secret is said, and never shown")
  func secrets() throws {
    #expect(try changes(forwarding, forwarding) == ["api forwarding to datadog has another key"])
    #expect(
      try changes(forwarding, forwarding, secrets: ("", "two"))
        == ["api forwarding to datadog goes on"]
    )
    #expect(
      try changes(forwarding, forwarding, secrets: ("one", ""))
        == ["api forwarding to datadog is paused"]
    )
    #expect(try changes(forwarding, forwarding, secrets: ("one", "one")) == [])
    #expect(try changes("resources: { api: {} }\n", forwarding) == ["api forwards to datadog"])
    #expect(
      try changes(forwarding, "resources: { api: {} }\n") == ["api no longer forwards to datadog"]
    )
  }

  @Test("what cannot change while the daemon runs stays, and is named")
  func fixed() throws {
    let current = try #require(decode("dataDirectory: /a\n").configuration)
    let loaded = try #require(
      decode("{ dataDirectory: /b, store: { compression: gzip }, forward: { flushSeconds: 9 } }\n")
        .configuration
    )
    let (next, late) = loaded.keepingFixed(of: current)
    #expect(late == ["dataDirectory", "store"])
    #expect(next.dataDirectory == "/a" && next.store == current.store)
    #expect(next.forward.flushSeconds == 9)
  }

  @Test("many changes are counted")
  func many() {
    let all = (1...25).map { "r\($0) added" }
    #expect(ConfigurationChanges.joined(all).hasSuffix("r20 added; and 5 more"))
  }

  @Test("a grace is a duration from nothing to 30 days", arguments: ["24h", "0s", "30d", "90m"])
  func grace(_ text: String) throws {
    let loaded = decode("retention: { shrinkGrace: \(text) }\n")
    #expect(loaded.configuration != nil, "\(loaded.diagnostics)")
  }

  @Test(
    "what is no such duration is an error at its place",
    arguments: ["24", "1w", "-1h", "31d", "1.5h", "h", "99999999999999999999d"]
  )
  func wrongGrace(_ text: String) {
    let loaded = decode("retention: { shrinkGrace: \(text) }\n")
    #expect(loaded.configuration == nil)
    #expect(loaded.diagnostics.first?.column == 27)
  }

  @Test("a command with a colon is the same as two words")
  func colons() {
    let words = ["logagent", "secret:set", "a:b"]
    #expect(Logagent.separatingColons(words) == ["secret", "set", "a:b"])
    #expect(Logagent.separatingColons(["logagent", "logs", "a:b"]) == ["logs", "a:b"])
    #expect(Logagent.separatingColons(["logagent", ":"]) == [":"])
    #expect(Logagent.separatingColons(["logagent"]) == [])
  }
}
