internal import Glibc
internal import CLinux
internal import Synchronization

/// Wall and monotonic time.
///
/// The only place below `logagent` that asks the system for either.
package protocol Clock: Sendable {
  /// Nanoseconds since the epoch.
  func now() -> Int64
  /// Nanoseconds of a clock that only goes forward.
  func monotonic() -> Int64
}

/// The machine's clocks.
package struct SystemClock: Clock {
  package init() {}

  package func now() -> Int64 { read(CLOCK_REALTIME) }
  package func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

  private func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // Safety: the call fills the struct that it is given.
    _ = unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// The time that the calling thread has spent on a processor.
///
/// What bounds a computation must not count the time in which others ran.
package enum ThreadClock {
  package static func nanoseconds() -> Int64 {
    var time = timespec()
    // Safety: the call fills the struct that it is given.
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// A clock that moves only when told to, for tests.
///
/// Safe from any thread.
package final class ManualClock: Clock {
  private let wall: Mutex<Int64>
  private let steady: Mutex<Int64>

  package init(now: Int64 = 1_800_000_000_000_000_000) {
    wall = Mutex(now)
    steady = Mutex(0)
  }

  package func now() -> Int64 { wall.withLock { $0 } }
  package func monotonic() -> Int64 { steady.withLock { $0 } }

  /// Lets time pass: both clocks move.
  package func advance(seconds: Double) {
    let step = Int64(seconds * 1_000_000_000)
    wall.withLock { $0 += step }
    steady.withLock { $0 += step }
  }

  /// A clock step: only the wall clock moves.
  package func step(seconds: Double) {
    wall.withLock { $0 += Int64(seconds * 1_000_000_000) }
  }
}

/// Random bytes and identifiers from the kernel.
package enum Entropy {
  package static func word() -> UInt64 {
    var value: UInt64 = 0
    // Safety: eight bytes are written into an eight-byte integer.
    let code = unsafe withUnsafeMutableBytes(of: &value) {
      unsafe clinux_random($0.baseAddress, $0.count)
    }
    precondition(code == 0, "getrandom failed")
    return value
  }

  /// A version 4 UUID in lower case, 8-4-4-4-12.
  package static func uuid() -> String { uuid(word(), word()) }

  package static func uuid(_ high: UInt64, _ low: UInt64) -> String {
    let a = (high & 0xffff_ffff_ffff_0fff) | 0x4000
    let b = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
    let digits = hex(a) + hex(b)
    var text = ""
    for (index, character) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text.append("-") }
      text.append(character)
    }
    return text
  }

  /// Sixteen lower-case hexadecimal digits.
  package static func hex(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
