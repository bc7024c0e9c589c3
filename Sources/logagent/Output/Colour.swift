internal import LogModel
internal import Platform

/// SGR sequences that are readable on black and on white.
enum Colour {
  static let reset = "\u{1b}[0m"
  static let dim = "\u{1b}[2m"
  static let red = "\u{1b}[31m"
  /// What was looked for, as grep shows it.
  static let highlight = "\u{1b}[1;7m"
  private static let names = [
    "36", "33", "35", "32", "34", "31", "96", "95", "94", "92", "93", "91",
  ]

  /// The same name always has the same colour.
  static func of(_ name: String) -> String {
    var hash: UInt32 = 2_166_136_261
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return "\u{1b}[\(names[Int(hash % UInt32(names.count))])m"
  }

  static func of(_ level: LogLevel) -> String {
    switch level {
    case .fatal: "\u{1b}[1;31m"
    case .error: "\u{1b}[31m"
    case .warn: "\u{1b}[33m"
    case .info: "\u{1b}[32m"
    case .debug, .trace: "\u{1b}[36m"
    }
  }

  /// `--color` before NO_COLOR before CLICOLOR_FORCE and FORCE_COLOR before what the terminal is.
  static func isWanted(
    _ choice: ColourChoice,
    isTerminal: Bool = Terminal.isTerminal(1),
    environment: (String) -> String?
  ) -> Bool {
    switch choice {
    case .always: return true
    case .never: return false
    case .auto:
      if let value = environment("NO_COLOR"), !value.isEmpty { return false }
      if let force = environment("CLICOLOR_FORCE") ?? environment("FORCE_COLOR"), !force.isEmpty {
        return force != "0"
      }
      return isTerminal && environment("TERM") != "dumb"
    }
  }
}

enum ColourChoice: String, CaseIterable {
  case auto
  case always
  case never
}
