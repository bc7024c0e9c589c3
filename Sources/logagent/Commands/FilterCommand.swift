internal import ArgumentParser
internal import Platform
internal import Query

struct FilterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filter",
    abstract: "Prints the lines of files or standard input that match a filter pattern.",
    discussion: """
      The pattern is CloudWatch's: terms, %regex%, { $.json = conditions } or [space, delimited]; \
      see docs/filter-patterns.md. Needs no store. Files that end in .gz or .zst are unpacked.

      Exit status: 0 something matched · 1 nothing did · 64 usage · 65 bad pattern, or lines that \
      are not what --input says (the others are filtered) · 66 no such file · 74 input or output \
      failed.
      """
  )

  @Argument(help: "The filter pattern.")
  var pattern: String

  @Argument(help: "Files; `-` is standard input (default).", completion: .file())
  var files: [String] = []

  @Option(help: "What a line is: lines (a message) or jsonl (an object with `message`).")
  var input = InputFormat.lines

  @Option(
    name: [.customLong("outputFormat"), .customLong("output"), .customShort("o")],
    help: "tty, plain, jsonl or raw (default: tty on a terminal, else plain)."
  )
  var outputFormat: InputEventFormat?

  @Flag(help: "One JSON object: {logGroup, events: [{timestamp, message, logStream}]}.")
  var raw = false

  @Flag(help: "The same as --raw, and nothing but data and errors.")
  var agent = false

  @Flag(help: "Only how many lines match.")
  var count = false

  @Flag(name: [.customLong("quiet"), .customShort("q")], help: "No warnings.")
  var quiet = false

  func run() throws {
    let status = try FilterRun(self).run()
    if status != 0 { throw ExitCode(status) }
  }
}

/// One run of `filter`.
struct FilterRun {
  private let command: FilterCommand
  private let output: OutputBuffer

  init(_ command: FilterCommand, output: OutputBuffer = OutputBuffer()) {
    self.command = command
    self.output = output
  }

  /// The exit status, where nothing failed.
  func run() throws(CommandFailure) -> Int32 {
    let pattern = try pattern()
    let scan = MessageScan(pattern)
    let events = InputEvents(command.files, format: command.input)
    try events.check()
    let isTerminal = Terminal.isTerminal(1)
    let writer = InputEventWriter(
      command.outputFormat ?? (isTerminal ? .tty : .plain),
      output: output,
      isTerminal: isTerminal,
      isAgent: command.raw || command.agent
    )
    var matches = 0
    let output = output
    try events.forEach(pause: { output.flush() }) { event throws(CommandFailure) in
      do throws(PatternFailure) {
        guard try scan.matches(event.message.span) else { return true }
      } catch {
        output.finish()
        throw CommandFailure(error)
      }
      matches += 1
      if !command.count { writer.write(event) }
      return !output.isClosed
    }
    if command.count { output.append("\(matches)\n") } else { writer.finish() }
    output.finish()
    if let failure = output.failure {
      throw CommandFailure(failure.description, status: CommandFailure.Status.io)
    }
    report(events)
    if events.badLines > 0 { return CommandFailure.Status.data }
    return matches > 0 ? 0 : 1
  }

  private func pattern() throws(CommandFailure) -> FilterPattern {
    do throws(QueryDiagnostic) {
      let pattern = try FilterPatternParser.parse(command.pattern)
      if !command.quiet && !command.agent {
        for warning in pattern.warnings { StandardError.write("warning: \(warning)\n") }
      }
      return pattern
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
  }

  private func report(_ events: InputEvents) {
    if let complaint = events.complaint { StandardError.write("error: \(complaint)\n") }
    if events.cutLines > 0, !command.quiet {
      let count = events.cutLines == 1 ? "a line was" : "\(events.cutLines) lines were"
      StandardError.write(
        "warning: \(count) longer than \(LineInput.lineBytesMax) bytes and cut there\n"
      )
    }
  }
}
