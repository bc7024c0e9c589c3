internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query
internal import Store

/// One run of `logs` or `tail`: what was typed becomes a query, its answer goes to standard output.
struct LogsRun {
  private let options: LogsOptions
  private let request: LogsRequest
  private let follows: Bool
  private let output: OutputBuffer
  private let clock = SystemClock()
  private let progress: ProgressLine

  init(_ options: LogsOptions, follows: Bool, output: OutputBuffer? = nil) {
    self.options = options
    self.follows = follows
    request = LogsRequest(options: options, follows: follows)
    self.output = output ?? OutputBuffer(1, pager: Self.pager(options, follows: follows))
    let isShown = !options.view.quiet && !options.agent && Terminal.isTerminal(2)
    progress = ProgressLine(isShown: isShown, clock: clock)
  }

  private static func pager(_ options: LogsOptions, follows: Bool) -> PagerChoice? {
    guard !follows, !options.agent, options.view.pager ?? true else { return nil }
    return PagerChoice.find(
      isTerminal: Terminal.isTerminal(1),
      rows: Terminal.rows(1),
      columns: Terminal.columns(1),
      environment: { ProcessEnvironment.value(of: $0) }
    )
  }

  func run() throws {
    try request.refuse()
    InterruptSignal.install()
    let configuration = try request.configuration()
    let reader = try storing { () throws(StoreError) in
      try StoreReader(dataDirectory: configuration.dataDirectory)
    }
    let all = try storing { () throws(StoreError) in try reader.groups() }
    let names = try request.targets(among: all.map(\.group), configuration)
    let groups = all.filter { names.contains($0.group) }
    var keeper = try cursor(reader, groups)
    let now = Timestamp(nanoseconds: clock.now())
    let query = try request.query(groups, now: now, cursor: keeper.start)
    if let text = options.query {
      let status = try LogsQueryRun(options, query: text, output: output)
        .run(query, available: all, reader: reader)
      if status != 0 { throw ExitCode(status) }
      return
    }
    let status = try answer(query, reader, configuration, &keeper)
    if status != 0 { throw ExitCode(status) }
  }

  private func cursor(
    _ reader: StoreReader,
    _ groups: [GroupInfo]
  ) throws(CommandFailure) -> CursorKeeper {
    let store = try storing { () throws(StoreError) in try reader.storeID() }
    let keeper = try CursorKeeper(options.cursor, store: store)
    if let ahead = keeper.start?.groupAhead(of: groups) {
      throw CommandFailure(
        "the cursor is ahead of \(ahead.group.name): the store is older than it",
        help: "remove the cursor to begin anew",
        status: CommandFailure.Status.data
      )
    }
    return keeper
  }

  /// Prints the answer, goes on with what comes where that was asked for; the exit status.
  private func answer(
    _ query: LogQuery,
    _ reader: StoreReader,
    _ configuration: Configuration,
    _ keeper: inout CursorKeeper
  ) throws(CommandFailure) -> Int32 {
    let started = clock.monotonic()
    let printer = try printer(query, reader)
    var known: [UInt32: UInt64] = [:]
    let statistics = try storing { () throws(StoreError) in
      try firstAnswer(query, reader, printer, known: &known)
    }
    progress.erase()
    if let failure = statistics.failure { throw CommandFailure(failure) }
    output.checkReader()
    if follows { output.flush() } else { output.finish() }
    try checkWritten()
    if !output.isClosed, !InterruptSignal.isRaised {
      keeper.move(to: known)
      try keeper.keep()
    }
    report(statistics, since: started)
    if follows, !output.isClosed {
      try followOn(query, reader, printer, known, configuration, &keeper)
      output.finish()
      try checkWritten()
    }
    keeper.show()
    return exitStatus(statistics)
  }

  /// A reader that went away has had enough; a full disk is an error.
  private func checkWritten() throws(CommandFailure) {
    if let failure = output.failure {
      throw CommandFailure(failure.description, status: CommandFailure.Status.io)
    }
  }

  private func firstAnswer(
    _ query: LogQuery,
    _ reader: StoreReader,
    _ printer: LogsPrinter,
    known: inout [UInt32: UInt64]
  ) throws(StoreError) -> QueryStatistics {
    if options.count {
      let statistics = try search(query, reader).count()
      // A count that is not complete is none.
      if statistics.failure == nil, !InterruptSignal.isRaised {
        output.append("\(statistics.matchedEvents)\n")
      }
      return statistics
    }
    if options.raw || options.agent { return try rawAnswer(query, reader) }
    // One snapshot: what follows goes on exactly behind what is printed first.
    let plan = try reader.snapshot { () throws(StoreError) in
      // A group that has come since the targets were resolved is followed from its first event.
      let searched = Set(query.groups.map(\.id))
      for group in try reader.groups() where searched.contains(group.id) {
        known[group.id] = group.nextSequence
      }
      return try search(query, reader)
    }
    let statistics = try printer.run(plan, isReversed: options.reverse) { progress.erase() }
    if !follows { printer.finish() }
    return statistics
  }

  /// Nobody waits for the answer any more.
  static var isCancelled: Bool { InterruptSignal.isRaised || PipeReader.isGone(1) }

  private func search(_ query: LogQuery, _ reader: StoreReader) throws(StoreError) -> LogSearch {
    let progress = progress
    return try LogSearch(
      query,
      reader: reader,
      workers: WorkerThreads.processors,
      isCancelled: { Self.isCancelled },
      progress: { done in
        progress.show {
          "scanning \(done.blocks) of \(done.allBlocks) blocks, "
            + "\(ByteCount.text(UInt64(done.bytes)))…"
        }
      }
    )
  }

