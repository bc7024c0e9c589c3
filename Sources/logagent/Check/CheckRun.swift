internal import LogModel
internal import Platform

/// Checks configuration files as the daemon would read them.
struct CheckRun {
  /// One file, and what is to be said about it.
  struct File {
    var path: String
    var kind: ConfigurationKind
    var loaded: LoadedConfiguration
  }

  /// `--config` or `LOGAGENT_CONFIG`: what a stacktape.yml is checked together with.
  var config: String?
  var dataDirectory: String?
  var choices = StackChoices()
  var environment: (String) -> String? = { ProcessEnvironment.value(of: $0) }

  /// Every file by itself; with none, the configuration that `run` would use.
  func check(_ paths: [String]) -> [File] {
    if paths.isEmpty {
      let path = config ?? Configuration.defaultPath
      return [File(path: path, kind: .logagent, loaded: load(config))]
    }
    return paths.map { path in
      let isProgram = StacktapeLoader.isProgram(path)
      if isProgram || StacktapeLoader.isFolder(path) {
        return File(path: path, kind: .stacktape, loaded: stacktape(path))
      }
      // Silence is right: loading says what is wrong with the file.
      let bytes = (try? FileSystem.read(path, atMost: Limits.configurationBytesMax)) ?? []
      let root = YAMLDocument(bytes, file: path, allowsTags: true).root
      let kind = ConfigurationKind(root, path: path)
      return File(path: path, kind: kind, loaded: kind == .logagent ? load(path) : stacktape(path))
    }
  }

  private func load(_ path: String?) -> LoadedConfiguration {
    Configuration.load(
      path: path,
      dataDirectory: dataDirectory,
      choices: choices,
      environment: environment
    )
  }

  /// A stacktape.yml, with what logagent.yml says around it and none of its other files.
  private func stacktape(_ path: String) -> LoadedConfiguration {
    var configuration = Configuration()
    var base = config
    if base == nil, !Configuration.isAbsent(Configuration.defaultPath) {
      base = Configuration.defaultPath
    }
    // A logagent.yml that is invalid is a matter of its own check.
    var places = ResourcePlaces()
    if let base {
      let loaded = load(base)
      if let found = loaded.configuration { configuration = found }
      places.own = loaded.places.own
    }
    let choices = choices.completed(by: environment)
    configuration.project = choices.project ?? configuration.project
    configuration.stage = choices.stage ?? configuration.stage
    let known = configuration.stacktape.first { $0.path == path }
    configuration.stacktape = [known ?? StacktapeFile(path: path)]
    configuration.resources = configuration.resources.compactMap { resource in
      var resource = resource
      let isOwn = !resource.match.isEmpty || resource.logging != ResourceLogging()
      if resource.stacktape != nil, !isOwn { return nil }
      if resource.stacktape != nil { resource.type = nil }
      resource.stacktape = nil
      return resource
    }
    var loader = StacktapeLoader(
      secrets: SecretResolver(
        directory: base.map { FileSystem.parent(of: $0) },
        environment: environment
      ),
      directory: nil,
      choices: choices
    )
    loader.merge(into: &configuration)
    let isValid = !loader.diagnostics.contains { $0.severity == .error }
    places.stacktape = loader.places
    return LoadedConfiguration(
      configuration: isValid ? configuration : nil,
      diagnostics: loader.diagnostics,
      files: loader.files,
      places: places
    )
  }
}
