internal import CLinux
internal import Glibc
internal import Synchronization

/// A flag that is raised once, with a descriptor that becomes readable when it is.
///
/// Loops poll `isRaised` or put `descriptor` into their wait. Safe from any thread.
package final class StopSignal: Sendable {
  private let flag = Atomic<Bool>(false)
  private let event: Descriptor

  package init() throws(SyscallError) {
    let fd = clinux_eventfd()
    guard fd >= 0 else { throw .last("eventfd") }
    event = Descriptor(adopting: fd, path: "stop")
  }

  package var isRaised: Bool { flag.load(ordering: .acquiring) }

  /// Readable once the signal was raised, and for ever after.
  package var descriptor: Int32 { event.raw }

  package func raise() {
    guard !flag.exchange(true, ordering: .acquiringAndReleasing) else { return }
    clinux_eventfd_ring(event.raw)
  }

  /// Waits at most `nanoseconds`; true when the signal was raised.
  @discardableResult
  package func wait(nanoseconds: Int64) -> Bool {
    Poller.wait(readable: [event.raw], nanoseconds: nanoseconds)
    return isRaised
  }
}

/// A doorbell between threads: any number of rings wake the waiter once.
///
/// Safe from any thread.
package final class WakeSignal: Sendable {
  private let event: Descriptor

  package init() throws(SyscallError) {
    let fd = clinux_eventfd()
    guard fd >= 0 else { throw .last("eventfd") }
    event = Descriptor(adopting: fd, path: "wake")
  }

  package var descriptor: Int32 { event.raw }

  package func ring() { clinux_eventfd_ring(event.raw) }

  /// Takes back all rings so far.
  package func clear() {
    clinux_eventfd_clear(event.raw)
  }
}

/// poll(2) over a handful of descriptors.
package enum Poller {
  /// Waits until one descriptor is readable or the time is up; returns those that are.
  @discardableResult
  package static func wait(readable descriptors: [Int32], nanoseconds: Int64) -> [Int32] {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let milliseconds =
      nanoseconds < 0 ? -1 : Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
    let count = entries.count
    // Safety: poll writes only the revents of `count` entries.
    let ready = unsafe entries.withUnsafeMutableBufferPointer {
      unsafe poll($0.baseAddress, nfds_t(count), milliseconds)
    }
    guard ready > 0 else { return [] }
    return entries.filter { $0.revents != 0 }.map(\.fd)
  }
}
