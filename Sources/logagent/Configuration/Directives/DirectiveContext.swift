/// What directives of one file are resolved from.
struct DirectiveContext {
  var project: String?
  var stage: String?
  /// A label; only `$Region()` and synthetic ARNs use it.
  var region: String?
  var awsAccountID = Configuration.anyAccount
  /// `--arg NAME=VALUE`, for `$CliArgs()`.
  var arguments: [String: String] = [:]
  /// `params`: values that only AWS knows, by resource or stack and then by name.
  var parameters: [String: [String: Secret]] = [:]
  var secrets: SecretResolver
  /// The folder of the file, below which `$File()` reads.
  ///
  /// Nil: nothing is read.
  var directory: String?
  /// The whole file, for `$Var()` and `$This()`.
  var root: YAMLNode?
  /// Names of the directives that the file defines by code.
  var custom: Set<String> = []

  var stack: String? {
    guard let project, let stage else { return nil }
    return "\(project)-\(stage)"
  }
}
