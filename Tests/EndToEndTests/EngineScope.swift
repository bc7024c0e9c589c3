import TestSupport
import Testing

/// Gives a suite one Docker Engine, started before its first test and ended after its last.
struct EngineScope: SuiteTrait, TestScoping {
  @TaskLocal static var engine = DockerEngine()

  func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    let engine = DockerEngine()
    try engine.start()
    defer { engine.stop() }
    try await Self.$engine.withValue(engine) { try await function() }
  }
}

extension Trait where Self == EngineScope {
  static var dockerEngine: Self { Self() }
}

extension Trait where Self == ConditionTrait {
  /// Docker tests need root, dockerd and a static busybox; without them they are skipped, and say
  /// why.
  static var needsDocker: Self {
    .enabled(
      if: DockerEngine.missing == nil,
      "needs \(DockerEngine.missing ?? "nothing") (make setup-test)"
    )
  }
}
