import Foundation
import Platform

@testable import Collect

extension Fuzzer {
  /// What Foundation reads as JSON we read too, as the same value.
  static let json = Fuzzer("json") { bytes in
    let ours = JSONValue(parsing: bytes)
    guard bytes.count < 4_096,
      let theirs = try? JSONSerialization.jsonObject(
        with: Data(bytes),
        options: [.fragmentsAllowed]
      )
    else { return }
    guard !isDeep(bytes) else { return }
    guard let ours else {
      require(isOutsideOfJSON(bytes), "Foundation reads this, we do not")
      return
    }
    require(isSame(ours, theirs), "\(ours) is not \(theirs)")
  }

  /// The Engine's answers in pieces of any size.
  static let engineAnswer = Fuzzer("engine-answer") { bytes in
    var input = FuzzInput(bytes)
    let piece = Int(input.byte()) + 1
    let text = input.rest()
    let whole = answer(text, pieceBytes: max(text.count, 1))
    let pieces = answer(text, pieceBytes: max(piece, text.count / 64))
    require(whole.failed == pieces.failed, "only one of two readers fails")
    require(whole.failed || whole.body == pieces.body, "another body")
    require(whole.body.count <= text.count, "a body longer than the answer")
  }

  private static func answer(
    _ text: [UInt8],
    pieceBytes: Int
  ) -> (body: [UInt8], failed: Bool) {
    var response = HTTPResponse()
    var body: [UInt8] = []
    var at = 0
    while at < text.count {
      let end = min(at + pieceBytes, text.count)
      do { try response.feed(Array(text[at..<end]).span, into: &body) } catch {
        return (body, true)
      }
      at = end
    }
    return (body, false)
  }

  /// What Foundation takes although it is not JSON in UTF-8: other encodings, told by their zero
  /// bytes or marks, and a comma before a closing bracket.
  private static func isOutsideOfJSON(_ bytes: [UInt8]) -> Bool {
    if bytes.contains(0) || bytes.first.map({ $0 >= 0xEF }) ?? true { return true }
    let dense = bytes.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return zip(dense, dense.dropFirst()).contains { $0 == 0x2C && ($1 == 0x5D || $1 == 0x7D) }
  }

  /// Deeper than we follow.
  private static func isDeep(_ bytes: [UInt8]) -> Bool {
    var depth = 0
    var deepest = 0
    for byte in bytes {
      if byte == 0x5B || byte == 0x7B { depth += 1 }
      if byte == 0x5D || byte == 0x7D { depth -= 1 }
      deepest = max(deepest, depth)
    }
    return deepest > 60
  }

  private static func isSame(_ ours: JSONValue, _ theirs: Any) -> Bool {
    switch ours {
    case .null: theirs is NSNull
    case .bool(let value): (theirs as? Bool) == value
    case .number(let text): (theirs as? NSNumber).map { isSame(text, $0) } ?? false
    case .string(let text): (theirs as? String) == text
    case .array(let values):
      (theirs as? [Any]).map { $0.count == values.count && zip(values, $0).allSatisfy(isSame) }
        ?? false
    case .object(let members):
      (theirs as? [String: Any]).map { theirs in
        theirs.count == members.count
          && members.allSatisfy { key, value in theirs[key].map { isSame(value, $0) } ?? false }
      } ?? false
    }
  }

  private static func isSame(_ text: String, _ number: NSNumber) -> Bool {
    if let integer = Int(text) { return integer == number.intValue }
    // Foundation rounds long numbers otherwise in the last place.
    guard let value = Double(text) else { return false }
    return value == number.doubleValue
      || abs(value - number.doubleValue) <= abs(value) * 1e-12 || !value.isNormal
  }
}
