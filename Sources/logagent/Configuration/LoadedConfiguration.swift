/// A configuration, if it is valid, with everything that is to be said about it.
struct LoadedConfiguration {
  var configuration: Configuration?
  /// The data directory, also of a file with errors; nil when it cannot be known.
  var dataDirectory: String?
  /// In the order of the files, and of the lines in each.
  var diagnostics: [Diagnostic]
  /// Every file that was read, or looked for: what to watch for changes.
  var files: Set<String> = []
  /// What `check` reports as errors, though `run` works with it: who gets a container is decided by
  /// the order of the files.
  var ambiguities: [Diagnostic] = []
  var places = ResourcePlaces()
}

/// What flags and the environment say about the stack; they win over the file.
struct StackChoices: Sendable, Equatable {
  var project: String?
  var stage: String?
  /// `--arg NAME=VALUE`, for `$CliArgs()`.
  var arguments: [String: String] = [:]

  /// A stack was asked for, so that another one's logs are not meant.
  var namesStack: Bool { project != nil || stage != nil }

  /// With `LOGAGENT_PROJECT` and `LOGAGENT_STAGE` where no flag was given.
  func completed(by environment: (String) -> String?) -> StackChoices {
    var choices = self
    choices.project = project ?? environment("LOGAGENT_PROJECT").flatMap { $0.isEmpty ? nil : $0 }
    choices.stage = stage ?? environment("LOGAGENT_STAGE").flatMap { $0.isEmpty ? nil : $0 }
    return choices
  }
}
