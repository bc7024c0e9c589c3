internal import Platform

/// The names that one log has on disk: the file that is written now, and the rotated ones.
enum RotationChain {
  /// Docker: `base` is newest, then `base.1`, `base.2` …, each perhaps as `.gz`.
  case docker(base: String)
  /// A run's spool: `out.log` is newest; rotated files count upwards and are never renamed again.
  case spool(directory: String)

  struct Entry: Equatable {
    let path: String
    let isCompressed: Bool
  }

  /// The path that is written now.
  var base: String {
    switch self {
    case .docker(let base): base
    case .spool(let directory): directory + "/out.log"
    }
  }

  var directory: String { FileSystem.parent(of: base) }

  /// Everything that is there, newest first.
  ///
  /// Newest first matters: a rotation during the walk moves files away from us, so one may be met
  /// twice but none is missed, except a newer base, which the next look finds.
  func entries() throws(CollectError) -> [Entry] {
    let names: [String]
    do throws(SyscallError) {
      names = try FileSystem.list(directory)
    } catch {
      if error.isNotFound { return [] }
      throw .system(error)
    }
    let prefix = FileSystem.lastComponent(of: base) + "."
    var plain: Set<Int> = []
    var compressed: Set<Int> = []
    for name in names where name.hasPrefix(prefix) {
      var suffix = name.dropFirst(prefix.count)
      let isCompressed = suffix.hasSuffix(".gz")
      if isCompressed { suffix = suffix.dropLast(3) }
      guard let number = Int(suffix), number > 0, String(number) == suffix else { continue }
      if isCompressed { compressed.insert(number) } else { plain.insert(number) }
    }
    var numbers = plain.union(compressed).sorted()
    if case .spool = self { numbers.reverse() }
    var entries = [Entry(path: base, isCompressed: false)]
    for number in numbers.prefix(CaptureLimits.chainFilesMax) {
      // While the plain file is there, the compressed one is still growing.
      let isPlain = plain.contains(number)
      entries.append(
        Entry(path: "\(base).\(number)" + (isPlain ? "" : ".gz"), isCompressed: !isPlain)
      )
    }
    return entries
  }

  /// Opens the chain, newest first, each file once; stops after the first for which `isKnown` is
  /// true, which is the last element then.
  ///
  /// Files that vanish meanwhile have moved on or were deleted.
  func open(
    until isKnown: (Segment) throws(CollectError) -> Bool
  ) throws(CollectError) -> (found: [Segment], reachedKnown: Bool) {
    var found: [Segment] = []
    for entry in try entries() {
      guard let segment = try Self.openIfPresent(entry) else { continue }
      if found.contains(where: { $0.isSameFile(as: segment) }) { continue }
      found.append(segment)
      if try isKnown(segment) { return (found, true) }
    }
    return (found, false)
  }

  private static func openIfPresent(_ entry: Entry) throws(CollectError) -> Segment? {
    var attempt = entry
    while true {
      do throws(CollectError) {
        return try Segment(path: attempt.path, isCompressed: attempt.isCompressed)
      } catch {
        guard case .system(let failure) = error, failure.isNotFound else { throw error }
        // Compressed between listing and opening?
        if attempt.isCompressed || attempt.path == entry.path + ".gz" { return nil }
        attempt = Entry(path: entry.path + ".gz", isCompressed: true)
      }
    }
  }
}
