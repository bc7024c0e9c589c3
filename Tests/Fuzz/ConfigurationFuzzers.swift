import LogModel

@testable import logagent

extension Fuzzer {
  /// Any bytes as a logagent.yml: a configuration, or an error with a place that is in the file.
  static let configuration = Fuzzer("configuration") { bytes in
    let loaded = Configuration.decode(bytes, file: "f", resolver: noSecrets)
    check(loaded.diagnostics, of: bytes)
    let isWrong = loaded.diagnostics.contains { $0.severity == .error }
    require(isWrong == (loaded.configuration == nil), "an error without a place, or the reverse")
  }

  /// Any bytes as a stacktape.yml; what is found in it can be placed.
  static let stacktape = Fuzzer("stacktape") { bytes in
    var context = DirectiveContext(secrets: noSecrets)
    context.project = "shop"
    context.stage = "prod"
    let document = YAMLDocument(bytes, file: "f", allowsTags: true)
    var decoder = StacktapeDecoder(
      file: "f",
      context: context,
      isReadableByAll: false,
      allowsInsecure: false,
      overrides: [:]
    )
    let found = document.root.map { decoder.decode($0) } ?? []
    let diagnostics = Diagnostic.completed(
      document.problems + decoder.values.diagnostics,
      of: bytes,
      file: "f",
      isPartial: document.root == nil,
      secrets: decoder.values.secretRanges
    )
    check(diagnostics, of: bytes)
    var configuration = Configuration()
    for resource in found {
      configuration.resources.append(
        ResourceConfiguration(
          name: resource.name,
          type: resource.resource.type,
          stacktape: resource.resource
        )
      )
    }
    let matcher = ResourceMatcher(configuration)
    for resource in configuration.resources.prefix(100) {
      let container = ContainerMetadata(
        id: String(repeating: "a", count: 64),
        name: "shop-prod-\(resource.name)-1"
      )
      let resolution = matcher.resolve(container)
      require(resolution.group.name.hasPrefix("/"), resolution.group.name)
      let period = resolution.settings.retentionDays
      require(period.isAllowed && RetentionPeriod(period.description) == period, "\(period)")
    }
  }

  /// Any text as a directive: the first part is the value, the rest the file that it looks into.
  static let directive = Fuzzer("directive") { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let text = String(decoding: parts[0], as: UTF8.self)
    if case .directive(let directive) = Directive.read(text) {
      let written = Self.written(directive)
      require(Directive.read(written) == .directive(directive), "\(text) is not \(written)")
    }
    var context = DirectiveContext(secrets: noSecrets)
    context.stage = "prod"
    if parts.count > 1 { context.root = YAMLDocument(Array(parts[1]), file: "f").root }
    var resolver = DirectiveResolver(context)
    _ = resolver.expand(.text(text, at: .at(line: 1, column: 1)))
    require(resolver.files.isEmpty, "a file was looked for without a folder")
  }

  private static var noSecrets: SecretResolver {
    SecretResolver(directory: nil, environment: { _ in nil })
  }

  private static func check(_ diagnostics: [Diagnostic], of bytes: [UInt8]) {
    require(diagnostics.count <= Limits.diagnosticsMax + 1, "\(diagnostics.count) diagnostics")
    for diagnostic in diagnostics where diagnostic.line > 0 {
      require(diagnostic.column > 0, diagnostic.headline)
      require(diagnostic.line <= bytes.count + 1, diagnostic.headline)
      require(diagnostic.excerpt.count <= 3, diagnostic.headline)
    }
    let printed = DiagnosticPrinter.render(diagnostics)
    require(printed.isEmpty == diagnostics.isEmpty, "nothing is printed")
    let isClean = printed.unicodeScalars.allSatisfy {
      $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) || $0 == "\n" || $0 == "\t"
    }
    require(isClean, "a control character reaches the terminal")
  }

  private static func written(_ directive: Directive) -> String {
    let arguments = directive.arguments.map { argument -> String in
      switch argument {
      case .quoted(let text): text.contains("'") ? "\"\(text)\"" : "'\(text)'"
      case .plain(let text): text
      case .directive(let inner): written(inner)
      }
    }
    return "$\(directive.name)(\(arguments.joined(separator: ",")))"
      + directive.path.map { ".\($0)" }.joined()
  }
}
