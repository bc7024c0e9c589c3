/// The collector as `status` shows it; a copy that is a second old at most, five with over 100
/// containers.
package struct CollectorStatus: Sendable, Equatable {
  /// One container.
  package struct Container: Sendable, Equatable {
    package var id: String
    package var name: String
    /// Where its events go; empty while that is not decided, or when it is disabled or unsupported.
    package var group: String
    package var stream: String
    package var state: State
    package var isRunning: Bool
    /// Log text that is on disk and not read.
    package var lagBytes: Int64
    /// Events handed to the store in this life of the agent.
    package var events: Int
    package var logDriver: String
  }

  /// What happens with a container's output.
  package enum State: String, Sendable {
    case collected
    /// `logging.disabled`.
    case disabled
    /// Its log driver leaves no file.
    case unsupported
    /// Not started, or its metadata is not known yet.
    case waiting
  }

  /// One command under `exec`.
  package struct Run: Sendable, Equatable {
    package var id: String
    package var group: String
    package var lagBytes: Int64
    package var events: Int
  }

  package var containers: [Container] = []
  /// Commands under `exec` whose output is being collected.
  package var runs: [Run] = []
  /// The containers' directory can be listed.
  package var isDockerRootReadable = false
  /// `connected`, `unavailable: reason`, or `not used`.
  package var dockerAPI = "not used"
  package var usesInotify = false
  /// How often the kernel dropped directory events; each was followed by a full look.
  package var inotifyOverflows = 0

  package init() {}

  /// Containers whose output cannot be collected.
  package var unsupported: [Container] { containers.filter { $0.state == .unsupported } }
}
