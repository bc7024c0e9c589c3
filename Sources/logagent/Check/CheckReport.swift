internal import LogModel

/// What `logagent check` prints, and with which status it ends.
struct CheckReport: Equatable {
  enum Format: String, CaseIterable, Sendable {
    case text
    case json
    case sarif
    case github
  }

  /// All of it, in the order of a terminal.
  var text: String { problems + answer }
  /// What is wrong, as text; every other format is one answer.
  var problems = ""
  var answer = ""
  /// 0, or 78 when a file cannot be used.
  var exitStatus: Int32

  static let valid: Int32 = 0
  static let invalid: Int32 = 78

  /// - Parameters:
  ///   - files: What was checked, in the order of the command line.
  ///   - format: How it is printed.
  ///   - isStrict: Warnings count as errors.
  ///   - effective: The mapping, for `--effective`.
  init(
    _ files: [CheckRun.File],
    format: Format = .text,
    isStrict: Bool = false,
    effective: [EffectiveMapping] = []
  ) {
    let diagnostics =
      files.flatMap { $0.loaded.diagnostics + $0.loaded.ambiguities }
      + effective.flatMap(\.ambiguities)
    let isInvalid =
      files.contains { $0.loaded.configuration == nil } || isStrict && !diagnostics.isEmpty
      || diagnostics.contains { $0.severity == .error }
    exitStatus = isInvalid ? Self.invalid : Self.valid
    switch format {
    case .text:
      problems = DiagnosticPrinter.render(diagnostics)
      for file in files where effective.isEmpty {
        if let configuration = file.loaded.configuration, file.loaded.ambiguities.isEmpty {
          answer += Self.describe(file.path, file.kind, configuration)
        }
      }
      for mapping in effective { answer += mapping.text }
    case .json: answer = DiagnosticJSON.render(diagnostics, effective: effective)
    case .sarif: answer = DiagnosticSARIF.render(diagnostics)
    case .github: answer = DiagnosticGitHub.render(diagnostics)
    }
  }

  /// One file as `run` would read it.
  static func make(
    path: String?,
    dataDirectory: String? = nil,
    environment: @escaping (String) -> String?
  ) -> CheckReport {
    let run = CheckRun(config: path, dataDirectory: dataDirectory, environment: environment)
    return CheckReport(run.check([]))
  }

  private static func describe(
    _ path: String,
    _ kind: ConfigurationKind,
    _ configuration: Configuration
  ) -> String {
    let isDefault = path == Configuration.defaultPath && Configuration.isAbsent(path)
    var text = "\(isDefault ? "no configuration file: defaults" : path): valid\n"
    if kind == .logagent {
      text += "  data directory  \(configuration.dataDirectory)\n"
      text += "  retention       \(configuration.defaults.retentionDays.words) by default\n"
    }
    let matcher = ResourceMatcher(configuration)
    for resource in configuration.resources
    where resource.stacktape == nil || resource.type?.locality == .containers {
      for line in EffectiveMapping.lines(of: resource, matcher) {
        text += "  \(line.name): \(line.group), \(line.retention)"
        if line.forwarding != "–" { text += ", to \(line.forwarding)" }
        text += "\n"
      }
    }
    return text
  }
}
