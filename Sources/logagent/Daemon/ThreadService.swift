internal import Platform
internal import ServiceLifecycle

/// A blocking loop on a thread of its own, as a service of the group.
///
/// The one bridge between the data path, which blocks, and structured concurrency, which must not:
/// the task waits for the thread to end, and a graceful shutdown raises the loop's signal.
struct ThreadService: Service {
  let name: String
  let body: @Sendable (StopSignal) -> Void

  func run() async throws {
    let stop = try StopSignal()
    let name = name
    let body = body
    try await withGracefulShutdownHandler {
      try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<Void, any Error>) in
        do throws(SyscallError) {
          // The thread outlives this scope by itself; its end resumes the task.
          _ = try OSThread(name: name) {
            body(stop)
            continuation.resume()
          }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onGracefulShutdown: {
      stop.raise()
    }
  }
}
