package import LogModel
internal import Platform

/// Which containers run at this moment, for commands that only want to show it.
package enum RunningContainers {
  private static let waitNanoseconds: Int64 = 3_000_000_000

  /// The containers, by name; or why nobody knows.
  ///
  /// Asks the Engine, and reads the files below `root` when it does not answer. Takes seconds at
  /// most.
  package static func find(
    socket: String,
    root: String
  ) -> (containers: [ContainerMetadata]?, reason: String?) {
    var reason = "no answer from \(socket)"
    do throws(SyscallError) {
      let listed = try DockerAPI.containers(
        "/containers/json",
        at: socket,
        waiting: waitNanoseconds,
        until: try StopSignal()
      )
      if let listed { return (sorted(listed.map(\.metadata)), nil) }
    } catch {
      reason = "\(socket): \(error.reason)"
    }
    guard let facts = read(below: root + "/containers") else { return (nil, reason) }
    return (sorted(facts.filter(\.isRunning).map(\.metadata)), nil)
  }

  /// Nil when the folder cannot be read.
  private static func read(below directory: String) -> [ContainerFacts]? {
    // Silence is right: the caller says that nothing could tell.
    guard let names = try? FileSystem.list(directory) else { return nil }
    var found: [ContainerFacts] = []
    for name in names where ContainerFacts.isID(name) {
      // Silence is right: a container that goes away while it is looked at does not run.
      if let facts = try? ContainerFacts.read(directory: directory + "/" + name, id: name) {
        found.append(facts)
      }
    }
    return found
  }

  private static func sorted(_ containers: [ContainerMetadata]) -> [ContainerMetadata] {
    containers.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
  }
}
