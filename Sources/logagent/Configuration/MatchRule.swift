internal import LogModel

extension MatchRule {
  /// Everything that the rule names fits; of a list, any one.
  func fits(_ container: ContainerMetadata) -> Bool {
    if !labels.isEmpty, !labels.contains(where: { Self.fits($0, container.labels) }) {
      return false
    }
    if !names.isEmpty, !names.contains(where: { $0.matches(container.name) }) { return false }
    if !images.isEmpty, !images.contains(where: { Self.fits($0, image: container.image) }) {
      return false
    }
    if compose.isEmpty { return true }
    guard let service = container.labels["com.docker.compose.service"] else { return false }
    let project = container.labels["com.docker.compose.project"] ?? ""
    return compose.contains {
      $0.matches($0.pattern.contains("/") ? "\(project)/\(service)" : service)
    }
  }

  private static func fits(_ glob: Glob, _ labels: [String: String]) -> Bool {
    let isPair = glob.pattern.contains("=")
    return labels.contains { glob.matches(isPair ? "\($0.key)=\($0.value)" : $0.key) }
  }

  /// `redis` is `redis:7` too: a pattern without a tag or digest leaves them open.
  static func fits(_ glob: Glob, image: String) -> Bool {
    if glob.matches(image) { return true }
    var name = image[...]
    if let digest = name.firstIndex(of: "@") { name = name[..<digest] }
    if glob.matches(String(name)) { return true }
    let path = name.lastIndex(of: "/") ?? name.startIndex
    guard let tag = name[path...].firstIndex(of: ":") else { return false }
    return glob.matches(String(name[..<tag]))
  }
}
