internal import Platform

/// The program that shows long output, and the screen that decides what is long.
struct PagerChoice: Equatable {
  let command: String
  let rows: Int
  let columns: Int

  /// Nil where nothing is paged: no terminal, no size, a dumb one, or a pager that is `cat` or
  /// empty.
  ///
  /// `LOGAGENT_PAGER` before `PAGER` before less; without less, and with no choice of the user's,
  /// everything is printed.
  static func find(
    isTerminal: Bool,
    rows: Int,
    columns: Int,
    environment: (String) -> String?
  ) -> PagerChoice? {
    guard isTerminal, rows > 1, columns > 0, environment("TERM") != "dumb" else { return nil }
    let chosen = environment("LOGAGENT_PAGER") ?? environment("PAGER")
    guard chosen != "", chosen != "cat" else { return nil }
    var command =
      chosen ?? "if command -v less >/dev/null 2>&1; then exec less; else exec cat; fi"
    // -F quits on what fits, -R shows colours, -S cuts long lines, -X leaves the text on screen.
    if environment("LESS") == nil { command = "LESS=FRSX; export LESS; " + command }
    return PagerChoice(command: command, rows: rows, columns: columns)
  }
}

/// Counts the lines that text takes on a screen.
struct ScreenLines {
  private let rows: Int
  private let columns: Int
  private var lines = 0
  private var column = 0

  init(_ choice: PagerChoice) {
    rows = choice.rows
    columns = choice.columns
  }

  /// True when what came so far does not fit, with one line left for the prompt.
  ///
  /// Bytes count as columns: text that is shorter on the screen starts the pager a little early.
  mutating func add(_ text: Span<UInt8>) -> Bool {
    for index in 0..<text.count {
      column += 1
      if text[index] == 0x0A || column > columns {
        lines += 1
        column = 0
        if lines >= rows { return true }
      }
    }
    return false
  }
}

/// A pager as a child process that reads from us.
///
/// Used by one thread.
final class Pager {
  private let choice: PagerChoice
  private var pid: Int32?
  private var writing: Int32?

  init(_ choice: PagerChoice) { self.choice = choice }

  /// Where to write; nil before `start`, and when it could not be started.
  var descriptor: Int32? { writing }

  /// Without the pager the text goes to the terminal itself: nothing is lost.
  func start() {
    do throws(SyscallError) {
      let ends = try ChildProcess.pipe()
      pid = try ChildProcess.start(
        "/bin/sh",
        arguments: ["sh", "-c", choice.command],
        descriptors: [ends.reading.raw, 1, 2]
      )
      InterruptSignal.leaveToPager()
      writing = ends.keepWriting().release()
    } catch {
      StandardError.write("warning: the pager does not start: \(error)\n")
    }
  }

  /// Ends the text and waits until the user has seen enough.
  func close() {
    if let writing { _ = Descriptor(adopting: writing, path: "pager") }
    writing = nil
    if let pid { _ = ChildProcess.outcome(of: pid, blocking: true) }
    pid = nil
  }
}
