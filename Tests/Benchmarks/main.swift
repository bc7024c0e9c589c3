// Measures the release binary from outside, as its users meet it, and prints one JSON object.
//
// Input: the folder named by LOGAGENT_BENCH_INPUT with Docker json-file logs (`*-json.log`);
// without it a smaller input of the same shape is made. LOGAGENT_BENCH_SHORT=1 keeps everything
// small: it only shows that the benchmark runs. LOGAGENT_BENCH_ONLY=queries, beside, forward or
// idle measures, after ingestion, that alone.

import Foundation
import TestSupport

let environment = ProcessInfo.processInfo.environment
let isShort = environment["LOGAGENT_BENCH_SHORT"] != nil
@MainActor func measures(_ part: String) -> Bool {
  environment["LOGAGENT_BENCH_ONLY"].map { $0 == part } ?? true
}
let binary = environment["LOGAGENT_BINARY"] ?? Programs.path("logagent")
let folder = TemporaryDirectory("logagent-bench")
let data = folder.file("data")
// The input is from one day for ever: it must not expire.
let configuration = folder.write(
  "bench.yml",
  "dataDirectory: \(data)\ndefaults: { retentionDays: 36500 }\n"
)

func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

note("binary \(binary)")
let files = try BenchInput.files(in: folder, short: isShort)
let inputBytes = files.reduce(0) { $0 + BenchInput.size($1.path) }
var figures: [(String, Any)] = []

// MARK: json-file → committed store

note("ingest \(inputBytes / 1_000_000) MB")
var ingest = Usage()
for file in files {
  ingest.add(
    try Usage.of(
      binary,
      [
        "import", "--quiet", "--format", "docker-json", "--resource", file.name, "--config",
        configuration, file.path,
      ]
    )
  )
}
var rawBytesByGroup: [String: Int] = [:]
for line in try Shell.run("\(binary) groups --json --data-dir \(data)").split(separator: "\n") {
  let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
  guard let name = object?["logGroup"] as? String else { continue }
  rawBytesByGroup[name] = object?["rawBytes"] as? Int
}
let rawBytes = rawBytesByGroup.values.reduce(0, +)
let stored = BenchInput.storedBytes(data)
figures.append(("input_mb", megabytes(inputBytes)))
figures.append(("raw_mb", megabytes(rawBytes)))
figures.append(("ingest_cpu_s", ingest.cpu))
figures.append(("ingest_wall_s", ingest.wall))
figures.append(("ingest_mb_s_per_core", rate(inputBytes, ingest.cpu)))
figures.append(("ingest_peak_rss_mb", ingest.peakMegabytes))
figures.append(("disk_mb", megabytes(stored)))
figures.append(("disk_ratio", rounded(Double(inputBytes) / Double(max(1, stored)), 2)))

// MARK: queries

if measures("queries") {
  note("queries")
  var queries = QueryBench(
    binary: binary,
    configuration: configuration,
    folder: folder.path,
    rawBytes: rawBytesByGroup,
    short: isShort
  )
  try queries.runAll(files.map(\.name))
  figures += queries.figures
}

if measures("beside") {
  note("ingest with queries beside it")
  if let beside = try BesideBench.run(binary, folder, files[files.count - 1], short: isShort) {
    let (alone, queried) = (beside.alone, beside.beside)
    figures.append(("ingest_alone_cpu_s", alone.cpu))
    figures.append(("ingest_alone_lines_s", Int(Double(beside.lines) / alone.wall)))
    figures.append(("ingest_queried_cpu_s", queried.cpu))
    figures.append(("ingest_queried_lines_s", Int(Double(beside.lines) / queried.wall)))
    figures.append(("ingest_slowed_cpu_percent", percent(alone.cpu, queried.cpu)))
    figures.append(("ingest_slowed_wall_percent", percent(alone.wall, queried.wall)))
    figures.append(("ingest_queries_beside", beside.queries))
    figures.append(("ingest_queries_failed", beside.failures))
  }
}

// MARK: forwarding, idle, latency

if measures("forward") {
  note("forward")
  let forwarding = try ForwardBench.run(binary, data, folder, rawBytes: rawBytes, short: isShort)
  figures.append(("forward_cpu_s", forwarding.cpu))
  figures.append(("forward_wall_s", forwarding.wall))
  figures.append(("forward_raw_mb_s_per_core", rate(forwarding.rawBytes, forwarding.cpu)))
  figures.append(("forward_requests", forwarding.requests))
}

if measures("idle") {
  note("idle and latency")
  let idle = try IdleBench.run(binary, folder, short: isShort)
  figures.append(("idle_rss_mb", idle.megabytes))
  figures.append(("idle_cpu_percent", idle.cpuPercent))
  figures.append(("tail_latency_p50_ms", idle.latencyP50))
  figures.append(("tail_latency_p99_ms", idle.latencyP99))
}

let members = figures.map { "\"\($0.0)\": \($0.1)" }
print("{\(members.joined(separator: ", "))}")

/// By how much of the first the second is more.
nonisolated func percent(_ first: Double, _ second: Double) -> Double {
  rounded((second / max(first, 0.001) - 1) * 100, 1)
}
nonisolated func megabytes(_ bytes: Int) -> Double { rounded(Double(bytes) / 1_000_000, 1) }
nonisolated func rate(_ bytes: Int, _ seconds: Double) -> Int {
  Int(Double(bytes) / 1_000_000 / max(seconds, 0.001))
}
nonisolated func rounded(_ value: Double, _ digits: Int) -> Double {
  let scale = pow(10, Double(digits))
  return (value * scale).rounded() / scale
}
