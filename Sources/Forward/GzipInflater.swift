internal import CZlib
internal import Platform

/// Unpacks single gzip members with a hard stop: a bomb costs its limit and no more.
@safe
package final class GzipInflater {
  private let stream: UnsafeMutablePointer<z_stream>

  package init() {
    // Safety: the stream is zeroed before zlib sees it, never moves, and is ended in deinit.
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let outcome = unsafe czlib_inflateInit2(stream, 31)
    precondition(outcome == Z_OK, "out of memory")
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// The member's text.
  ///
  /// Nil when the bytes are not exactly one whole member, or unpack to more than `limit`.
  package func inflate(_ bytes: Span<UInt8>, limit: Int) -> [UInt8]? {
    unsafe inflateReset(stream)
    var output: [UInt8] = []
    var outcome = Z_OK
    // Safety: the input is borrowed through the whole loop; zlib writes at most avail_out bytes
    // into the spare capacity that each turn asks for, and keeps no pointer after the last call.
    return unsafe bytes.withUnsafeBufferPointer { input -> [UInt8]? in
      unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      unsafe stream.pointee.avail_in = UInt32(clamping: input.count)
      while outcome == Z_OK {
        let room = min(262_144, limit + 1 - output.count)
        guard room > 0 else { return nil }
        output.append(addingCapacity: room) { spare in
          unsafe spare.withUnsafeMutableBufferPointer { buffer, initialized in
            guard let base = buffer.baseAddress else { return }
            unsafe stream.pointee.next_out = base + initialized
            unsafe stream.pointee.avail_out = UInt32(room)
            outcome = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            initialized += room - Int(unsafe stream.pointee.avail_out)
          }
        }
        if output.count > limit { return nil }
      }
      let isWhole = outcome == Z_STREAM_END && (unsafe stream.pointee.avail_in) == 0
      return isWhole ? output : nil
    }
  }
}
