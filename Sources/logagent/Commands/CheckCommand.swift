internal import ArgumentParser
internal import Platform

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks a configuration file: every problem in one run, with its place and the fix.",
    discussion: "Exit status: 0 valid · 78 invalid.",
    aliases: ["validate"]
  )

  @Argument(help: "The file (default: --config, LOGAGENT_CONFIG or /etc/logagent/logagent.yml).")
  var file: String?

  @OptionGroup var location: StoreLocation

  func run() throws {
    let path = file ?? location.config ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG")
    let report = CheckReport.make(path: path, dataDirectory: location.dataDirectory)
    if report.exitStatus == CheckReport.valid {
      StandardError.writeData(report.text)
    } else {
      StandardError.write(report.text)
    }
    throw ExitCode(report.exitStatus)
  }
}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Prints the version."
  )

  func run() {
    StandardError.writeData(Version.text + "\n")
  }
}
