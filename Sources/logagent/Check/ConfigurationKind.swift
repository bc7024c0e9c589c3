/// Which of the two files a file is, told by what is in it.
enum ConfigurationKind {
  case logagent
  case stacktape

  private static let logagentKeys: Set<String> = [
    "project", "stage", "region", "awsAccountId", "params", "stacktape", "dataDirectory", "sources",
    "limits", "store", "defaults", "forward", "retention",
  ]

  /// Keys that only one of them has decide, then what a resource looks like, then the name.
  init(_ root: YAMLNode?, path: String) {
    if case .map(let entries) = root?.content {
      let own = entries.count { Self.logagentKeys.contains($0.key) }
      let foreign = entries.count {
        $0.key != "resources" && StacktapeDecoder.rootKeys.contains($0.key)
      }
      if own != foreign {
        self = own > foreign ? .logagent : .stacktape
        return
      }
      let resources = root?["resources"]
      if case .map(let entries) = resources?.content, let first = entries.first {
        let isForeign = entries.contains { $0.value["properties"] != nil }
        let isOwn = entries.contains {
          $0.value["match"] != nil || $0.value["logging"] != nil
        }
        if isForeign || isOwn {
          self = isForeign ? .stacktape : .logagent
          return
        }
        if first.value["type"] != nil {
          self = .stacktape
          return
        }
      }
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    self = name.hasPrefix("stacktape") ? .stacktape : .logagent
  }
}
