import LogModel
import TestSupport

@testable import logagent

/// A folder with a logagent.yml and the stacktape.yml that it names, read as the daemon would.
struct StacktapeRig {
  let directory = TemporaryDirectory("stacktape")
  var environment: [String: String] = [:]
  var choices = StackChoices()

  /// Writes the stacktape.yml and loads; `more` are further lines of logagent.yml.
  func load(
    _ stacktape: String,
    more: String = "project: shop\nstage: prod\n",
    name: String = "stacktape.yml"
  ) -> LoadedConfiguration {
    directory.write(name, stacktape)
    let path = directory.write("logagent.yml", more + "stacktape: [\(name)]\n")
    let environment = environment
    return Configuration.load(path: path, choices: choices, environment: { environment[$0] })
  }
}

extension LoadedConfiguration {
  func resource(_ name: String) -> ResourceConfiguration? {
    configuration?.resources.first { $0.name == name }
  }

  var summaries: [String] { diagnostics.map(summary) }
}
