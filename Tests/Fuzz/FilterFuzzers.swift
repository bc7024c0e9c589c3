import LogModel
import Platform

@testable import Query

extension Fuzzer {
  /// The first line is a pattern, the others are messages that it is tried on.
  ///
  /// A pattern that is accepted prints as itself; over messages one by one and in a block it says
  /// what the naive evaluator says; nothing takes long.
  static let filterPattern = Fuzzer("filter-pattern") { bytes in
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let text = String(decoding: lines[0].prefix(5_000), as: UTF8.self)
    FilterCheck.check(text, lines.dropFirst().prefix(64).map { Array($0.prefix(2_000)) })
  }
}

/// What must hold of every pattern and all messages.
enum FilterCheck {
  /// How many of the messages match; nil when the pattern is refused.
  @discardableResult
  static func check(_ text: String, _ messages: [[UInt8]]) -> Int? {
    let start = ThreadClock.nanoseconds()
    let pattern: FilterPattern
    do throws(QueryDiagnostic) {
      pattern = try FilterPatternParser.parse(text)
    } catch {
      require(error.range.upperBound <= text.count, "a column behind the end of \(text)")
      require(!error.description.isEmpty, "a refusal without words")
      return nil
    }
    printsAsItself(pattern, text)
    let scan = MessageScan(pattern)
    var expected: [Int] = []
    var isGivenUp = false
    for (index, message) in messages.enumerated() {
      guard let isMatch = try? scan.matches(message.span),
        let naive = isDeep(message) ? isMatch : NaiveFilter.matches(pattern, message)
      else {
        isGivenUp = true
        continue
      }
      require(isMatch == naive, "\(text) on \(String(decoding: message, as: UTF8.self))")
      if isMatch { expected.append(index) }
    }
    if !isGivenUp { require(block(scan, messages) == expected, "\(text) over a block") }
    let spent = ThreadClock.nanoseconds() - start
    require(spent < 20_000_000_000, "\(text) took \(spent / 1_000_000) ms")
    return expected.count
  }

  private static func printsAsItself(_ pattern: FilterPattern, _ text: String) {
    // The canonical form may be longer than what may be typed.
    guard pattern.description.unicodeScalars.count <= FilterPatternParser.charactersMax else {
      return
    }
    let again = try? FilterPatternParser.parse(pattern.description)
    require(again == pattern, "\(text) prints as \(pattern)")
    require(again?.description == pattern.description, "\(text) prints in two ways")
  }

  /// The messages as a block holds them.
  private static func block(_ scan: MessageScan, _ messages: [[UInt8]]) -> [Int] {
    var bytes: [UInt8] = []
    var records: [EventRecord] = []
    for message in messages {
      records.append(
        EventRecord(timestamp: 0, offset: UInt32(bytes.count), length: UInt32(message.count))
      )
      bytes += message + [0x0A]
    }
    var found: [Int] = []
    try? scan.forEachMatch(in: bytes.span, records) { index in
      found.append(index)
      return true
    }
    return found
  }

  /// Nested deeper than our reader follows.
  private static func isDeep(_ message: [UInt8]) -> Bool {
    message.count { $0 == 0x5B || $0 == 0x7B } > 60
  }
}
