import Foundation
import TestSupport
import Testing

/// Real processes, really killed: Must hold 2 of the store.
@Suite(.serialized) struct StoreCrashTests {
  /// One life of the writer: started, killed after a while; returns what it had said was durable.
  private func life(_ directory: String, seed: UInt64, kill: (Child) -> Void) throws -> String {
    let writer = try Child(Programs.path("store-hammer"), ["write", directory, String(seed)])
    guard writer.wait(for: "R\n", seconds: 10) else {
      writer.kill()
      Issue.record("the writer did not start: \(writer.text)")
      return ""
    }
    usleep(UInt32.random(in: 500...60_000))
    // What is said after the cut is not said before it: a process that outlives its disk may see an
    // fsync succeed on a file system that is already shut down.
    let text = writer.text
    kill(writer)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
    let complete = text.hasSuffix("\n") ? lines[...] : lines.dropLast()
    return complete.last { $0.hasPrefix("C ") }.map { String($0.dropFirst(2)) } ?? ""
  }

  private func check(_ directory: String, _ acknowledged: String) throws -> String? {
    let checker = try Child(
      Programs.path("store-hammer"),
      ["check", directory, acknowledged]
    )
    return checker.waitUntilExit() == 0 ? nil : checker.text
  }

  @Test("300 kill -9 under load lose nothing that was acknowledged and double nothing")
  func killed() throws {
    var directory = TemporaryDirectory("hammer")
    var acknowledged = ""
    for iteration in 0..<300 {
      if iteration % 40 == 0 {
        directory = TemporaryDirectory("hammer")
        acknowledged = ""
      }
      let said = try life(directory.path, seed: UInt64(iteration + 1)) { $0.kill() }
      if !said.isEmpty { acknowledged = said }
      let problem = try check(directory.path, acknowledged)
      #expect(problem == nil, "iteration \(iteration)")
      if problem != nil { return }
    }
  }

  @Test(
    "40 power cuts on ext4 lose nothing that was acknowledged and double nothing",
    .enabled(if: PowerCut.isPossible, "needs root, loop devices and xfs_io")
  )
  func powerCut() throws {
    let disk = try PowerCut()
    defer { disk.remove() }
    var acknowledged = ""
    for iteration in 0..<40 {
      let said = try life(disk.mount + "/store", seed: UInt64(1_000 + iteration)) { writer in
        try? disk.cut()
        writer.kill()
      }
      if !said.isEmpty { acknowledged = said }
      try disk.remount()
      let problem = try check(disk.mount + "/store", acknowledged)
      #expect(problem == nil, "iteration \(iteration)")
      if problem != nil { return }
    }
  }
}
