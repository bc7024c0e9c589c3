internal import LogModel

/// Every path below the data directory.
///
/// Nothing that a container chose is ever part of a path: groups are numbers here, and the
/// segment's header says which group it is.
package struct Layout: Sendable {
  package let root: String

  package init(root: String) {
    var trimmed = root
    while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.root = trimmed
  }

  package var catalog: String { root + "/catalog.sqlite" }
  /// Where a catalog is rebuilt before it takes its place.
  var catalogRebuild: String { catalog + ".rebuild" }
  /// What a rebuilt catalog could not know from the segments.
  var rebuildNotes: String { root + "/rebuild-notes" }
  package var lock: String { root + "/store.lock" }
  package var ballast: String { root + "/ballast" }
  package var segments: String { root + "/segments" }
  package var deadLetters: String { root + "/dead-letters" }
  /// Output of `logagent exec` on its way into the store.
  package var spool: String { root + "/spool" }
  /// Which groups are to be kept for fewer days, and since when that waits.
  package var shrinkingRetention: String { root + "/retention-waiting" }
  /// How long groups are kept whose containers said so by a label.
  package var labelledRetention: String { root + "/retention-labels" }
  /// What `logagent retention apply` asks for, until the next sweep takes it.
  package var retentionRequest: String { root + "/retention-request" }
  /// Batches of `logagent import` on their way to the process that owns the store.
  package var imports: String { root + "/imports" }
  /// The daemon's last report of itself, for `logagent status`.
  package var status: String { root + "/status.json" }

  package func groupDirectory(_ group: UInt32) -> String {
    "\(segments)/\(Self.padded(UInt64(group), 6))"
  }

  package func segment(_ id: UInt64, group: UInt32, codec: Codec) -> String {
    "\(groupDirectory(group))/\(Self.padded(id, 10)).log.\(codec.fileExtension)"
  }

  /// Group and id of a segment's path relative to `segments`; nil for other files.
  package static func parse(directory: String, file: String) -> (
    group: UInt32, id: UInt64, codec: Codec
  )? {
    let parts = file.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1] == "log", let group = UInt32(directory),
      let id = UInt64(parts[0]), let codec = Codec(fileExtension: String(parts[2]))
    else { return nil }
    return (group, id, codec)
  }

  private static func padded(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
