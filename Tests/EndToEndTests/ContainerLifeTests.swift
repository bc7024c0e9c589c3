import Foundation
import TestSupport
import Testing

/// Containers that are removed as soon as they have ended.
extension DockerTests {
  @Test("docker rm -f right after the exit loses nothing that the open file can still read")
  func removedRightAfterExit() throws {
    let engine = EngineScope.engine
    let agent = Agent(engine)
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let count = 100_000
    for turn in 1...3 {
      let name = "removed\(turn)"
      try engine.run(name, DockerEngine.numberedLines(count))
      try engine.docker("wait \(name)")
      try engine.docker("rm -f \(name)")
      let group = "/docker/default/\(name)"
      let isComplete = wait(seconds: 60) { store.count(group) >= UInt64(count) }
      #expect(isComplete, "\(store.count(group)) events\n\(agent.log)")
      let lines = try NumberedLines(store, group)
      #expect(lines.count == count && lines.last == count)
      #expect(lines.holes.isEmpty && lines.disorder.isEmpty && lines.gapRecords == 0)
    }
    #expect(agent.stop().status == 0)
  }

  @Test("twenty --rm containers that live 300 ms are captured whole")
  func shortLived() throws {
    let engine = EngineScope.engine
    let agent = Agent(engine)
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let script = "sh -c 'seq 1 200; sleep 0.3; echo last; echo oops >&2'"
    let options = "--rm --network none"
    let line = "docker -H unix://\(engine.socket) run \(options) --name short$i"
    try Shell.run(
      """
      for i in $(seq 1 20); do \(line) \(DockerEngine.image) \(script) >/dev/null 2>&1 & done; wait
      """
    )
    let groups = (1...20).map { "/docker/default/short\($0)" }
    let isComplete = wait(seconds: 20) { groups.allSatisfy { store.count($0) >= 202 } }
    #expect(isComplete, "\(groups.map(store.count))\n\(agent.log)")
    let numbers = (1...200).map(String.init) + ["last"]
    for group in groups {
      let events = try store.events(group)
      #expect(events.filter { !$0.flags.contains(.stderr) }.map(\.text) == numbers, "\(group)")
      #expect(events.filter { $0.flags.contains(.stderr) }.map(\.text) == ["oops"], "\(group)")
    }
    #expect(agent.stop().status == 0)
  }

  @Test("max-file=1: a beginning that rotation took before the first read is told as a gap")
  func singleFile() throws {
    let engine = EngineScope.engine
    let options = "--log-opt max-size=20k --log-opt max-file=1"
    let filler = String(repeating: "x", count: 200)
    let loop = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i \(filler); usleep 10000; done"
    try engine.run("single", options: options, "sh -c '\(loop)'")
    try engine.run("whole", options: options, "sh -c 'seq 1 10; sleep 2; seq 11 20'")
    try engine.docker("wait single whole")
    let agent = Agent(engine)
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let isThere = wait(seconds: 20) {
      store.last("/docker/default/single")?.text.hasPrefix("300 ") ?? false
        && store.count("/docker/default/whole") == 20
    }
    #expect(isThere, "\(agent.log)")
    let events = try store.events("/docker/default/single")
    #expect(events.first?.flags.contains(.gap) ?? false, "\(events.first?.text ?? "no event")")
    #expect(events.count { $0.flags.contains(.gap) } == 1)
    let numbers = events.dropFirst().compactMap { Int($0.text.prefix { $0 != " " }) }
    let first = try #require(numbers.first)
    #expect(first > 1 && numbers == Array(first...300))
    let whole = try store.events("/docker/default/whole").map(\.text)
    #expect(whole == (1...20).map(String.init))
    #expect(agent.stop().status == 0)
    try engine.docker("rm -f single whole")
  }
}
