import Foundation
import Synchronization
import TestSupport

/// A Docker data root in a temporary directory, without a daemon.
final class FakeDocker {
  let root: String
  init(_ root: String, create: Bool = true) {
    self.root = root
    if create { makeRoot() }
  }

  func makeRoot() {
    must {
      try FileManager.default.createDirectory(
        atPath: root + "/containers",
        withIntermediateDirectories: true
      )
    }
  }

  static func id(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "a", count: 64 - digits.count) + digits
  }

  func directory(_ id: String) -> String { "\(root)/containers/\(id)" }

  /// Makes the directory and its metadata, as `docker create` does.
  @discardableResult
  func create(
    _ number: Int,
    name: String,
    driver: String = "json-file",
    labels: [String: String] = [:],
    tty: Bool = false,
    mode: String? = nil,
    options: [String: String] = [:],
    running: Bool = true,
    startedAt: String = "0001-01-01T00:00:00Z"
  ) -> DockerWriter {
    let id = Self.id(number)
    must {
      try FileManager.default.createDirectory(
        atPath: directory(id),
        withIntermediateDirectories: true
      )
    }
    configure(
      id,
      name: name,
      labels: labels,
      tty: tty,
      running: running,
      startedAt: startedAt
    )
    let chosen = options.merging(mode.map { ["mode": $0] } ?? [:]) { $1 }
    let text = chosen.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
    replace(
      directory(id) + "/hostconfig.json",
      "{\"LogConfig\":{\"Type\":\"\(driver)\",\"Config\":{\(text)}},\"Driver\":\"x\"}"
    )
    return DockerWriter(directory(id), name: "\(id)-json.log")
  }

  func configure(
    _ id: String,
    name: String,
    labels: [String: String] = [:],
    tty: Bool = false,
    running: Bool = true,
    startedAt: String = "0001-01-01T00:00:00Z",
    finishedAt: String = "2026-11-20T10:00:00.5Z"
  ) {
    let text = labels.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
    replace(
      directory(id) + "/config.v2.json",
      """
      {"ID":"\(id)","Name":"/\(name)","Driver":"overlay2","LogPath":"/elsewhere",
       "Config":{"Tty":\(tty),"Image":"busybox:1","Labels":{\(text)}},
       "State":{"Running":\(running),"Pid":1,
                "StartedAt":"\(startedAt)","FinishedAt":"\(finishedAt)"}}
      """
    )
  }

  /// Docker replaces its files by rename.
  private func replace(_ path: String, _ text: String) {
    let temporary = path + ".tmp\(UInt32.random(in: 0...UInt32.max))"
    precondition(FileManager.default.createFile(atPath: temporary, contents: Data(text.utf8)))
    precondition(rename(temporary, path) == 0)
  }
}

/// Set-up that cannot fail unless the machine is broken.
func must<Value>(_ body: () throws -> Value) -> Value {
  do { return try body() } catch { preconditionFailure("\(error)") }
}

/// Waits until something holds; false after `seconds`.
func eventually(_ seconds: Double = 10, _ condition: () -> Bool) -> Bool {
  let deadline = Date().addingTimeInterval(seconds)
  while !condition() {
    if Date() > deadline { return false }
    usleep(2_000)
  }
  return true
}

/// A scripted Engine API on a Unix socket.
final class FakeEngine: Sendable {
  let path: String
  private let listener: Int32
  private let state = Mutex<(list: String, subscribers: [Int32], requests: Int)>(("[]", [], 0))

  init(_ path: String) {
    self.path = path
    unlink(path)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
    }
    precondition(bound == 0 && listen(listener, 16) == 0)
    Thread.detachNewThread { [self] in serve() }
  }

  func setList(_ json: String) { state.withLock { $0.list = json } }
  var subscribers: Int { state.withLock { $0.subscribers.count } }

  private func serve() {
    while true {
      let client = accept(listener, nil, nil)
      if client < 0 { return }
      var buffer = [UInt8](repeating: 0, count: 4_096)
      let count = read(client, &buffer, buffer.count)
      let request = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
      if request.hasPrefix("GET /events?") {
        send(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        state.withLock { $0.subscribers.append(client) }
      } else if request.hasPrefix("GET /containers/json?all=1 ") {
        let body = state.withLock { $0.list }
        send(client, "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        close(client)
      } else {
        send(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        close(client)
      }
    }
  }

  private func send(_ fd: Int32, _ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  func emit(_ action: String, _ id: String) {
    let line =
      "{\"Type\":\"container\",\"Action\":\"\(action)\","
      + "\"Actor\":{\"ID\":\"\(id)\",\"Attributes\":{\"exitCode\":\"7\"}}}\n"
    for fd in state.withLock({ $0.subscribers }) {
      send(fd, "\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n")
    }
  }

  /// Ends all event streams, as a restart of the daemon does.
  func dropSubscribers() {
    for fd in state.withLock({ slot in
      defer { slot.subscribers = [] }
      return slot.subscribers
    }) { close(fd) }
  }
}
