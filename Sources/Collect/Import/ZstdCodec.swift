internal import CZstd
internal import Platform

/// Unpacks a .zst file that is read forward, with a window that can be read again.
///
/// Asked by offset in the text, as `GzipCodec` is; frames follow one another, skippable ones are
/// skipped. Adapter to zstd: used by one thread.
@safe
final class ZstdCodec {
  enum Failure: Error {
    case outOfMemory
    case damaged
  }

  /// 128 MiB, as zstd's own tool takes by default: what needs more is refused.
  private static let windowLogMax: Int32 = 27
  private static let chunkBytes = 131_072

  private let context: OpaquePointer
  private var packed: [UInt8] = []
  private var packedAt = 0
  private var fileOffset: Int64 = 0
  private var window: [UInt8] = []
  private var windowStart: Int64 = 0
  private var isFinished = false
  private var isBetweenFrames = true
  private(set) var isDamaged = false

  init() throws(Failure) {
    // Safety: the context is this object's alone, and freed once, in `deinit`.
    guard let created = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
    unsafe context = created
    _ = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  /// Appends text from `offset` on, at most `count` bytes; none at its end.
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
      do throws(Failure) { try unpackMore(file) } catch {
        isDamaged = true
        isFinished = true
      }
    }
    let skip = Int(min(offset - windowStart, Int64(window.count)))
    bytes.append(contentsOf: window[skip..<min(skip + count, window.count)])
  }

  private func restart() {
    _ = unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    packed.removeAll(keepingCapacity: true)
    packedAt = 0
    fileOffset = 0
    window.removeAll(keepingCapacity: true)
    windowStart = 0
    isFinished = false
    isBetweenFrames = true
    isDamaged = false
  }

  /// Adds up to 128 KiB of text to the window.
  private func unpackMore(_ file: borrowing Descriptor) throws(Failure) {
    if packedAt == packed.count {
      packed.removeAll(keepingCapacity: true)
      packedAt = 0
      var got = 0
      do throws(SyscallError) {
        got = try file.read(into: &packed, atMost: 65_536, at: fileOffset)
      } catch {
        throw .damaged
      }
      fileOffset += Int64(got)
      if got == 0 {
        isFinished = true
        if !isBetweenFrames { throw .damaged }
        return
      }
    }
    var left = 0
    let source = packed
    var used = packedAt
    window.append(addingCapacity: Self.chunkBytes) { output in
      // Safety: zstd reads at most the input's rest and writes at most the spare capacity that was
      // asked for; it keeps neither pointer after the call.
      unsafe output.withUnsafeMutableBufferPointer { target, initialized in
        unsafe source.withUnsafeBufferPointer { input in
          guard let to = target.baseAddress else { return }
          var from = unsafe ZSTD_inBuffer(
            src: UnsafeRawPointer(input.baseAddress),
            size: input.count,
            pos: used
          )
          var into = unsafe ZSTD_outBuffer(dst: to + initialized, size: Self.chunkBytes, pos: 0)
          left = unsafe ZSTD_decompressStream(context, &into, &from)
          used = unsafe from.pos
          initialized += unsafe into.pos
        }
      }
    }
    packedAt = used
    if ZSTD_isError(left) != 0 { throw .damaged }
    isBetweenFrames = left == 0
  }
}
