package import LogModel
internal import Platform

/// A segment file held open for reading: stays readable after retention has unlinked it.
///
/// Safe from any thread; reads are positional.
final class SegmentFile: Sendable {
  let descriptor: Descriptor
  let path: String
  let codec: Codec

  init(path: String, codec: Codec) throws(StoreError) {
    do throws(SyscallError) {
      descriptor = try Descriptor(open: path, SegmentFile.openFlags)
    } catch {
      throw error.isNotFound ? .missing(path: path) : .io(error)
    }
    self.path = path
    self.codec = codec
  }

  private static let openFlags: Int32 = 0o400000  // O_RDONLY | O_NOFOLLOW
}

/// A sealed block in a segment, or a row of the tail: both are read the same way.
package struct BlockReference: Sendable {
  package let group: UInt32
  package let firstSequence: UInt64
  package let eventCount: Int
  package let rawBytes: Int
  /// Inclusive bounds of the events' times.
  package let minTimestamp: Timestamp
  package let maxTimestamp: Timestamp
  package let minIngestion: Timestamp
  package let maxIngestion: Timestamp
  let place: Place

  enum Place: Sendable {
    case segment(SegmentFile, offset: Int64, metadataBytes: Int, payloadBytes: Int)
    /// Metadata and payload, as a block has them, without framing.
    case tail([UInt8])
    /// The segment's file is gone or unreadable: reported when the block is read.
    case lost(StoreError)
  }

  package var endSequence: UInt64 { firstSequence + UInt64(eventCount) }

  package var isTail: Bool {
    if case .tail = place { true } else { false }
  }

  /// Bytes on disk.
  package var storedBytes: Int {
    switch place {
    case .segment(_, _, let metadataBytes, let payloadBytes): metadataBytes + payloadBytes
    case .tail(let image): image.count
    case .lost: 0
    }
  }

  /// Where the block is, for reports about damage.
  var location: (path: String, offset: Int64) {
    switch place {
    case .segment(let file, let offset, _, _): (file.path, offset)
    case .tail: ("catalog.sqlite, tail row", Int64(firstSequence))
    case .lost: ("", 0)
    }
  }
}

extension BlockReference {
  /// What a catalog row of this block would say.
  init(header: BlockHeader, place: Place) {
    self.init(
      group: header.group,
      firstSequence: header.firstSequence,
      eventCount: Int(header.eventCount),
      rawBytes: Int(header.rawBytes),
      minTimestamp: Timestamp(nanoseconds: header.minTimestamp),
      maxTimestamp: Timestamp(nanoseconds: header.maxTimestamp),
      minIngestion: Timestamp(nanoseconds: header.minIngestion),
      maxIngestion: Timestamp(nanoseconds: header.maxIngestion),
      place: place
    )
  }
}
