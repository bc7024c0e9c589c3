import TestSupport
import Testing

/// What only holds when it holds for a real Docker Engine and real processes.
///
/// The tests share one engine and run one after the other.
@Suite(.serialized, .needsDocker, .dockerEngine)
struct DockerTests {}
