internal import Platform

/// A compiled regular expression in PCRE2's syntax, for searching in bytes.
///
/// The text is read as UTF-8. Where a message is not valid UTF-8 and does not match so, it is tried
/// byte by byte: a stray byte must not hide a match. `$` matches at the very end only. Safe from
/// any thread; each worker makes a `PatternSearch` of its own.
package final class BytePattern: Sendable {
  /// How the expression and the text are read.
  package struct Options: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let ignoreCase = Options(rawValue: 1)
    /// `^` and `$` match at every line of the subject.
    package static let multiline = Options(rawValue: 2)
    package static let dotMatchesNewline = Options(rawValue: 4)
  }

  package let source: String
  package let options: Options
  /// Number of capturing groups; the whole match is group 0.
  package let captureCount: Int
  /// The named groups with their numbers, in order of name.
  package let names: [(name: String, group: Int)]
  /// What every match contains.
  package let literals: RequiredLiterals
  let code: PatternCode

  package init(_ source: String, options: Options = []) throws(BytePatternError) {
    self.source = source
    self.options = options
    let code = try PatternCode(source, options, .utf8)
    self.code = code
    captureCount = code.captureCount
    names = code.names()
    literals = RequiredLiterals(of: source, ignoresCase: options.contains(.ignoreCase))
  }

  /// Whether anywhere in one subject there is a match.
  ///
  /// For tests and single subjects: it makes a search, which costs about a microsecond.
  package func matches(_ subject: Span<UInt8>) throws(PatternFailure) -> Bool {
    try PatternSearch(self).firstMatch(in: subject) != nil
  }
}

/// Why a regular expression does not compile, and where.
package struct BytePatternError: Error, Sendable, Equatable, CustomStringConvertible {
  package let message: String
  /// Characters of the source before the place.
  package let offset: Int

  init(_ message: String, at byteOffset: Int, in source: [UInt8]) {
    self.message = message
    offset = String(decoding: source.prefix(byteOffset), as: UTF8.self).count
  }

  package var description: String { message }

  /// The error at its place in a text in which the expression begins at character `start`.
  package func diagnostic(in text: String, from start: Int) -> QueryDiagnostic {
    let place = min(start + offset, text.count)
    return QueryDiagnostic("this regex does not compile: \(message)", in: text, at: place..<place)
  }
}

/// Why a search gave up.
package enum PatternFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// One message took more than the processor time that it may take.
  case tooSlow(source: String, messageBytes: Int)
  /// Matching nested deeper than the stack that it may have.
  case tooDeep(source: String, messageBytes: Int)

  package var description: String {
    switch self {
    case .tooSlow(let source, let bytes):
      "the regex `\(source)` is given up: it took more than "
        + "\(PatternLimits.guardNanoseconds / 1_000_000) ms on a message of \(bytes) bytes"
    case .tooDeep(let source, let bytes):
      "the regex `\(source)` is given up: it needs too much memory on a message of \(bytes) bytes"
    }
  }

  /// What to do about it.
  package var hint: String {
    "a repeat inside a repeat, such as (a+)+, or several in a row, such as .*.*, try every way "
      + "to split the text: write one"
  }

  /// The failure as it is shown for the text that the expression stands in.
  package func diagnostic(in text: String) -> QueryDiagnostic {
    let source =
      switch self {
      case .tooSlow(let source, _), .tooDeep(let source, _): source
      }
    var range = 0..<0
    if let found = text.range(of: source) {
      let start = text.distance(from: text.startIndex, to: found.lowerBound)
      range = start..<(start + source.count)
    }
    return QueryDiagnostic(description, in: text, at: range, hint: hint)
  }
}

extension String {
  /// The first place of `needle`; a few hundred characters at most are looked through.
  fileprivate func range(of needle: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(needle) {
        return start..<(index(start, offsetBy: needle.count))
      }
      start = index(after: start)
    }
    return nil
  }
}
