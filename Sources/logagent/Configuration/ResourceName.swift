internal import LogModel

/// How names of resources are compared and put into names of log groups and streams.
enum ResourceName {
  /// The container of a service that has only one.
  static let defaultContainer = "service-container"

  /// What is compared when case and `-`, `_`, `.` do not count.
  ///
  /// So `nightly-report` is `nightlyReport`.
  static func simplified(_ name: String) -> String {
    String(name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != "." })
  }

  static func isSame(_ left: String, _ right: String) -> Bool {
    simplified(left) == simplified(right)
  }

  /// One part of a group's name: whoever names a container must not be able to write into the group
  /// of another by a slash.
  static func component(_ text: String) -> String {
    let bytes = text.utf8.prefix(Limits.configuredNameBytesMax).map { byte -> UInt8 in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E, 0x23: byte
      default: 0x5F
      }
    }
    return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
  }

  static func batchGroup(stack: String, resource: String) -> LogGroup {
    LogGroup(sanitizing: "/stp/\(component(stack))/batch/\(component(resource))/process-logs")
  }

  static func containerGroup(stack: String, resource: String, container: String) -> LogGroup {
    LogGroup(
      sanitizing:
        "/stp/\(component(stack))/ecs/\(component(resource))/\(component(container))/process-logs"
    )
  }

  /// Without a stack all containers of a resource share a group: `/docker/{a}/{b}` is left to the
  /// containers that belong to no resource, so that no group can be taken for another's.
  static func plainGroup(resource: String) -> LogGroup {
    LogGroup(sanitizing: "/docker/\(component(resource))")
  }

  static func unmatchedGroup(project: String?, service: String) -> LogGroup {
    LogGroup(sanitizing: "/docker/\(component(project ?? "default"))/\(component(service))")
  }

  static func execGroup(resource: String) -> LogGroup {
    LogGroup(sanitizing: "/exec/\(component(resource))")
  }

  static func importGroup(resource: String) -> LogGroup {
    LogGroup(sanitizing: "/import/\(component(resource))")
  }
}

/// What the name of a log group says about whose it is.
struct GroupParts: Equatable {
  var stack: String?
  /// The Compose project of an unmatched container.
  var project: String?
  var resource: String
  var container: String?

  /// Nil for a group that was not named by the rules of `ResourceName`.
  init?(_ group: String) {
    guard group.hasPrefix("/") else { return nil }
    let parts = group.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      .map(String.init)
    switch (parts.first, parts.count) {
    case ("stp", 5) where parts[2] == "batch":
      (stack, resource) = (parts[1], parts[3])
    case ("stp", 6) where parts[2] == "ecs":
      (stack, resource, container) = (parts[1], parts[3], parts[4])
    case ("docker", 2), ("exec", 2), ("import", 2):
      resource = parts[1]
    case ("docker", 3):
      (project, resource) = (parts[1], parts[2])
    default: return nil
    }
  }

  /// What a person would type for it: `api`, `shop/redis`, `site/nginx`.
  var shown: String {
    if let project { return "\(project)/\(resource)" }
    guard let container, container != ResourceName.defaultContainer else { return resource }
    return "\(resource)/\(container)"
  }
}
