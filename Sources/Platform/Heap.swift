internal import CLinux

/// How the C heap treats the megabyte buffers that batches and blocks are made of.
package enum Heap {
  /// To be called once, before threads start: freed batches are reused instead of going back to the
  /// kernel, whose zeroing of fresh pages was a third of the system time of ingestion (1.6 s of
  /// 4.6).
  package static func tune() { clinux_tune_heap() }

  /// Gives what a burst has left behind back to the kernel.
  package static func trim() { clinux_trim_heap() }
}
