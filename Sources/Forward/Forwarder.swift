package import LogModel
package import Platform
package import Store
internal import Synchronization

/// Delivers committed events to HTTP destinations, at least once and in order, each lane by itself.
///
/// Thread "forward": reads the store with a connection of its own, keeps all cursors in the store,
/// sends everything through one libcurl multi handle. Lanes come from the groups that exist and
/// from what `destinations` says of them.
package final class Forwarder: Sendable {
  private let store: Store
  private let options: ForwardOptions
  private let clock: any Clock
  private let metrics: Metrics
  private let destinations: Mutex<@Sendable (LogGroup) -> [Destination]>
  private let generation = Atomic<Int>(0)
  private let lanes = Mutex<[LaneStatus]>([])
  private let notify: @Sendable (String) -> Void

  /// `notify` gets one line for the operator when a lane's state changes; never a message or
  /// secret.
  package init(
    store: Store,
    options: ForwardOptions,
    clock: any Clock,
    metrics: Metrics,
    destinations: @escaping @Sendable (LogGroup) -> [Destination],
    notify: @escaping @Sendable (String) -> Void
  ) {
    self.store = store
    self.options = options
    self.clock = clock
    self.metrics = metrics
    self.destinations = Mutex(destinations)
    self.notify = notify
  }

  /// Takes new destinations over; lanes that stay keep their cursor and their request in flight.
  package func replace(_ destinations: @escaping @Sendable (LogGroup) -> [Destination]) {
    self.destinations.withLock { $0 = destinations }
    generation.wrappingAdd(1, ordering: .releasing)
  }

  package var status: [LaneStatus] { lanes.withLock { $0 } }

  /// Runs until the signal is raised, then drains: one last attempt for every lane that has
  /// anything to send, within `drainNanoseconds`.
  ///
  /// What is not delivered stays in the store.
  package func run(until stop: StopSignal) {
    let loop: ForwardLoop
    do throws(StoreError) {
      loop = try ForwardLoop(
        store: store,
        options: options,
        clock: clock,
        metrics: metrics,
        notify: notify
      )
    } catch {
      notify("forwarding cannot start: \(error)")
      return
    }
    var known = -1
    while true {
      let current = generation.load(ordering: .acquiring)
      if current != known {
        known = current
        loop.destinations = destinations.withLock { $0 }
        loop.mustRefresh = true
      }
      if stop.isRaised, !loop.isDraining { loop.beginDraining() }
      if loop.isDraining, loop.isDrained { break }
      loop.turn(stop: stop.descriptor)
      let status = loop.status()
      lanes.withLock { $0 = status }
    }
    loop.end()
  }
}
