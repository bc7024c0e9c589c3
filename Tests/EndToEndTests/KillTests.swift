import Foundation
import LogModel
import TestSupport
import Testing

/// SIGKILL at random moments while containers write and rotate. `LOGAGENT_E2E_SEED` repeats a run.
extension DockerTests {
  @Test(
    "ten SIGKILLs lose and double nothing that was on disk, and gap records show what rotation took"
  )
  func killedTenTimes() throws {
    let engine = EngineScope.engine
    // A debug build needs longer to commit anything, so there is more to write while it lives.
    let count = Self.isFull ? 1_000_000 : 2_000_000
    let seed =
      ProcessInfo.processInfo.environment["LOGAGENT_E2E_SEED"].flatMap(UInt64.init)
      ?? UInt64.random(in: 0...UInt64.max)
    print("e2e kills: seed \(seed)")
    var random = SplitMix(state: seed)
    let agent = Agent(engine)
    let writers = try (1...3).map { number in
      let name = "killed\(number)"
      let id = try engine.run(
        name,
        options: Self.rotation,
        DockerEngine.numberedLines(count)
      )
      return Writer(engine: engine, name: name, id: id)
    }
    // Kill and start take turns at random points of what is written; alive for longer than away.
    let steps = (0..<19).map { index in
      Double.random(in: index % 2 == 0 ? 1...8 : 0...4, using: &random)
    }
    let scale = 0.75 * Double(count) / steps.reduce(0, +)
    var point = 0.0
    var restarts: [Restart] = []
    // On a busy machine rotation takes beginnings before the agent is there for the first time.
    var pending: Restart? = Restart(writers)
    try agent.start()
    for (index, step) in steps.enumerated() {
      point += step * scale
      let isReached = wait(seconds: 60) {
        if let restart = pending, Date().timeIntervalSince(restart.time) > 0.5 {
          restarts.append(restart.closed(writers))
          pending = nil
        }
        return writers.allSatisfy { Double($0.progress) >= point }
      }
      try #require(isReached, "\(writers.map(\.progress)) of \(point)")
      if index % 2 == 0 {
        if let restart = pending { restarts.append(restart.closed(writers)) }
        pending = nil
        agent.kill()
      } else {
        pending = Restart(writers)
        try agent.start(waits: Bool.random(using: &random))
      }
    }
    // The tenth time the agent stays away until rotation has taken lines that it never saw.
    let seen = writers.map(\.progress)
    let isTaken = wait(seconds: 60) { zip(writers, seen).contains { $0.oldest > $1 } }
    #expect(isTaken, "the containers ended before rotation took anything")
    let last = Restart(writers)
    try agent.start()
    usleep(500_000)
    restarts.append(last.closed(writers))
    try verify(agent, writers, count, restarts)
    try engine.docker("rm -f \(writers.map(\.name).joined(separator: " "))")
  }

  private func verify(
    _ agent: Agent,
    _ writers: [Writer],
    _ count: Int,
    _ restarts: [Restart]
  ) throws {
    #expect(restarts.count == 11)
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let isComplete = wait(seconds: 120) {
      writers.allSatisfy { writer in
        store.last(writer.group).map { $0.text.hasPrefix("\(count)") } ?? false
      }
    }
    #expect(isComplete, "the last line is missing\n\(agent.latestLog)")
    // The report follows the collector by up to two seconds.
    let told = agent.latestLog.components(separatedBy: "gap: ").count - 1
    let isCounted = wait(seconds: 5) {
      agent.metric("logagent_source_gaps_total") == Double(told)
    }
    #expect(told >= 1 && isCounted, "\(told) gaps told in the last run")
    #expect(agent.stop().status == 0)
    var lost = 0
    var gaps = 0
    for (index, writer) in writers.enumerated() {
      let lines = try NumberedLines(store, writer.group)
      #expect(lines.disorder.isEmpty, "\(writer.name): \(lines.disorder)")
      #expect(lines.last == count)
      // When the file of the position is gone, or a full chain was never read, nobody can know
      // whether another one went with it: then a gap may be told where rotation took nothing.
      let untrue = lines.needlessGaps.filter { gap in
        !restarts.contains { $0.before[index]...$0.after[index] ~= gap.after }
      }
      #expect(untrue.isEmpty, "\(writer.name): \(untrue)")
      #expect(lines.strange.isEmpty, "\(writer.name): \(lines.strange)")
      for hole in lines.holes {
        print("e2e kills: \(writer.name) misses \(hole)")
        lost += hole.after - hole.before - 1
        gaps += hole.gaps.count
        check(hole, of: writer)
        // Nothing is missing that was still on disk when the agent came back.
        let isExcused = restarts.contains { $0.before[index]...$0.after[index] ~= hole.after }
        #expect(isExcused, "\(writer.name): \(hole) was on disk: \(restarts)")
      }
    }
    print("e2e kills: \(gaps) gap records for \(lost) of \(3 * count) lines, starts at \(restarts)")
  }

  private func check(_ hole: NumberedLines.Hole, of writer: Writer) {
    let times = [hole.timeBefore, hole.timeAfter].map {
      Calendar.formatRFC3339(Timestamp(nanoseconds: $0), decimals: 9)
    }
    let from = hole.before == 0 ? "the beginning" : times[0]
    #expect(hole.gaps.count == 1, "\(writer.name): \(hole) has \(hole.gaps)")
    #expect(
      hole.gaps.first?.contains("(\(from) to \(times[1]))") ?? false,
      "\(writer.name): \(hole) from \(from) to \(times[1]) is told as \(hole.gaps)"
    )
  }
}

/// A container that writes numbered lines, as its files on disk show it.
private struct Writer {
  let engine: DockerEngine
  let name: String
  let id: String
  var group: String { "/docker/default/\(name)" }

  /// The number of the first line that is still on disk.
  var oldest: Int {
    for _ in 0..<100 {
      guard let file = engine.logFiles(of: id).first,
        let handle = FileHandle(forReadingAtPath: file)
      else { continue }
      if let number = Self.numbers((try? handle.read(upToCount: 200)) ?? Data()).first {
        return number
      }
    }
    return 0
  }

  /// The number of about the newest line on disk.
  var progress: Int {
    for _ in 0..<100 {
      guard let file = engine.logFiles(of: id).last,
        let handle = FileHandle(forReadingAtPath: file), let end = try? handle.seekToEnd()
      else { continue }
      try? handle.seek(toOffset: end > 500 ? end - 500 : 0)
      if let number = Self.numbers((try? handle.readToEnd()) ?? Data()).last { return number }
    }
    return 0
  }

  private static func numbers(_ data: Data) -> [Int] {
    String(decoding: data, as: UTF8.self).components(separatedBy: "{\"log\":\"").dropFirst()
      .compactMap { Int($0.prefix(while: \.isNumber)) }
  }
}

/// A start of the agent: the first line on disk of each container just before, and a while after.
private struct Restart: CustomStringConvertible {
  let time = Date()
  let before: [Int]
  var after: [Int] = []

  init(_ writers: [Writer]) {
    // Within a rotation the oldest file has no name for a moment.
    before = writers.map { writer in
      let first = writer.oldest
      usleep(2_000)
      return min(first, writer.oldest)
    }
  }

  func closed(_ writers: [Writer]) -> Restart {
    var closed = self
    closed.after = zip(writers, before).map { max($0.oldest, $1) }
    return closed
  }

  var description: String { "\(before)–\(after)" }
}

private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
