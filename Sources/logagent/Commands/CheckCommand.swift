internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks configuration files: every problem in one run, with its place and the fix.",
    discussion: """
      A file is a logagent.yml or a stacktape.yml, which is told by what is in it; without one, \
      the configuration that `run` would use is checked. A stacktape.yml is checked with the \
      project, stage and resources of the logagent.yml that --config names.

        logagent check stacktape.yml --stage prod --format github
        logagent check --effective
        logagent check --match name=shop-api-1 --match image=redis:7

      Exit status: 0 valid · 78 invalid.
      """,
    aliases: ["validate"]
  )

  @Argument(help: "The files (default: --config, LOGAGENT_CONFIG or /etc/logagent/logagent.yml).")
  var files: [String] = []

  @Flag(help: "Show what the configuration means: resource, running containers, retention, target.")
  var effective = false

  @Option(help: "text, json, sarif (2.1.0) or github (workflow commands).")
  var format = CheckReport.Format.text

  @Flag(help: "Warnings make the exit status 78 too.")
  var strict = false

  @Option(
    help: ArgumentHelp(
      "Show where a container would go: name=, image=, compose=project/service or label.NAME=.",
      valueName: "key=value"
    )
  )
  var match: [String] = []

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  func run() throws {
    ProcessSecrecy.forbidDumps()
    let checked = CheckRun(
      config: location.config ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG"),
      dataDirectory: location.dataDirectory ?? ProcessEnvironment.value(of: "LOGAGENT_DATA_DIR"),
      choices: stack.choices
    ).check(files)
    let report = CheckReport(
      checked,
      format: format,
      isStrict: strict,
      effective: effective || !match.isEmpty ? try checked.compactMap(mapping) : []
    )
    if report.exitStatus == CheckReport.valid {
      StandardError.writeData(report.text)
    } else {
      StandardError.write(report.problems)
      StandardError.writeData(report.answer)
    }
    throw ExitCode(report.exitStatus)
  }

  private func mapping(_ file: CheckRun.File) throws -> EffectiveMapping? {
    guard let configuration = file.loaded.configuration else { return nil }
    let stack = configuration.stack.map { "stack \($0)" } ?? "no stack"
    let title = "\(stack)   (from \(file.path))"
    guard match.isEmpty else {
      return EffectiveMapping(
        configuration,
        title: title,
        running: [try Self.container(match)],
        blindness: nil,
        places: file.loaded.places,
        file: file.path
      )
    }
    if configuration.docker.enabled == .off {
      return EffectiveMapping(
        configuration,
        title: title,
        running: nil,
        blindness: "`sources.docker.enabled` is false"
      )
    }
    let found = RunningContainers.find(
      socket: configuration.docker.socket,
      root: configuration.docker.root
    )
    return EffectiveMapping(
      configuration,
      title: title,
      running: found.containers,
      blindness: found.reason,
      places: file.loaded.places,
      file: file.path
    )
  }

  /// A container as `--match` describes it.
  static func container(_ pairs: [String]) throws -> ContainerMetadata {
    var container = ContainerMetadata(id: String(repeating: "0", count: 64))
    for pair in pairs {
      guard let equals = pair.firstIndex(of: "="), equals < pair.endIndex else {
        throw ValidationError("--match takes key=value, not '\(pair)'")
      }
      let value = String(pair[pair.index(after: equals)...])
      switch pair[..<equals] {
      case "name": container.name = value
      case "image": container.image = value
      case "compose":
        let parts = value.split(separator: "/", maxSplits: 1).map(String.init)
        container.labels["com.docker.compose.service"] = parts.last
        if parts.count == 2 { container.labels["com.docker.compose.project"] = parts[0] }
      case let key where key.hasPrefix("label."):
        container.labels[String(key.dropFirst(6))] = value
      default:
        throw ValidationError("--match knows name, image, compose and label.NAME, not '\(pair)'")
      }
    }
    return container
  }
}

extension CheckReport.Format: ExpressibleByArgument {}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Prints the version."
  )

  func run() {
    StandardError.writeData(Version.text + "\n")
  }
}
