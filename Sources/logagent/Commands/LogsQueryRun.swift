internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query
internal import Store

/// `logs --query`: answers a Logs Insights query from the store.
struct LogsQueryRun {
  let options: LogsOptions
  let text: String
  let output: OutputBuffer
  private let clock = SystemClock()

  init(_ options: LogsOptions, query: String, output: OutputBuffer) {
    self.options = options
    text = query
    self.output = output
  }

  /// What does not go together with a query, which has commands of its own for it.
  static func refuse(_ options: LogsOptions, follows: Bool) throws(CommandFailure) {
    let others: [(isGiven: Bool, name: String, instead: String)] = [
      (follows, "--follow", "ask again; a query has an end"),
      (options.filter != nil, "--filter", "write `filter @message like \"..\"`"),
      (!options.match.grep.isEmpty, "--grep", "write `filter @message like /../`"),
      (!options.match.exclude.isEmpty, "--exclude", "write `filter @message not like /../`"),
      (options.match.level != nil, "--level", "write `filter @level = \"error\"`"),
      (options.match.context != nil, "-A, -B, -C", "leave them out"),
      (options.head != nil, "--head", "write `sort @timestamp asc | limit 10`"),
      (options.reverse, "--reverse", "write `sort @timestamp desc`"),
      (options.count, "--count", "write `stats count(*)`"),
    ]
    guard let other = others.first(where: \.isGiven) else { return }
    throw CommandFailure(
      "--query and \(other.name) exclude each other",
      help: other.instead,
      status: CommandFailure.Status.usage
    )
  }

  /// Prints the answer; the exit status.
  func run(
    _ query: LogQuery,
    available: [GroupInfo],
    reader: StoreReader
  ) throws(CommandFailure) -> Int32 {
    let started = clock.monotonic()
    let program = try program()
    let search = try storing { () throws(StoreError) in
      try InsightsSearch(
        program,
        text: text,
        query: query,
        available: available,
        reader: reader,
        workers: WorkerThreads.processors,
        owner: { group in
          let parts = GroupParts(group.group.name)
          return (parts?.resource, parts?.container)
        },
        isCancelled: { LogsRun.isCancelled }
      )
    }
    var table: InsightsTable
    do throws(QueryFailure) {
      table = try search.run()
    } catch {
      throw QueryRun.failure(error)
    }
    // A part of an answer looks like the whole.
    if InterruptSignal.isRaised { return 130 }
    if let limit = options.limit.flatMap({ Int($0) }), limit > 0 {
      table.rows = Array(table.rows.prefix(limit))
    }
    write(table, query.groups, program)
    output.finish()
    if let failure = output.failure {
      throw CommandFailure(failure.description, status: CommandFailure.Status.io)
    }
    report(table, since: started)
    if table.statistics.damagedBlocks > 0 { return CommandFailure.Status.io }
    let isEmpty = table.rows.isEmpty
    return (options.exitStatus && isEmpty) || (options.failIfMatch && !isEmpty) ? 1 : 0
  }

  private func program() throws(CommandFailure) -> InsightsProgram {
    do throws(QueryDiagnostic) {
      let program = try InsightsProgram.compile(text)
      if !options.view.quiet {
        for warning in program.warnings { StandardError.write(Self.warning("\(warning)")) }
      }
      return program
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
  }

  private func storing<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(CommandFailure) -> Result {
    do throws(StoreError) {
      return try body()
    } catch {
      throw CommandFailure(error)
    }
  }

  /// `{"logGroup":…,"query":…,"results":[…]}` for programs; the group is a list where there are
  /// several.
  private func write(
    _ table: InsightsTable,
    _ groups: [GroupInfo],
    _ program: InsightsProgram
  ) {
    guard options.raw || options.agent else {
      let bin = program.query.binColumn(in: table.columns)
      writer.write(Answer(columns: table.columns, rows: table.rows, binColumn: bin))
      return
    }
    output.append { bytes in
      bytes.append(utf8: "{\"logGroup\":")
      let names = groups.map(\.group.name)
      if names.count == 1 {
        JSONWriter.appendString(names[0], to: &bytes)
      } else {
        bytes.append(0x5B)
        for (index, name) in names.enumerated() {
          if index > 0 { bytes.append(0x2C) }
          JSONWriter.appendString(name, to: &bytes)
        }
        bytes.append(0x5D)
      }
      bytes.append(utf8: ",\"query\":")
      JSONWriter.appendString(text, to: &bytes)
      bytes.append(utf8: ",\"results\":")
    }
    let results = ResultWriter(
      .json,
      columns: table.columns,
      output: output,
      isTerminal: Terminal.isTerminal(1)
    )
    for row in table.rows where !output.isClosed { results.write(row) }
    results.finish()
    output.append("}\n")
  }

  /// It may quote what was typed.
  private static func warning(_ text: String) -> String { "warning: \(TerminalText.lines(text))\n" }

  private var writer: AnswerWriter {
    let environment: (String) -> String? = { ProcessEnvironment.value(of: $0) }
    let isTerminal = Terminal.isTerminal(1)
    let format =
      options.view.outputFormat ?? (isTerminal && environment("CI") == nil ? .tty : .plain)
    let choice = options.view.noColor ? ColourChoice.never : options.view.color
    return AnswerWriter(
      format: format,
      output: output,
      usesColour: format == .tty
        && Colour.isWanted(choice, isTerminal: isTerminal, environment: environment),
      isTerminal: isTerminal,
      width: Terminal.columns(1)
    )
  }

  private func report(_ table: InsightsTable, since started: Int64) {
    for warning in table.warnings { StandardError.write(Self.warning(warning)) }
    if options.stats {
      StandardError.write(table.statistics.text(nanoseconds: clock.monotonic() - started) + "\n")
    }
    if table.statistics.damagedBlocks > 0 {
      StandardError.write(
        "warning: \(table.statistics.damagedBlocks) blocks could not be read and do not count\n"
      )
    }
    let isTold = !options.view.quiet && !options.agent
    if table.rows.isEmpty, isTold { StandardError.write("no rows\n") }
  }
}

extension InsightsQuery {
  /// The column of time bins of the last `stats`, where it counts over time.
  func binColumn(in columns: [String]) -> Int? {
    var names: [String] = []
    for case .stats(let stats) in commands {
      names = stats.keys.filter { $0.expression.isBin }.map(\.name)
    }
    return names.first.flatMap { columns.firstIndex(of: $0) }
  }
}

extension InsightsExpression {
  fileprivate var isBin: Bool {
    if case .call(let function, _, _) = self {
      [.bin, .datefloor, .dateceil].contains(function)
    } else {
      false
    }
  }
}
