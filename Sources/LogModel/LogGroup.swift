/// A log group's name: a set of streams with one retention and one forwarding.
package struct LogGroup: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let name: String

  /// Nil when the name is empty, longer than 512 bytes, or holds a character that CloudWatch
  /// refuses (anything but letters, digits and `_-/.#`).
  package init?(_ name: String) {
    guard !name.isEmpty, name.utf8.count <= Limits.nameBytesMax,
      name.utf8.allSatisfy(Self.isAllowed)
    else { return nil }
    self.name = name
  }

  /// A group from parts that may hold anything, such as container names: what is not allowed in a
  /// group name becomes `_`, and the whole is cut to 512 bytes.
  package init(sanitizing name: String) {
    let bytes = name.utf8.prefix(Limits.nameBytesMax).map { Self.isAllowed($0) ? $0 : 0x5F }
    self.name = bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2F, 0x2E, 0x23: true
    default: false
    }
  }

  package var description: String { name }
  package static func < (left: LogGroup, right: LogGroup) -> Bool { left.name < right.name }
}

/// A log stream's name: one writer within a group, such as a container or an attempt of a job.
package struct LogStream: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let name: String

  /// What CloudWatch refuses (`:`, `*`, control characters) becomes `_`; cut to 512 bytes.
  package init(sanitizing name: String) {
    let bytes = name.utf8.prefix(Limits.nameBytesMax).map {
      $0 == 0x3A || $0 == 0x2A || $0 < 0x20 || $0 == 0x7F ? 0x5F : $0
    }
    self.name = bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
  }

  package var description: String { name }
  package static func < (left: LogStream, right: LogStream) -> Bool { left.name < right.name }
}
