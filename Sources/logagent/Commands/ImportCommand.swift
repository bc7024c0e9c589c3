internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform
internal import Store
internal import Synchronization

struct ImportCommand: ParsableCommand {
  /// How often the owner of the store may change, or another import come in between.
  private static let attemptsMax = 5

  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Reads old log files into the store; repeating it adds only what is new.",
    discussion: """
      Formats: docker-json (Docker's json-file), cri (containerd, Podman), lines (plain text; a \
      line's own RFC 3339 time if it begins with one, else the time of the import), jsonl (objects \
      with `timestamp` in milliseconds, `message` and maybe `logStream`), csv; the last two also \
      as `export` writes them, which are read back unchanged. Files ending in .gz or .zst are \
      unpacked. A file is known by its content, so it may be renamed, and an import may be broken \
      off and repeated. While the daemon runs, the events go through it.

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

  @OptionGroup var location: StoreLocation

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("name the files to import") }
  }

  func run() throws {
    let configuration = try location.load()
    let place = ResourceMatcher(configuration).place(ofImport: "import", resource: resource)
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
      "other imports of the same files, or restarts of the daemon, came in between "
        + "\(Self.attemptsMax) times; run it again",
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
    guard
      summary.lastTicket == 0
        || store.waitCommitted(summary.lastTicket, timeoutNanoseconds: 600_000_000_000)
    else {
      throw CommandFailure(
        "the store could not commit: \(store.state)",
        status: CommandFailure.Status.io
      )
    }
    store.note(days: place.settings.retentionDays, of: place.group)
    return summary
  }

  /// Leaves the batches to the process that owns the store; nil when it has to be done again.
  private func handOver(
    _ place: ResourceMatcher.NamedPlace,
    _ configuration: Configuration
  ) throws -> ImportSummary? {
    let layout = Layout(root: configuration.dataDirectory)
    let handover: ImportHandover
    let idle = IdleOwnerWarning()
    do throws(SyscallError) {
      try FileSystem.makeDirectory(layout.imports, mode: 0o770)
      handover = try ImportHandover(
        importsDirectory: layout.imports,
        clock: SystemClock(),
        isOwned: {
          idle.note()
          return Store.owner(of: layout) != nil
        },
        stored: { source in
          // A position that cannot be read counts as none; the owner of the store, which knows
          // better, then leaves the batches out, and this import is not complete.
          guard let reader = try? StoreReader(dataDirectory: layout.root) else { return nil }
          return (try? reader.position(of: source)) ?? nil
        }
      )
    } catch {
      throw CommandFailure(error)
    }
    do throws(CollectError) {
      let summary = try readFiles(into: handover, place.group, configuration)
      return handover.waitCollected() && handover.isComplete ? summary : nil
    } catch {
      if let cause = handover.failure { throw CommandFailure(cause) }
      guard case .closing = error else { throw failure(error) }
      return nil
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
      stop: { false },
      progress: { progress in show(progress) }
    )
    for file in files {
      let name = stream ?? FileSystem.lastComponent(of: file)
      try importer.read(file, stream: LogStream(sanitizing: name))
    }
    return importer.summary
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

/// Says once that the process which owns the store takes nothing.
private final class IdleOwnerWarning: Sendable {
  private static let secondsBefore = 5
  private let seconds = Mutex(0)

  /// To be called for every second in which nothing was taken.
  func note() {
    let count = seconds.withLock { seconds in
      seconds += 1
      return seconds
    }
    guard count == Self.secondsBefore else { return }
    StandardError.write(
      "logagent: the daemon takes no events now; waiting (`logagent status` tells whether its disk "
        + "is full). Ctrl-C is safe: run the import again later\n"
    )
  }
}
