internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform
internal import Store

struct ExecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec",
    abstract: "Runs a command and keeps its output: `logagent exec --resource NAME -- CMD…`.",
    discussion: """
      A small process of its own owns the command's pipes and writes a spool file below the data \
      directory; the daemon collects it, or exec itself when none runs. So the output is kept, \
      and the \
      command goes on, whatever happens to exec or the daemon. Signals and the exit status pass \
      through; \
      127: no such command, 126: not executable, 125: exec itself failed.

        logagent exec --resource nightlyReport -- ./report.sh --month 11
      """
  )

  @Option(help: "The resource that the output belongs to, or a full log group name.")
  var resource: String

  @Flag(help: "Do not show the command's output.")
  var quiet = false

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  @Argument(parsing: .captureForPassthrough, help: "The command and its arguments, behind `--`.")
  var command: [String] = []

  func validate() throws {
    let words = command.first == "--" ? command.dropFirst() : command[...]
    guard !words.isEmpty else { throw ValidationError("name a command behind `--`") }
  }

  func run() throws {
    let configuration = try location.load(stack.choices)
    let layout = Layout(root: configuration.dataDirectory)
    let matcher = ResourceMatcher(configuration)
    let words = command.first == "--" ? Array(command.dropFirst()) : command
    let place = matcher.place(ofRun: Entropy.hex(Entropy.word()), resource: resource)
    let (spooled, exit) = try execute(words, place, layout)
    if !exit.error.isEmpty { StandardError.write("logagent exec: \(exit.error)\n") }
    if exit.droppedBytes > 0 {
      StandardError.write("warning: \(exit.droppedBytes) bytes were lost, the disk was full\n")
    }
    collect(spooled, configuration, place)
    throw ExitCode(Int32(exit.signal > 0 ? 128 + exit.signal : exit.code))
  }

  /// Runs the command to its end.
  ///
  /// The session ends with this call: as long as it shows output, nobody may remove the spool.
  private func execute(
    _ words: [String],
    _ place: ResourceMatcher.NamedPlace,
    _ layout: Layout
  ) throws -> (SpoolRun, SpoolExit) {
    do throws(CollectError) {
      do throws(SyscallError) {
        try FileSystem.makeDirectory(layout.spool)
      } catch {
        throw .system(error)
      }
      let session = try ExecSession(
        spoolDirectory: layout.spool,
        spec: SpoolSpec(group: place.group, stream: place.stream, command: words),
        isQuiet: quiet
      )
      return (session.run, session.wait())
    } catch {
      StandardError.write("error: \(error)\n")
      throw ExitCode(125)
    }
  }

  /// Without a daemon the output goes into the store now; with one, it does that.
  private func collect(
    _ run: SpoolRun,
    _ configuration: Configuration,
    _ place: ResourceMatcher.NamedPlace
  ) {
    if place.settings.isDisabled { return }
    var options = StoreOptions(dataDirectory: configuration.dataDirectory)
    options.codec = configuration.store.compression == .gzip ? .gzip : .zstd
    let metrics = Metrics()
    do throws(StoreError) {
      let store = try Store.open(options, clock: SystemClock(), metrics: metrics)
      defer { store.close() }
      try drain(store, until: run, metrics)
      store.note(place.settings.retentionDays, of: place.group)
    } catch {
      if case .locked = error { return }
      StandardError.write(
        "warning: the output is kept in \(run.directory) until a daemon collects it: \(error)\n"
      )
    }
  }

  private func drain(_ store: Store, until run: SpoolRun, _ metrics: Metrics) throws(StoreError) {
    do throws(SyscallError) {
      let collector = try Collector(
        options: CollectorOptions(spoolDirectory: store.layout.spool),
        sink: store,
        metrics: metrics,
        notify: { _ in },
        placement: { _ in .disabled }
      )
      let stop = try StopSignal()
      let thread = try OSThread(name: "collect") { collector.run(until: stop) }
      // A process that the command left behind may go on writing; then the next owner takes the
      // rest.
      let clock = SystemClock()
      let deadline = clock.monotonic() + 10_000_000_000
      while !run.isCollected, clock.monotonic() < deadline {
        Poller.wait(readable: [], nanoseconds: 10_000_000)
      }
      stop.raise()
      thread.join()
    } catch {
      throw .io(error)
    }
  }
}

/// The process that owns a command's pipes; started by `exec` and by nobody else.
struct ExecShimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "exec-shim", shouldDisplay: false)

  @Argument var directory: String
  @Argument(parsing: .captureForPassthrough) var command: [String] = []

  func run() throws {
    let words = command.first == "--" ? Array(command.dropFirst()) : command
    throw ExitCode(Shim.main(directory: directory, command: words))
  }
}
