internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform
internal import Store

struct ImportCommand: ParsableCommand {
  /// How often another import may come in between, or the store change hands.
  private static let attemptsMax = 5
  /// How long a daemon that took batches may be away: longer than a service manager's restart.
  private static let ownerPatienceSeconds: Int64 = 30
  private static let waitToldSeconds: Int64 = 10
  private static let repeatHelp = "run it again: it goes on behind what is stored"

  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Reads old log files into the store; repeating it adds only what is new.",
    discussion: """
      Formats: docker-json (Docker's json-file), cri (containerd, Podman), lines (plain text; a \
      line's own RFC 3339 time if it begins with one, else the time of the import), jsonl (objects \
      with `timestamp` in milliseconds, `message` and maybe `logStream`), csv; the last two also \
      as `export` writes them, which are read back unchanged. Files ending in .gz or .zst are \
      unpacked. A file is known by its content, so it may be renamed, and an import may be broken \
      off and repeated. While the daemon runs, the events go through it. Exit status: 75 when \
      it has to be run again, 130 when it was interrupted.

        logagent import --format docker-json --resource api /var/lib/docker/containers/*/*-json.log
        logagent import --format lines --resource nginx /var/log/nginx/access.log.*.gz
        logagent import --format jsonl --resource api api.jsonl.zst
      """
  )

  @Option(help: "docker-json, cri, lines, jsonl or csv.")
  var format: ImportFormat

  @Option(help: "The resource that the logs belong to, or a full log group name.")
  var resource: String

  @Option(help: "The log stream (default: the file's name).")
  var stream: String?

  @Flag(help: "No progress on standard error.")
  var quiet = false

  @Argument(help: "The files, in the order of their events.")
  var files: [String]

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("name the files to import") }
  }

  func run() throws {
    let configuration = try location.load(stack.choices)
    let place = ResourceMatcher(configuration).place(ofImport: "import", resource: resource)
    do throws(SyscallError) {
      try ProcessIdentity.actAsOwner(of: configuration.dataDirectory)
    } catch {
      throw CommandFailure(error)
    }
    InterruptSignal.install()
    for _ in 0..<Self.attemptsMax {
      let summary: ImportSummary?
      if let store = try open(configuration) {
        defer { store.close() }
        summary = try read(into: store, place, configuration)
      } else {
        summary = try handOver(place, configuration)
      }
      if let summary {
        if !quiet { report(summary, into: place.group) }
        return
      }
    }
    throw CommandFailure(
      "other imports came in between \(Self.attemptsMax) times",
      help: Self.repeatHelp,
      status: CommandFailure.Status.tryAgain
    )
  }

  /// The store, owned by this process; nil when another one owns it.
  private func open(_ configuration: Configuration) throws -> Store? {
    var options = StoreOptions(dataDirectory: configuration.dataDirectory)
    options.codec = configuration.store.compression == .gzip ? .gzip : .zstd
    do throws(StoreError) {
      return try Store.open(options, clock: SystemClock(), metrics: Metrics())
    } catch {
      if case .locked = error { return nil }
      throw CommandFailure(error)
    }
  }

  private func read(
    into store: Store,
    _ place: ResourceMatcher.NamedPlace,
    _ configuration: Configuration
  ) throws -> ImportSummary {
    let summary: ImportSummary
    do throws(CollectError) {
      summary = try readFiles(into: store, place.group, configuration)
    } catch {
      throw failure(error)
    }
    if InterruptSignal.isRaised { throw interrupted() }
    guard
      summary.lastTicket == 0
        || store.waitCommitted(summary.lastTicket, timeoutNanoseconds: 600_000_000_000)
    else {
      throw CommandFailure(
        "the store could not commit: \(store.state)",
        status: CommandFailure.Status.io
      )
    }
    store.note(place.settings.retentionDays, of: place.group)
    return summary
  }

  /// Leaves the batches to the process that owns the store; nil when it has to be done again.
  private func handOver(
    _ place: ResourceMatcher.NamedPlace,
    _ configuration: Configuration
  ) throws -> ImportSummary? {
    let handover = try makeHandover(Layout(root: configuration.dataDirectory))
    // An owner removes what is left behind as well, only later.
    defer { try? handover.withdraw() }
    do throws(CollectError) {
      let summary = try readFiles(into: handover, place.group, configuration)
      if !InterruptSignal.isRaised, handover.waitCollected() {
        return handover.isComplete ? summary : nil
      }
    } catch {
      guard case .closing = error else { throw failure(error) }
    }
    switch handover.obstacle {
    case .neverTaken: return nil
    case .ownerGone:
      throw CommandFailure(
        "the daemon ended, and none came back within \(Self.ownerPatienceSeconds) seconds",
        help: Self.repeatHelp,
        status: CommandFailure.Status.tryAgain
      )
    case .tooLarge:
      throw CommandFailure(
        "events that belong together are too large to be handed to the daemon",
        help: "stop the daemon, and run it again",
        status: CommandFailure.Status.data
      )
    case .failed(let cause): throw CommandFailure(cause)
    case .interrupted, nil: throw interrupted()
    }
  }

  private func makeHandover(_ layout: Layout) throws -> ImportHandover {
    do throws(StoreError) {
      // Fails now, and with the reason, when positions cannot be read at all.
      _ = try StoreReader(dataDirectory: layout.root)
    } catch {
      throw CommandFailure(error)
    }
    do throws(SyscallError) {
      return try ImportHandover(
        importsDirectory: layout.imports,
        clock: SystemClock(),
        ownerPatience: Self.ownerPatienceSeconds * 1_000_000_000,
        isOwned: { Store.owner(of: layout) != nil },
        stored: { source in
          // A position that cannot be read counts as none; the owner of the store, which knows
          // better, then leaves the batches out, and this import is not complete.
          guard let reader = try? StoreReader(dataDirectory: layout.root) else { return nil }
          return (try? reader.position(of: source)) ?? nil
        },
        isInterrupted: { InterruptSignal.isRaised },
        onWait: { [quiet] in Self.showWaiting($0, layout, isQuiet: quiet) }
      )
    } catch {
      throw CommandFailure(StoreError.io(error))
    }
  }

  private func readFiles(
    into sink: any EventSink,
    _ group: LogGroup,
    _ configuration: Configuration
  ) throws(CollectError) -> ImportSummary {
    var importer = LogImporter(
      sink: sink,
      group: group,
      format: format.frame,
      eventBytesMax: configuration.limits.maxEventSize,
      clock: SystemClock(),
      stop: { InterruptSignal.isRaised },
      progress: { progress in show(progress) }
    )
    for file in files where !InterruptSignal.isRaised {
      let name = stream ?? FileSystem.lastComponent(of: file)
      try importer.read(file, stream: LogStream(sanitizing: name))
    }
    return importer.summary
  }

  /// What is stored by now stays.
  private func interrupted() -> ExitCode {
    if !quiet {
      if Terminal.isTerminal(2) { StandardError.write("\n") }
      StandardError.write("interrupted; \(Self.repeatHelp)\n")
    }
    return ExitCode(130)
  }

  /// On a terminal every second, in place of the progress; elsewhere once, when it takes long.
  private static func showWaiting(_ nanoseconds: Int64, _ layout: Layout, isQuiet: Bool) {
    let seconds = nanoseconds / 1_000_000_000
    let isTerminal = Terminal.isTerminal(2)
    guard !isQuiet, isTerminal || seconds == waitToldSeconds else { return }
    let owner = Store.owner(of: layout).map { "\($0), which owns the store" } ?? "a daemon"
    StandardError.write(
      (isTerminal ? "\r\u{1b}[K" : "") + "waiting for \(owner) (\(seconds) s)"
        + (isTerminal ? "" : "\n")
    )
  }

  private func failure(_ error: CollectError) -> CommandFailure {
    switch error {
    case .system(let cause): CommandFailure(cause)
    case .invalid: CommandFailure(error.description, status: CommandFailure.Status.data)
    case .closing: CommandFailure(error.description, status: CommandFailure.Status.io)
    }
  }

  private func show(_ progress: ImportProgress) {
    guard !quiet, Terminal.isTerminal(2) else { return }
    let total = progress.totalBytes.map { " of \(ByteCount.text(UInt64($0)))" } ?? ""
    StandardError.write(
      "\r\u{1b}[K\(TerminalText.string(progress.path)): "
        + ByteCount.text(UInt64(progress.doneBytes))
        + "\(total), \(progress.events) events"
    )
  }

  private func report(_ summary: ImportSummary, into group: LogGroup) {
    if Terminal.isTerminal(2) { StandardError.write("\r\u{1b}[K") }
    var text = "\(summary.events) events imported into \(group.name)"
    if summary.unchangedFiles > 0 { text += ", \(summary.unchangedFiles) files held nothing new" }
    if summary.malformed > 0 { text += ", \(summary.malformed) malformed records kept as they are" }
    if summary.truncated > 0 { text += ", \(summary.truncated) events cut at the maximum size" }
    StandardError.write(text + "\n")
  }
}

enum ImportFormat: String, ExpressibleByArgument, CaseIterable {
  case dockerJSON = "docker-json"
  case cri
  case lines
  case jsonl
  case csv

  var frame: FrameFormat {
    switch self {
    case .dockerJSON: .dockerJSON
    case .cri: .cri
    case .lines: .lines
    case .jsonl: .jsonLines
    case .csv: .csv
    }
  }
}
