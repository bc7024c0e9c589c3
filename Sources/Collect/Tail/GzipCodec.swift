internal import CZlib
internal import Platform

/// Inflates a gzip file that is read forward, with a window that can be read again.
///
/// The reader asks by offset in the inflated text and may ask again for what it did not use up (a
/// record cut by the end of a read). Adapter to zlib: used by one thread.
@safe
final class GzipCodec {
  enum Failure: Error {
    case damaged
  }

  private let stream: UnsafeMutablePointer<z_stream>
  private var compressed: [UInt8] = []
  private var compressedAt = 0
  private var fileOffset: Int64 = 0
  private var window: [UInt8] = []
  private var windowStart: Int64 = 0
  private var isFinished = false
  private var isBetweenMembers = true
  private(set) var isDamaged = false

  init() throws(Failure) {
    // Safety: the stream is zeroed before zlib sees it and never moves; `deinit` ends it.
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe czlib_inflateInit2(stream, 15 + 16) == Z_OK else {
      unsafe stream.deallocate()
      throw .damaged
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Appends inflated bytes from `offset` on, at most `count`; none at the end of the text.
  ///
  /// Damaged data ends the text where the damage is, and sets `isDamaged`.
  func read(
    _ file: borrowing Descriptor,
    into bytes: inout [UInt8],
    atMost count: Int,
    at offset: Int64
  ) {
    if offset < windowStart { restart() }
    while !isFinished, windowStart + Int64(window.count) < offset + Int64(count) {
      if offset > windowStart {
        let drop = min(Int(offset - windowStart), window.count)
        window.removeFirst(drop)
        windowStart += Int64(drop)
      }
      do throws(Failure) { try inflateMore(file) } catch {
        isDamaged = true
        isFinished = true
      }
    }
    let skip = Int(min(offset - windowStart, Int64(window.count)))
    let end = min(skip + count, window.count)
    bytes.append(contentsOf: window[skip..<end])
  }

  private func restart() {
    unsafe inflateReset(stream)
    compressed.removeAll(keepingCapacity: true)
    compressedAt = 0
    fileOffset = 0
    window.removeAll(keepingCapacity: true)
    windowStart = 0
    isFinished = false
    isDamaged = false
    isBetweenMembers = true
  }

  /// Adds up to 64 KiB of text to the window.
  private func inflateMore(_ file: borrowing Descriptor) throws(Failure) {
    if compressedAt == compressed.count {
      compressed.removeAll(keepingCapacity: true)
      compressedAt = 0
      var got = 0
      do throws(SyscallError) {
        got = try file.read(into: &compressed, atMost: 65_536, at: fileOffset)
      } catch {
        throw .damaged
      }
      fileOffset += Int64(got)
      if got == 0 {
        isFinished = true
        if !isBetweenMembers { throw .damaged }
        return
      }
    }
    isBetweenMembers = false
    var code = Z_OK
    var used = 0
    let input = compressed
    let start = compressedAt
    window.append(addingCapacity: 65_536) { output in
      // Safety: zlib reads at most the input's rest and writes at most 65,536 bytes of spare
      // capacity; it keeps neither pointer, since both are cleared after the call.
      unsafe output.withUnsafeMutableBufferPointer { target, initialized in
        unsafe input.withUnsafeBufferPointer { source in
          guard let from = source.baseAddress, let to = target.baseAddress else { return }
          unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: from + start)
          unsafe stream.pointee.avail_in = UInt32(source.count - start)
          unsafe stream.pointee.next_out = to + initialized
          unsafe stream.pointee.avail_out = 65_536
          code = unsafe inflate(stream, Z_NO_FLUSH)
          used = unsafe source.count - start - Int(stream.pointee.avail_in)
          unsafe initialized += 65_536 - Int(stream.pointee.avail_out)
          unsafe stream.pointee.next_in = nil
          unsafe stream.pointee.next_out = nil
        }
      }
    }
    compressedAt += used
    if code == Z_STREAM_END {
      // Another member may follow; it continues the text.
      isBetweenMembers = true
      unsafe inflateReset(stream)
    } else if code != Z_OK && code != Z_BUF_ERROR {
      isFinished = true
      throw .damaged
    }
  }
}
