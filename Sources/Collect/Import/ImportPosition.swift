internal import Platform

/// How far an imported file has come, as it is stored with its events.
///
/// `head` is where decoding stands, `checksum` is over everything before it: the same file, or one
/// that has grown, is known by its content. Open lines begin at `out` and `err`, where decoding
/// starts again.
struct ImportPosition: Equatable {
  var head: Int64
  var checksum: UInt32
  var out: Int64?
  var err: Int64?

  private static let version: UInt8 = 1

  init(head: Int64, checksum: UInt32, out: Int64? = nil, err: Int64? = nil) {
    self.head = head
    self.checksum = checksum
    self.out = out
    self.err = err
  }

  /// Nil when the bytes are not a position of this version.
  init?(decoding bytes: Span<UInt8>) {
    var reader = ByteReader(to: bytes.count)
    guard reader.integer(UInt8.self, in: bytes) == Self.version,
      let head = reader.integer(Int64.self, in: bytes), head >= 0,
      let checksum = reader.integer(UInt32.self, in: bytes),
      let out = reader.integer(Int64.self, in: bytes), out >= -1, out <= head,
      let err = reader.integer(Int64.self, in: bytes), err >= -1, err <= head,
      reader.remaining == 0
    else { return nil }
    self.init(
      head: head,
      checksum: checksum,
      out: out < 0 ? nil : out,
      err: err < 0 ? nil : err
    )
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = [Self.version]
    bytes.append(littleEndian: head)
    bytes.append(littleEndian: checksum)
    bytes.append(littleEndian: out ?? -1)
    bytes.append(littleEndian: err ?? -1)
    return bytes
  }

  /// Where decoding starts again.
  var start: Int64 { min(head, out ?? head, err ?? head) }
}
