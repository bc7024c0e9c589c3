internal import CZstd
internal import Platform

/// One reusable zstd compression context, level 1.
@safe
struct ZstdCompressor: ~Copyable {
  private let context: OpaquePointer

  init() {
    guard let created = unsafe ZSTD_createCCtx() else { preconditionFailure("out of memory") }
    unsafe context = created
    let outcome = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
    precondition(ZSTD_isError(outcome) == 0)
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Appends one frame with its content size.
  func compress(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
    let bound = ZSTD_compressBound(bytes.count)
    output.append(addingCapacity: bound) { spare in
      // Safety: ZSTD_compress2 writes at most `bound` bytes into that much spare capacity.
      unsafe spare.withUnsafeMutableBufferPointer { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        let wrote = unsafe bytes.withUnsafeBufferPointer { input in
          unsafe ZSTD_compress2(
            context,
            base + initialized,
            bound,
            input.baseAddress,
            input.count
          )
        }
        // Fails only for a too small output or a broken context: both are our own bugs.
        precondition(ZSTD_isError(wrote) == 0)
        initialized += wrote
      }
    }
  }
}

/// One reusable zstd decompression context.
@safe
struct ZstdDecompressor: ~Copyable {
  private let context: OpaquePointer

  init() {
    guard let created = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    unsafe context = created
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  func decompress(_ bytes: Span<UInt8>, count: Int, into output: inout [UInt8]) -> Bool {
    var succeeded = false
    output.append(addingCapacity: count) { spare in
      // Safety: at most `count` bytes are written; the frame is refused when it holds anything
      // else.
      unsafe spare.withUnsafeMutableBufferPointer { buffer, initialized in
        let base = unsafe buffer.baseAddress.map { unsafe $0 + initialized }
        let got = unsafe bytes.withUnsafeBufferPointer { input in
          unsafe ZSTD_decompressDCtx(context, base, count, input.baseAddress, input.count)
        }
        succeeded = ZSTD_isError(got) == 0 && got == count
        if succeeded { initialized += count }
      }
    }
    return succeeded
  }
}
