import LogModel
import Platform

@testable import Collect

/// What a runtime writes, and which lines that makes, in the plainest way.
struct RecordModel {
  struct Record {
    var time: Int64
    var stderr: Bool
    var isWhole: Bool
    var message: [UInt8]
  }

  struct Line {
    var time: Int64
    var stderr: Bool
    var message: [UInt8]
    var isUnterminated = false
    /// Its place among the records, for the order at the end.
    var start: Int
  }

  /// Parts join per stream whatever their times are, as in CRI; in Docker equal times join.
  let joinsAcrossTimes: Bool
  private(set) var lines: [Line] = []
  private var open: [Bool: Line] = [:]
  private var time: Int64 = 1_795_435_200_000_000_000
  private var count = 0

  init(joinsAcrossTimes: Bool) { self.joinsAcrossTimes = joinsAcrossTimes }

  /// The next record of the runtime; what it completes goes into `lines`.
  mutating func record(
    stderr: Bool,
    isWhole: Bool,
    isNewTime: Bool,
    message: [UInt8]
  ) -> Record {
    count += 1
    time += 1_000_300_001
    let continued = open[stderr]
    var recordTime = time
    if !joinsAcrossTimes, let continued {
      if isNewTime {
        end(stderr)
      } else {
        recordTime = continued.time
      }
    }
    var line =
      open[stderr] ?? Line(time: recordTime, stderr: stderr, message: [], start: count)
    line.message += message
    // Docker's empty part says nothing, so nothing is begun by it; CRI's P begins a line.
    let isNothing = !joinsAcrossTimes && open[stderr] == nil && !isWhole && message.isEmpty
    open[stderr] = isWhole || isNothing ? nil : line
    if isWhole { lines.append(line) }
    return Record(time: recordTime, stderr: stderr, isWhole: isWhole, message: message)
  }

  /// The writer ends: open lines do too.
  mutating func end() {
    let order = open.values.sorted { $0.start < $1.start }.map(\.stderr)
    for stderr in order { end(stderr) }
  }

  private mutating func end(_ stderr: Bool) {
    guard var line = open.removeValue(forKey: stderr) else { return }
    line.isUnterminated = true
    lines.append(line)
  }
}

/// Writes records as runtimes do.
enum RecordEncoder {
  /// A message made of any bytes: as they are in CRI; as characters in Docker, which has no others.
  static func message(of bytes: [UInt8], _ format: FrameFormat) -> [UInt8] {
    if format == .cri { return bytes.map { $0 == 0x0A ? 0x20 : $0 } }
    var text: [UInt8] = []
    for byte in bytes {
      let scalar: Unicode.Scalar =
        switch byte {
        case 0x0A: "\u{2028}"
        case 0xFE: "\u{1F600}"
        case 0xFF: "\u{FEFF}"
        default: Unicode.Scalar(byte)
        }
      text += Array(String(Character(scalar)).utf8)
    }
    return text
  }

  /// `variant` chooses among the ways in which a record may be written.
  static func append(
    _ record: RecordModel.Record,
    _ format: FrameFormat,
    variant: UInt8,
    to text: inout [UInt8]
  ) {
    let stream = record.stderr ? "stderr" : "stdout"
    let time = rfc3339(record.time)
    if format == .cri {
      let tag = (record.isWhole ? "F" : "P") + (variant & 1 == 0 ? "" : ":x")
      text += Array("\(time) \(stream) \(tag) ".utf8) + record.message + [0x0A]
      return
    }
    let log =
      "\"log\":\"\(escaped(record.message, all: variant & 1 != 0))\(record.isWhole ? "\\n" : "")\""
    let rest = "\"stream\":\"\(stream)\""
    let attributes = "\"attrs\":{\"tag\":\"a\\\"}\",\"b\":\"\"}"
    let stamp = "\"time\":\"\(time)\""
    let members =
      switch variant >> 1 & 3 {
      case 0: [log, rest, stamp]
      case 1: [log, rest, attributes, stamp]
      case 2: [stamp, attributes, rest, "\"x\":[1,{\"log\":\"no\"}]", log]
      // Keys with empty values are left out.
      default: (record.message.isEmpty && !record.isWhole ? [] : [log]) + [rest, stamp]
      }
    let separator = variant >> 3 & 1 == 0 ? "," : " ,\t"
    text += Array("{\(members.joined(separator: separator))}\n".utf8)
  }

  private static func rfc3339(_ nanoseconds: Int64) -> String {
    var text = Calendar.formatRFC3339(Timestamp(nanoseconds: nanoseconds), decimals: 9)
    text.removeLast()
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text + "Z"
  }

  private static func escaped(_ message: [UInt8], all: Bool) -> String {
    var text = ""
    for scalar in String(decoding: message, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\r": text += "\\r"
      case "<", ">", "&", "\u{2028}": text += unicodeEscapes(scalar)
      default:
        if all || scalar.value < 0x20 {
          text += unicodeEscapes(scalar)
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    return text
  }

  private static func unicodeEscapes(_ scalar: Unicode.Scalar) -> String {
    UTF16.encode(scalar)?.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined() ?? ""
  }
}
