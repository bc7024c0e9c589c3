package import LogModel
package import Platform
internal import Synchronization

/// What the collector reads.
///
/// A nil path switches that kind of source off.
package struct CollectorOptions: Sendable, Equatable {
  /// Docker's data root, such as `/var/lib/docker`; it may appear later.
  package var dockerRoot: String?
  /// The Engine API's socket; it may be absent.
  package var dockerSocket: String?
  /// Where `exec` keeps the output of commands until it is committed.
  package var spoolDirectory: String?
  /// Where `import` leaves batches for the owner of the store.
  package var importsDirectory: String?
  package var eventBytesMax: Int

  package init(
    dockerRoot: String? = nil,
    dockerSocket: String? = nil,
    spoolDirectory: String? = nil,
    importsDirectory: String? = nil,
    eventBytesMax: Int = Limits.eventBytesMax
  ) {
    self.dockerRoot = dockerRoot
    self.dockerSocket = dockerSocket
    self.spoolDirectory = spoolDirectory
    self.importsDirectory = importsDirectory
    self.eventBytesMax = eventBytesMax
  }
}

/// Collects the output of all containers and commands into the sink: one thread, one loop.
///
/// `run` blocks the thread that calls it until it is stopped or the sink closes; everything else is
/// safe from any thread.
package final class Collector: Sendable {
  package typealias Resolver = @Sendable (ContainerMetadata) -> Placement

  private let options: CollectorOptions
  private let sink: any EventSink
  private let metrics: Metrics
  private let clock: any Clock
  private let notify: @Sendable (CollectNotice) -> Void
  private let wake: WakeSignal
  private let resolver: Mutex<(current: Resolver, isNew: Bool)>
  private let latest = Mutex(CollectorStatus())

  package init(
    options: CollectorOptions,
    sink: any EventSink,
    metrics: Metrics,
    clock: any Clock = SystemClock(),
    notify: @escaping @Sendable (CollectNotice) -> Void,
    placement: @escaping Resolver
  ) throws(SyscallError) {
    self.options = options
    self.sink = sink
    self.metrics = metrics
    self.clock = clock
    self.notify = notify
    wake = try WakeSignal()
    resolver = Mutex((placement, false))
  }

  /// Names containers anew.
  ///
  /// Unchanged ones are not touched; one whose place changes goes on there from its current offset.
  package func reload(placement: @escaping Resolver) {
    resolver.withLock { $0 = (placement, true) }
    wake.ring()
  }

  package var status: CollectorStatus { latest.withLock { $0 } }

  /// Collects until stopped, then hands over what was gathered.
  package func run(until stop: StopSignal) {
    ProcessLimits.raiseOpenFiles()
    let context = CollectContext(
      sink: sink,
      metrics: metrics,
      clock: clock,
      eventBytesMax: options.eventBytesMax,
      notify: notify
    )
    let hub = WatchHub(notify: notify)
    var api: DockerAPI?
    var apiThread: OSThread?
    var apiStop: StopSignal?
    if let socket = options.dockerSocket, options.dockerRoot != nil {
      let listener = DockerAPI(socketPath: socket, wake: wake, metrics: metrics)
      api = listener
      do throws(SyscallError) {
        // Its own signal: the loop also ends when the sink closes.
        let ended = try StopSignal()
        apiThread = try OSThread(name: "docker-api") { listener.run(until: ended) }
        apiStop = ended
      } catch {
        notify(CollectNotice(.warning, "no thread for the Docker API: \(error)"))
      }
    }
    let docker = options.dockerRoot.map {
      DockerSources(
        root: $0,
        hub: hub,
        context: context,
        placement: resolver.withLock { $0.current }
      )
    }
    let spools = options.spoolDirectory.map { SpoolSources(root: $0, hub: hub, context: context) }
    let imports = options.importsDirectory.map {
      ImportSources(root: $0, hub: hub, context: context)
    }
    let loop = CollectLoop(
      context: context,
      hub: hub,
      docker: docker,
      spools: spools,
      imports: imports,
      api: api,
      wake: wake
    )
    loop.run(
      until: stop,
      placement: {
        self.resolver.withLock { slot in
          defer { slot.isNew = false }
          return slot.isNew ? slot.current : nil
        }
      },
      publish: { status in self.latest.withLock { $0 = status } }
    )
    apiStop?.raise()
    apiThread?.join()
  }
}
