import Foundation
import TestSupport

/// The daemon with twenty quiet containers, and how long a line takes from a log file to `tail`.
enum IdleBench {
  struct Result {
    var megabytes = 0.0
    var cpuPercent = 0.0
    var latencyP50 = 0.0
    var latencyP99 = 0.0
  }

  static func run(_ binary: String, _ folder: TemporaryDirectory, short: Bool) throws -> Result {
    let root = folder.file("docker")
    for index in 0..<20 { try container(index, root) }
    let data = folder.file("idle")
    let configuration = folder.write(
      "idle.yml",
      """
      dataDirectory: \(data)
      sources: { docker: { enabled: true, socket: \(root)/absent.sock, root: \(root) } }
      """)
    let agent = try Child(binary, ["run", "--config", configuration, "--log-level", "error"])
    let pid = agent.process.processIdentifier
    defer { agent.process.terminate(); agent.waitUntilExit() }
    sleep(short ? 3 : 8)
    var result = Result()
    let before = Usage.cpuSeconds(of: pid)
    let seconds = short ? 3.0 : 20.0
    usleep(UInt32(seconds * 1e6))
    result.cpuPercent = rounded((Usage.cpuSeconds(of: pid) - before) / seconds * 100, 2)
    result.megabytes = Usage.residentMegabytes(of: pid)
    let latencies = try latency(binary, data, root, samples: short ? 10 : 100).sorted()
    guard !latencies.isEmpty else { return result }
    result.latencyP50 = rounded(latencies[latencies.count / 2], 0)
    result.latencyP99 = rounded(latencies[min(latencies.count - 1, latencies.count * 99 / 100)], 0)
    return result
  }

  private static func id(_ index: Int) -> String {
    String(repeating: String(format: "%02x", index + 16), count: 32)
  }

  private static func log(_ index: Int, _ root: String) -> String {
    "\(root)/containers/\(id(index))/\(id(index))-json.log"
  }

  private static func container(_ index: Int, _ root: String) throws {
    let directory = "\(root)/containers/\(id(index))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let metadata =
      "{\"ID\":\"\(id(index))\",\"Name\":\"/quiet-\(index)\",\"LogPath\":\"\(log(index, root))\","
      + "\"State\":{\"Running\":true},\"Config\":{\"Image\":\"bench\",\"Labels\":{},\"Tty\":false}}"
    try metadata.write(toFile: directory + "/config.v2.json", atomically: true, encoding: .utf8)
    try "{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{}}}".write(
      toFile: directory + "/hostconfig.json", atomically: true, encoding: .utf8)
    try record("first line").write(toFile: log(index, root), atomically: false, encoding: .utf8)
  }

  private static func record(_ text: String) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    let time = formatter.string(from: Date())
    return "{\"log\":\"\(text)\\n\",\"stream\":\"stdout\",\"time\":\"\(time)\"}\n"
  }

  /// Milliseconds from a line's write to its appearance, at irregular moments.
  private static func latency(
    _ binary: String,
    _ data: String,
    _ root: String,
    samples: Int
  ) throws -> [Double] {
    let tail = try Child(binary, ["tail", "*", "--data-dir", data, "--quiet", "-o", "raw"])
    defer { tail.kill() }
    guard tail.wait(for: "first line", seconds: 5) else { return [] }
    var found: [Double] = []
    for sample in 0..<samples {
      usleep(UInt32.random(in: 150_000...600_000))
      let marker = "sample \(sample) ends"
      guard let file = FileHandle(forWritingAtPath: log(sample % 20, root)) else { continue }
      file.seekToEndOfFile()
      let started = DispatchTime.now().uptimeNanoseconds
      file.write(Data(record(marker).utf8))
      try file.close()
      guard tail.wait(for: marker, seconds: 5) else {
        found.append(5_000)
        continue
      }
      found.append(Double(DispatchTime.now().uptimeNanoseconds - started) / 1e6)
    }
    return found
  }
}
