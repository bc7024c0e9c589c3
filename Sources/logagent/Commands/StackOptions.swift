internal import ArgumentParser

/// The flags that say which stack the configuration is read for, as Stacktape spells them.
struct StackOptions: ParsableArguments {
  @Option(
    name: [.customShort("s"), .customLong("stage")],
    help: "The stage (default: LOGAGENT_STAGE, or `stage` of logagent.yml)."
  )
  var stage: String?

  @Option(
    name: [.customLong("projectName"), .customLong("prj")],
    help: "The project (default: LOGAGENT_PROJECT, or `project` of logagent.yml)."
  )
  var projectName: String?

  @Option(
    name: .customLong("arg"),
    help: ArgumentHelp("A value for $CliArgs(), may be repeated.", valueName: "name=value")
  )
  var arguments: [String] = []

  func validate() throws {
    for (flag, name) in [("--stage", stage), ("--projectName", projectName)] {
      if let name, !Self.isName(name) {
        throw ValidationError("\(flag) may hold letters, digits, `-` and `_` only")
      }
    }
    for argument in arguments
    where argument.firstIndex(of: "=").map({ $0 == argument.startIndex })
      ?? true
    {
      throw ValidationError("--arg takes name=value, not '\(argument)'")
    }
  }

  /// The last of several values of a name counts.
  var choices: StackChoices {
    var choices = StackChoices(project: projectName, stage: stage)
    for argument in arguments {
      guard let equals = argument.firstIndex(of: "=") else { continue }
      choices.arguments[String(argument[..<equals])] =
        String(argument[argument.index(after: equals)...])
    }
    return choices
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 128
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
  }
}
