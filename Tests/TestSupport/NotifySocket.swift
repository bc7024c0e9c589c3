import Foundation

/// The receiving end of systemd's notification protocol: a datagram socket like the one that
/// `$NOTIFY_SOCKET` names.
public final class NotifySocket: @unchecked Sendable {
  public let path: String
  private let descriptor: Int32

  /// What one datagram said, and when it came in seconds since 1970.
  public struct Message: Sendable {
    public let text: String
    public let time: Double
  }

  private let lock = NSLock()
  private var received: [Message] = []

  /// An abstract address, such as systemd gives to containers, begins with `@`.
  public init(path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    let isAbstract = path.hasPrefix("@")
    if isAbstract { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(length))
      }
    }
    guard result == 0 else {
      throw Shell.Failure(command: "bind \(path)", status: errno, output: "")
    }
    let fd = descriptor
    Thread.detachNewThread { [weak self] in
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while true {
        let count = recv(fd, &buffer, buffer.count, 0)
        guard count > 0, let self else { return }
        self.note(String(decoding: buffer.prefix(count), as: UTF8.self))
      }
    }
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func note(_ text: String) {
    lock.lock()
    defer { lock.unlock() }
    received.append(Message(text: text, time: Date().timeIntervalSince1970))
  }

  public var messages: [Message] {
    lock.lock()
    defer { lock.unlock() }
    return received
  }

  /// All assignments so far, in order, such as `READY=1`.
  public var lines: [String] {
    messages.flatMap { $0.text.split(separator: "\n").map(String.init) }
  }
}
