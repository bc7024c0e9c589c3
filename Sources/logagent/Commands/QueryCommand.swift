internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query

struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query",
    abstract: "Answers a Logs Insights query over files or standard input.",
    discussion: """
      Needs no store. Every line is a message; with --input jsonl every line is an object with \
      `message`, and perhaps `timestamp` in milliseconds, `logStream` and `logGroup`. Fields are \
      found in JSON messages, also behind a prefix; `parse` takes others apart. Rows come as the \
      lines do, with --input jsonl the newest first; `sort` orders them.

        logagent query 'filter level = "error" | stats count(*) as n by path | sort n desc' app.log
        zcat *.gz | logagent query 'parse "* - - [*] *" as host | stats count(*) by host'
        logagent query -o csv 'pattern @message | limit 20' app.log
        logagent query --input jsonl 'stats avg(latency) by bin(5m)' events.jsonl

      The language is in docs/insights-ql.md; stored logs are asked with `logagent logs --query`.
      """
  )

  @Argument(help: "The query, as in CloudWatch Logs Insights.")
  var query: String

  @Argument(help: "Files; without one, or for `-`, standard input.", completion: .file())
  var files: [String] = []

  @Option(help: "lines (every line is a message) or jsonl (every line is an event).")
  var input = InputFormat.lines

  @Option(
    name: [
      .customLong("outputFormat"), .customLong("ofmt"), .customLong("ofmt", withSingleDash: true),
      .customLong("output"), .customShort("o"),
    ],
    help: "table, jsonl, json or csv."
  )
  var outputFormat = ResultFormat.table

  @Flag(
    name: [.customLong("agent"), .customLong("ag"), .customLong("ag", withSingleDash: true)],
    help: "One JSON object with the query and its results, for programs."
  )
  var agent = false

  @Flag(help: "What was read and how long it took, on standard error.")
  var stats = false

  @Flag(help: "No hints on standard error.")
  var quiet = false

  @Flag(name: .customLong("exit-status"), help: "End with 1 when there are no rows.")
  var exitStatus = false

  func run() throws {
    InterruptSignal.install()
    let status = try QueryRun(self).run()
    if status != 0 { throw ExitCode(status) }
  }
}

/// One run of `query`.
struct QueryRun {
  private let command: QueryCommand
  private let output = OutputBuffer()
  private let clock = SystemClock()

  init(_ command: QueryCommand) { self.command = command }

  func run() throws(CommandFailure) -> Int32 {
    let started = clock.monotonic()
    let program: InsightsProgram
    do throws(QueryDiagnostic) {
      program = try InsightsProgram.compile(command.query)
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
    if !command.quiet {
      for warning in program.warnings { StandardError.write("warning: \(warning)\n") }
    }
    var writer: ResultWriter?
    let output = output
    let format: ResultFormat = command.agent ? .json : command.outputFormat
    let evaluation = try failing { () throws(QueryFailure) in
      try InsightsEvaluation(
        program,
        text: command.query,
        now: Timestamp(nanoseconds: clock.now()),
        isNewestFirst: command.input == .jsonl,
        emit: { row in writer?.write(row) }
      )
    }
    if command.agent {
      output.append { bytes in
        bytes.append(utf8: "{\"query\":")
        JSONWriter.appendString(command.query, to: &bytes)
        bytes.append(utf8: ",\"results\":")
      }
    }
    let results = ResultWriter(
      format,
      columns: evaluation.columns,
      output: output,
      isTerminal: Terminal.isTerminal(1)
    )
    writer = results
    let table = try answer(evaluation, results)
    for row in table.rows where !output.isClosed { results.write(row) }
    results.finish()
    if command.agent { output.append("}\n") }
    output.finish()
    report(table, since: started)
    if InterruptSignal.isRaised { return 130 }
    if results.rows == 0, !command.quiet, !command.agent { StandardError.write("no rows\n") }
    return command.exitStatus && results.rows == 0 ? 1 : 0
  }

  /// Feeds the events; gives the rows that were not written on the way.
  private func answer(
    _ evaluation: InsightsEvaluation,
    _ writer: ResultWriter
  ) throws(CommandFailure) -> InsightsTable {
    let output = output
    let input = InputEvents(command.files, format: command.input)
    try input.check()
    try input.forEach(pause: { output.flush() }) { event throws(CommandFailure) in
      do throws(QueryFailure) {
        let goesOn = try evaluation.add(
          event.message.span,
          InsightsEvaluation.Event(
            timestamp: event.timestamp.map { Timestamp(milliseconds: $0) },
            stream: event.logStream,
            group: event.logGroup
          )
        )
        return goesOn && !output.isClosed && !InterruptSignal.isRaised
      } catch {
        throw Self.failure(error)
      }
    }
    if !command.quiet, let complaint = input.complaint {
      StandardError.write("warning: \(TerminalText.lines(complaint))\n")
    }
    if !command.quiet, input.cutLines > 0 {
      StandardError.write(
        "warning: \(input.cutLines) lines were cut to \(Limits.eventBytesMax) bytes\n"
      )
    }
    return try failing { () throws(QueryFailure) in try evaluation.finish() }
  }

  private func report(_ table: InsightsTable, since started: Int64) {
    for warning in table.warnings { StandardError.write("warning: \(warning)\n") }
    guard command.stats else { return }
    let milliseconds = (clock.monotonic() - started) / 1_000_000
    StandardError.write(
      "\(table.statistics.scannedEvents) events · "
        + "\(ByteCount.text(UInt64(table.statistics.scannedBytes))) in \(milliseconds) ms\n"
    )
  }

  private func failing<Result>(
    _ body: () throws(QueryFailure) -> Result
  ) throws(CommandFailure) -> Result {
    do throws(QueryFailure) {
      return try body()
    } catch {
      throw Self.failure(error)
    }
  }

  static func failure(_ failure: QueryFailure) -> CommandFailure {
    let status =
      if case .store = failure { CommandFailure.Status.io } else { CommandFailure.Status.data }
    return CommandFailure(failure.description, status: status)
  }
}
