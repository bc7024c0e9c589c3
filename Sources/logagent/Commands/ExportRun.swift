internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query
internal import Store

/// One run of `export`.
struct ExportRun {
  private let command: ExportCommand
  private let clock = SystemClock()
  private let progress: ProgressLine

  init(_ command: ExportCommand) {
    self.command = command
    progress = ProgressLine(
      isShown: !command.quiet && Terminal.isTerminal(2),
      clock: clock
    )
  }

  /// What was written.
  private struct Summary {
    /// A reader had enough before the end.
    var isBrokenOff = false
    var events = 0
    var bytes = 0
    var files = 0
    var damagedBlocks = 0
  }

  func run() throws {
    InterruptSignal.install()
    let plan = try plan()
    let (reader, configuration) = try command.location.reader(command.stack.choices)
    let query = try query(reader, configuration)
    var summary = Summary()
    switch plan.place {
    case .standardOutput:
      let sink = ExportSink(number: 1, path: nil, compression: plan.compression)
      try write(query, reader, plan, sink, &summary)
    case .file(let path):
      try writeFile(path, query, reader, plan, &summary)
    case .directory(let path):
      try making { () throws(SyscallError) in try FileSystem.makeDirectory(path) }
      for group in query.groups where !InterruptSignal.isRaised {
        var one = query
        one.groups = [group]
        let file = path + "/" + plan.fileName(of: group.group)
        try writeFile(file, one, reader, plan, &summary)
      }
    }
    try finish(summary)
  }

  private func finish(_ summary: Summary) throws {
    progress.erase()
    if summary.damagedBlocks > 0 {
      StandardError.write(
        "warning: \(summary.damagedBlocks) blocks could not be read; gaps show where\n"
      )
    }
    if !command.quiet, !summary.isBrokenOff {
      let files = summary.files > 1 ? " in \(summary.files) files" : ""
      StandardError.write(
        "\(summary.events) events exported\(files), \(ByteCount.text(UInt64(summary.bytes)))\n"
      )
    }
    if InterruptSignal.isRaised { throw ExitCode(130) }
    if summary.damagedBlocks > 0 { throw ExitCode(CommandFailure.Status.io) }
  }

  private func plan() throws(CommandFailure) -> ExportPlan {
    var isDirectory = false
    if let destination = command.destination {
      isDirectory =
        try making { () throws(SyscallError) in
          try FileSystem.statusIfPresent(of: destination)?.isDirectory
        } ?? false
    }
    return ExportPlan(
      destination: command.destination,
      isDirectory: isDirectory,
      format: command.format,
      compression: command.compress
    )
  }

