internal import Platform
internal import Synchronization

/// One line on standard error that tells how far something is, once it has taken half a second.
///
/// Safe from any thread.
final class ProgressLine: Sendable {
  private static let patienceNanoseconds: Int64 = 500_000_000
  private static let intervalNanoseconds: Int64 = 100_000_000

  private struct State {
    var next: Int64
    var isShown = false
    var isOver = false
  }

  private let isShown: Bool
  private let clock: any Clock
  private let state: Mutex<State>
  private let write: @Sendable (String) -> Void

  init(
    isShown: Bool,
    clock: any Clock,
    write: @escaping @Sendable (String) -> Void = { StandardError.write($0) }
  ) {
    self.isShown = isShown
    self.clock = clock
    self.write = write
    state = Mutex(State(next: clock.monotonic() + Self.patienceNanoseconds))
  }

  /// Shows `text` in place of what was shown, ten times a second at most.
  func show(_ text: () -> String) {
    guard isShown else { return }
    let now = clock.monotonic()
    state.withLock { state in
      guard !state.isOver, now >= state.next else { return }
      state.next = now + Self.intervalNanoseconds
      state.isShown = true
      write("\r\u{1b}[K" + text())
    }
  }

  /// Removes the line; nothing is shown afterwards.
  func erase() {
    guard isShown else { return }
    state.withLock { state in
      if state.isShown { write("\r\u{1b}[K") }
      state.isShown = false
      state.isOver = true
    }
  }
}
