import Foundation
import Forward
import Glibc
import Platform

/// A small HTTP/1.1 server on 127.0.0.1 that keeps every request and answers as a closure says.
final class ScriptedReceiver: @unchecked Sendable {
  struct Request: Sendable {
    /// Counts from 0 over all connections.
    let number: Int
    let target: String
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    let arrival: Int64
    let connection: Int

    func all(_ name: String) -> [String] {
      headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    var requestID: String { all("X-Amz-Firehose-Request-Id").first ?? "" }
    var accessKey: String? { all("X-Amz-Firehose-Access-Key").first }
    /// The envelope; nil when the body is not what the headers claim.
    var envelope: Envelope? { Envelope(self) }
    var messages: [String] { envelope?.events.map(\.message) ?? [] }
  }

  enum Answer: Sendable {
    /// A good confirmation.
    case ok
    /// Answers nothing until the stub stops.
    case hang
    /// Closes with RST without an answer.
    case reset
    /// Answers well, then closes the connection.
    case okThenClose
    case response(status: Int, headers: [String], body: [UInt8])

    static func status(_ status: Int, _ headers: [String] = [], _ text: String = "") -> Answer {
      .response(status: status, headers: headers, body: Array(text.utf8))
    }

    /// 200 with any JSON body.
    static func json(_ text: String, type: String = "application/json") -> Answer {
      .response(status: 200, headers: ["Content-Type: \(type)"], body: Array(text.utf8))
    }
  }

  private let listener: Int32
  let port: UInt16
  private let lock = NSLock()
  private var kept: [Request] = []
  private var open: [Int32] = []
  private var connections = 0
  private var isStopped = false
  private let answer: @Sendable (Request) -> Answer

  init(_ answer: @escaping @Sendable (Request) -> Answer = { _ in .ok }) {
    self.answer = answer
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    precondition(bound, "cannot listen on 127.0.0.1")
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in accept() }
  }

  var url: String { "http://127.0.0.1:\(port)/in/v1?source=test" }

  var requests: [Request] { lock.withLock { kept } }

  func stop() {
    let all = lock.withLock {
      isStopped = true
      return open
    }
    shutdown(listener, Int32(SHUT_RDWR))
    for socket in all { shutdown(socket, Int32(SHUT_RDWR)) }
  }

  private func accept() {
    while true {
      let socket = Glibc.accept(listener, nil, nil)
      guard socket >= 0 else { break }
      let number = lock.withLock {
        open.append(socket)
        connections += 1
        return connections
      }
      Thread.detachNewThread { [self] in
        serve(socket, number)
        lock.withLock { open.removeAll { $0 == socket } }
        close(socket)
      }
    }
    close(listener)
  }

  private func serve(_ socket: Int32, _ connection: Int) {
    var waiting: [UInt8] = []
    while let request = read(socket, connection, &waiting) {
      let chosen = answer(request)
      switch chosen {
      case .ok, .okThenClose:
        let body = "{\"requestId\":\"\(request.requestID)\",\"timestamp\":1800000000000}"
        write(socket, 200, ["Content-Type: application/json"], Array(body.utf8))
        if case .okThenClose = chosen { return }
      case .hang:
        var byte: UInt8 = 0
        _ = recv(socket, &byte, 1, 0)
        return
      case .reset:
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
          socket,
          SOL_SOCKET,
          SO_LINGER,
          &linger,
          socklen_t(MemoryLayout.size(ofValue: linger))
        )
        return
      case .response(let status, let headers, let body):
        write(socket, status, headers, body)
      }
    }
  }

  private func read(_ socket: Int32, _ connection: Int, _ waiting: inout [UInt8]) -> Request? {
    var chunk = [UInt8](repeating: 0, count: 262_144)
    func more() -> Bool {
      let count = recv(socket, &chunk, chunk.count, 0)
      if count > 0 { waiting.append(contentsOf: chunk[..<count]) }
      return count > 0
    }
    let gap: [UInt8] = [13, 10, 13, 10]
    var end: Int?
    while end == nil {
      end = Data(waiting).range(of: Data(gap))?.lowerBound
      if end == nil, !more() { return nil }
    }
    guard let end else { return nil }
    let lines = String(decoding: waiting[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    let headers = lines.dropFirst().map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      let value = line[colon...].dropFirst().drop { $0 == " " }
      return (name: String(line[..<colon]), value: String(value))
    }
    let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap {
      Int($0.value)
    }
    let total = end + 4 + (length ?? 0)
    while waiting.count < total { if !more() { return nil } }
    let body = Array(waiting[(end + 4)..<total])
    waiting.removeFirst(total)
    let target = lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? ""
    return lock.withLock {
      let request = Request(
        number: kept.count,
        target: lines[0].hasPrefix("POST ") ? target : lines[0],
        headers: headers,
        body: body,
        arrival: SystemClock().monotonic(),
        connection: connection
      )
      kept.append(request)
      return request
    }
  }

  private func write(_ socket: Int32, _ status: Int, _ headers: [String], _ body: [UInt8]) {
    var head = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.count)\r\n"
    for header in headers { head += header + "\r\n" }
    let bytes = Array((head + "\r\n").utf8) + body
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }
}

