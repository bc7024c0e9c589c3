internal import Glibc

/// A blocking hand-over of noncopyable elements between threads, bounded by weight.
///
/// `push` waits while the queue holds `capacity` or more (back-pressure: the caller stops reading
/// its source), so the queue exceeds its bound by one element at most. Order is kept.
// The lock guards `items`, `weight` and `isClosed`; the condition variables belong to that lock.
@safe
package final class BoundedQueue<Element: ~Copyable & Sendable>: @unchecked Sendable {
  private struct Node: ~Copyable {
    var element: Element
    let weight: Int
  }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let notEmpty: UnsafeMutablePointer<pthread_cond_t>
  private let notFull: UnsafeMutablePointer<pthread_cond_t>
  private var slots: UnsafeMutablePointer<Node>
  private var slotCount = 64
  private var head = 0
  private var count = 0
  private var weight = 0
  private var pushed: UInt64 = 0
  private var isClosed = false
  private let capacity: Int

  /// `capacity` is in the unit of the weights that are pushed, bytes as a rule.
  package init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
    // Safety: the three objects are initialised here, never move, and are destroyed in deinit.
    unsafe mutex = .allocate(capacity: 1)
    unsafe notEmpty = .allocate(capacity: 1)
    unsafe notFull = .allocate(capacity: 1)
    unsafe slots = .allocate(capacity: 64)
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(notEmpty, &attributes)
    unsafe pthread_cond_init(notFull, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    for index in 0..<count { unsafe (slots + (head + index) % slotCount).deinitialize(count: 1) }
    unsafe slots.deallocate()
    unsafe pthread_cond_destroy(notFull)
    unsafe pthread_cond_destroy(notEmpty)
    unsafe pthread_mutex_destroy(mutex)
    unsafe notFull.deallocate()
    unsafe notEmpty.deallocate()
    unsafe mutex.deallocate()
  }

  /// Waits for room, then hands over; returns the element's number, counting pushes from 1.
  ///
  /// Nil when the queue was closed, and the element is dropped.
  @discardableResult
  package func push(_ element: consuming sending Element, weight: Int = 1) -> UInt64? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while self.weight >= capacity && !isClosed { unsafe pthread_cond_wait(notFull, mutex) }
    if isClosed { return nil }
    append(Node(element: element, weight: weight))
    return pushed
  }

  /// Hands over without waiting, whatever the queue holds: for rare control messages.
  @discardableResult
  package func pushNow(_ element: consuming sending Element, weight: Int = 0) -> UInt64? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    if isClosed { return nil }
    append(Node(element: element, weight: weight))
    return pushed
  }

  /// The oldest element; nil when none came within `nanoseconds` or the queue is closed and empty.
  package func pop(waiting nanoseconds: Int64) -> sending Element? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    if count == 0 && !isClosed && nanoseconds > 0 {
      var deadline = timespec()
      unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
      let total = Int64(deadline.tv_nsec) + nanoseconds
      deadline.tv_sec += Int(total / 1_000_000_000)
      deadline.tv_nsec = Int(total % 1_000_000_000)
      while count == 0 && !isClosed {
        if unsafe pthread_cond_timedwait(notEmpty, mutex, &deadline) == ETIMEDOUT { break }
      }
    }
    guard count > 0 else { return nil }
    let node = unsafe (slots + head).move()
    head = (head + 1) % slotCount
    count -= 1
    weight -= node.weight
    unsafe pthread_cond_broadcast(notFull)
    return Self.unwrap(node)
  }

  /// No more pushes; what is queued can still be popped.
  package func close() {
    unsafe pthread_mutex_lock(mutex)
    isClosed = true
    unsafe pthread_cond_broadcast(notEmpty)
    unsafe pthread_cond_broadcast(notFull)
    unsafe pthread_mutex_unlock(mutex)
  }

  /// Closed, and nothing left to pop.
  package var isDrained: Bool {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return isClosed && count == 0
  }

  /// The weight that waits now.
  package var waitingWeight: Int {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return weight
  }

  // Safety: an element enters by `sending` and leaves the queue's storage for good, so no other
  // reference to its region exists in this class.
  private static func unwrap(_ node: consuming Node) -> sending Element {
    node.element
  }

  private func append(_ node: consuming Node) {
    if count == slotCount { grow() }
    let slot = unsafe slots + (head + count) % slotCount
    weight += node.weight
    unsafe slot.initialize(to: node)
    count += 1
    pushed += 1
    unsafe pthread_cond_signal(notEmpty)
  }

  private func grow() {
    let larger = UnsafeMutablePointer<Node>.allocate(capacity: slotCount * 2)
    for index in 0..<count {
      unsafe (larger + index).moveInitialize(from: slots + (head + index) % slotCount, count: 1)
    }
    unsafe slots.deallocate()
    unsafe slots = larger
    slotCount *= 2
    head = 0
  }
}
