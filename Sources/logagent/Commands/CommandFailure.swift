internal import Platform
internal import Query
internal import Store

/// Why a command ends without doing what was asked: words for stderr, and the exit status.
struct CommandFailure: Error {
  let message: String
  var help: String?
  let status: Int32

  /// sysexits(3), as in the table of `docs/operations.md`.
  enum Status {
    static let usage: Int32 = 64
    static let data: Int32 = 65
    static let noInput: Int32 = 66
    static let software: Int32 = 70
    static let io: Int32 = 74
    static let tryAgain: Int32 = 75
    static let permission: Int32 = 77
    static let configuration: Int32 = 78
  }

  init(_ message: String, help: String? = nil, status: Int32) {
    self.message = message
    self.help = help
    self.status = status
  }

  init(_ error: StoreError) {
    message = error.description
    switch error {
    case .locked:
      help = "stop it, or let it do the work: `logagent status` tells what it does"
      status = Status.tryAgain
    case .notAStore, .missing:
      help = "start `logagent run`, or name the data directory with --data-dir"
      status = Status.noInput
    case .io(let cause) where cause.isPermission:
      help = "run as the user that owns the data directory, or as root"
      status = Status.permission
    case .io, .catalog, .corrupt, .closed: status = Status.io
    case .unsupported: status = Status.configuration
    }
  }

  /// A regular expression that was given up.
  init(_ error: PatternFailure) {
    message = error.description
    help = error.hint
    status = Status.data
  }

  init(_ error: SyscallError) {
    message = error.description
    status = error.isPermission ? Status.permission : error.isNotFound ? Status.noInput : Status.io
  }

  func report() {
    // Both may quote what somebody else wrote.
    StandardError.write("error: \(TerminalText.lines(message))\n")
    if let help { StandardError.write("help: \(TerminalText.lines(help))\n") }
  }
}

/// Everything that is not data goes here, whole lines at a time.
enum StandardError {
  static func write(_ text: String) { write(text, to: 2) }

  /// Data of the small commands; `logs` has a writer of its own.
  static func writeData(_ text: String) { write(text, to: 1) }

  private static func write(_ text: String, to number: Int32) {
    let output = Descriptor(adopting: number, path: "stdio")
    // Silence is right: when the terminal is gone there is nobody to tell.
    try? output.write(Array(text.utf8).span)
    _ = output.release()
  }
}
