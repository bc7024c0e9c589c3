import Foundation
import TestSupport
import Testing

/// What hostile configuration costs the whole program, started for it.
@Suite("The cost of check") struct CheckCostTests {
  /// Ten lists of ten aliases on thirty levels, and the same with merge keys.
  private static let bomb: String = {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    text += "m0: &m0 { x: 1 }\n"
    for level in 1...30 {
      text += "m\(level): &m\(level) { <<: [*m\(level - 1), *m\(level - 1)] }\n"
    }
    return text + "resources: {}\n"
  }()

  /// Processor seconds and peak resident megabytes of a `check`, the least of several runs.
  ///
  /// time(1) starts it: a child of this process would count this process's memory as its own.
  private func cost(of path: String, status: Int) throws -> (cpu: Double, megabytes: Double) {
    var least = (cpu: Double.infinity, megabytes: Double.infinity)
    for _ in 0..<5 {
      let text = try Shell.run(
        "/usr/bin/time -q -f 'cost %U %S %M' \(Agent.binary) check \(path) 2>&1 >/dev/null; "
          + "test $? = \(status)"
      )
      let line = text.split(separator: "\n").last { $0.hasPrefix("cost ") } ?? ""
      let numbers = line.split(separator: " ").dropFirst().compactMap { Double($0) }
      try #require(numbers.count == 3, "\(text)")
      least.cpu = min(least.cpu, numbers[0] + numbers[1])
      least.megabytes = min(least.megabytes, numbers[2] * 1_024 / 1e6)
    }
    return least
  }

  @Test("a YAML bomb is refused in less than 50 ms of processor time and 20 MB of memory")
  func yamlBomb() throws {
    let directory = TemporaryDirectory("bomb")
    let empty = try cost(of: directory.write("stacktape.yml", "resources: {}\n"), status: 0)
    let bombs = [
      Self.bomb, "resources: " + String(repeating: "[", count: 200_000) + "\n",
      "resources:\n" + String(repeating: "- ", count: 200_000) + "x\n",
    ]
    for (index, bomb) in bombs.enumerated() {
      let cost = try cost(of: directory.write("\(index)/stacktape.yml", bomb), status: 78)
      // Starting a debug build takes that much by itself: what comes on top is all of the release.
      let isRelease = ProcessInfo.processInfo.environment["LOGAGENT_BINARY"] != nil
      let start = isRelease ? (cpu: 0, megabytes: 0) : empty
      #expect(cost.cpu - start.cpu < 0.05, "bomb \(index): \(cost), an empty file \(empty)")
      #expect(cost.megabytes - start.megabytes < 20, "bomb \(index): \(cost)")
    }
  }
}
