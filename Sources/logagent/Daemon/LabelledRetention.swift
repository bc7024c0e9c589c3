internal import LogModel
internal import Platform
internal import Store
internal import Synchronization

/// How long log groups are kept whose containers say so by a label.
///
/// What the newest container of a group said holds until a newer one says something else: that it
/// is gone, or that the daemon was stopped since, is no reason to delete its logs earlier. So it is
/// in a file beside the catalog, by names, which also holds for a catalog that was rebuilt: for
/// each group a line `created period name`. Safe from any thread.
final class LabelledRetention: Sendable {
  /// Containers with labels and names of their own must not fill memory or disk.
  private static let groupsMax = 10_000
  private static let bytesMax = 16_777_216

  private struct Entry {
    /// Nil for a group whose newest container has no label.
    var period: RetentionPeriod?
    var created: Timestamp
  }

  private struct State {
    var entries: [LogGroup: Entry] = [:]
    var isUnsaved = false
    var hasWarned = false
  }

  private let path: String
  private let state = Mutex(State())

  /// Reads what is known.
  ///
  /// `stored` gives the groups that still have events, nil when that cannot be told; the others are
  /// forgotten.
  init(path: String, stored: () -> Set<LogGroup>? = { nil }) {
    self.path = path
    var entries = Self.read(path)
    if !entries.isEmpty, let stored = stored() {
      entries = entries.filter { stored.contains($0.key) }
    }
    state.withLock { $0.entries = entries }
  }

  /// The same for a store that this process owns.
  convenience init(of layout: Layout) {
    self.init(path: layout.labelledRetention) {
      // Silence is right: without an answer nothing is forgotten.
      let usage = try? StoreReader(dataDirectory: layout.root).usage()
      return usage.map { Set($0.lazy.filter { $0.events > 0 }.map(\.info.group)) }
    }
  }

  /// Takes note of where a container was placed, durably, before anything of it is collected.
  ///
  /// - Returns: What the operator has to know.
  func note(_ resolution: ResourceMatcher.Resolution, created: Timestamp?) -> String? {
    state.withLock { state in
      let entry = Entry(period: resolution.labelledRetention, created: created ?? .distantPast)
      let known = state.entries[resolution.group]
      if let known, known.created > entry.created { return nil }
      if known == nil, state.entries.count >= Self.groupsMax {
        guard entry.period != nil, !state.hasWarned else { return nil }
        state.hasWarned = true
        return "\(Self.groupsMax) log groups are known; labels of further ones are not followed"
      }
      state.entries[resolution.group] = entry
      if known?.period == entry.period { return nil }
      return Self.save(&state, path)
    }
  }

  /// Tries again what could not be written.
  func saveAgain() {
    state.withLock { state in
      // Silence is right: that it cannot be written was said the first time.
      if state.isUnsaved { _ = Self.save(&state, path) }
    }
  }

  func period(of group: LogGroup) -> RetentionPeriod? {
    state.withLock { $0.entries[group]?.period }
  }

  // MARK: file

  private static func save(_ state: inout State, _ path: String) -> String? {
    let lines = state.entries.sorted { $0.key.name < $1.key.name }.compactMap { group, entry in
      entry.period.map { "\(entry.created.nanoseconds) \($0) \(group.name)\n" }
    }
    let wasUnsaved = state.isUnsaved
    do throws(SyscallError) {
      try FileSystem.replace(path, with: Array(lines.joined().utf8).span)
      state.isUnsaved = false
      return nil
    } catch {
      state.isUnsaved = true
      return wasUnsaved ? nil : "retention by labels will not outlast a restart yet: \(error)"
    }
  }

  /// A line that cannot be read is left out.
  private static func read(_ path: String) -> [LogGroup: Entry] {
    // Silence is right: no file means that no container has said anything.
    guard let bytes = try? FileSystem.read(path, atMost: bytesMax) else { return [:] }
    var found: [LogGroup: Entry] = [:]
    for line in String(repairing: bytes.span).split(separator: "\n").prefix(groupsMax) {
      let parts = line.split(separator: " ", maxSplits: 2)
      guard parts.count == 3, let created = Int64(parts[0]), let period = RetentionPeriod(parts[1]),
        period.isAllowed, let group = LogGroup(String(parts[2]))
      else { continue }
      found[group] = Entry(period: period, created: Timestamp(nanoseconds: created))
    }
    return found
  }
}
