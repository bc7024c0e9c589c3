internal import ArgumentParser
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
  func load() throws(CommandFailure) -> Configuration {
    let path = config ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG")
    let directory = dataDirectory ?? ProcessEnvironment.value(of: "LOGAGENT_DATA_DIR")
    let loaded = Configuration.load(path: path, dataDirectory: directory)
    guard let configuration = loaded.configuration else {
      StandardError.write(DiagnosticPrinter.render(loaded.diagnostics))
      throw CommandFailure(
        "the configuration is invalid",
        help: "run `logagent check` after mending it",
        status: CommandFailure.Status.configuration
      )
    }
    return configuration
  }

  /// A reader of the configured store, with the configuration.
  func reader() throws(CommandFailure) -> (StoreReader, Configuration) {
    let configuration = try load()
    do throws(StoreError) {
      return (try StoreReader(dataDirectory: configuration.dataDirectory), configuration)
    } catch {
      throw CommandFailure(error)
    }
  }
}
