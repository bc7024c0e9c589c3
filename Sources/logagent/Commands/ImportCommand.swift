internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform
internal import Store

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Reads old log files into the store; repeating it adds only what is new.",
    discussion: """
      Formats: docker-json (Docker's json-file), cri (containerd, Podman), lines (plain text; a \
      line's own RFC 3339 time if it begins with one, else the time of the import), jsonl (objects \
      with `timestamp` in milliseconds, `message` and maybe `logStream`), csv; the last two also \
      as `export` writes them, which are read back unchanged. Files ending in .gz or .zst are \
      unpacked. A file is known by its content, so it may be renamed, and an import may be broken \
      off and repeated.

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
    let matcher = ResourceMatcher(configuration)
    let clock = SystemClock()
    let store: Store
    do throws(StoreError) {
      var options = StoreOptions(dataDirectory: configuration.dataDirectory)
      options.codec = configuration.store.compression == .gzip ? .gzip : .zstd
      store = try Store.open(options, clock: clock, metrics: Metrics())
    } catch {
      throw CommandFailure(error)
    }
    defer { store.close() }
    let place = matcher.place(ofImport: "import", resource: resource)
    var importer = LogImporter(
      sink: store,
      group: place.group,
      format: format.frame,
      eventBytesMax: configuration.limits.maxEventSize,
      clock: clock,
      stop: { false },
      progress: { progress in show(progress) }
    )
    for file in files {
      let name = stream ?? FileSystem.lastComponent(of: file)
      do throws(CollectError) {
        try importer.read(file, stream: LogStream(sanitizing: name))
      } catch {
        throw failure(error)
      }
    }
    let summary = importer.summary
    guard
      summary.lastTicket == 0
        || store.waitCommitted(summary.lastTicket, timeoutNanoseconds: 600_000_000_000)
    else {
      throw CommandFailure("the store could not commit: \(store.state)", status: 74)
    }
    store.note(days: place.settings.retentionDays, of: place.group)
    if !quiet { report(summary, into: place.group) }
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
