internal import Platform

/// An HTTP/1.1 response that arrives in pieces of any size; everything in it is bounded.
struct HTTPResponse {
  enum Failure: Error, Equatable {
    case malformed
    case tooLarge
  }

  private enum State: Equatable {
    case head
    case counted(Int)
    case chunkSize
    case chunk(Int)
    case chunkEnd
    case trailers
    case untilClose
    case done
  }

  private static let lineBytesMax = 16_384
  private static let headBytesMax = 65_536
  private static let chunkBytesMax = 16_777_216

  private(set) var status = 0
  private var state = State.head
  private var line: [UInt8] = []
  private var headBytes = 0
  private var isChunked = false
  private var length: Int?

  var isComplete: Bool { state == .done }
  var hasHead: Bool { state != .head }

  /// Takes the next bytes; what belongs to the body is appended to `body`.
  mutating func feed(_ bytes: Span<UInt8>, into body: inout [UInt8]) throws(Failure) {
    var at = 0
    while at < bytes.count {
      switch state {
      case .done: return
      case .untilClose:
        body.append(copying: bytes.extracting(at..<bytes.count))
        return
      case .counted(let left):
        let count = min(left, bytes.count - at)
        body.append(copying: bytes.extracting(at..<(at + count)))
        at += count
        state = left == count ? .done : .counted(left - count)
      case .chunk(let left):
        let count = min(left, bytes.count - at)
        body.append(copying: bytes.extracting(at..<(at + count)))
        at += count
        state = left == count ? .chunkEnd : .chunk(left - count)
      case .head, .chunkSize, .chunkEnd, .trailers:
        let byte = bytes[at]
        at += 1
        if byte != 0x0A {
          line.append(byte)
          if line.count > Self.lineBytesMax { throw .tooLarge }
          continue
        }
        if line.last == 0x0D { line.removeLast() }
        let text = String(repairing: line.span)
        line.removeAll(keepingCapacity: true)
        try take(text)
      }
    }
  }

  private mutating func take(_ text: String) throws(Failure) {
    switch state {
    case .head:
      headBytes += text.utf8.count + 2
      if headBytes > Self.headBytesMax { throw .tooLarge }
      try header(text)
    case .chunkSize:
      let digits = text.prefix { $0 != ";" && $0 != " " }
      guard digits.utf8.count <= 8, let size = Int(digits, radix: 16), size >= 0
      else { throw .malformed }
      if size > Self.chunkBytesMax { throw .tooLarge }
      state = size == 0 ? .trailers : .chunk(size)
    case .chunkEnd:
      guard text.isEmpty else { throw .malformed }
      state = .chunkSize
    case .trailers:
      if text.isEmpty { state = .done }
    default: break
    }
  }

  private mutating func header(_ text: String) throws(Failure) {
    if status == 0 {
      let parts = text.split(separator: " ", maxSplits: 2)
      guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let code = Int(parts[1]),
        (100...599).contains(code)
      else { throw .malformed }
      status = code
      return
    }
    if text.isEmpty {
      if isChunked {
        state = .chunkSize
      } else if let length {
        state = length == 0 ? .done : .counted(length)
      } else {
        state = .untilClose
      }
      return
    }
    guard let colon = text.firstIndex(of: ":") else { throw .malformed }
    let name = text[..<colon].lowercased()
    let value = text[text.index(after: colon)...].drop { $0 == " " }.lowercased()
    if name == "transfer-encoding" { isChunked = value.hasSuffix("chunked") }
    if name == "content-length" {
      guard let count = Int(value), count >= 0 else { throw .malformed }
      length = count
    }
  }
}
