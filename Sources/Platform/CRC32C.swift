internal import CLinux

/// CRC-32C (Castagnoli): the check value of "123456789" is 0xE3069283.
package enum CRC32C {
  package static func checksum(_ bytes: Span<UInt8>, continuing crc: UInt32 = 0) -> UInt32 {
    // Safety: the call reads exactly the bytes of the span.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return crc }
      return unsafe clinux_crc32c(crc, base, buffer.count)
    }
  }
}
