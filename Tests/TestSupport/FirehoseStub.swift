import Foundation

/// An HTTP endpoint for tests on a loopback port: whole requests, kept alive, answered as told.
public final class FirehoseStub: @unchecked Sendable {
  public struct Request: Sendable {
    public let path: String
    public let headers: [String: String]
    public let body: [UInt8]
    public let arrived: Date

    public var requestID: String { headers["x-amz-firehose-request-id"] ?? "" }
  }

  public enum Answer: Sendable {
    /// 200 with the request's own id.
    case confirm
    case confirmAs(String)
    case status(Int, headers: [String: String] = [:], body: String = "")
    /// Never answers.
    case hang
    /// Resets the connection.
    case reset
  }

  public let port: UInt16
  private let listener: Int32
  private let lock = NSLock()
  private var gathered: [Request] = []
  private let answer: @Sendable (Request, Int) -> Answer

  public var url: String { "http://127.0.0.1:\(port)/ingest?x=1" }

  public var requests: [Request] {
    lock.lock()
    defer { lock.unlock() }
    return gathered
  }

  /// `answer` gets each request and its number, from 0.
  public init(_ answer: @escaping @Sendable (Request, Int) -> Answer) {
    self.answer = answer
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    precondition(isBound)
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return }
        Thread.detachNewThread { self.serve(connection) }
      }
    }
  }

  public func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve(_ connection: Int32) {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      while let (request, used) = Self.parse(pending) {
        pending.removeFirst(used)
        lock.lock()
        let number = gathered.count
        gathered.append(request)
        lock.unlock()
        if !reply(connection, request, answer(request, number)) { return }
      }
      let got = read(connection, &buffer, buffer.count)
      if got <= 0 {
        close(connection)
        return
      }
      pending.append(contentsOf: buffer[..<got])
    }
  }

  private func reply(_ connection: Int32, _ request: Request, _ answer: Answer) -> Bool {
    switch answer {
    case .hang: return true
    case .reset:
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        connection,
        SOL_SOCKET,
        SO_LINGER,
        &linger,
        socklen_t(MemoryLayout.size(ofValue: linger))
      )
      close(connection)
      return false
    case .confirm: return send(connection, 200, [:], Self.confirmation(request.requestID))
    case .confirmAs(let id): return send(connection, 200, [:], Self.confirmation(id))
    case .status(let status, let headers, let body): return send(connection, status, headers, body)
    }
  }

  private static func confirmation(_ id: String) -> String {
    "{\"requestId\":\"\(id)\",\"timestamp\":1578090903599,\"errorMessage\":null}\n"
  }

  private func send(
    _ connection: Int32,
    _ status: Int,
    _ headers: [String: String],
    _ body: String
  ) -> Bool {
    var all = ["Content-Type": "application/json", "Content-Length": String(body.utf8.count)]
    all.merge(headers) { $1 }
    let lines = all.map { "\($0.key): \($0.value)\r\n" }.joined()
    let text = Array("HTTP/1.1 \(status) X\r\n\(lines)\r\n\(body)".utf8)
    return write(connection, text, text.count) == text.count
  }

  private static func parse(_ bytes: [UInt8]) -> (Request, Int)? {
    let data = Data(bytes)
    guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self)
      .components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
        .trimmingCharacters(in: .whitespaces)
    }
    let size = Int(headers["content-length"] ?? "0") ?? 0
    guard data.count >= end.upperBound + size else { return nil }
    let request = Request(
      path: lines[0].components(separatedBy: " ").dropFirst().first ?? "",
      headers: headers,
      body: Array(data[end.upperBound..<(end.upperBound + size)]),
      arrived: Date()
    )
    return (request, end.upperBound + size)
  }
}
