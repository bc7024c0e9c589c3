import Foundation
import LogModel
import Platform
import TestSupport
import Testing

@testable import Collect

/// A writer, rotations, commits and crashes in random order, from a seed: whatever happens, every
/// line that was on disk when it could be read is stored once and in order, and what rotation took
/// is said by one gap record where it was.
@Suite struct TailModelTests {
  struct Model {
    let docker: DockerWriter
    let sink = FakeSink(commitsAtOnce: false)
    let clock = ManualClock()
    var generator: SeededGenerator
    var agent: TailLife?
    /// Lines in the order in which their last part was written, with the file that holds it.
    var written: [(text: String, flags: EventFlags, generation: Int)] = []
    var openOut: (text: String, time: Int)?
    var next = 0
    var usesParts = true
    let maxFiles: Int

    init(_ directory: String, seed: UInt64) {
      generator = SeededGenerator(seed: seed)
      maxFiles = [1, 2, 3, 6][Int(seed % 4)]
      docker = DockerWriter(
        directory,
        name: "x-json.log",
        maxFiles: maxFiles,
        compress: maxFiles > 1 && seed % 5 == 0
      )
    }

    mutating func chance(_ percent: Int) -> Bool {
      Int.random(in: 0..<100, using: &generator) < percent
    }

    mutating func write() {
      for _ in 0..<Int.random(in: 1...30, using: &generator) {
        next += 1
        let stderr = chance(30)
        if !stderr, let open = openOut {
          if chance(20) {
            docker.part("+\(next)", time: open.time)
            openOut = (open.text + "+\(next)", open.time)
          } else if chance(80) {
            docker.part("end\(next)\\n", time: open.time)
            written.append((open.text + "end\(next)", [], docker.generation))
            openOut = nil
          } else {
            // The line before ended without a newline; this one has its own time.
            docker.part("line\(next)\\n", time: next)
            written.append((open.text, .unterminated, docker.generation))
            written.append(("line\(next)", [], docker.generation))
            openOut = nil
          }
        } else if !stderr, usesParts, chance(15) {
          docker.part("part\(next)", time: next)
          openOut = ("part\(next)", next)
        } else {
          let padding = String(repeating: "p", count: Int.random(in: 0...200, using: &generator))
          docker.part("line\(next)\(padding)\\n", stream: stderr ? "stderr" : "stdout", time: next)
          written.append(("line\(next)\(padding)", stderr ? .stderr : [], docker.generation))
        }
      }
    }

    mutating func crash() {
      sink.crash()
      agent = nil
    }

    mutating func life() -> TailLife {
      // The events of the directory would say so.
      agent?.tail.mustLookAtPath = true
      if let agent { return agent }
      let fresh = TailLife(docker.base, sink, clock: clock)
      fresh.tail.countRotations = { [docker] in docker.generation }
      agent = fresh
      return fresh
    }
  }

  @Test(arguments: UInt64(1)...60)
  func `with crashes but slow rotation every line is stored once, in order`(seed: UInt64) throws {
    let directory = TemporaryDirectory("model")
    var model = Model(directory.file("c"), seed: seed)
    for _ in 0..<120 {
      switch Int.random(in: 0..<10, using: &model.generator) {
      case 0..<4: model.write()
      case 4..<6: _ = try model.life().tail.turn()
      case 6: model.clock.advance(seconds: 0.15)
      case 7: model.sink.commit(Int.random(in: 0...3, using: &model.generator))
      case 8:
        // Something of the file that is rotated is committed before, so that no rotation can take
        // the file that the position lies in before another one is known.
        model.write()
        if model.openOut == nil {
          try model.life().drain()
          model.sink.commit()
          if model.chance(50) { model.write() }
          if model.openOut == nil || model.maxFiles > 2 { model.docker.rotate() }
        }
      default: if model.chance(40) { model.crash() }
      }
    }
    try model.life().drain()
    model.sink.commit()
    let seen = model.sink.events
    let expected = model.written
    #expect(seen.map(\.text) == expected.map(\.text), "seed \(seed)")
    #expect(seen.map(\.flags) == expected.map(\.flags), "seed \(seed)")
  }

  @Test(arguments: UInt64(1)...60)
  func `what rotation takes is said by gap records, and nothing comes twice`(seed: UInt64) throws {
    let directory = TemporaryDirectory("model")
    var model = Model(directory.file("c"), seed: seed)
    for _ in 0..<150 {
      switch Int.random(in: 0..<10, using: &model.generator) {
      case 0..<4: model.write()
      case 4..<6: _ = try model.life().tail.turn()
      case 6: model.clock.advance(seconds: 0.15)
      case 7: model.sink.commit(Int.random(in: 0...3, using: &model.generator))
      case 8: model.docker.rotate()
      default: if model.chance(40) { model.crash() }
      }
    }
    try model.life().drain()
    model.sink.commit()
    let gaps = check(model, "seed \(seed)")
    #expect(gaps.unexplained == 0, "seed \(seed): lines are missing without a gap record")
    // All that is still on disk is stored.
    let onDisk = model.written.filter {
      $0.generation > model.docker.generation - max(model.maxFiles, 2)
    }
    let stored = Set(model.sink.texts)
    for line in onDisk where line.text.hasPrefix("line") {
      #expect(stored.contains(line.text), "seed \(seed): \(line.text) is on disk and not stored")
    }
  }

  @Test(arguments: UInt64(1)...40)
  func `an agent that counts rotations says a gap exactly where lines are missing`(
    seed: UInt64
  ) throws {
    let directory = TemporaryDirectory("model")
    var model = Model(directory.file("c"), seed: seed)
    model.usesParts = false
    for _ in 0..<150 {
      switch Int.random(in: 0..<10, using: &model.generator) {
      case 0..<4: model.write()
      case 4..<7: _ = try model.life().tail.turn()
      default: model.docker.rotate()
      }
    }
    try model.life().drain()
    model.sink.commit()
    let gaps = check(model, "seed \(seed)")
    #expect(gaps.unexplained == 0, "seed \(seed): lines are missing without a gap record")
    #expect(gaps.needless == 0, "seed \(seed): a gap record where nothing is missing")
  }

  /// Compares the whole lines that were stored with those written: once, in order, and missing only
  /// where a gap record stands.
  private func check(_ model: Model, _ name: Comment) -> (unexplained: Int, needless: Int) {
    let expected = model.written.map(\.text).filter { $0.hasPrefix("line") }
    let place = Dictionary(uniqueKeysWithValues: expected.enumerated().map { ($1, $0) })
    var last = -1
    var isGapOpen = false
    var unexplained = 0
    var needless = 0
    for event in model.sink.events {
      if event.flags.contains(.gap) { isGapOpen = true }
      guard event.text.hasPrefix("line"), let index = place[event.text] else { continue }
      #expect(index > last, "\(name): \(event.text) comes twice or out of order")
      // What was gone before the first commit was never known to exist.
      if index > last + 1, !isGapOpen, last >= 0 { unexplained += 1 }
      if index == last + 1, isGapOpen { needless += 1 }
      last = index
      isGapOpen = false
    }
    #expect(last == expected.count - 1, "\(name): the last line is missing")
    return (unexplained, needless)
  }
}
