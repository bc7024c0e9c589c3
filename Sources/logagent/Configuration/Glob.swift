/// A pattern with `*` for any characters and `?` for one, over the whole of a text.
///
/// Matching is linear in text times stars, whatever the pattern: there is no backtracking tree.
struct Glob: Sendable, Equatable, CustomStringConvertible {
  let pattern: String

  init(_ pattern: String) { self.pattern = pattern }

  var description: String { pattern }

  func matches(_ text: String) -> Bool {
    let pattern = Array(pattern.unicodeScalars)
    let text = Array(text.unicodeScalars)
    var at = 0
    var position = 0
    // Where the last star was, and how much of the text it has taken.
    var star: (pattern: Int, text: Int)?
    while position < text.count {
      if at < pattern.count, pattern[at] == "*" {
        star = (at, position)
        at += 1
      } else if at < pattern.count, pattern[at] == "?" || pattern[at] == text[position] {
        at += 1
        position += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        at = last.pattern + 1
        position = last.text + 1
      } else {
        return false
      }
    }
    while at < pattern.count, pattern[at] == "*" { at += 1 }
    return at == pattern.count
  }
}