/// A request's body, taken apart and checked: every rule of the envelope and of its records.
struct Envelope {
  struct Event: Equatable {
    let id: String
    let timestamp: Int64
    let message: String
  }

  struct Record {
    let owner: String
    let group: String
    let stream: String
    let text: [UInt8]
    let events: [Event]
  }

  let requestID: String
  let timestamp: Int64
  let records: [Record]

  var events: [Event] { records.flatMap(\.events) }

  init?(_ request: ScriptedReceiver.Request) {
    let encoding = request.all("Content-Encoding")
    switch encoding {
    case []: self.init(json: request.body)
    case ["gzip"]: self.init(json: Self.gunzip(request.body))
    default: return nil
    }
  }

  init?(json: [UInt8]) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
      Set(object.keys) == ["requestId", "timestamp", "records"],
      let requestID = object["requestId"] as? String,
      let timestamp = object["timestamp"] as? Int64,
      let records = object["records"] as? [[String: String]], (1...10_000).contains(records.count)
    else { return nil }
    self.requestID = requestID
    self.timestamp = timestamp
    var found: [Record] = []
    for record in records {
      guard Set(record.keys) == ["data"], let data = record["data"],
        let packed = Data(base64Encoded: data), packed.count <= 1_024_000,
        let record = Self.record(Self.gunzip(Array(packed)))
      else { return nil }
      found.append(record)
    }
    self.records = found
  }

  /// Exactly six keys, events with exactly three; nil otherwise.
  static func record(_ text: [UInt8]) -> Record? {
    guard let object = try? JSONSerialization.jsonObject(with: Data(text)) as? [String: Any],
      Set(object.keys) == [
        "messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "logEvents",
      ],
      object["messageType"] as? String == "DATA_MESSAGE",
      let owner = object["owner"] as? String, owner.count == 12,
      let group = object["logGroup"] as? String, let stream = object["logStream"] as? String,
      object["subscriptionFilters"] as? [String] == ["logagent"],
      let events = object["logEvents"] as? [[String: Any]], !events.isEmpty
    else { return nil }
    var found: [Event] = []
    for event in events {
      guard Set(event.keys) == ["id", "timestamp", "message"],
        let id = event["id"] as? String, id.count == 56, id.allSatisfy(\.isNumber),
        let timestamp = event["timestamp"] as? Int64, let message = event["message"] as? String
      else { return nil }
      found.append(Event(id: id, timestamp: timestamp, message: message))
    }
    return Record(owner: owner, group: group, stream: stream, text: text, events: found)
  }

  static func gunzip(_ bytes: [UInt8]) -> [UInt8] {
    GzipInflater().inflate(bytes.span, limit: 134_217_728) ?? []
  }
}
