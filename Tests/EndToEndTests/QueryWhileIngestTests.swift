import Foundation
import TestSupport
import Testing

/// Queries in processes of their own while another process writes as fast as it can.
@Suite("Queries while events come in", .serialized)
struct QueryWhileIngestTests {
  private static let isFull = ProcessInfo.processInfo.environment["LOGAGENT_E2E_FULL"] != nil
  private static let lineCount = isFull ? 3_000_000 : 120_000
  /// So many imports, one after the other: a single one can be over before the second query is.
  private static let partCount = 12
  private static let group = "/import/numbers"

  private let directory = TemporaryDirectory("ingest")
  private var data: String { directory.file("data") }

  /// `2026-… line N …`, a microsecond apart, the last a minute ago; in files of equal size.
  private func writeLines() throws -> String {
    let path = directory.file("lines")
    let start = Int(Date().timeIntervalSince1970) - 60 - Self.lineCount / 1_000_000
    let day = try Shell.run("date -u -d @\(start) +%Y-%m-%dT").trimmingCharacters(in: .newlines)
    let second = start % 86_400
    _ = try Shell.run(
      """
      mkdir \(path) && awk -v n=\(Self.lineCount) -v s=\(second) 'BEGIN { for (i = 1; i <= n; i++) {
        t = s + int(i / 1000000); u = i % 1000000
        printf "\(day)%02d:%02d:%02d.%06dZ line %d GET /api/orders/%d status=%d\\n",
          int(t / 3600) % 24, int(t / 60) % 60, t % 60, u, i, i * 7919 % 100003, 200 + i % 5 \
          > sprintf("\(path)/%02d.log", (i - 1) / (n / \(Self.partCount)))
        } }'
      """
    )
    return path
  }

  private func start(_ script: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: directory.write("stderr", ""))
    try process.start()
    return process
  }

  private func logs(_ more: String) throws -> String {
    try Shell.run(
      "\(Agent.binary) logs \(Self.group) --data-dir \(data) --since 1d --quiet \(more)"
    )
  }

  @Test("every query sees a whole number of the first lines, and never fewer than the one before")
  func consistent() throws {
    let path = try writeLines()
    let importer = try start(
      "for part in \(path)/*; do \(Agent.binary) import --format lines --resource \(Self.group) "
        + "--data-dir \(data) --quiet $part || exit 1; done"
    )
    defer { importer.terminate() }
    #expect(
      wait(seconds: 30) { StoredEvents(dataDirectory: data).count(Self.group) > 0 }
    )
    var last = 0
    var queries = 0
    var seenWhileRunning: Set<Int> = []
    func see(_ number: Int) {
      #expect(number >= last, "a query saw less than the one before")
      last = number
      queries += 1
      if importer.isRunning { seenWhileRunning.insert(number) }
    }
    while importer.isRunning || queries == 0 {
      let count = try #require(Int(try logs("--count").filter { $0 != "\n" }))
      see(count)
      // Every line by its number: none is missing, none is there twice, none out of order.
      let read = try logs(
        "--limit all -o raw | awk '$3 != NR { bad++ } END { print NR, bad + 0 }'"
      ).split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
      #expect(read.count == 2 && read[1] == 0, "\(read)")
      see(read[0])
      // The newest is the last of the lines that are there.
      let newest = try logs("-n 1 -o raw").split(separator: " ")
      let number = try #require(newest.count > 2 ? Int(newest[2]) : nil)
      see(number)
    }
    importer.waitUntilExit()
    #expect(importer.terminationStatus == 0)
    #expect(try Int(logs("--count").filter { $0 != "\n" }) == Self.lineCount)
    // The queries did run while lines came in.
    #expect(seenWhileRunning.contains { $0 < Self.lineCount })
    print("e2e ingest: \(queries) queries saw \(seenWhileRunning.count) different states")
  }
}
