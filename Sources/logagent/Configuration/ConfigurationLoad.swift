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
  ///   - choices: Flags about the stack; `LOGAGENT_PROJECT` and `LOGAGENT_STAGE` complete them.
  ///   - environment: Looks a variable up, for secrets.
  /// - Returns: The configuration, unless there is an error; and every problem in the order of the
  ///   file. With an error the caller exits with 78.
  static func load(
    path: String?,
    dataDirectory: String? = nil,
    choices: StackChoices = StackChoices(),
    environment: @escaping (String) -> String? = { ProcessEnvironment.value(of: $0) }
  ) -> LoadedConfiguration {
    let choices = choices.completed(by: environment)
    var loaded: LoadedConfiguration
    if path == nil && isAbsent(defaultPath) {
      var configuration = Configuration()
      configuration.project = choices.project
      configuration.stage = choices.stage
      loaded = LoadedConfiguration(
        configuration: configuration,
        dataDirectory: configuration.dataDirectory,
        diagnostics: []
      )
    } else {
      loaded = load(file: path ?? defaultPath, choices: choices, environment: environment)
    }
    loaded.files.insert(path ?? defaultPath)
    guard let dataDirectory else { return loaded }
    if dataDirectory.isEmpty {
      loaded.diagnostics.append(
        Diagnostic(.error, file: "--data-dir", at: .wholeFile, "the data directory has no name")
      )
      loaded.configuration = nil
    }
    loaded.configuration?.dataDirectory = dataDirectory
    loaded.dataDirectory = dataDirectory.isEmpty ? nil : dataDirectory
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
    choices: StackChoices,
    environment: @escaping (String) -> String?
  ) -> LoadedConfiguration {
    let bytes: [UInt8]
    let mode: UInt32
    do throws(SyscallError) {
      let status = try FileSystem.status(of: file)
      guard !status.isDirectory else {
        return LoadedConfiguration(
          diagnostics: [Diagnostic(.error, file: file, at: .wholeFile, "is a directory")]
        )
      }
      mode = status.mode
      bytes = try FileSystem.read(file, atMost: Limits.configurationBytesMax)
    } catch {
      var help: String?
      if error.isNotFound { help = "copy conf/logagent.yml there, or name another with --config" }
      if error.isPermission { help = "members of the group `logagent` may read it" }
      return LoadedConfiguration(
        diagnostics: [
          Diagnostic(.error, file: file, at: .wholeFile, "cannot read: \(error)", help: help)
        ]
      )
    }
    return decode(
      bytes,
      file: file,
      isReadableByAll: mode & 0o004 != 0,
      choices: choices,
      resolver: SecretResolver(directory: FileSystem.parent(of: file), environment: environment)
    )
  }

  /// The same from bytes that are already there; the stacktape.yml files are read.
  static func decode(
    _ bytes: [UInt8],
    file: String,
    isReadableByAll: Bool = false,
    choices: StackChoices = StackChoices(),
    resolver: SecretResolver
  ) -> LoadedConfiguration {
    let document = YAMLDocument(bytes, file: file)
    var decoder = ConfigurationDecoder(
      file: file,
      secrets: resolver,
      choices: choices,
      isReadableByAll: isReadableByAll
    )
    // Without a tree there may be nothing at all, which is the defaults, or a syntax error.
    let root = document.root ?? .plain("", at: .wholeFile)
    var configuration = decoder.decode(root)
    var loader = StacktapeLoader(
      secrets: resolver,
      directory: resolver.directory,
      choices: choices
    )
    loader.merge(into: &configuration, typeRanges: decoder.typeRanges, file: file)
    let own = loader.diagnostics.filter { $0.file == file }
    let diagnostics =
      Diagnostic.completed(
        document.problems + decoder.values.diagnostics + own,
        of: bytes,
        file: file,
        isPartial: document.root == nil || !document.problems.isEmpty,
        secrets: decoder.values.secretRanges
      ) + loader.diagnostics.filter { $0.file != file }
    let isValid = !diagnostics.contains { $0.severity == .error }
    var loaded = LoadedConfiguration(
      configuration: isValid ? configuration : nil,
      dataDirectory: document.root == nil ? nil : configuration.dataDirectory,
      diagnostics: diagnostics,
      files: loader.files
    )
    loaded.places.own = decoder.resourceRanges.mapValues {
      ResourcePlaces.Place(file: file, range: $0)
    }
    loaded.places.stacktape = loader.places
    loaded.ambiguities = Diagnostic.completed(
      ResourcePlaces.overlaps(decoder.rules, file: file),
      of: bytes,
      file: file,
      isPartial: true,
      secrets: decoder.values.secretRanges
    )
    return loaded
  }
}

extension Diagnostic {
  /// The diagnostics of one file in its order, each once, with the lines that they are about.
  ///
  /// What `secrets` cover is masked; a file that is `isPartial` is not known well enough for that
  /// alone, since a key that was dropped, or lies behind a syntax error, is in no tree.
  static func completed(
    _ found: [Diagnostic],
    of bytes: [UInt8],
    file: String,
    isPartial: Bool,
    secrets: [SourceRange]
  ) -> [Diagnostic] {
    if found.isEmpty { return [] }
    var source = SourceText(bytes, masksByWords: isPartial)
    for range in secrets { source.mask(range) }
    var diagnostics: [Diagnostic] = []
    for diagnostic in found.sorted(by: { ($0.line, $0.column) < ($1.line, $1.column) })
    where diagnostic != diagnostics.last { diagnostics.append(diagnostic) }
    if diagnostics.count > Limits.diagnosticsMax {
      let isValid = !diagnostics.contains { $0.severity == .error }
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
    return diagnostics
  }
}
