internal import Glibc

/// Runs one closure on several threads at once and waits for all of them.
package enum WorkerThreads {
  /// Processors that this process may use.
  package static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// The calling thread is one of them; a thread that cannot be started is done without.
  package static func run(count: Int, _ body: @Sendable () -> Void) {
    // Safety: every thread is joined before this function returns, so the closure outlives them
    // all.
    withoutActuallyEscaping(body) { escaping in
      var threads: [OSThread] = []
      for index in 1..<max(1, count) {
        // Silence is right: fewer threads do the same work.
        if let thread = try? OSThread(name: "worker-\(index)", escaping) { threads.append(thread) }
      }
      escaping()
      for thread in threads { thread.join() }
    }
  }
}
