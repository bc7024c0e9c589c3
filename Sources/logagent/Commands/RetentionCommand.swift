internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Retain
internal import Store

struct RetentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retention",
    abstract: "Shows what a change of `retentionDays` will delete, and lets it.",
    discussion: """
      More days hold at once. Fewer wait for `retention.shrinkGrace` (24 hours) after the daemon \
      has read them: until then nothing more is deleted or hidden, and putting the old number back \
      undoes the change.
      """,
    subcommands: [RetentionPlanCommand.self, RetentionApplyCommand.self]
  )
}

struct RetentionPlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Lists the groups whose days change: from, to, what goes, and when."
  )

  @OptionGroup var location: StoreLocation
  @OptionGroup var stack: StackOptions

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    let plan = try RetentionPlan(location, stack)
    if json {
      for change in plan.changes { StandardError.writeData(RetentionPlan.json(change) + "\n") }
    } else if plan.changes.isEmpty {
      StandardError.write("nothing waits: every group is kept as long as the configuration says\n")
    } else {
      for change in plan.changes { StandardError.writeData(plan.text(change) + "\n") }
      if plan.changes.contains(where: { $0.to < $0.from }) {
        StandardError.write("apply now with: logagent retention apply [--group GROUP]\n")
      }
    }
  }
}

struct RetentionApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Lets fewer days hold now, without the rest of the grace.",
    discussion: """
      With a daemon it is done by that within seconds, otherwise by this command. Exit status: 0 \
      done, or nothing waits · 75 the daemon did not take it.
      """
  )

  @OptionGroup var location: StoreLocation
  @OptionGroup var stack: StackOptions

  @Option(help: "Only this group: a resource's name, or a full log group name.")
  var group: String?

  func run() throws {
    let plan = try RetentionPlan(location, stack)
    var shrinking = plan.changes.filter { $0.to < $0.from }
    if let group {
      let names: [LogGroup]
      do throws(GroupSearch.NotFound) {
        names = try GroupSearch(plan.groups, plan.configuration, stack.choices).find(group)
      } catch {
        throw CommandFailure(
          error.description,
          help: "`logagent retention plan` lists what waits",
          status: CommandFailure.Status.noInput
        )
      }
      shrinking = shrinking.filter { names.contains($0.group) }
    }
    guard !shrinking.isEmpty else {
      StandardError.write("nothing waits\n")
      return
    }
    try plan.apply(shrinking)
    for change in shrinking { StandardError.write(plan.applied(change) + "\n") }
  }
}

/// What waits in a data directory under a configuration, and how it is let through.
struct RetentionPlan {
  /// A daemon sweeps every five seconds.
  private static let patienceNanoseconds: Int64 = 20_000_000_000

  let configuration: Configuration
  let layout: Layout
  let labelled: LabelledRetention
  let groups: [LogGroup]
  let changes: [RetentionPreview]

