internal import Query

/// Finds what stands out in a message.
///
/// Used by one thread.
final class MessageHighlight {
  /// Ranges in one message, at most.
  private static let rangesMax = 1_000
  private let searches: [PatternSearch]

  init(_ patterns: [BytePattern]) { searches = patterns.map { PatternSearch($0) } }

  /// Ascending, not empty and apart.
  func ranges(in message: [UInt8]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    for search in searches {
      var at = 0
      while at <= message.count, found.count < Self.rangesMax {
        // Silence is right: a message that takes too long is shown without.
        guard let match = try? search.firstMatch(in: message.span, from: at) else { break }
        if !match.isEmpty { found.append(match) }
        at = match.isEmpty ? match.upperBound + 1 : match.upperBound
      }
    }
    found.sort { $0.lowerBound < $1.lowerBound }
    var joined: [Range<Int>] = []
    for range in found {
      if let last = joined.last, range.lowerBound <= last.upperBound {
        joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
    return joined
  }
}
