internal import LogModel
internal import Platform
internal import Synchronization

/// The files that a configuration was made of, and the folders of its secrets.
struct WatchedFiles: Sendable, Equatable {
  var files: Set<String> = []
  /// Folders of which every file counts.
  var folders: Set<String> = []

  /// What tells one state of all of them from another: which are there, and when they changed.
  ///
  /// Links are followed, so that a file that is a link changes when its target does.
  func fingerprint() -> [String: FileStatus] {
    var found: [String: FileStatus] = [:]
    for path in files { found[path] = Self.status(path) }
    for folder in folders { add(folder, depth: 0, to: &found) }
    return found
  }

  private func add(_ folder: String, depth: Int, to found: inout [String: FileStatus]) {
    // Silence is right: a folder that is not there, or may not be read, has no files.
    let names = (try? FileSystem.list(folder)) ?? []
    for name in names.prefix(Limits.secretsListedMax) where !name.hasPrefix(".") {
      let path = "\(folder)/\(name)"
      guard let status = Self.status(path) else { continue }
      if status.isDirectory {
        if depth < 16, found.count < Limits.secretsListedMax {
          add(path, depth: depth + 1, to: &found)
        }
      } else {
        found[path] = status
      }
    }
  }

  // Silence is right: what cannot be looked at is as good as absent, and reading it will say why.
  private static func status(_ path: String) -> FileStatus? { try? FileSystem.status(of: path) }

  /// The folders in which something happens when one of them changes.
  var directories: Set<String> { folders.union(files.map { FileSystem.parent(of: $0) }) }
}

/// Waits for a reason to read the configuration again: a signal, or files that have changed.
///
/// inotify only says when to look; what decides is the fingerprint, so an editor that renames, a
/// touch, or a write into the target of a link all count alike, and a missed event is found by the
/// next look. Thread "configuration" only; `request` is safe from any thread.
final class ConfigurationWatch: Sendable {
  /// Changes must have ended for so long: editors write in several steps.
  static let debounceNanoseconds: Int64 = 500_000_000
  /// A folder in which much else happens is looked at no more often than this.
  private static let pauseNanoseconds: Int64 = 50_000_000
  private static let lookNanoseconds: Int64 = 5_000_000_000

  private let wake: WakeSignal
  private let isRequested = Atomic<Bool>(false)

  init() throws(SyscallError) { wake = try WakeSignal() }

  /// Asks for a reload at once, whatever the files are like.
  func request() {
    isRequested.store(true, ordering: .releasing)
    wake.ring()
  }

  /// Calls `reload` for every reason, until the signal is raised; it returns what to watch from
  /// then on.
  ///
  /// `initial` is what the configuration in force was read from, and how that looked before.
  func run(
    _ initial: (files: WatchedFiles, fingerprint: [String: FileStatus]),
    until stop: StopSignal,
    clock: any Clock,
    reload: () -> WatchedFiles
  ) {
    let folders = FolderWatch()
    var files = initial.files
    var loaded = initial.fingerprint
    var latest = loaded
    var changed: Int64?
    while !stop.isRaised {
      folders.follow(files.directories)
      let now = clock.monotonic()
      let current = files.fingerprint()
      if current != latest { changed = now }
      latest = current
      let isQuiet = changed.map { now - $0 >= Self.debounceNanoseconds } ?? false
      if isQuiet { changed = nil }
      let isAsked = isRequested.exchange(false, ordering: .acquiringAndReleasing)
      if isAsked || (isQuiet && current != loaded) {
        // Taken before the files are read: a change in between is seen as a change.
        loaded = current
        let next = reload()
        if next != files {
          // What is new was not looked at before; it was read just now.
          files = next
          let fresh = files.fingerprint()
          loaded = fresh.merging(current.filter { fresh[$0.key] != nil }) { $1 }
        }
        latest = loaded
        changed = nil
        continue
      }
      wait(folders, stop, for: changed == nil ? Self.lookNanoseconds : Self.debounceNanoseconds)
    }
  }

  private func wait(_ folders: FolderWatch, _ stop: StopSignal, for nanoseconds: Int64) {
    var descriptors = [stop.descriptor, wake.descriptor]
    if let descriptor = folders.descriptor { descriptors.append(descriptor) }
    // Without inotify a look every second must do.
    let limit = folders.descriptor == nil ? min(nanoseconds, 1_000_000_000) : nanoseconds
    let ready = Poller.wait(readable: descriptors, nanoseconds: limit)
    wake.clear()
    guard let descriptor = folders.descriptor, ready.contains(descriptor) else { return }
    folders.clear()
    Poller.wait(
      readable: [stop.descriptor, wake.descriptor],
      nanoseconds: Self.pauseNanoseconds
    )
  }
}

/// inotify over a changing set of folders; those that are not there are tried again.
///
/// Used by one thread.
private final class FolderWatch {
  private let watch: DirectoryWatch?
  private var numbers: [String: Int32] = [:]

  init() {
    // Silence is right: without inotify the files are looked at every second.
    watch = try? DirectoryWatch()
  }

  var descriptor: Int32? { watch?.descriptor }

  func follow(_ directories: Set<String>) {
    guard let watch else { return }
    for (path, number) in numbers where !directories.contains(path) {
      watch.remove(number)
      numbers[path] = nil
    }
    for path in directories {
      // Silence is right: a folder that is not there yet is looked for every few seconds. One that
      // was removed and made again gets another number, one that is watched keeps its own.
      if let number = try? watch.add(path, includesChanges: true) { numbers[path] = number }
    }
  }

  func clear() {
    // Silence is right: what the events are does not matter, the files are looked at now.
    _ = try? watch?.read()
  }
}
