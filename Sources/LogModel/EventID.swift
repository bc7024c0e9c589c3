internal import Platform

/// The name of one log event, for ever: 56 decimal digits, the same in queries, API and forwarding.
///
/// `event_ms << 144 | ingest_ms << 80 | opaque << 16 | index`, as decoded from CloudWatch's own
/// ids. Here `opaque` is group number and high bits of the event's sequence in the group, `index`
/// its low 16 bits; so ids sort by event time, ingestion time and order of capture.
package struct EventID: Hashable, Sendable, CustomStringConvertible {
  package let eventMilliseconds: UInt64
  package let ingestionMilliseconds: UInt64
  package let group: UInt32
  package let sequence: UInt64

  /// `group` is used with 24 bits, `sequence` with 56.
  package init(event: Timestamp, ingestion: Timestamp, group: UInt32, sequence: UInt64) {
    eventMilliseconds = UInt64(clamping: event.milliseconds)
    ingestionMilliseconds = UInt64(clamping: ingestion.milliseconds)
    self.group = group
    self.sequence = sequence
  }

  package var description: String {
    var digits: [UInt8] = []
    append(to: &digits)
    return String(decoding: digits, as: UTF8.self)
  }

  /// Appends the 56 digits.
  package func append(to bytes: inout [UInt8]) {
    let opaque = UInt64(group & 0xff_ffff) << 40 | (sequence >> 16) & 0xff_ffff_ffff
    // 208 bits in four limbs, most significant first, divided down by 10^19 three times.
    var limbs: [4 of UInt64] = [
      eventMilliseconds >> 48,
      eventMilliseconds << 16 | ingestionMilliseconds >> 48,
      ingestionMilliseconds << 16 | opaque >> 48,
      opaque << 16 | sequence & 0xffff,
    ]
    var digits: [56 of UInt8] = .init(repeating: 0x30)
    var end = 56
    // Limbs that are zero take no division: the times of this century leave one of the first four.
    var first = 0
    while first < 4 {
      while first < 4, limbs[first] == 0 { first += 1 }
      var part: UInt64 = 0
      for index in first..<4 {
        let step = (10_000_000_000_000_000_000 as UInt64).dividingFullWidth((part, limbs[index]))
        limbs[index] = step.quotient
        part = step.remainder
      }
      let start = max(0, end - 19)
      while part > 0, end > start {
        end -= 1
        digits[end] = UInt8(truncatingIfNeeded: 48 + part % 10)
        part /= 10
      }
      end = start
    }
    bytes.append(copying: digits.span)
  }
}
