import LogModel

@testable import logagent

/// Reads a configuration from text, with secrets only from `environment`.
func decode(
  _ text: String,
  environment: [String: String] = [:],
  directory: String? = nil,
  isReadableByAll: Bool = false
) -> LoadedConfiguration {
  Configuration.decode(
    Array(text.utf8),
    file: "logagent.yml",
    isReadableByAll: isReadableByAll,
    resolver: SecretResolver(directory: directory, environment: { environment[$0] })
  )
}

/// The message up to its place, as `12:3 error: …`.
func summary(_ diagnostic: Diagnostic) -> String {
  "\(diagnostic.line):\(diagnostic.column) \(diagnostic.severity.rawValue): \(diagnostic.message)"
}
