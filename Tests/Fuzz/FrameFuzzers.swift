import LogModel
import Platform

@testable import Collect

/// An event as the fuzzers compare it.
struct FuzzEvent: Equatable {
  var time: Int64
  var message: [UInt8]
  var flags: EventFlags
  /// The length it had before a cut.
  var length: Int
}

/// Decodes as a reader does: in pieces, with what was not used up in front of the next piece.
func decodeInPieces(
  _ bytes: [UInt8],
  _ format: FrameFormat,
  pieceBytes: Int,
  eventBytesMax: Int,
  isTTY: Bool = false
) -> [FuzzEvent] {
  var decoder = FrameDecoder(format: format, eventBytesMax: eventBytesMax)
  decoder.fallbackTime = 42
  decoder.isTTY = isTTY
  var events: [FuzzEvent] = []
  var buffer: [UInt8] = []
  var base = 0
  var read = 0
  while read < bytes.count {
    let end = min(read + pieceBytes, bytes.count)
    buffer += bytes[read..<end]
    read = end
    // A batch that is full ends the call before the bytes do.
    while true {
      var batch = emptyBatch()
      let used = decoder.decode(buffer.span, from: 0, base: Int64(base), into: &batch)
      require(used <= buffer.count, "more was used than there was")
      collect(batch, into: &events)
      buffer.removeFirst(used)
      base += used
      if used == 0 { break }
    }
  }
  var batch = emptyBatch()
  decoder.flushPartials(into: &batch)
  collect(batch, into: &events)
  return events
}

private func emptyBatch() -> EventBatch {
  EventBatch(group: LogGroup(sanitizing: "g"), stream: LogStream(sanitizing: "s"))
}

private func collect(_ batch: borrowing EventBatch, into events: inout [FuzzEvent]) {
  var end = 0
  for (index, record) in batch.records.enumerated() {
    require(Int(record.offset) == end, "messages do not follow each other")
    end = record.range.upperBound + 1
    require(batch.bytes[end - 1] == 0x0A, "no newline behind a message")
    require(Int(record.stream) < batch.streams.count, "no such stream")
    let original = batch.originalLengths.first { Int($0.record) == index }?.bytes
    require((original != nil) == record.flags.contains(.truncated), "a cut without its length")
    events.append(
      FuzzEvent(
        time: record.timestamp,
        message: Array(batch.bytes[record.range]),
        flags: record.flags,
        length: original.map(Int.init) ?? Int(record.length)
      )
    )
  }
  require(end == batch.bytes.count, "bytes that belong to no message")
}

extension Fuzzer {
  /// Any bytes in any format: the same events however the file is cut into reads.
  static let rawFrames = Fuzzer("raw-frames") { bytes in
    var input = FuzzInput(bytes)
    guard let format = FrameFormat(rawValue: input.byte() % 4 + 1) else { return }
    let settings = input.byte()
    let limit = settings & 1 == 0 ? 24 : 1_048_576
    let piece = Int(settings >> 2) + 1
    let text = input.rest()
    let isTTY = settings & 2 != 0
    let whole = decodeInPieces(
      text,
      format,
      pieceBytes: max(text.count, 1),
      eventBytesMax: limit,
      isTTY: isTTY
    )
    let pieces = decodeInPieces(
      text,
      format,
      // A piece of a few bytes makes long inputs quadratic.
      pieceBytes: max(piece, text.count / 64),
      eventBytesMax: limit,
      isTTY: isTTY
    )
    require(whole == pieces, "pieces of \(piece) bytes give other events")
    for event in whole {
      require(event.message.count <= min(limit, text.count), "a message longer than allowed")
    }
  }

  /// Output through an encoder like dockerd's and back, against joining done by hand.
  static let dockerRecords = Fuzzer("docker-records") { bytes in
    checkRecords(bytes, .dockerJSON)
  }

  /// The same for the format of containerd, Podman and our spool.
  static let criRecords = Fuzzer("cri-records") { bytes in
    checkRecords(bytes, .cri)
  }
}

/// Encodes the records that the bytes describe, decodes them, and compares with what a decoder
/// must give.
private func checkRecords(_ bytes: [UInt8], _ format: FrameFormat) {
  var input = FuzzInput(bytes)
  let limit = Int(input.byte() % 64) + 8
  let piece = Int(input.byte()) + 1
  var model = RecordModel(joinsAcrossTimes: format == .cri)
  var text: [UInt8] = []
  while !input.isAtEnd {
    let choices = input.byte()
    let record = model.record(
      stderr: choices & 1 != 0,
      isWhole: choices & 2 != 0,
      isNewTime: choices & 4 != 0,
      message: RecordEncoder.message(of: input.take(Int(input.byte() % 40)), format)
    )
    RecordEncoder.append(record, format, variant: choices >> 3, to: &text)
  }
  model.end()
  let events = decodeInPieces(
    text,
    format,
    pieceBytes: max(piece, text.count / 64),
    eventBytesMax: limit
  )
  require(events.count == model.lines.count, "\(events.count) events, not \(model.lines.count)")
  for (event, line) in zip(events, model.lines) {
    require(event.time == line.time, "another time")
    require(event.length == line.message.count, "another length")
    require(event.message == Array(line.message.prefix(event.message.count)), "other bytes")
    require(event.message.count >= min(line.message.count, limit - 3), "cut too early")
    require(event.message.count <= limit, "cut too late")
    var flags: EventFlags = line.stderr ? .stderr : []
    if line.isUnterminated { flags.insert(.unterminated) }
    if event.message.count < line.message.count { flags.insert(.truncated) }
    require(event.flags == flags, "flags \(event.flags.rawValue), not \(flags.rawValue)")
  }
}
