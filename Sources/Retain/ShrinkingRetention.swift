package import LogModel
package import Platform

/// A group that is to be kept for less time, which takes effect after a grace.
package struct ShrinkingRetention: Sendable, Equatable {
  package var group: LogGroup
  /// What holds until then.
  package var from: RetentionPeriod
  package var to: RetentionPeriod
  /// When it was first asked for.
  package var since: Timestamp

  package init(
    group: LogGroup,
    from: RetentionPeriod,
    to: RetentionPeriod,
    since: Timestamp
  ) {
    self.group = group
    self.from = from
    self.to = to
    self.since = since
  }

  /// When it takes effect.
  package func due(graceNanoseconds: Int64) -> Timestamp {
    since.adding(nanoseconds: graceNanoseconds)
  }

  /// What holds for a group now, and whether something waits.
  ///
  /// A longer period holds at once; a shorter one waits for the grace, counted from when it was
  /// first asked for, so that nothing is deleted or hidden that a mistake can still give back.
  /// Asking for an even shorter one starts the grace again. While the clock is not trusted
  /// (`now` is nil) no grace begins or ends.
  /// `recorded` is what has held so far, nil for a group that nobody has decided about;
  /// `isConfirmed`: the operator said that `wanted` shall hold now.
  package static func decide(
    _ group: LogGroup,
    recorded: RetentionPeriod?,
    wanted: RetentionPeriod,
    waiting: ShrinkingRetention?,
    isConfirmed: Bool,
    graceNanoseconds: Int64,
    now: Timestamp?
  ) -> (period: RetentionPeriod, waiting: ShrinkingRetention?) {
    // A catalog that was rebuilt knows no periods; what waits does.
    guard let recorded = recorded ?? waiting?.from, wanted < recorded, !isConfirmed else {
      return (wanted, nil)
    }
    guard let now else { return (recorded, waiting) }
    var next = ShrinkingRetention(group: group, from: recorded, to: wanted, since: now)
    // A clock that went back must not make the grace longer than it is.
    if let waiting, waiting.to <= wanted { next.since = min(waiting.since, now) }
    if now >= next.due(graceNanoseconds: graceNanoseconds) { return (wanted, nil) }
    return (recorded, next)
  }
}

/// The file beside the catalog that says what waits: for each group a line `since from to name`.
///
/// Kept by names, so that it also holds for a catalog that was rebuilt.
package enum ShrinkingFile {
  private static let bytesMax = 16_777_216

  /// What waits, by group; a line that cannot be read is left out, which ends no grace early: it
  /// begins again.
  package static func read(_ path: String) -> [LogGroup: ShrinkingRetention] {
    // Silence is right: no file means that nothing waits.
    guard let bytes = try? FileSystem.read(path, atMost: bytesMax) else { return [:] }
    var found: [LogGroup: ShrinkingRetention] = [:]
    for line in String(repairing: bytes.span).split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 3)
      guard parts.count == 4, let since = Int64(parts[0]), let from = RetentionPeriod(parts[1]),
        let to = RetentionPeriod(parts[2])
      else { continue }
      let group = LogGroup(sanitizing: String(parts[3]))
      found[group] = ShrinkingRetention(
        group: group,
        from: from,
        to: to,
        since: Timestamp(nanoseconds: since)
      )
    }
    return found
  }

  package static func write(
    _ waiting: [LogGroup: ShrinkingRetention],
    to path: String
  ) throws(SyscallError) {
    if waiting.isEmpty {
      try FileSystem.remove(path)
      return
    }
    let lines = waiting.values.sorted { $0.group.name < $1.group.name }.map {
      "\($0.since.nanoseconds) \($0.from) \($0.to) \($0.group.name)\n"
    }
    try FileSystem.replace(path, with: Array(lines.joined().utf8).span)
  }
}

/// How `logagent retention apply` tells whoever owns the store that a shorter period shall hold
/// now: a file in the data directory, which the next sweep takes.
package enum RetentionRequest {
  private static let bytesMax = 16_777_216

  /// Groups with the periods that were asked for, so that a configuration that changed meanwhile
  /// deletes nothing.
  package static func write(
    _ confirmed: [LogGroup: RetentionPeriod],
    to path: String
  ) throws(SyscallError) {
    let lines = confirmed.sorted { $0.key.name < $1.key.name }.map {
      "\($0.value) \($0.key.name)\n"
    }
    try FileSystem.replace(path, with: Array(lines.joined().utf8).span)
  }

  /// Nil when nobody asks.
  package static func read(_ path: String) -> [LogGroup: RetentionPeriod]? {
    // Silence is right: no file means that nobody asks.
    guard let bytes = try? FileSystem.read(path, atMost: bytesMax) else { return nil }
    var found: [LogGroup: RetentionPeriod] = [:]
    for line in String(repairing: bytes.span).split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let period = RetentionPeriod(parts[0]) else { continue }
      found[LogGroup(sanitizing: String(parts[1]))] = period
    }
    return found
  }
}