  init(_ location: StoreLocation, _ stack: StackOptions) throws(CommandFailure) {
    let (reader, configuration) = try location.reader(stack.choices)
    self.configuration = configuration
    layout = Layout(root: configuration.dataDirectory)
    let labelled = LabelledRetention(path: layout.labelledRetention)
    self.labelled = labelled
    let matcher = ResourceMatcher(configuration)
    do throws(StoreError) {
      let (infos, segments) = try reader.snapshot { () throws(StoreError) in
        (try reader.groups(), try reader.segments())
      }
      groups = infos.map(\.group)
      changes = RetentionPreview.make(
        groups: infos,
        segments: segments,
        waiting: ShrinkingFile.read(layout.shrinkingRetention),
        wanted: { labelled.period(of: $0) ?? matcher.settings(ofGroup: $0).retentionDays },
        graceNanoseconds: configuration.retention.shrinkGraceNanoseconds,
        now: Timestamp(nanoseconds: SystemClock().now())
      )
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Asks the owner of the store, or does it as the owner for a moment.
  func apply(_ shrinking: [RetentionPreview]) throws(CommandFailure) {
    let confirmed = Dictionary(uniqueKeysWithValues: shrinking.map { ($0.group, $0.to) })
    do throws(SyscallError) {
      try RetentionRequest.write(confirmed, to: layout.retentionRequest)
    } catch {
      throw CommandFailure(error)
    }
    let clock = SystemClock()
    let deadline = clock.monotonic() + Self.patienceNanoseconds
    while FileSystem.exists(layout.retentionRequest), clock.monotonic() < deadline {
      if Store.owner(of: layout) == nil, try sweep() { break }
      Poller.wait(readable: [], nanoseconds: 100_000_000)
    }
    // Silence is right: what is not there needs no removal, and the answer below is the same.
    try? FileSystem.remove(layout.retentionRequest)
    try check(confirmed)
  }

  /// One sweep by this process; false when a daemon was faster.
  private func sweep() throws(CommandFailure) -> Bool {
    var options = StoreOptions(dataDirectory: layout.root)
    options.codec = configuration.store.compression == .gzip ? .gzip : .zstd
    let clock = SystemClock()
    let metrics = Metrics()
    do throws(StoreError) {
      let store = try Store.open(options, clock: clock, metrics: metrics)
      defer { store.close() }
      let space: FileSystemSpace
      do throws(SyscallError) {
        space = try FileSystem.space(at: layout.root)
      } catch {
        throw .io(error)
      }
      let retain = Daemon.retainOptions(configuration, space, labelled)
      let sweeper = RetentionSweeper(store: store, options: retain, clock: clock, metrics: metrics)
      var judge: RetentionClock?
      try sweeper.sweep(retain, &judge)
      return true
    } catch {
      if case .locked = error { return false }
      throw CommandFailure(error)
    }
  }

  private func check(_ confirmed: [LogGroup: RetentionPeriod]) throws(CommandFailure) {
    let infos: [GroupInfo]
    do throws(StoreError) {
      infos = try StoreReader(dataDirectory: layout.root).groups()
    } catch {
      throw CommandFailure(error)
    }
    for info in infos {
      guard let period = confirmed[info.group], info.retention != period else { continue }
      throw CommandFailure(
        "\(info.group) is still kept for \(info.retention?.words ?? "ever")",
        help: "the daemon has not read this configuration; `logagent status` may say why",
        status: CommandFailure.Status.tryAgain
      )
    }
  }

  // MARK: words

  func text(_ change: RetentionPreview) -> String {
    var text = "\(change.group)  \(change.from) → \(change.to)  "
    if change.to > change.from { return text + "takes effect when the daemon reads it" }
    text += change.segments == 0 ? "deletes nothing" : "deletes \(amount(change))"
    if let due = change.due {
      text += " at \(Calendar.formatRFC3339(due, decimals: 0))"
    } else {
      text +=
        " \(DurationText.format(configuration.retention.shrinkGraceSeconds))"
        + " after the daemon has read it"
    }
    return text
  }

  func applied(_ change: RetentionPreview) -> String {
    "\(change.group)  \(change.from) → \(change.to)  "
      + (change.segments == 0 ? "nothing to delete" : "deletes \(amount(change))")
  }

  private func amount(_ change: RetentionPreview) -> String {
    let noun = change.segments == 1 ? "segment" : "segments"
    return "\(ByteCount.text(UInt64(clamping: change.bytes))) (\(change.segments) \(noun))"
  }

  static func json(_ change: RetentionPreview) -> String {
    var fields = [
      "\"logGroup\":\(JSONText.quoted(change.group.name))", "\"fromDays\":\(change.from.json)",
      "\"toDays\":\(change.to.json)", "\"segments\":\(change.segments)",
      "\"bytes\":\(change.bytes)",
      "\"events\":\(change.events)",
    ]
    if let due = change.due { fields.append("\"due\":\(due.milliseconds)") }
    return "{" + fields.joined(separator: ",") + "}"
  }
}
