internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query
internal import Store

/// One run of `logs` or `tail`: what was typed becomes a query, its answer goes to standard output.
struct LogsRun {
  private let options: LogsOptions
  private let follows: Bool
  private let output: OutputBuffer
  private let clock = SystemClock()

  init(_ options: LogsOptions, follows: Bool, output: OutputBuffer = OutputBuffer()) {
    self.options = options
    self.follows = follows
    self.output = output
  }

  func run() throws {
    try refuse()
    InterruptSignal.install()
    let configuration = try configuration()
    let reader: StoreReader
    let all: [GroupInfo]
    do throws(StoreError) {
      reader = try StoreReader(dataDirectory: configuration.dataDirectory)
      all = try reader.groups()
    } catch {
      throw CommandFailure(error)
    }
    let names = try targets(among: all, configuration)
    let query = try query(all.filter { names.contains($0.group) })
    let started = clock.monotonic()
    let statistics: QueryStatistics
    do throws(StoreError) {
      var known: [GroupInfo] = []
      statistics = try answer(query, reader, output, known: &known)
      output.flush()
      report(statistics, since: started)
      if follows, !output.isClosed { try followOn(query, reader, output, known, configuration) }
      output.flush()
    } catch {
      throw CommandFailure(error)
    }
    let status = exitStatus(statistics)
    if status != 0 { throw ExitCode(status) }
  }

  // MARK: what was typed

  private func refuse() throws(CommandFailure) {
    if options.query != nil {
      throw CommandFailure(
        "--query (Logs Insights) is not supported in this version",
        help: "use --filter with terms, and -o jsonl for other tools",
        status: CommandFailure.Status.usage
      )
    }
    if options.templateID != nil {
      throw CommandFailure(
        "--templateId needs the Stacktape service",
        help: "name the resource with --resourceName",
        status: CommandFailure.Status.usage
      )
    }
    if options.head != nil, options.limit != nil {
      throw CommandFailure(
        "--head and --limit exclude each other",
        status: CommandFailure.Status.usage
      )
    }
    if options.reverse, follows || options.limit == "all" || options.limit == "0" {
      throw CommandFailure(
        "--reverse needs an end: it goes with --limit or --head only",
        status: CommandFailure.Status.usage
      )
    }
    if follows, options.raw || options.agent || options.count {
      throw CommandFailure(
        "--raw, --agent and --count give one answer and end",
        help: "to follow: -o jsonl",
        status: CommandFailure.Status.usage
      )
    }
    if !["auto", "always", "never"].contains(options.color) {
      throw CommandFailure(
        "--color is auto, always or never, not `\(options.color)`",
        status: CommandFailure.Status.usage
      )
    }
  }

  private func configuration() throws(CommandFailure) -> Configuration {
    var location = StoreLocation()
    location.config = options.configPath.map { path in
      guard let base = options.currentWorkingDirectory, !path.hasPrefix("/") else { return path }
      return base + "/" + path
    }
    location.dataDirectory = options.dataDirectory
    var configuration = try location.load()
    if let stage = options.stage { configuration.stage = stage }
    if let project = options.projectName { configuration.project = project }
    return configuration
  }

  /// The log groups that the targets name; all of them when there is no target and just one group.
  private func targets(
    among all: [GroupInfo],
    _ configuration: Configuration
  ) throws(CommandFailure) -> Set<LogGroup> {
    let names = options.targets + options.resourceName
    let groups = all.map(\.group)
    guard !names.isEmpty else {
      if groups.count <= 1 { return Set(groups) }
      throw misread(groups, configuration)
        ?? CommandFailure(
          "which resource? there are \(groups.count) log groups",
          help: "name one, or '*' for all; `logagent groups` lists them",
          status: CommandFailure.Status.usage
        )
    }
    let search = GroupSearch(groups, stack: configuration.stack)
    var found: Set<LogGroup> = []
    for name in names {
      if name.contains("*") {
        let glob = Glob(name)
        let hits = groups.filter {
          glob.matches($0.name) || GroupParts($0.name).map { glob.matches($0.shown) } ?? false
        }
        guard !hits.isEmpty || groups.isEmpty else {
          throw CommandFailure(
            "no log group fits `\(name)`",
            help: "`logagent groups` lists what there is",
            status: CommandFailure.Status.noInput
          )
        }
        found.formUnion(hits)
        continue
      }
      do throws(GroupSearch.NotFound) {
        found.formUnion(try search.find(name, container: options.container))
      } catch {
        throw CommandFailure(
          error.description,
          help: "`logagent groups` lists what there is",
          status: CommandFailure.Status.noInput
        )
      }
    }
    return found
  }

