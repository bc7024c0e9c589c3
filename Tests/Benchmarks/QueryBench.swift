import Foundation

/// What people ask of logs, each question in processes of its own that have just started.
struct QueryBench {
  let binary: String
  let configuration: String
  let folder: String
  /// Raw bytes by log group.
  let rawBytes: [String: Int]
  let short: Bool
  var figures: [(String, Any)] = []

  /// What a question is measured by.
  enum Measure {
    /// It looks at all messages: raw bytes for each second of processor time.
    case rate
    /// It skips what it need not read: time alone.
    case time
  }

  /// The fastest of several runs: what the program needs, not what the neighbours took.
  ///
  /// `refusal` is the exit status of a query that must be refused.
  mutating func run(
    _ name: String,
    _ groups: String,
    _ arguments: [String],
    _ measure: Measure,
    refusal: Int32 = 0
  ) throws {
    let words =
      ["logs", groups, "--config", configuration, "-S", "2000-01-01", "--quiet"] + arguments
    var best = Usage(cpu: .infinity, wall: .infinity)
    for _ in 0..<(short ? 2 : 7) {
      let usage = try Usage.of(binary, words, status: refusal)
      best.cpu = min(best.cpu, usage.cpu)
      best.wall = min(best.wall, usage.wall)
    }
    figures.append(("\(name)_cpu_s", best.cpu))
    figures.append(("\(name)_wall_ms", rounded(best.wall * 1_000, 1)))
    if measure == .rate {
      figures.append(("\(name)_mb_s_per_core", rate(raw(groups), best.cpu)))
    }
    figures.append(
      ("\(name)_peak_rss_mb", try Usage.peakMegabytes(binary, words, folder, status: refusal))
    )
  }

  private func raw(_ groups: String) -> Int {
    if groups == "*" { return rawBytes.values.reduce(0, +) }
    return rawBytes.first { $0.key.hasSuffix("/\(groups)") }?.value ?? 0
  }

  /// All of them; `names` are those of the input files.
  mutating func runAll(_ names: [String]) throws {
    func count(_ pattern: String) -> [String] { ["--filter", pattern, "--count"] }
    try run("absent_uuid", "*", count("\"4b7d0c1e-93aa-4f2b-8c55-0d9e8f7a6b5c\""), .time)
    try run("absent_block_id", "*", count("\"blk_-1234509876123450987\""), .time)
    try run("absent_json_value", "*", count("{ $.address = \"203.0.113.77\" }"), .time)
    try run("scan_absent", "*", count("\"zzqx\""), .rate)
    try run("scan_common", "*", count("\"INFO\""), .rate)
    try run("scan_regex", "*", count("%[0-9]+ ?ms%"), .rate)
    try run("histogram_5m", "*", ["--query", "stats count(*) by bin(5m)"], .time)
    try run("newest_100", names[0], ["-n", "100"], .time)
    try runFields(names)
    try run("dedup_message", "*", ["--query", "dedup @message | limit 100"], .time)
    try run("dedup_message_10000", "*", ["--query", "dedup @message"], .time)
    if !short {
      let everyMessage = ["--query", "stats count(*) by @message"]
      try run("group_by_message_refused", "*", everyMessage, .time, refusal: 65)
    }
  }

  /// Conditions and groups by what stands in the messages: of the standard input, or of a made one.
  private mutating func runFields(_ names: [String]) throws {
    let isStandard = names.contains("nginx_json")
    let json = isStandard ? "nginx_json" : "json"
    let field = isStandard ? ("connections.active", 5) : ("status", 203)
    try run(
      "json_field_pattern",
      json,
      ["--filter", "{ $.\(field.0) >= \(field.1) }", "--count"],
      .rate
    )
    try run(
      "json_field_query",
      json,
      ["--query", "filter \(field.0) >= \(field.1) | stats count(*)"],
      .rate
    )
    let (lines, glob, key) =
      isStandard
      ? ("hdfs", "\"* * * * *:\" as day, time, pid, level, class", "class")
      : ("application", "\"* *-* order *\" as level, worker, number, rest", "number")
    try run(
      "group_by_parsed_glob",
      lines,
      ["--query", "parse @message \(glob) | stats count(*) by \(key)"],
      .rate
    )
    let access = isStandard ? "apache" : "access"
    try run(
      "group_by_parsed_regex",
      access,
      [
        "--query",
        #"parse @message /^(?<host>\S+) .*" (?<status>\d+) / | stats count(*) by status"#,
      ],
      .rate
    )
    try run(
      "group_by_parsed_host",
      access,
      ["--query", "parse @message \"* - - \" as host | stats count(*) by host"],
      .rate
    )
  }
}
