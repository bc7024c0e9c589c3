// Measures the release binary from outside, as its users meet it, and prints one JSON object.
//
// Input: the folder named by LOGAGENT_BENCH_INPUT with Docker json-file logs (`*-json.log`);
// without it a smaller input of the same shape is made. LOGAGENT_BENCH_SHORT=1 keeps everything
// small: it only shows that the benchmark runs. LOGAGENT_BENCH_ONLY=forward leaves out what
// forwarding does not need: queries, idle and latency.

import Foundation
import TestSupport

let environment = ProcessInfo.processInfo.environment
let isShort = environment["LOGAGENT_BENCH_SHORT"] != nil
let isForwardOnly = environment["LOGAGENT_BENCH_ONLY"] == "forward"
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
let rawBytes = try Shell.run("\(binary) groups --json --data-dir \(data)")
  .split(separator: "\n").reduce(0) { sum, line in
    let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    return sum + ((object?["rawBytes"] as? Int) ?? 0)
  }
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

/// The fastest of several runs: what the program needs, not what the neighbours took.
@MainActor func query(_ name: String, runs: Int = 5, _ arguments: [String], scans: Bool) throws {
  var best = Usage(cpu: .infinity, wall: .infinity)
  var peak = 0.0
  for _ in 0..<runs {
    let usage = try Usage.of(
      binary,
      ["logs", "--config", configuration, "-S", "2000-01-01", "--quiet"] + arguments
    )
    best.cpu = min(best.cpu, usage.cpu)
    best.wall = min(best.wall, usage.wall)
    peak = max(peak, usage.peakMegabytes)
  }
  figures.append(("\(name)_cpu_s", best.cpu))
  figures.append(("\(name)_wall_ms", rounded(best.wall * 1_000, 1)))
  if scans { figures.append(("\(name)_mb_s_per_core", rate(rawBytes, best.cpu))) }
  figures.append(("\(name)_peak_rss_mb", peak))
}

if !isForwardOnly {
  note("queries")
  try query("scan_absent", ["*", "--filter", "\"zzqx\"", "--count"], scans: true)
  try query("scan_common", ["*", "--filter", "\"INFO\"", "--count"], scans: true)
  try query(
    "absent_id",
    ["*", "--filter", "\"4b7d0c1e-93aa-4f2b-8c55-0d9e8f7a6b5c\"", "--count"],
    scans: false
  )
  try query("newest_100", [files[0].name, "-n", "100"], scans: false)
}

// MARK: forwarding, idle, latency

note("forward")
let forwarding = try ForwardBench.run(binary, data, folder, rawBytes: rawBytes, short: isShort)
figures.append(("forward_cpu_s", forwarding.cpu))
figures.append(("forward_wall_s", forwarding.wall))
figures.append(("forward_raw_mb_s_per_core", rate(forwarding.rawBytes, forwarding.cpu)))
figures.append(("forward_requests", forwarding.requests))

if !isForwardOnly {
  note("idle and latency")
  let idle = try IdleBench.run(binary, folder, short: isShort)
  figures.append(("idle_rss_mb", idle.megabytes))
  figures.append(("idle_cpu_percent", idle.cpuPercent))
  figures.append(("tail_latency_p50_ms", idle.latencyP50))
  figures.append(("tail_latency_p99_ms", idle.latencyP99))
}

let members = figures.map { "\"\($0.0)\": \($0.1)" }
print("{\(members.joined(separator: ", "))}")

nonisolated func megabytes(_ bytes: Int) -> Double { rounded(Double(bytes) / 1_000_000, 1) }
nonisolated func rate(_ bytes: Int, _ seconds: Double) -> Int {
  Int(Double(bytes) / 1_000_000 / max(seconds, 0.001))
}
nonisolated func rounded(_ value: Double, _ digits: Int) -> Double {
  let scale = pow(10, Double(digits))
  return (value * scale).rounded() / scale
}
