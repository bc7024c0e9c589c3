import Foundation
import TestSupport

/// The daemon forwards everything that is stored to a receiver that confirms and forgets.
enum ForwardBench {
  struct Result {
    var cpu = 0.0
    var wall = 0.0
    var rawBytes = 0
    var requests = 0
  }

  static func run(
    _ binary: String,
    _ data: String,
    _ folder: TemporaryDirectory,
    rawBytes: Int,
    short: Bool
  ) throws -> Result {
    let sink = try HTTPSink()
    // The groups that the import made have no resource in this file: `defaults` holds for them.
    let configuration = folder.write(
      "forward.yml",
      """
      dataDirectory: \(data)
      sources: { docker: { enabled: false } }
      defaults:
        logging:
          retentionDays: 36500
          logForwarding:
            type: http-endpoint
            properties: { endpointUrl: "http://127.0.0.1:\(sink.port)/", gzipEncodingEnabled: true }
      forward: { flushSeconds: 1, allowInsecure: true }
      """
    )
    let agent = try Child(binary, ["run", "--config", configuration, "--log-level", "error"])
    let pid = agent.process.processIdentifier
    defer { agent.process.terminate(); agent.waitUntilExit() }
    let started = Date()
    var result = Result(rawBytes: rawBytes)
    let limit = Date().addingTimeInterval(short ? 60 : 180)
    var quietSince = Date()
    var last = -1
    while Date() < limit {
      usleep(50_000)
      let requests = sink.requests
      if requests != last {
        last = requests
        quietSince = Date()
        result.cpu = Usage.cpuSeconds(of: pid)
        result.wall = rounded(Date().timeIntervalSince(started), 2)
      } else if requests > 0, Date().timeIntervalSince(quietSince) > 3 {
        break
      }
    }
    result.requests = sink.requests
    result.cpu = rounded(result.cpu, 2)
    return result
  }
}

/// Confirms every Firehose request by its header; reads bodies and drops them.
final class HTTPSink: @unchecked Sendable {
  let port: UInt16
  private let lock = NSLock()
  private var count = 0

  var requests: Int {
    lock.lock()
    defer { lock.unlock() }
    return count
  }

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else { throw Usage.Failure(description: "no port for the receiver") }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        Thread.detachNewThread { self.serve(connection) }
      }
    }
  }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var pending: [UInt8] = []
    while true {
      while true {
        guard let end = Self.headEnd(pending) else {
          break
        }
        let head = String(decoding: pending[..<end], as: UTF8.self)
        let size = Int(Self.value("content-length", head) ?? "0") ?? 0
        if pending.count < end + 4 + size { break }
        pending.removeFirst(end + 4 + size)
        let id = Self.value("x-amz-firehose-request-id", head) ?? ""
        let body = "{\"requestId\":\"\(id)\",\"timestamp\":1}"
        let answer =
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
          + "Content-Length: \(body.utf8.count)\r\n\r\n"
          + body
        _ = answer.withCString { write(connection, $0, answer.utf8.count) }
        lock.lock()
        count += 1
        lock.unlock()
      }
      let got = read(connection, &buffer, buffer.count)
      if got <= 0 { return }
      pending.append(contentsOf: buffer[..<got])
    }
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    let limit = min(bytes.count, 65_536)
    for index in 0..<(limit - 3)
    where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13
      && bytes[index + 3] == 10
    { return index }
    return nil
  }

  private static func value(_ name: String, _ head: String) -> String? {
    for line in head.components(separatedBy: "\r\n") where line.lowercased().hasPrefix(name + ":") {
      return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
    return nil
  }
}
