internal import LogModel
internal import Platform

/// Reads the stacktape.yml files of a configuration and puts what they say into it.
struct StacktapeLoader {
  let secrets: SecretResolver
  /// What relative paths are relative to; nil: the working directory.
  let directory: String?
  let choices: StackChoices
  private(set) var diagnostics: [Diagnostic] = []
  private(set) var files: Set<String> = []
  /// Where resources stand, by stack and simplified name.
  private(set) var places: [String: ResourcePlaces.Place] = [:]

  init(secrets: SecretResolver, directory: String?, choices: StackChoices) {
    self.secrets = secrets
    self.directory = directory
    self.choices = choices
  }

  /// The names that a folder is searched for.
  private static let names = ["stacktape.yaml", "stacktape.yml", "stacktape.json"]

  /// Reads every file of `configuration.stacktape` and merges it.
  ///
  /// `typeRanges` are the places of the types that `file` gives to resources.
  mutating func merge(
    into configuration: inout Configuration,
    typeRanges: [String: SourceRange] = [:],
    file: String = ""
  ) {
    var overrides: [String: ResourceLogging] = [:]
    for resource in configuration.resources {
      overrides[ResourceName.simplified(resource.name)] = resource.logging
    }
    for entry in configuration.stacktape {
      guard let path = locate(entry.path) else { continue }
      let found = read(path, entry, configuration, overrides)
      for resource in found {
        let stack = resource.resource.stack ?? ""
        let name = stack + "/" + ResourceName.simplified(resource.name)
        if let first = places[name] {
          diagnostics.append(
            Diagnostic(
              .error,
              file: path,
              at: resource.range,
              "the resource `\(resource.name)` cannot be told from another of the same stack",
              help: "the other one is at \(first.words)"
            )
          )
          continue
        }
        places[name] = ResourcePlaces.Place(file: path, range: resource.range)
        add(resource, to: &configuration, typeRanges, file)
      }
    }
  }

  private mutating func add(
    _ found: StacktapeDecoder.Found,
    to configuration: inout Configuration,
    _ typeRanges: [String: SourceRange],
    _ file: String
  ) {
    let same = configuration.resources.firstIndex { ResourceName.isSame($0.name, found.name) }
    guard let same else {
      configuration.resources.append(
        ResourceConfiguration(
          name: found.name,
          type: found.resource.type,
          stacktape: found.resource
        )
      )
      return
    }
    var resource = configuration.resources[same]
    if let type = resource.type, type != found.resource.type, let range = typeRanges[resource.name]
    {
      diagnostics.append(
        Diagnostic(
          .error,
          file: file,
          at: range,
          "`\(resource.name)` is a `\(found.resource.type.rawValue)` in its stacktape.yml",
          help: "remove `type`"
        )
      )
    }
    resource.name = found.name
    resource.type = found.resource.type
    let isTaken = resource.stacktape != nil
    resource.stacktape = found.resource
    if isTaken {
      // The same name in another stack: what logagent.yml says holds there too.
      configuration.resources.append(resource)
    } else {
      configuration.resources[same] = resource
    }
  }

  // MARK: files

  /// The file that an entry of `stacktape` means; nil when there is none that can be read.
  private mutating func locate(_ entry: String) -> String? {
    var path = entry
    if !path.hasPrefix("/"), let directory, directory != "." {
      path = directory + "/" + path
    }
    let problem: (String) -> Diagnostic = {
      Diagnostic(.error, file: path, at: .wholeFile, $0, help: Self.exportHelp)
    }
    if Self.isProgram(path) {
      diagnostics.append(problem("is a program, and logagent runs none"))
      return nil
    }
    guard Self.isFolder(path) else { return path }
    for name in Self.names where FileSystem.exists(path + "/" + name) { return path + "/" + name }
    files.formUnion(Self.names.map { path + "/" + $0 })
    let programs = ["stacktape.ts", "stacktape.js"].filter { FileSystem.exists(path + "/" + $0) }
    if let program = programs.first {
      diagnostics.append(problem("has only `\(program)`, a program, and logagent runs none"))
    } else {
      diagnostics.append(
        Diagnostic(
          .error,
          file: path,
          at: .wholeFile,
          "no stacktape.yaml, stacktape.yml or stacktape.json in this folder"
        )
      )
    }
    return nil
  }

  /// A configuration in TypeScript or JavaScript.
  static func isProgram(_ path: String) -> Bool {
    [".ts", ".js", ".mjs", ".cjs"].contains { path.hasSuffix($0) }
  }

  static func isFolder(_ path: String) -> Bool {
    // Silence is right: what is not there is reported when it is read.
    (try? FileSystem.status(of: path))?.isDirectory ?? false
  }

  private static let exportHelp =
    "export it as JSON and name that file; docs/stacktape.md has the three lines"

  private mutating func read(
    _ path: String,
    _ entry: StacktapeFile,
    _ configuration: Configuration,
    _ overrides: [String: ResourceLogging]
  ) -> [StacktapeDecoder.Found] {
    files.insert(path)
    let mode: UInt32
    let bytes: [UInt8]
    do throws(SyscallError) {
      let status = try FileSystem.status(of: path)
      mode = status.mode
      bytes = try FileSystem.read(path, atMost: Limits.configurationBytesMax)
    } catch {
      diagnostics.append(Diagnostic(.error, file: path, at: .wholeFile, "cannot read: \(error)"))
      return []
    }
    var context = DirectiveContext(secrets: secrets)
    context.take(configuration)
    context.project = entry.project ?? configuration.project
    context.stage = entry.stage ?? configuration.stage
    context.arguments = choices.arguments
    context.directory = FileSystem.parent(of: path)
    let document = YAMLDocument(bytes, file: path, allowsTags: true)
    var decoder = StacktapeDecoder(
      file: path,
      context: context,
      isReadableByAll: mode & 0o004 != 0,
      allowsInsecure: configuration.forward.allowInsecure,
      overrides: overrides
    )
    let found = document.root.map { decoder.decode($0) } ?? []
    if document.root == nil, document.problems.isEmpty {
      decoder.values.warn(.at(line: 1, column: 1), "the file is empty")
    }
    let directory = FileSystem.parent(of: path)
    files.formUnion(decoder.logging.directives.files.map { directory + "/" + $0 })
    diagnostics += Diagnostic.completed(
      document.problems + decoder.values.diagnostics,
      of: bytes,
      file: path,
      isPartial: document.root == nil || !document.problems.isEmpty,
      secrets: decoder.values.secretRanges
    )
    return found
  }
}
