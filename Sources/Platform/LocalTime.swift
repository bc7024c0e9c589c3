internal import CLinux
internal import Glibc

/// The machine's time zone, or another one, as offsets from UTC.
package enum LocalTime {
  /// Seconds east of UTC at a moment; the zone is the process's ($TZ or /etc/localtime).
  package static func offsetSeconds(atEpochSecond second: Int64) -> Int64 {
    var time = time_t(second)
    var parts = unsafe tm()
    // Safety: localtime_r fills the struct that it is given and is thread-safe.
    guard unsafe localtime_r(&time, &parts) != nil else { return 0 }
    return Int64(unsafe parts.tm_gmtoff)
  }
}

/// What the process is told by the terminal and by signals.
package enum Terminal {
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Width in columns; 0 when unknown.
  package static func columns(_ descriptor: Int32) -> Int {
    Int(clinux_terminal_columns(descriptor))
  }

  /// Height in lines; 0 when unknown.
  package static func rows(_ descriptor: Int32) -> Int { Int(clinux_terminal_rows(descriptor)) }

  /// A reader that goes away gives EPIPE instead of ending the process.
  package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
