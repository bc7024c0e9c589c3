internal import CZlib
internal import Platform

/// One reusable deflate stream that writes gzip members, level 1.
@safe
struct GzipCompressor: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>

  init() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 31: a gzip wrapper around the full 32 KiB window.
    let outcome = unsafe czlib_deflateInit2(stream, 1, 31, 8)
    precondition(outcome == Z_OK, "out of memory")
  }

  deinit {
    unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  func compress(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
    unsafe deflateReset(stream)
    let bound = Int(unsafe deflateBound(stream, UInt(bytes.count)))
    output.append(addingCapacity: bound) { spare in
      // Safety: deflateBound is enough for one call with Z_FINISH; zlib stays within avail_out.
      unsafe spare.withUnsafeMutableBufferPointer { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        unsafe bytes.withUnsafeBufferPointer { input in
          unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
          unsafe stream.pointee.avail_in = UInt32(input.count)
          unsafe stream.pointee.next_out = base + initialized
          unsafe stream.pointee.avail_out = UInt32(bound)
          let outcome = unsafe deflate(stream, Z_FINISH)
          precondition(outcome == Z_STREAM_END)
        }
        initialized += bound - Int(unsafe stream.pointee.avail_out)
      }
    }
  }
}

/// One reusable inflate stream that reads a single gzip member.
@safe
struct GzipDecompressor: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>

  init() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let outcome = unsafe czlib_inflateInit2(stream, 31)
    precondition(outcome == Z_OK, "out of memory")
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  func decompress(_ bytes: Span<UInt8>, count: Int, into output: inout [UInt8]) -> Bool {
    unsafe inflateReset(stream)
    var succeeded = false
    // One byte more than promised, so that a member holding more is noticed; also for empty ones.
    output.append(addingCapacity: count + 1) { spare in
      // Safety: zlib stays within avail_out, which is the spare capacity asked for.
      unsafe spare.withUnsafeMutableBufferPointer { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        unsafe bytes.withUnsafeBufferPointer { input in
          unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
          unsafe stream.pointee.avail_in = UInt32(input.count)
          unsafe stream.pointee.next_out = base + initialized
          unsafe stream.pointee.avail_out = UInt32(count + 1)
          let outcome = unsafe inflate(stream, Z_FINISH)
          let left = Int(unsafe stream.pointee.avail_out)
          succeeded =
            outcome == Z_STREAM_END && left == 1 && (unsafe stream.pointee.avail_in) == 0
        }
        if succeeded { initialized += count }
      }
    }
    return succeeded
  }
}
