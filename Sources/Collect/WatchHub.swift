internal import Platform

/// The agent's one inotify instance, shared by all sources.
///
/// Used by the collect thread.
///
/// Counts how often a chosen name appeared in a directory: each rotation creates the base anew, so
/// the count tells how many files a chain must have gained, and with it whether one was missed.
final class WatchHub {
  /// Added to every count when the kernel dropped events: any number may have been missed.
  private static let unknown = 1 << 20

  private let watch: DirectoryWatch?
  private var pending: [DirectoryWatch.Event] = []
  private var counted: [Int32: (name: String, count: Int)] = [:]
  private(set) var overflows = 0

  /// Without inotify (no instances or watches left) everything works by looking again every second.
  init(notify: (CollectNotice) -> Void) {
    do throws(SyscallError) {
      watch = try DirectoryWatch()
    } catch {
      watch = nil
      notify(
        CollectNotice(
          .warning,
          "no inotify (\(error)); directories are listed every second instead; "
            + "see /proc/sys/fs/inotify/max_user_instances"
        )
      )
    }
  }

  var isAvailable: Bool { watch != nil }
  var descriptor: Int32? { watch?.descriptor }

  /// Watches a directory; nil when the kernel refuses, and then only the rescans see it.
  func add(_ directory: String, counting name: String? = nil) -> Int32? {
    guard let watch else { return nil }
    do throws(SyscallError) {
      let number = try watch.add(directory)
      if let name, counted[number] == nil { counted[number] = (name, 0) }
      return number
    } catch {
      return nil
    }
  }

  func remove(_ number: Int32) {
    counted[number] = nil
    watch?.remove(number)
  }

  /// How often the counted name of a directory has appeared, up to now.
  func count(_ number: Int32) -> Int? {
    pump()
    return counted[number]?.count
  }

  /// The events since the last call.
  func takeEvents() -> [DirectoryWatch.Event] {
    pump()
    defer { pending = [] }
    return pending
  }

  private func pump() {
    // An unreadable inotify descriptor gives no events; the rescans go on.
    guard let watch, let events = try? watch.read() else { return }
    for event in events {
      switch event.kind {
      case .overflow:
        overflows += 1
        for key in counted.keys { counted[key]?.count += Self.unknown }
      case .appeared:
        if counted[event.watch]?.name == event.name { counted[event.watch]?.count += 1 }
      case .directoryGone:
        counted[event.watch] = nil
      case .changed: break
      }
    }
    pending += events
  }
}
