import Foundation
import TestSupport

/// How much queries beside it slow ingestion down.
///
/// Both would share whatever cores there are, and then half of the difference would be that. So the
/// ingesting process has one core for itself and one query after the other runs on another; what is
/// left is what they have in common: locks, the page cache, the memory bus. Runs with and without
/// queries alternate, and the fastest of each kind count.
enum BesideBench {
  struct Result {
    var alone = Usage(cpu: .infinity, wall: .infinity)
    var beside = Usage(cpu: .infinity, wall: .infinity)
    var lines = 0
    var queries = 0
    var failures = 0
  }

  static func run(
    _ binary: String,
    _ folder: TemporaryDirectory,
    _ file: BenchInput.File,
    short: Bool
  ) throws -> Result? {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    guard cores > 1, FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset") else {
      return nil
    }
    let data = folder.file("beside")
    let configuration = folder.write(
      "beside.yml",
      "dataDirectory: \(data)\ndefaults: { retentionDays: 36500 }\n"
    )
    func ingest(_ resource: String) throws -> Usage {
      try Usage.of(
        "/usr/bin/taskset",
        [
          "-c", "0", binary, "import", "--quiet", "--format", "docker-json", "--resource", resource,
          "--config", configuration, file.path,
        ]
      )
    }
    _ = try ingest("first")
    var result = Result()
    result.lines = Int(try Shell.run("wc -l < \(file.path)").filter(\.isNumber)) ?? 0
    for round in 0..<(short ? 1 : 4) {
      result.alone.keepFastest(try ingest("alone-\(round)"))
      let load = try Load(binary, configuration, folder, round)
      result.beside.keepFastest(try ingest("beside-\(round)"))
      let (queries, failures) = load.end()
      result.queries += queries
      result.failures += failures
    }
    return result
  }

  /// One query after the other on the second core: they read everything that is stored so far.
  private struct Load {
    let process = Process()
    let stop: String
    let log: String

    init(
      _ binary: String,
      _ configuration: String,
      _ folder: TemporaryDirectory,
      _ round: Int
    ) throws {
      stop = folder.file("stop-\(round)")
      log = folder.file("queries-\(round)")
      let query = "\(binary) logs '*' --config \(configuration) -S 2000-01-01 --quiet"
      let script = """
        until [ -e \(stop) ]; do
          \(query) --filter '"INFO"' --count > /dev/null; echo $? >> \(log)
          \(query) --query 'stats count(*) by bin(5m)' > /dev/null; echo $? >> \(log)
        done
        """
      process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
      process.arguments = ["-c", "1", "/bin/sh", "-c", script]
      try process.run()
    }

    /// How many queries there were, and how many of them failed.
    func end() -> (queries: Int, failures: Int) {
      _ = FileManager.default.createFile(atPath: stop, contents: nil)
      process.waitUntilExit()
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let statuses = text.split(separator: "\n")
      return (statuses.count, statuses.count { $0 != "0" })
    }
  }
}