  private func query(
    _ reader: StoreReader,
    _ configuration: Configuration
  ) throws(CommandFailure) -> LogQuery {
    let all = try storing { () throws(StoreError) in try reader.groups() }
    let names: Set<LogGroup>
    if command.targets.isEmpty {
      guard all.count <= 1 else {
        throw LogsRequest.usage(
          "which resource? there are \(all.count) log groups",
          help: "name one, or '*' for all; `logagent groups` lists them"
        )
      }
      names = Set(all.map(\.group))
    } else {
      let search = GroupSearch(all.map(\.group), configuration, command.stack.choices)
      names = try TargetSearch(search).find(command.targets)
    }
    let now = Timestamp(nanoseconds: clock.now())
    let isUTC = command.utc
    let offset: (Int64) -> Int64 = { isUTC ? 0 : LocalTime.offsetSeconds(atEpochSecond: $0) }
    do throws(QueryDiagnostic) {
      let range = try TypedTimeRange(
        since: command.since,
        until: command.until,
        now: now,
        offset: offset
      )
      var query = LogQuery(
        groups: all.filter { names.contains($0.group) },
        from: range.from,
        through: range.through,
        now: now
      )
      if let filter = command.filter {
        query.pattern = try FilterPatternParser.parse(filter)
        for warning in query.pattern.warnings where !command.quiet {
          StandardError.write("warning: \(TerminalText.lines(warning))\n")
        }
      }
      query.selection = .all
      query.onlyStderr = command.match.stream.map { $0 == .stderr }
      query.conditions.levels = command.match.level?.levels
      if let name = command.match.logStream {
        let glob = Glob(name)
        query.stream = { $0 == name || glob.matches($0) }
      }
      return query
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
  }

  /// Writes beside the file and puts it in place when it is whole.
  private func writeFile(
    _ path: String,
    _ query: LogQuery,
    _ reader: StoreReader,
    _ plan: ExportPlan,
    _ summary: inout Summary
  ) throws(CommandFailure) {
    let temporary = path + ".tmp"
    let number = try making { () throws(SyscallError) in
      try FileSystem.remove(temporary)
      return try Descriptor(create: temporary).release()
    }
    let file = Descriptor(adopting: number, path: temporary)
    var isWhole = false
    defer {
      // Silence is right: what is left over is overwritten next time.
      if !isWhole { try? FileSystem.remove(temporary) }
    }
    let sink = ExportSink(number: file.raw, path: path, compression: plan.compression)
    try write(query, reader, plan, sink, &summary)
    guard !InterruptSignal.isRaised else { return }
    do throws(SyscallError) {
      try file.sync()
      try file.close()
      try FileSystem.rename(temporary, to: path)
      isWhole = true
      try FileSystem.syncDirectory(FileSystem.parent(of: path))
    } catch {
      throw CommandFailure(error)
    }
    summary.files += 1
  }

  private func write(
    _ query: LogQuery,
    _ reader: StoreReader,
    _ plan: ExportPlan,
    _ sink: ExportSink,
    _ summary: inout Summary
  ) throws(CommandFailure) {
    let search = try storing { () throws(StoreError) in
      try LogSearch(
        query,
        reader: reader,
        workers: WorkerThreads.processors,
        isCancelled: { InterruptSignal.isRaised }
      )
    }
    if plan.format == .csv { sink.append { ExportCSV.appendHeading(to: &$0) } }
    var events = 0
    let statistics = search.run { event in
      sink.append { bytes in
        switch plan.format {
        case .jsonl: ExportJSON.append(event, to: &bytes)
        case .csv: ExportCSV.append(event, to: &bytes)
        }
      }
      events += 1
      let count = events
      progress.show { "\(count) events, \(ByteCount.text(UInt64(sink.written)))…" }
      return !sink.isClosed
    }
    sink.finish()
    if let failure = sink.failure {
      throw CommandFailure(failure.description, status: CommandFailure.Status.io)
    }
    if let failure = statistics.failure {
      throw CommandFailure(
        failure.description,
        help: failure.hint,
        status: CommandFailure.Status.data
      )
    }
    summary.isBrokenOff = summary.isBrokenOff || sink.isClosed
    summary.events += events
    summary.bytes += sink.written
    summary.damagedBlocks += statistics.damagedBlocks
  }

  private func making<T>(
    _ body: () throws(SyscallError) -> T
  ) throws(CommandFailure) -> T {
    do throws(SyscallError) {
      return try body()
    } catch {
      throw CommandFailure(error)
    }
  }
}

/// A file or standard output that is compressed on the way.
///
/// Used by one thread.
final class ExportSink {
  /// Text in one frame: frames of this size pack nearly as well as one for all.
  private static let frameBytes = 1_048_576
  private let number: Int32
  private let path: String?
  private let codec: Codec?
  private var compressor = Compressor()
  private var bytes: [UInt8] = []
  private var hasWritten = false
  /// Bytes as they were written, packed.
  private(set) var written = 0
  private(set) var isClosed = false
  private(set) var failure: SyscallError?

  init(number: Int32, path: String?, compression: ExportCompression) {
    self.number = number
    self.path = path
    codec = compression.codec
    bytes.reserveCapacity(Self.frameBytes + 65_536)
  }

  func append(_ add: (inout [UInt8]) -> Void) {
    add(&bytes)
    if bytes.count >= Self.frameBytes { flush() }
  }

  /// Writes what is left; an empty text is still a valid file of its kind.
  func finish() {
    if !bytes.isEmpty || !hasWritten && codec != nil { flush() }
  }

  private func flush() {
    defer { bytes.removeAll(keepingCapacity: true) }
    hasWritten = true
    guard !isClosed else { return }
    var packed: [UInt8] = []
    if let codec {
      compressor.compress(bytes.span, with: codec, into: &packed)
    } else {
      swap(&packed, &bytes)
    }
    let output = Descriptor(adopting: number, path: path ?? "standard output")
    do throws(SyscallError) {
      try output.write(packed.span)
      written += packed.count
    } catch {
      isClosed = true
      // A closed pipe is how a reader says that it has enough.
      if !error.isClosedPipe { failure = error }
    }
    _ = output.release()
    if codec == nil { swap(&packed, &bytes) }
  }
}
