import Foundation
import Platform
import TestSupport
import Testing

@testable import Forward

/// Real certificates, made on the spot, and OpenSSL's own server.
@Suite(.serialized) struct TLSTests {
  private typealias Rig = ForwardRig

  /// A TLS server on 127.0.0.1 with a certificate of its own; it prints what it is sent.
  private final class Server {
    let certificate: String
    let port: Int
    private let process = Process()
    private let output: String
    /// Held open: at its end the server would close every connection.
    private let input = Pipe()

    init(name: String, in folder: TemporaryDirectory) throws {
      let key = folder.file("key.pem")
      output = folder.write("output", "")
      certificate = folder.file("certificate.pem")
      _ = try Shell.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
          + "-keyout \(key) -out \(certificate) -subj /CN=logagent-test "
          + "-addext subjectAltName=\(name) 2>/dev/null"
      )
      process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
      process.arguments = [
        "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key,
      ]
      process.standardInput = input
      process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
      process.standardError = FileHandle.nullDevice
      try process.start()
      var found: Int?
      for _ in 0..<1_000 where found == nil {
        usleep(10_000)
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        let lines = text.components(separatedBy: "\n").dropLast()
        let line = lines.first { $0.hasPrefix("ACCEPT ") }
        found = line?.components(separatedBy: ":").last.flatMap { Int($0) }
      }
      port = try #require(found)
    }

    /// What it was sent, and what it says of it.
    var text: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }

    func stop() {
      process.terminate()
      process.waitUntilExit()
    }

    var url: String { "https://127.0.0.1:\(port)/in" }
  }

  private func deliver(
    to server: Server,
    trusting authorities: String?
  ) throws -> (code: String?, notices: [String]) {
    let rig = try Rig()
    try rig.write(["the message"])
    let target = Destination(
      kind: .httpEndpoint,
      endpointURL: server.url,
      accessKey: Credential("the access key"),
      gzip: false,
      retryDurationSeconds: 0,
      flushSeconds: 0
    )
    try rig.start(timeoutMilliseconds: 2_000, authorities: authorities) { _ in [target] }
    try rig.wait { rig.events("dead_letter") == 1 }
    rig.stop()
    return (try DeadLetterFiles.lines(rig.deadLetters).first?.code, rig.notices)
  }

  @Test("a self-signed certificate is refused before anything is sent")
  func selfSigned() throws {
    let folder = TemporaryDirectory()
    let server = try Server(name: "IP:127.0.0.1", in: folder)
    defer { server.stop() }
    let outcome = try deliver(to: server, trusting: nil)
    #expect(outcome.code == "HttpEndpoint.SSLHandshakeFailure")
    #expect(outcome.notices.first?.contains("HttpEndpoint.SSLHandshakeFailure") == true)
    #expect(!server.text.contains("POST"))
    #expect(!server.text.contains("the access key"))
  }

  @Test("a trusted certificate for another name is refused before anything is sent")
  func wrongName() throws {
    let folder = TemporaryDirectory()
    let server = try Server(name: "DNS:other.example,IP:127.0.0.2", in: folder)
    defer { server.stop() }
    let outcome = try deliver(to: server, trusting: server.certificate)
    #expect(outcome.code == "HttpEndpoint.SSLHandshakeFailure")
    #expect(!server.text.contains("POST"))
    #expect(!server.text.contains("the access key"))
  }

  @Test("a trusted certificate for the right name is taken, and the request is sent")
  func trusted() throws {
    let folder = TemporaryDirectory()
    let server = try Server(name: "IP:127.0.0.1", in: folder)
    defer { server.stop() }
    // The server never answers: only that ends the attempt.
    let outcome = try deliver(to: server, trusting: server.certificate)
    #expect(outcome.code == "HttpEndpoint.RequestTimeout")
    #expect(server.text.contains("X-Amz-Firehose-Access-Key: the access key"))
  }
}
