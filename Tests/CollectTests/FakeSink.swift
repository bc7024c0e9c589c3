import LogModel
import Platform
import Synchronization

/// An event as a test looks at it.
struct SeenEvent: Equatable, Sendable {
  var group: String
  var stream: String
  var time: Int64
  var message: [UInt8]
  var flags: EventFlags
  var originalLength: UInt64?

  var text: String { String(decoding: message, as: UTF8.self) }
}

/// A store in memory that commits when told to, and can crash.
final class FakeSink: EventSink {
  struct State: Sendable {
    var pending: [(ticket: UInt64, events: [SeenEvent], checkpoint: SourceCheckpoint?)] = []
    var events: [SeenEvent] = []
    var positions: [String: [UInt8]] = [:]
    var ticket: UInt64 = 0
    var committed: UInt64 = 0
    var forgotten: [String] = []
    var commitsAtOnce = true
    var isClosing = false
    var batches = 0
  }
  let state = Mutex(State())

  init(commitsAtOnce: Bool = true) {
    state.withLock { $0.commitsAtOnce = commitsAtOnce }
  }

  func submit(_ batch: consuming EventBatch) -> UInt64? {
    var events: [SeenEvent] = []
    let lengths = Dictionary(
      uniqueKeysWithValues: batch.originalLengths.map { (Int($0.record), $0.bytes) }
    )
    for (index, record) in batch.records.enumerated() {
      precondition(
        batch.bytes[record.range.upperBound] == 0x0A,
        "a message is followed by a newline"
      )
      events.append(
        SeenEvent(
          group: batch.group.name,
          stream: batch.streams[Int(record.stream)].name,
          time: record.timestamp,
          message: Array(batch.bytes[record.range]),
          flags: record.flags,
          originalLength: lengths[index]
        )
      )
    }
    let checkpoint = batch.checkpoint
    return state.withLock { state in
      if state.isClosing { return nil }
      precondition((checkpoint?.position.count ?? 0) <= 4_096)
      state.ticket += 1
      state.batches += 1
      state.pending.append((state.ticket, events, checkpoint))
      if state.commitsAtOnce { Self.commit(&state, state.pending.count) }
      return state.ticket
    }
  }

  var committed: UInt64 { state.withLock { $0.committed } }

  func position(of source: String) -> [UInt8]? { state.withLock { $0.positions[source] } }

  /// Commits the oldest `count` batches that wait.
  func commit(_ count: Int = .max) {
    state.withLock { Self.commit(&$0, min(count, $0.pending.count)) }
  }

  private static func commit(_ state: inout State, _ count: Int) {
    for batch in state.pending.prefix(count) {
      state.events += batch.events
      state.committed = batch.ticket
      guard let checkpoint = batch.checkpoint else { continue }
      if checkpoint.position.isEmpty {
        state.positions[checkpoint.source] = nil
        state.forgotten.append(checkpoint.source)
      } else {
        state.positions[checkpoint.source] = checkpoint.position
      }
    }
    state.pending.removeFirst(count)
  }

  /// What was not committed is gone.
  func crash() { state.withLock { $0.pending = [] } }

  var pendingCount: Int { state.withLock { $0.pending.count } }
  var events: [SeenEvent] { state.withLock { $0.events } }
  var texts: [String] { events.map(\.text) }
  func close() { state.withLock { $0.isClosing = true } }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A record as dockerd writes it; `message` is JSON-escaped already.
func dockerRecord(_ message: String, _ stream: String = "stdout", time: String) -> String {
  "{\"log\":\"\(message)\",\"stream\":\"\(stream)\",\"time\":\"\(time)\"}\n"
}

/// A time that grows with `index`, as dockerd prints it: trailing zeros cut.
func dockerTime(_ index: Int) -> String {
  let base: Int64 = 1_795_435_200_000_000_000
  var text = Calendar.formatRFC3339(
    Timestamp(nanoseconds: base + Int64(index) * 1_000_003),
    decimals: 9
  )
  text.removeLast()
  while text.hasSuffix("0") { text.removeLast() }
  if text.hasSuffix(".") { text.removeLast() }
  return text + "Z"
}
