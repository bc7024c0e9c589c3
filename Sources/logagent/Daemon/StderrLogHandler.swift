internal import LogModel
internal import Logging
internal import Platform

/// The agent's own log: one line an event, for people and for journald.
///
/// `2026-11-23T10:00:00.123Z warning lost the Docker socket path=/run/docker.sock`. Under journald
/// the time is left out and the priority goes in front as `<4>`.
struct StderrLogHandler: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  private let isJournal: Bool

  init(isJournal: Bool) { self.isJournal = isJournal }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = isJournal ? "<\(Self.priority(event.level))>" : Self.now() + " "
    line += "\(event.level) \(Self.plain("\(event.message)"))"
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      line += " \(key)=\(Self.value("\(value)"))"
    }
    StandardError.write(line + "\n")
  }

  private static func now() -> String {
    Calendar.formatRFC3339(Timestamp(nanoseconds: SystemClock().now()))
  }

  private static func value(_ text: String) -> String {
    let safe = plain(text)
    return safe.isEmpty || safe.contains(" ") || safe.contains("\"") ? JSONText.quoted(safe) : safe
  }

  /// Names and paths come from outside: no control character reaches the terminal.
  private static func plain(_ text: String) -> String {
    var plain = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
      plain.unicodeScalars.append(isControl ? "?" : scalar)
    }
    return plain
  }

  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
