import Foundation

@testable import Query

extension InsightsParse {
  var names: [String] {
    switch form {
    case .glob(_, let names), .csv(let names): names
    case .regex(_, let captures, _): captures.map(\.name)
    case .logfmt(let name): [name]
    }
  }
}

/// `parse`, with Foundation's regular expressions.
struct ReferenceParse {
  var evaluator: ReferenceEvaluator

  func run(_ parse: InsightsParse, _ row: ReferenceRow) -> [ReferenceRow] {
    var empty = row
    for name in parse.names { empty.defined[name] = .null }
    guard let text = evaluator.value(parse.source, row).text else { return [empty] }
    switch parse.form {
    case .glob(let pattern, let names): return [glob(pattern, names, text, empty)]
    case .regex(let regex, let captures, let isMulti):
      let matches = ReferenceRegex.matches(regex.pattern, in: text)
      if matches.isEmpty { return [empty] }
      return (isMulti ? matches : [matches[0]]).map { match in
        var next = empty
        for capture in captures {
          if let range = Range(match.range(at: capture.number), in: text) {
            next.defined[capture.name] = .text(String(text[range]))
          }
        }
        return next
      }
    case .logfmt(let name):
      empty.defined[name] = ReferenceFields.logfmt(text)
      return [empty]
    case .csv(let names):
      for (name, part) in zip(names, Self.commaSeparated(text)) {
        empty.defined[name] = .text(part)
      }
      return [empty]
    }
  }

  /// Values by commas; one that begins with a quote ends with one, and two quotes are one.
  private static func commaSeparated(_ text: String) -> [String] {
    var values: [String] = []
    var rest = text.unicodeScalars[...]
    while true {
      if rest.first == "\"" {
        var value = String.UnicodeScalarView()
        rest = rest.dropFirst()
        while let scalar = rest.popFirst() {
          if scalar == "\"" {
            guard rest.first == "\"" else { break }
            rest = rest.dropFirst()
          }
          value.append(scalar)
        }
        values.append(String(value))
        rest = rest.drop { $0 != "," }
      } else {
        values.append(String(rest.prefix { $0 != "," }))
        rest = rest.drop { $0 != "," }
      }
      guard rest.popFirst() != nil else { return values }
    }
  }

  /// The shortest run up to the next literal; a last `*` takes the rest.
  private func glob(
    _ pattern: String,
    _ names: [String],
    _ text: String,
    _ row: ReferenceRow
  ) -> ReferenceRow {
    let literals = pattern.components(separatedBy: "*")
    let expression =
      "(?s)"
      + literals.map(NSRegularExpression.escapedPattern(for:)).joined(separator: "(.*?)")
      + (literals.last == "" ? "$" : "")
    guard let match = ReferenceRegex.matches(expression, in: text).first else { return row }
    var next = row
    for (index, name) in names.enumerated() {
      if let range = Range(match.range(at: index + 1), in: text) {
        next.defined[name] = .text(String(text[range]))
      }
    }
    return next
  }
}
