import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Forward

/// Answers that break off, drip, or come before the request has been read.
@Suite(.serialized) struct BrokenAnswerTests {
  private typealias Rig = ForwardRig

  private func destination(_ server: RawReceiver, retrySeconds: Int = 0) -> Destination {
    Destination(
      kind: .httpEndpoint,
      endpointURL: server.url,
      gzip: false,
      retryDurationSeconds: retrySeconds,
      flushSeconds: 0,
      allowsPlaintext: true
    )
  }

  @Test("an answer that drips ends at the time limit, however long it could go on")
  func drip() throws {
    let server = RawReceiver { connection in
      _ = connection.readRequest()
      connection.write(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
      )
      while connection.write(" ") { usleep(100_000) }
    }
    defer { server.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<3))
    let target = destination(server)
    let start = SystemClock().monotonic()
    try rig.start(timeoutMilliseconds: 1_000) { _ in [target] }
    try rig.wait { rig.events("dead_letter") == 3 }
    let seconds = Double(SystemClock().monotonic() - start) / 1e9
    #expect((0.9...3).contains(seconds))
    let letters = try DeadLetterFiles.lines(rig.deadLetters)
    #expect(letters.map(\.code) == ["HttpEndpoint.RequestTimeout"])
  }

  @Test(
    "a 200 that breaks off half-way is no success: the same request comes again",
    arguments: [true, false]
  )
  func halfAnswer(isReset: Bool) throws {
    let ids = Mutex<[String]>([])
    let server = RawReceiver { connection in
      while true {
        let head = connection.readRequest()
        if head.isEmpty { return }
        let count = ids.withLock { ids in
          ids.append(RawReceiver.Connection.value("x-amz-firehose-request-id", head))
          return ids.count
        }
        let body = RawReceiver.Connection.confirmation(head)
        connection.write(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count + (count == 1 ? 1 : 0))\r\n\r\n" + body
        )
        if count > 1 { continue }
        // The whole confirmation but for one byte: even so it is not one.
        if isReset {
          usleep(50_000)
          connection.resetOnClose()
        }
        return
      }
    }
    defer { server.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<3))
    let target = destination(server, retrySeconds: 60)
    try rig.start { _ in [target] }
    try rig.wait { rig.events("delivered") == 3 }
    let seen = ids.withLock { $0 }
    #expect(seen.count == 2)
    #expect(Set(seen).count == 1)
    #expect(rig.notices.first?.contains("HttpEndpoint.ConnectionReset") == true)
  }

  @Test("a 413 that came before a reset splits the request as any other does")
  func earlyRefusal() throws {
    let sizes = Mutex<[Int]>([])
    let server = RawReceiver { connection in
      while true {
        let head = connection.readHead()
        guard let size = Int(RawReceiver.Connection.value("content-length", head)) else { return }
        sizes.withLock { $0.append(size) }
        if size > 300_000 {
          connection.write(
            "HTTP/1.1 413 Payload Too Large\r\nContent-Type: text/plain\r\n"
              + "Content-Length: 1000\r\n\r\nat most 300 kB"
          )
          // Time for it to be read; then everything breaks, with the body still on its way.
          usleep(100_000)
          connection.resetOnClose()
          return
        }
        var left = size
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while left > 0 {
          let count = recv(connection.socket, &chunk, min(chunk.count, left), 0)
          guard count > 0 else { return }
          left -= count
        }
        let body = RawReceiver.Connection.confirmation(head)
        connection.write(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
        )
      }
    }
    defer { server.stop() }
    let rig = try Rig()
    try rig.write(
      (0..<40).map {
        String(decoding: DeliveryFixture.noise(20_000, seed: UInt64($0)), as: UTF8.self)
      }
    )
    let target = destination(server, retrySeconds: 60)
    try rig.start { _ in [target] }
    try rig.wait { rig.events("delivered") == 40 }
    #expect(rig.metrics.total("logagent_forward_splits_total") >= 1)
    #expect(rig.metrics.total("logagent_forward_retries_total") == 0)
    #expect(sizes.withLock { $0.filter { $0 > 300_000 }.count } >= 1)
    #expect(rig.events("dead_letter") == 0)
  }
}
