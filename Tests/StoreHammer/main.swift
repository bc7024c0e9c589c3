// Writes numbered events into a store until it is killed, or checks that what a killed writer left
// is exactly a prefix of what it wrote, in order, with nothing twice.
//
//   store-hammer write DIR SEED    prints "C <n>" whenever events 0..<n are durable, and "F <n>"
//                                  when a fault was survived
//   store-hammer check DIR ACKED   exits 1 and says why when a promise is broken

import Glibc
import Collect
import LogModel
import Platform
import Store

struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var x = state
    x ^= x >> 33
    x = x &* 0xff51_afd7_ed55_8ccd
    return x ^ (x >> 33)
  }
}

func fail(_ reason: String) -> Never {
  Output.write(2, reason + "\n")
  exit(1)
}

enum Output {
  static func write(_ fd: Int32, _ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBufferPointer { Glibc.write(fd, $0.baseAddress, $0.count) }
  }
}

/// Shrunken bounds: segments, blocks and tails roll over many times a second.
func options(_ directory: String) -> StoreOptions {
  var options = StoreOptions(dataDirectory: directory)
  options.blockRawBytes = 4_096
  options.floodBytes = 1_024
  options.segmentBytes = 24_000
  options.tailRowsMax = 6
  options.commitIntervalNanoseconds = 2_000_000
  options.commitBytes = 8_192
  options.ballastBytes = 0
  return options
}

func group(_ index: Int) -> LogGroup { LogGroup(sanitizing: "/docker/hammer/\(index)") }
func source(_ index: Int) -> String { "docker:hammer\(index)" }

func number(_ bytes: [UInt8]) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

func encode(_ number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}

func write(_ directory: String, seed: UInt64) throws {
  var random = Generator(state: seed)
  let metrics = Metrics()
  let store = try Store.open(options(directory), clock: SystemClock(), metrics: metrics)
  var abandoned = 0.0
  var next = (0..<3).map { number(store.position(of: source($0)) ?? encode(0)) }
  var waiting: [(ticket: UInt64, next: [UInt64])] = []
  Output.write(1, "R\n")
  while true {
    let index = Int.random(in: 0..<3, using: &random)
    let count = [1, 2, 5, 40, 300].randomElement(using: &random) ?? 1
    var batch = EventBatch(group: group(index), stream: LogStream(sanitizing: "stream"))
    for _ in 0..<count {
      let text =
        "event \(next[index]) "
        + String(repeating: "x", count: Int.random(in: 0..<90, using: &random))
      batch.append(
        timestamp: Timestamp(nanoseconds: SystemClock().now()),
        message: Array(text.utf8).span
      )
      next[index] += 1
    }
    batch.checkpoint = SourceCheckpoint(source: source(index), position: encode(next[index]))
    guard let ticket = store.submit(batch) else { fail("the store closed: \(store.state)") }
    waiting.append((ticket, next))
    let committed = store.committed
    if let last = waiting.lastIndex(where: { $0.ticket <= committed }) {
      Output.write(1, "C \(waiting[last].next.map(String.init).joined(separator: " "))\n")
      waiting.removeFirst(last + 1)
      let faults =
        metrics.total("logagent_storage_abandoned_segments_total")
        + metrics.total("logagent_storage_commit_errors_total")
      if faults > abandoned { Output.write(1, "F \(Int(faults))\n") }
      abandoned = faults
    }
    if Int.random(in: 0..<20, using: &random) == 0 { usleep(3_000) }
  }
}

func check(_ directory: String, acknowledged: [UInt64]) throws {
  // Opening recovers: what is checked is what the next start would have.
  let store = try Store.open(options(directory), clock: SystemClock(), metrics: Metrics())
  let positions = (0..<3).map { number(store.position(of: source($0)) ?? encode(0)) }
  store.close()
  let reader = try StoreReader(dataDirectory: directory)
  var blocks = BlockReader()
  var bytes: [UInt8] = []
  for index in 0..<3 {
    guard let info = try reader.groups().first(where: { $0.group == group(index) }) else {
      if positions[index] != 0 { fail("group \(index) is gone, position \(positions[index])") }
      continue
    }
    var expected: UInt64 = 0
    for block in try reader.blocks(of: info.id, from: .distantPast, through: .distantFuture) {
      if block.firstSequence != expected {
        fail("group \(index): sequence \(block.firstSequence), wanted \(expected)")
      }
      try blocks.messages(of: block, into: &bytes)
      let columns = try blocks.columns(of: block)
      _ = try blocks.mayContain(
        [NeedleProbe(literal: Array("-absent-needle-".utf8).span)],
        in: block
      )
      for record in columns.records {
        let text = String(decoding: bytes[record.range], as: UTF8.self)
        if !text.hasPrefix("event \(expected) ") {
          fail("group \(index): found '\(text.prefix(20))', wanted event \(expected)")
        }
        expected += 1
      }
    }
    if expected != positions[index] {
      fail("group \(index): \(expected) events, position \(positions[index])")
    }
    if expected < acknowledged[index] {
      fail("group \(index): \(expected) events, \(acknowledged[index]) were acknowledged")
    }
    if info.nextSequence != expected {
      fail("group \(index): next sequence \(info.nextSequence), \(expected) events")
    }
  }
}

func bench(_ directory: String, _ files: [String]) throws {
  Heap.tune()
  var options = StoreOptions(dataDirectory: directory)
  options.ballastBytes = 0
  let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
  for (index, file) in files.enumerated() {
    var importer = LogImporter(
      sink: store,
      group: group(index),
      format: .dockerJSON,
      clock: SystemClock(),
      stop: { false },
      progress: { _ in }
    )
    try importer.read(file, stream: LogStream(sanitizing: "stream"))
    print(importer.summary)
  }
  store.close()
}

let arguments = CommandLine.arguments
do {
  switch arguments.count > 2 ? arguments[1] : "" {
  case "write": try write(arguments[2], seed: UInt64(arguments[3]) ?? 1)
  case "bench": try bench(arguments[2], Array(arguments.dropFirst(3)))
  case "check":
    let acknowledged = arguments[3].split(separator: " ").compactMap { UInt64($0) }
    try check(arguments[2], acknowledged: acknowledged.count == 3 ? acknowledged : [0, 0, 0])
  default: fail("usage: store-hammer write DIR SEED | check DIR ACKED")
  }
} catch {
  fail("\(error)")
}
