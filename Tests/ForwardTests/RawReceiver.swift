import Foundation
import Glibc

/// A server on 127.0.0.1 whose every connection is handled byte by byte by a closure.
final class RawReceiver: @unchecked Sendable {
  struct Connection: Sendable {
    let socket: Int32
    /// Counts from 0.
    let number: Int

    /// Reads until the end of the request's headers, and returns what has come so far.
    func readHead() -> String {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]), recv(socket, &byte, 1, 0) == 1 {
        bytes.append(byte)
      }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads a whole request and returns its headers.
    func readRequest() -> String {
      let head = readHead()
      var left = Int(Self.value("content-length", head)) ?? 0
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while left > 0 {
        let count = recv(socket, &chunk, min(chunk.count, left), 0)
        guard count > 0 else { break }
        left -= count
      }
      return head
    }

    static func value(_ name: String, _ head: String) -> String {
      for line in head.components(separatedBy: "\r\n")
      where line.lowercased().hasPrefix(name + ":") {
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
      }
      return ""
    }

    static func confirmation(_ head: String) -> String {
      "{\"requestId\":\"\(value("x-amz-firehose-request-id", head))\",\"timestamp\":1800000000000}"
    }

    /// False when the other side has gone.
    @discardableResult
    func write(_ text: String) -> Bool {
      let bytes = Array(text.utf8)
      return send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Makes the close that follows a reset.
    func resetOnClose() {
      var linger = linger(l_onoff: 1, l_linger: 0)
      let size = socklen_t(MemoryLayout.size(ofValue: linger))
      setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, size)
    }
  }

  let port: UInt16
  private let listener: Int32

  init(_ handle: @escaping @Sendable (Connection) -> Void) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    precondition(isBound, "cannot listen on 127.0.0.1")
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      var number = 0
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { break }
        let connection = Connection(socket: socket, number: number)
        number += 1
        Thread.detachNewThread {
          handle(connection)
          close(socket)
        }
      }
      close(listener)
    }
  }

  var url: String { "http://127.0.0.1:\(port)/in" }

  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}
