internal import LogModel
internal import Platform

/// The fields that CloudWatch finds in the lines of AWS Lambda's own format.
enum LambdaField: String, CaseIterable, Sendable {
  case type = "@type"
  case requestId = "@requestId"
  case duration = "@duration"
  case billedDuration = "@billedDuration"
  case initDuration = "@initDuration"
  case memorySize = "@memorySize"
  case maxMemoryUsed = "@maxMemoryUsed"
  case xrayTraceId = "@xrayTraceId"
  case xraySegmentId = "@xraySegmentId"

  func value(in message: Span<UInt8>) -> InsightsValue {
    switch self {
    case .type: Self.type(message)
    case .requestId: Self.requestId(message)
    case .duration: Self.report(message, "\tDuration: ")
    case .billedDuration: Self.report(message, "\tBilled Duration: ")
    case .initDuration: Self.report(message, "\tInit Duration: ")
    case .memorySize: Self.bytes(message, "\tMemory Size: ")
    case .maxMemoryUsed: Self.bytes(message, "\tMax Memory Used: ")
    case .xrayTraceId: Self.report(message, "XRAY TraceId: ")
    case .xraySegmentId: Self.report(message, "\tSegmentId: ")
    }
  }

  private static let types: [StaticString] = ["START", "END", "REPORT", "INIT_START"]

  private static func type(_ message: Span<UInt8>) -> InsightsValue {
    for type in types {
      let count = type.utf8CodeUnitCount
      guard message.count > count, message[count] == 0x20,
        Bytes.equal(message.extracting(0..<count), type)
      else { continue }
      if type.utf8CodeUnitCount > 6 || has(message, "RequestId: ", at: count + 1) {
        return .slice(ByteSlice(0..<count))
      }
    }
    return .null
  }

  /// `START RequestId: id …`, and the second column of lines that the runtimes write.
  private static func requestId(_ message: Span<UInt8>) -> InsightsValue {
    if let space = Bytes.firstIndex(of: 0x20, in: message), space <= 10,
      has(message, "RequestId: ", at: space + 1)
    {
      return word(message, from: space + 12)
    }
    guard let tab = Bytes.firstIndex(of: 0x09, in: message), tab <= 30, tab + 37 < message.count,
      message[tab + 37] == 0x09
    else { return .null }
    for index in 1...36 {
      let byte = message[tab + index]
      let isDash = index == 9 || index == 14 || index == 19 || index == 24
      let isHex = byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
      guard isDash ? byte == 0x2D : isHex else { return .null }
    }
    return .slice(ByteSlice((tab + 1)..<(tab + 37)))
  }

  /// The word behind a label of a REPORT line.
  private static func report(_ message: Span<UInt8>, _ label: StaticString) -> InsightsValue {
    guard has(message, "REPORT ", at: 0), let start = find(message, label) else { return .null }
    return word(message, from: start)
  }

  /// Megabytes as bytes, decimal.
  private static func bytes(_ message: Span<UInt8>, _ label: StaticString) -> InsightsValue {
    let value = report(message, label)
    guard let number = value.number(message) else { return .null }
    return InsightsValue(calculated: number.real * 1_000_000)
  }

  private static func word(_ message: Span<UInt8>, from start: Int) -> InsightsValue {
    var end = start
    while end < message.count, message[end] > 0x20 { end += 1 }
    return end > start ? .slice(ByteSlice(start..<end)) : .null
  }

  private static func has(_ message: Span<UInt8>, _ text: StaticString, at start: Int) -> Bool {
    let end = start + text.utf8CodeUnitCount
    return end <= message.count && Bytes.equal(message.extracting(start..<end), text)
  }

  /// Where a label ends.
  private static func find(_ message: Span<UInt8>, _ label: StaticString) -> Int? {
    let needle = Array("\(label)".utf8)
    return Bytes.firstIndex(of: needle.span, in: message).map { $0 + needle.count }
  }
}
