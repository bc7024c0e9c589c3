internal import LogModel
internal import Synchronization

/// How long log groups are kept whose containers say so by a label.
///
/// What a container said holds as long as the daemon runs: that it is gone is no reason to delete
/// its logs earlier. Safe from any thread.
final class LabelledRetention: Sendable {
  /// Containers with labels and names of their own must not fill the memory.
  private static let groupsMax = 10_000

  private let days = Mutex<[LogGroup: Int]>([:])

  func note(_ resolution: ResourceMatcher.Resolution) {
    guard let labelled = resolution.labelledRetentionDays else { return }
    days.withLock { days in
      if days.count < Self.groupsMax || days[resolution.group] != nil {
        days[resolution.group] = labelled
      }
    }
  }

  func days(of group: LogGroup) -> Int? { days.withLock { $0[group] } }
}
