internal import LogModel
internal import Platform

extension Configuration {
  /// Where logagent.yml is when no `--config` and no `LOGAGENT_CONFIG` names another.
  static let defaultPath = "/etc/logagent/logagent.yml"

  /// Reads and checks a configuration file.
  ///
  /// - Parameters:
  ///   - path: `--config` or `LOGAGENT_CONFIG`. Nil: `/etc/logagent/logagent.yml` if it is there,
  ///     else the defaults.
  ///   - dataDirectory: `--data-dir` or `LOGAGENT_DATA_DIR`; takes the place of the file's.
  ///   - environment: Looks a variable up, for secrets.
  /// - Returns: The configuration, unless there is an error; and every problem in the order of the
  ///   file. With an error the caller exits with 78.
  static func load(
    path: String?,
    dataDirectory: String? = nil,
    environment: @escaping (String) -> String? = { ProcessEnvironment.value(of: $0) }
  ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
    var loaded: (configuration: Configuration?, diagnostics: [Diagnostic])
    if path == nil && isAbsent(defaultPath) {
      loaded = (Configuration(), [])
    } else {
      loaded = load(file: path ?? defaultPath, environment: environment)
    }
    guard let dataDirectory else { return loaded }
    if dataDirectory.isEmpty {
      loaded.diagnostics.append(
        Diagnostic(.error, file: "--data-dir", at: .wholeFile, "the data directory has no name")
      )
      loaded.configuration = nil
    }
    loaded.configuration?.dataDirectory = dataDirectory
    return loaded
  }

  /// A file that may not be looked at is not absent: falling back to defaults would be silent.
  static func isAbsent(_ path: String) -> Bool {
    do throws(SyscallError) {
      return try FileSystem.statusIfPresent(of: path) == nil
    } catch {
      return false
    }
  }

  private static func load(
    file: String,
    environment: @escaping (String) -> String?
  ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
    let bytes: [UInt8]
    let mode: UInt32
    do throws(SyscallError) {
      let status = try FileSystem.status(of: file)
      guard !status.isDirectory else {
        return (nil, [Diagnostic(.error, file: file, at: .wholeFile, "is a directory")])
      }
      mode = status.mode
      bytes = try FileSystem.read(file, atMost: Limits.configurationBytesMax)
    } catch {
      var help: String?
      if error.isNotFound { help = "copy conf/logagent.yml there, or name another with --config" }
      if error.isPermission { help = "members of the group `logagent` may read it" }
      return (
        nil, [Diagnostic(.error, file: file, at: .wholeFile, "cannot read: \(error)", help: help)]
      )
    }
    return decode(
      bytes,
      file: file,
      isReadableByAll: mode & 0o004 != 0,
      resolver: SecretResolver(directory: FileSystem.parent(of: file), environment: environment)
    )
  }

  /// The same from bytes that are already there.
  static func decode(
    _ bytes: [UInt8],
    file: String,
    isReadableByAll: Bool = false,
    resolver: SecretResolver
  ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
    let document = YAMLDocument(bytes, file: file)
    var decoder = ConfigurationDecoder(
      file: file,
      resolver: resolver,
      isReadableByAll: isReadableByAll
    )
    // Without a tree there may be nothing at all, which is the defaults, or a syntax error.
    let configuration = document.root.map { decoder.decode($0) } ?? Configuration()
    if decoder.values.diagnostics.isEmpty && document.problems.isEmpty {
      return (configuration, [])
    }
    // A key that was dropped as a duplicate, or lies behind a syntax error, is in no tree.
    let isPartial = document.root == nil || !document.problems.isEmpty
    var source = SourceText(bytes, masksByWords: isPartial)
    for range in decoder.values.secretRanges { source.mask(range) }
    var diagnostics = document.problems + decoder.values.diagnostics
    diagnostics.sort { ($0.line, $0.column) < ($1.line, $1.column) }
    let isValid = !diagnostics.contains { $0.severity == .error }
    if diagnostics.count > Limits.diagnosticsMax {
      let further = diagnostics.count - Limits.diagnosticsMax
      diagnostics.removeLast(further)
      diagnostics.append(
        Diagnostic(
          isValid ? .warning : .error,
          file: file,
          at: .wholeFile,
          "and \(further) more problems"
        )
      )
    }
    for index in diagnostics.indices {
      diagnostics[index].excerpt = source.excerpt(of: diagnostics[index].range)
    }
    return (isValid ? configuration : nil, diagnostics)
  }
}

/// What `logagent check` prints, and with which status it ends.
struct CheckReport: Equatable {
  var text: String
  /// 0, or 78 when the file cannot be used.
  var exitStatus: Int32

  static let valid: Int32 = 0
  static let invalid: Int32 = 78

  /// Loads a configuration as `run` would, and describes it or what is wrong with it.
  static func make(
    path: String?,
    dataDirectory: String? = nil,
    environment: @escaping (String) -> String? = { ProcessEnvironment.value(of: $0) }
  ) -> CheckReport {
    let loaded = Configuration.load(
      path: path,
      dataDirectory: dataDirectory,
      environment: environment
    )
    let problems = DiagnosticPrinter.render(loaded.diagnostics)
    guard let configuration = loaded.configuration else {
      return CheckReport(text: problems, exitStatus: invalid)
    }
    let isDefault = path == nil && Configuration.isAbsent(Configuration.defaultPath)
    let name = isDefault ? "no configuration file: defaults" : path ?? Configuration.defaultPath
    var text = problems + "\(name): valid\n"
    text += "  data directory  \(configuration.dataDirectory)\n"
    text += "  retention       \(configuration.defaults.retentionDays) days by default\n"
    let matcher = ResourceMatcher(configuration)
    for resource in configuration.resources {
      let settings = matcher.settings(of: resource)
      let group = matcher.group(of: resource, container: nil)
      let days = settings.isDisabled ? "disabled" : "\(settings.retentionDays) days"
      var line = "  \(resource.name): \(group.name), \(days)"
      if let destination = settings.destination, !settings.isDisabled {
        line += ", to \(destination.kind.rawValue)"
        if destination.pausedReason != nil { line += " (paused)" }
      }
      text += line + "\n"
    }
    return CheckReport(text: text, exitStatus: valid)
  }
}
