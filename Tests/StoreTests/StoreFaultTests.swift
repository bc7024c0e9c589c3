import Foundation
import Glibc
import TestSupport
import Testing

/// Calls that fail under load: nothing acknowledged is lost, nothing is there twice.
@Suite(.serialized, .enabled(if: FaultyDisk.library != nil, "needs a C compiler"))
struct StoreFaultTests {
  /// Several lives of a writer under one fault; every one is checked without it.
  ///
  /// Returns how often the writer met the fault.
  private func lives(_ environment: [String: String], count: Int, endsByItself: Bool) throws -> Int
  {
    let directory = TemporaryDirectory("faults")
    var acknowledged = ""
    var faults = 0
    for seed in 0..<count {
      let writer = try Child(
        Programs.path("store-hammer"),
        ["write", directory.path, String(seed + 1)],
        environment: environment
      )
      if endsByItself {
        let ended = wait(seconds: 20) { !writer.process.isRunning }
        #expect(ended, "seed \(seed): the store goes on after a failed fsync of its catalog")
        if ended { faults += 1 }
      } else {
        usleep(400_000)
      }
      writer.kill()
      let lines = writer.text.split(separator: "\n")
      let complete = writer.text.hasSuffix("\n") ? lines[...] : lines.dropLast()
      if let said = complete.last(where: { $0.hasPrefix("C ") }) {
        acknowledged = String(said.dropFirst(2))
      }
      faults += complete.filter { $0.hasPrefix("F ") }.count
      let checker = try Child(
        Programs.path("store-hammer"),
        ["check", directory.path, acknowledged]
      )
      #expect(checker.waitUntilExit() == 0, "seed \(seed): \(checker.text)")
    }
    return faults
  }

  @Test("a failed fdatasync of a segment: the file is given up, its blocks are written anew")
  func segmentSync() throws {
    let environment = FaultyDisk.environment(
      failing: "sync",
      on: "/segments/",
      every: 7,
      error: EIO
    )
    #expect(try lives(environment, count: 5, endsByItself: false) > 5)
  }

  @Test("a full disk in the middle of a block: half of it is cut off, then written anew")
  func segmentWrite() throws {
    let environment = FaultyDisk.environment(
      failing: "write",
      on: "/segments/",
      every: 9,
      error: ENOSPC
    )
    #expect(try lives(environment, count: 5, endsByItself: false) > 5)
  }

  @Test("a full disk in the middle of the catalog's log: the commit is made again")
  func catalogWrite() throws {
    let environment = FaultyDisk.environment(
      failing: "write",
      on: "catalog.sqlite-wal",
      every: 41,
      error: ENOSPC
    )
    #expect(try lives(environment, count: 5, endsByItself: false) > 0)
  }

  @Test("a failed fsync of the catalog ends the store: only a start can tell what it holds")
  func catalogSync() throws {
    let environment = FaultyDisk.environment(
      failing: "sync",
      on: "catalog.sqlite",
      every: 60,
      error: EIO
    )
    #expect(try lives(environment, count: 5, endsByItself: true) >= 5)
  }
}