  /// `-f api`, meant as follow: the most likely mistake of people who know other tools.
  private func misread(_ groups: [LogGroup], _ configuration: Configuration) -> CommandFailure? {
    guard let filter = options.filter,
      // Silence is right: a filter that names no resource is just a filter.
      (try? GroupSearch(groups, stack: configuration.stack).find(filter)) != nil
    else { return nil }
    return CommandFailure(
      "-f is --filter (as in stacktape logs)",
      help: "to follow: logagent tail \(filter)",
      status: CommandFailure.Status.usage
    )
  }

  private func query(_ groups: [GroupInfo]) throws(CommandFailure) -> LogQuery {
    let now = Timestamp(nanoseconds: clock.now())
    let isUTC = options.utc
    let offset: (Int64) -> Int64 = { isUTC ? 0 : LocalTime.offsetSeconds(atEpochSecond: $0) }
    do throws(QueryDiagnostic) {
      var through = Timestamp.distantFuture
      var end = now
      if let text = options.endTime {
        end = try TimeExpression.parse(text, now: now, offset: offset)
        through = end
        // CloudWatch counts in milliseconds and includes the last one.
        if through.nanoseconds % 1_000_000 == 0 { through = through.adding(nanoseconds: 999_999) }
      }
      let from = try TimeExpression.parse(
        options.startTime ?? "1h",
        now: now,
        anchor: end,
        offset: offset
      )
      var query = LogQuery(groups: groups, from: from, through: through, now: now)
      if let filter = options.filter { query.pattern = try FilterPatternParser.parse(filter) }
      if case .terms(let terms) = query.pattern, !terms.ignored.isEmpty, !options.quiet {
        StandardError.write(
          "warning: \(terms.ignored.joined(separator: " ")) ignored: optional terms count only "
            + "when every term is optional\n"
        )
      }
      query.selection = try selection()
      query.onlyStderr = options.stream.map { $0 == .stderr }
      if let name = options.logStream { query.stream = { $0 == name } }
      return query
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
  }

  private func selection() throws(QueryDiagnostic) -> LogQuery.Selection {
    if let head = options.head { return .oldest(max(0, head)) }
    guard let limit = options.limit else { return .newest(100) }
    if limit == "all" || limit == "0" { return .all }
    guard let count = Int(limit), count > 0 else {
      throw QueryDiagnostic(
        "--limit takes a number or `all`",
        in: limit,
        at: 0..<max(1, limit.count)
      )
    }
    return .newest(count)
  }

  // MARK: the answer

  private func answer(
    _ query: LogQuery,
    _ reader: StoreReader,
    _ output: OutputBuffer,
    known: inout [GroupInfo]
  ) throws(StoreError) -> QueryStatistics {
    if options.count {
      let statistics = try search(query, reader).count()
      output.append("\(statistics.matchedEvents)\n")
      return statistics
    }
    if options.raw || options.agent { return try rawAnswer(query, reader, output) }
    let writer = writer(output, severalGroups: query.groups.count > 1)
    // One snapshot: what follows goes on exactly behind what is printed first.
    let plan = try reader.snapshot { () throws(StoreError) in
      // A group that has come since the targets were resolved is followed from its first event.
      let searched = Set(query.groups.map(\.id))
      known = try reader.groups().filter { searched.contains($0.id) }
      return try search(query, reader)
    }
    guard options.reverse else {
      return plan.run { event in
        writer.write(event)
        return !output.isClosed
      }
    }
    var events: [MatchedEvent] = []
    let statistics = plan.run { event in
      events.append(event)
      return true
    }
    for event in events.reversed() where !output.isClosed { writer.write(event) }
    return statistics
  }

  private func search(_ query: LogQuery, _ reader: StoreReader) throws(StoreError) -> LogSearch {
    try LogSearch(
      query,
      reader: reader,
      workers: WorkerThreads.processors,
      isCancelled: { InterruptSignal.isRaised }
    )
  }

  /// `{"logGroup":…,"events":[{"timestamp","message","logStream"}]}`, one object for each group.
  private func rawAnswer(
    _ query: LogQuery,
    _ reader: StoreReader,
    _ output: OutputBuffer
  ) throws(StoreError) -> QueryStatistics {
    var total = QueryStatistics()
    for group in query.groups {
      var one = query
      one.groups = [group]
      output.append { bytes in
        bytes.append(utf8: "{\"logGroup\":")
        JSONWriter.appendString(group.group.name, to: &bytes)
        bytes.append(utf8: ",\"events\":[")
      }
      var isFirst = true
      total.add(
        try search(one, reader).run { event in
          output.append { bytes in
            if !isFirst { bytes.append(0x2C) }
            EventWriter.appendCore(event, to: &bytes)
            bytes.append(0x7D)
          }
          isFirst = false
          return !output.isClosed
        }
      )
      output.append("]}\n")
    }
    return total
  }

  private func writer(_ output: OutputBuffer, severalGroups: Bool) -> EventWriter {
    let environment: (String) -> String? = { ProcessEnvironment.value(of: $0) }
    let isTerminal = Terminal.isTerminal(1) && environment("CI") == nil
    let colour = options.noColor || options.agent ? "never" : options.color
    let format = options.outputFormat ?? (isTerminal ? .tty : .plain)
    return EventWriter(
      format,
      output: output,
      usesColour: format == .tty && Colour.isWanted(colour, environment: environment),
      showsPrefix: options.prefix ?? severalGroups,
      isUTC: options.utc,
      timestamps: options.timestamps,
      isTerminal: Terminal.isTerminal(1),
      prefix: { GroupParts($0.group.group.name)?.shown ?? $0.group.group.name }
    )
  }

  private func report(_ statistics: QueryStatistics, since started: Int64) {
    if options.stats {
      let milliseconds = (clock.monotonic() - started) / 1_000_000
      StandardError.write(
        "\(statistics.matchedEvents) matched of \(statistics.scannedEvents) read · blocks "
          + "\(statistics.blocks - statistics.prunedBlocks) read, "
          + "\(statistics.prunedBlocks) pruned · "
          + "\(ByteCount.text(UInt64(statistics.scannedBytes))) in \(milliseconds) ms\n"
      )
    }
    if statistics.damagedBlocks > 0 {
      StandardError.write(
        "warning: \(statistics.damagedBlocks) blocks could not be read; gaps show where\n"
      )
    }
    if statistics.matchedEvents == 0, !options.quiet, !options.agent, !options.count, !follows {
      StandardError.write("no events\n")
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
    _ output: OutputBuffer,
    _ known: [GroupInfo],
    _ configuration: Configuration
  ) throws(StoreError) {
    let next = Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0.nextSequence) })
    let run = self
    let follow = LogFollow(query, reader: reader, next: next) { groups in
      // Silence is right: nothing is called so yet; it may come.
      guard let names = try? run.targets(among: groups, configuration) else { return [] }
      return groups.filter { names.contains($0.group) }
    }
    let writer = writer(output, severalGroups: query.groups.count > 1)
    while !output.isClosed && !InterruptSignal.isRaised {
      let isNews = try follow.poll(now: Timestamp(nanoseconds: clock.now())) { writer.write($0) }
      output.flush()
      output.checkReader()
      if !isNews { Poller.wait(readable: [], nanoseconds: 50_000_000) }
    }
  }
}