  /// `{"logGroup":…,"events":[{"timestamp","message","logStream"}]}`, one object for each group.
  private func rawAnswer(
    _ query: LogQuery,
    _ reader: StoreReader
  ) throws(StoreError) -> QueryStatistics {
    var total = QueryStatistics()
    let isTerminal = Terminal.isTerminal(1)
    for group in query.groups {
      var one = query
      one.groups = [group]
      let printer = RawPrinter(group.group, output: output, isTerminal: isTerminal)
      let plan = try search(one, reader)
      let lines = ContextLines(one, reader: reader, sides: options.match.context)
      total.add(
        try lines.run(plan, isReversed: options.reverse) { item in
          printer.write(item.event, isContext: item.isContext)
          return !output.isClosed
        }
      )
      printer.finish()
    }
    return total
  }

  private func printer(
    _ query: LogQuery,
    _ reader: StoreReader
  ) throws(CommandFailure) -> LogsPrinter {
    let environment: (String) -> String? = { ProcessEnvironment.value(of: $0) }
    let view = options.view
    let isTerminal = Terminal.isTerminal(1)
    let format = view.outputFormat ?? (isTerminal && environment("CI") == nil ? .tty : .plain)
    let choice = view.noColor || options.agent ? ColourChoice.never : view.color
    var style = EventStyle(
      format: format,
      time: EventTime(
        view.timestamps ?? (format == .tty ? .short : .iso),
        now: query.now,
        hasZone: view.timezone != nil,
        offset: view.offset
      )
    )
    style.usesColour =
      format == .tty
      && Colour.isWanted(choice, isTerminal: isTerminal, environment: environment)
    style.showsPrefix = view.prefix ?? (query.groups.count > 1)
    style.isTerminal = isTerminal
    style.fields = view.fields?.fields ?? []
    style.hasContext = options.match.context != nil
    if style.usesColour, let highlight = try request.highlights() {
      style.highlights = { highlight.ranges(in: $0) }
    }
    return LogsPrinter(
      EventWriter(style, output: output),
      output: output,
      lines: ContextLines(query, reader: reader, sides: options.match.context)
    )
  }

  private func report(_ statistics: QueryStatistics, since started: Int64) {
    if options.stats {
      StandardError.write(statistics.text(nanoseconds: clock.monotonic() - started) + "\n")
    }
    if statistics.damagedBlocks > 0 {
      StandardError.write(
        "warning: \(statistics.damagedBlocks) blocks could not be read; gaps show where\n"
      )
    }
    let isTold = !options.view.quiet && !options.agent && !options.count
    if statistics.matchedEvents == 0, isTold, !follows { StandardError.write("no events\n") }
    if isTold, !follows, let target = options.targets.first, Terminal.isTerminal(1),
      Terminal.isTerminal(2), ProcessEnvironment.value(of: "CI") == nil
    {
      let isColoured = Colour.isWanted(
        options.view.noColor ? .never : options.view.color,
        environment: { ProcessEnvironment.value(of: $0) }
      )
      let hint = "follow with: logagent tail \(TerminalText.string(target))"
      StandardError.write((isColoured ? Colour.dim + hint + Colour.reset : hint) + "\n")
    }
  }

  /// 130 when interrupted, 74 when stored events could not be read, 1 as the flags say.
  private func exitStatus(_ statistics: QueryStatistics) -> Int32 {
    if InterruptSignal.isRaised { return 130 }
    if statistics.damagedBlocks > 0 { return CommandFailure.Status.io }
    let isEmpty = statistics.matchedEvents == 0
    return (options.exitStatus && isEmpty) || (options.failIfMatch && !isEmpty) ? 1 : 0
  }

  /// Prints what is committed from now on, until the reader goes away or Ctrl-C.
  private func followOn(
    _ query: LogQuery,
    _ reader: StoreReader,
    _ printer: LogsPrinter,
    _ known: [UInt32: UInt64],
    _ configuration: Configuration,
    _ keeper: inout CursorKeeper
  ) throws(CommandFailure) {
    let request = request
    let follow = LogFollow(query, reader: reader, next: known) { groups in
      // Silence is right: nothing is called so yet; it may come.
      guard let names = try? request.targets(among: groups.map(\.group), configuration) else {
        return []
      }
      return groups.filter { names.contains($0.group) }
    }
    while !output.isClosed && !InterruptSignal.isRaised {
      let now = Timestamp(nanoseconds: clock.now())
      let read = try storing { () throws(StoreError) in try printer.follow(follow, now: now) }
      output.flush()
      output.checkReader()
      try checkWritten()
      if let failure = follow.failure { throw CommandFailure(failure) }
      if let read, !output.isClosed {
        keeper.move(to: read)
        try keeper.keep()
      } else {
        Poller.wait(readable: [], nanoseconds: 50_000_000)
      }
    }
  }
}

/// The store's errors as a command's.
func storing<T>(_ body: () throws(StoreError) -> T) throws(CommandFailure) -> T {
  do throws(StoreError) {
    return try body()
  } catch {
    throw CommandFailure(error)
  }
}

extension QueryStatistics {
  /// `12 matched of 5,000 read · blocks 2 read, 39 pruned · 4.1 MB in 9 ms`.
  func text(nanoseconds: Int64) -> String {
    "\(matchedEvents) matched of \(scannedEvents) read · blocks \(blocks - prunedBlocks) read, "
      + "\(prunedBlocks) pruned · \(ByteCount.text(UInt64(scannedBytes))) in "
      + "\(nanoseconds / 1_000_000) ms"
  }
}
