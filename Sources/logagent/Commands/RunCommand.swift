internal import ArgumentParser
internal import Logging
internal import Platform

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs the daemon in the foreground: collects, stores, expires and forwards.",
    discussion: """
      SIGTERM and SIGINT stop it within 10 seconds with everything committed; SIGHUP reads the \
      configuration again, and an invalid one leaves the old in force. Its own log goes to \
      standard \
      error. Under systemd it speaks the notify protocol and the watchdog's.
      """
  )

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  @Option(help: "What its own log shows: debug, info, warning or error.")
  var logLevel = OwnLogLevel.info

  func run() async throws {
    ProcessSecrecy.forbidCoreFiles()
    let (configuration, files) = try location.loadWithFiles(stack.choices)
    let isJournal = ProcessEnvironment.value(of: "JOURNAL_STREAM") != nil
    let level = logLevel.level
    let logger = Logger(label: "logagent") { _ in
      var handler = StderrLogHandler(isJournal: isJournal)
      handler.logLevel = level
      return handler
    }
    let daemon = try Daemon(
      configuration,
      files: files,
      location: location,
      choices: stack.choices,
      logger: logger
    )
    try await daemon.run()
  }
}

/// What the daemon's own log shows.
enum OwnLogLevel: String, ExpressibleByArgument, CaseIterable {
  case debug
  case info
  case warning
  case error

  var level: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }
}
