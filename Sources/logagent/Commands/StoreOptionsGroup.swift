internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Store

/// The flags of every command that touches the store.
struct StoreLocation: ParsableArguments {
  @Option(name: .long, help: "The configuration file (default: /etc/logagent/logagent.yml).")
  var config: String?

  @Option(
    name: .customLong("data-dir"),
    help: "The data directory, in place of the configuration's."
  )
  var dataDirectory: String?

  /// The configuration that holds; prints what is wrong with it and ends with 78 when it is
  /// invalid.
  func load(_ choices: StackChoices = StackChoices()) throws(CommandFailure) -> Configuration {
    try loadWithFiles(choices).configuration
  }

  /// The same, with every file that it was made of.
  func loadWithFiles(
    _ choices: StackChoices = StackChoices()
  ) throws(CommandFailure) -> (configuration: Configuration, files: Set<String>) {
    // It holds the values of secrets.
    ProcessSecrecy.forbidDumps()
    let loaded = read(choices)
    guard let configuration = loaded.configuration else {
      StandardError.write(DiagnosticPrinter.render(loaded.diagnostics))
      throw CommandFailure(
        "the configuration is invalid",
        help: "run `logagent check` after mending it",
        status: CommandFailure.Status.configuration
      )
    }
    return (configuration, loaded.files)
  }

  /// The data directory, also of a configuration with errors, which are left to `check`: for
  /// commands that must tell how things are just then.
  func loadDataDirectory() throws(CommandFailure) -> String {
    ProcessSecrecy.forbidDumps()
    let loaded = read(StackChoices())
    if let directory = loaded.dataDirectory {
      if loaded.configuration == nil {
        StandardError.write("warning: the configuration has errors; see `logagent check`\n")
      }
      return directory
    }
    return try load().dataDirectory
  }

  private func read(_ choices: StackChoices) -> LoadedConfiguration {
    Configuration.load(
      path: config ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG"),
      dataDirectory: dataDirectory ?? ProcessEnvironment.value(of: "LOGAGENT_DATA_DIR"),
      choices: choices
    )
  }

  /// A reader of the configured store, with the configuration.
  func reader(
    _ choices: StackChoices = StackChoices()
  ) throws(CommandFailure) -> (StoreReader, Configuration) {
    let configuration = try load(choices)
    do throws(StoreError) {
      return (try StoreReader(dataDirectory: configuration.dataDirectory), configuration)
    } catch {
      throw CommandFailure(error)
    }
  }
}

extension Store {
  /// Notes how long a group is kept that a command has written to, for readers.
  ///
  /// A shorter period than before is the daemon's business: it waits for its grace.
  func note(_ period: RetentionPeriod, of group: LogGroup) {
    // Silence is right: the next sweep of a daemon notes it too.
    let groups = (try? StoreReader(dataDirectory: layout.root).groups()) ?? []
    if let known = groups.first(where: { $0.group == group })?.retention, known >= period {
      return
    }
    _ = apply([.retention([(group, period)])])
  }
}
