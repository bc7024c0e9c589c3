@testable import logagent

/// The pages about logagent.yml, from the keys that the decoder takes.
enum ConfigurationManual {
  /// The table of `docs/configuration.md`.
  static var table: String {
    var lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in ConfigurationKeys.all {
      let standard = key.standard.map { "`\($0)`" } ?? "–"
      let allowed = key.allowed.map { " (\($0))" } ?? ""
      lines.append("| `\(key.path)` | \(key.type) | \(standard) | \(key.meaning)\(allowed) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func manual(date: String) -> String {
    var page = ManualPage(
      "logagent.yml",
      section: 5,
      date: date,
      version: Version.number,
      "configuration of logagent"
    )
    page.section("Description")
    page.prose(
      """
      The file is YAML 1.2. Every key is optional: an empty file means what is written here as \
      default. Unknown and repeated keys are errors. `logagent check` reports everything that is \
      wrong in one run, each with its line, column and the fix.

      The daemon reads the file again on SIGHUP and when it changes. One with errors leaves the \
      old configuration in force. `dataDirectory`, `sources`, `store`, `limits.maxEventSize` and \
      `limits.memory` hold from the next start on.

      Sizes are bytes, or have a unit: KB, MB, GB and TB count in thousands, KiB, MiB, GiB and TiB \
      in 1,024s. Durations are a whole number with s, m, h or d.
      """
    )
    page.section("Keys")
    for key in ConfigurationKeys.all {
      var more = ["Type: \(key.type). Default: \(key.standard.map { "`\($0)`" } ?? "none")."]
      if let allowed = key.allowed { more.append("Allowed: \(allowed).") }
      more.append("Since \(key.since).")
      page.item(key.path, key.meaning + ".", more: more)
    }
    page.section("Secrets")
    page.prose(
      """
      `$Secret('name')` or `$Secret('name.key')` stands for a value that is not in the file. It is \
      looked for in systemd's credentials, in `secrets.d` beside the file (mode 0600), in \
      /run/secrets, and in the variable LOGAGENT_SECRET_NAME, in this order. `logagent secret set` \
      writes one. A forwarding whose secret is not found waits until it is.
      """
    )
    page.section("Example")
    page.example(
      """
      project: shop
      stage: prod
      resources:
        api:
          logging: { retentionDays: 30 }
        redisCache:
          match: { compose: shop/redis }
          logging:
            logForwarding:
              type: datadog
              properties: { apiKey: $Secret('datadog.apiKey') }
      """
    )
    page.section("See also")
    page.prose("`logagent`(1)")
    return page.text
  }
}
