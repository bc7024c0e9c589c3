internal import LogModel
internal import Platform

/// `regexReplace(text, regex, replacement)`: every match; `\1` and `$1` stand for its groups.
final class RegexReplaceNode: ValueNode {
  private let text: ValueNode
  private let search: PatternSearch
  private let replacement: [Part]

  private enum Part {
    case literal([UInt8])
    case group(Int)
  }

  init(
    _ arguments: [ValueNode],
    _ query: String,
    _ range: TextRange
  ) throws(QueryDiagnostic) {
    text = arguments[0]
    let place = range.lower..<max(range.lower, range.upper)
    guard case .text(let source)? = (arguments[1] as? ConstantNode)?.value,
      case .text(let replacement)? = (arguments[2] as? ConstantNode)?.value
    else {
      throw QueryDiagnostic(
        "regex and replacement of `regexReplace` must be texts",
        in: query,
        at: place,
        hint: "regexReplace(field, \"[0-9]+\", \"#\")"
      )
    }
    do throws(BytePatternError) {
      search = PatternSearch(try BytePattern(String(repairing: source.span)))
    } catch {
      throw QueryDiagnostic("this regex does not compile: \(error.message)", in: query, at: place)
    }
    self.replacement = Self.parts(replacement)
  }

  private static func parts(_ text: [UInt8]) -> [Part] {
    var parts: [Part] = []
    var literal: [UInt8] = []
    var at = 0
    while at < text.count {
      let isMark = text[at] == 0x5C || text[at] == 0x24
      if isMark, at + 1 < text.count, text[at + 1] &- 0x30 < 10 {
        parts.append(.literal(literal))
        literal = []
        parts.append(.group(Int(text[at + 1] - 0x30)))
        at += 2
      } else if text[at] == 0x5C, at + 1 < text.count, text[at + 1] == 0x5C {
        literal.append(0x5C)
        at += 2
      } else {
        literal.append(text[at])
        at += 1
      }
    }
    return parts + [.literal(literal)]
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    let value = text.evaluate(row, message)
    let result = value.withText(message) { text -> [UInt8]? in
      do throws(PatternFailure) {
        return try replaced(text)
      } catch {
        row.failure = error
        return nil
      }
    }
    return (result ?? nil).map { .text($0) } ?? .null
  }

  private func replaced(_ text: Span<UInt8>) throws(PatternFailure) -> [UInt8] {
    var result: [UInt8] = []
    var copied = 0
    var at = 0
    while at <= text.count, let match = try search.firstMatch(in: text, from: at) {
      result.append(copying: text.extracting(copied..<match.lowerBound))
      for part in replacement {
        switch part {
        case .literal(let bytes): result += bytes
        case .group(let group):
          if let range = search.range(of: group) {
            result.append(copying: text.extracting(range))
          }
        }
      }
      copied = match.upperBound
      // An empty match moves on by one whole character.
      at = match.upperBound
      if match.isEmpty {
        guard at < text.count else { break }
        at += max(1, JSONWriter.sequenceLength(text, at))
      }
      if result.count > QueryLimits.textBytesMax { break }
    }
    result.append(copying: text.extracting(copied..<text.count))
    return result
  }
}
