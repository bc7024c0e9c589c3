internal import Platform

/// How far a chain of files has been read, as it is stored with the events.
///
/// Files are known by the hash of their first record, never by inode: ext4 hands the same two or
/// three inode numbers round at every rotation. Two streams share a file, so an open line of one
/// stream does not hold the other back: `head` is how far records were decoded, and each open line
/// adds the place where it began; on resume, records in between are read for that stream only.
struct TailPosition: Equatable {
  /// A place in one of `files`, by index.
  struct Place: Equatable {
    var file: Int
    var offset: Int64
  }

  /// First-record hashes, oldest first; the last one is the file that `head` lies in.
  var files: [UInt64]
  var head: Int64
  /// Hash of the bytes before `head`, at most `CaptureLimits.tailBytes`.
  var tail: UInt64
  var lastTime: Int64?
  /// Where the open line of a stream began.
  var out: Place?
  var err: Place?

  private static let version: UInt8 = 1

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = [Self.version]
    let flags: UInt8 =
      (lastTime == nil ? 0 : 1) | (out == nil ? 0 : 2) | (err == nil ? 0 : 4)
    bytes.append(flags)
    if let lastTime { bytes.append(littleEndian: lastTime) }
    bytes.append(varint: UInt64(files.count))
    for file in files { bytes.append(littleEndian: file) }
    bytes.append(varint: UInt64(head))
    bytes.append(littleEndian: tail)
    for place in [out, err] {
      guard let place else { continue }
      bytes.append(varint: UInt64(place.file))
      bytes.append(varint: UInt64(place.offset))
    }
    bytes.append(littleEndian: CRC32C.checksum(bytes.span))
    return bytes
  }

  /// Nil when the bytes are not a position of this version: the source then starts anew.
  init?(decoding bytes: Span<UInt8>) {
    guard bytes.count > 10 else { return nil }
    var reader = ByteReader(to: bytes.count - 4)
    var trailer = ByteReader(from: bytes.count - 4, to: bytes.count)
    guard
      trailer.integer(UInt32.self, in: bytes)
        == CRC32C.checksum(bytes.extracting(0..<(bytes.count - 4))),
      reader.integer(UInt8.self, in: bytes) == Self.version,
      let flags = reader.integer(UInt8.self, in: bytes), flags < 8
    else { return nil }
    lastTime = nil
    if flags & 1 != 0 {
      guard let time = reader.integer(Int64.self, in: bytes) else { return nil }
      lastTime = time
    }
    guard let count = reader.varint(in: bytes), count > 0,
      count <= UInt64(CaptureLimits.historyMax + 1)
    else { return nil }
    files = []
    for _ in 0..<count {
      guard let file = reader.integer(UInt64.self, in: bytes) else { return nil }
      files.append(file)
    }
    guard let head = Self.offset(&reader, bytes), let tail = reader.integer(UInt64.self, in: bytes)
    else { return nil }
    self.head = head
    self.tail = tail
    out = nil
    err = nil
    for bit in [2, 4] as [UInt8] where flags & bit != 0 {
      guard let file = reader.varint(in: bytes), file < count,
        let offset = Self.offset(&reader, bytes)
      else { return nil }
      if bit == 2 {
        out = Place(file: Int(file), offset: offset)
      } else {
        err = Place(file: Int(file), offset: offset)
      }
    }
    guard reader.remaining == 0 else { return nil }
  }

  init(
    files: [UInt64],
    head: Int64,
    tail: UInt64,
    lastTime: Int64?,
    out: Place? = nil,
    err: Place? = nil
  ) {
    precondition(!files.isEmpty && files.count <= CaptureLimits.historyMax + 1 && head >= 0)
    self.files = files
    self.head = head
    self.tail = tail
    self.lastTime = lastTime
    self.out = out
    self.err = err
  }

  private static func offset(_ reader: inout ByteReader, _ bytes: Span<UInt8>) -> Int64? {
    guard let value = reader.varint(in: bytes), value <= UInt64(Int64.max) else { return nil }
    return Int64(value)
  }

  /// Where decoding has to begin again: the earliest open line, or the head.
  var start: Place {
    var place = Place(file: files.count - 1, offset: head)
    for other in [out, err] {
      guard let other else { continue }
      if (other.file, other.offset) < (place.file, place.offset) { place = other }
    }
    return place
  }
}
