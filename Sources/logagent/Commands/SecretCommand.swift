internal import ArgumentParser
internal import LogModel
internal import Platform

struct SecretCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret",
    abstract: "Keeps the values that `$Secret()` and `$SsmParam()` stand for.",
    discussion: """
      A value is looked for in systemd's credentials, in `secrets.d` beside the configuration, in \
      /run/secrets and in LOGAGENT_SECRET_NAME, in this order. `set` and `rm` change `secrets.d`; \
      a daemon that runs reads it again by itself. `secret:set` is the same as `secret set`.
      """,
    subcommands: [
      SecretSetCommand.self, SecretListCommand.self, SecretRemoveCommand.self,
      SecretTestCommand.self,
    ]
  )
}

/// Where the configuration is, and with it `secrets.d`.
struct SecretLocation: ParsableArguments {
  @Option(help: "The configuration file beside which `secrets.d` is.")
  var config: String?

  var resolver: SecretResolver {
    let path =
      config ?? ProcessEnvironment.value(of: "LOGAGENT_CONFIG") ?? Configuration.defaultPath
    return SecretResolver(
      directory: FileSystem.parent(of: path),
      environment: { ProcessEnvironment.value(of: $0) }
    )
  }

  var folder: SecretFolder { SecretFolder(path: resolver.files ?? "secrets.d") }
}

/// The secret that a command is about.
struct SecretArgument: ParsableArguments {
  @Argument(help: "`name`, `name.key`, or the path of a parameter, such as /shop/key.")
  var name: String

  @Option(help: "One key of the secret, the same as `name.key`.")
  var key: String?

  func reference() throws(CommandFailure) -> SecretReference {
    guard let reference = SecretName.parse(name, key: key) else {
      throw CommandFailure(
        "this cannot name a secret",
        help: "letters, digits, `_` and `-`, then maybe `.key`; or a path of such parts",
        status: CommandFailure.Status.usage
      )
    }
    return reference
  }
}

extension SecretReference {
  /// As commands spell it.
  var text: String { key.map { "\(name).\($0)" } ?? name }
}

struct SecretSetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Sets a secret, or one key of it, to what comes on standard input.",
    discussion: """
      On a terminal it asks, without showing what is typed. The value never stands on the command \
      line: other users would see it in the list of processes, and the shell would keep it in its \
      history. One newline at its end is not part of it.
      """
  )

  @OptionGroup var secret: SecretArgument
  @OptionGroup var location: SecretLocation

  @Argument(help: .hidden)
  var rest: [String] = []

  func run() throws {
    ProcessSecrecy.forbidDumps()
    guard rest.isEmpty, !secret.name.contains("=") else {
      throw CommandFailure(
        "a value on the command line is not taken: other users see it in the list of processes, "
          + "and the shell keeps it in its history",
        help: "give it on standard input, or type it when asked; and change the one you just gave",
        status: CommandFailure.Status.usage
      )
    }
    let reference = try secret.reference()
    let value = try value(of: reference)
    try location.folder.set(reference, to: value)
    StandardError.write("\(reference.text) is set\n")
  }

  private func value(of reference: SecretReference) throws(CommandFailure) -> String {
    guard var bytes = try typedOrPiped(reference) else {
      throw CommandFailure("interrupted, nothing is changed", status: 130)
    }
    if bytes.last == 0x0A { bytes.removeLast() }
    if bytes.last == 0x0D { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw CommandFailure("the value is not text", status: CommandFailure.Status.data)
    }
    guard !text.isEmpty else {
      throw CommandFailure("the value is empty", status: CommandFailure.Status.data)
    }
    return text
  }

  /// Nil when it was interrupted.
  private func typedOrPiped(_ reference: SecretReference) throws(CommandFailure) -> [UInt8]? {
    do throws(SyscallError) {
      guard Terminal.isTerminal(0) else {
        return try FileSystem.read("/dev/stdin", atMost: Limits.secretBytesMax)
      }
      return try HiddenInput.line(
        prompt: "value of \(reference.text), not shown: ",
        atMost: Limits.secretBytesMax
      )
    } catch {
      throw CommandFailure(error)
    }
  }
}

struct SecretRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Removes a secret, or one key of it, from `secrets.d`.",
    aliases: ["remove", "delete"]
  )

  @OptionGroup var secret: SecretArgument
  @OptionGroup var location: SecretLocation

  func run() throws {
    ProcessSecrecy.forbidDumps()
    let reference = try secret.reference()
    guard try location.folder.remove(reference) else {
      throw CommandFailure(
        "`\(reference.text)` is not in \(location.folder.path)",
        help: "`logagent secret list` shows what there is",
        status: CommandFailure.Status.noInput
      )
    }
    StandardError.write("\(reference.text) is removed\n")
  }
}

struct SecretListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the secrets that this process can see: names, keys, where; never a value.",
    aliases: ["ls"]
  )

  @OptionGroup var location: SecretLocation

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    ProcessSecrecy.forbidDumps()
    let listing: [SecretListing.Entry]
    do throws(SyscallError) {
      listing = try SecretListing.make(location.resolver)
    } catch {
      throw CommandFailure(error)
    }
    if json {
      for entry in listing { StandardError.writeData(entry.json + "\n") }
      return
    }
    guard !listing.isEmpty else {
      StandardError.write("no secrets yet\n")
      return
    }
    var table = TextTable(["NAME", "KEYS", "FROM", "STATE"])
    for entry in listing {
      table.add([
        TerminalText.string(entry.name),
        entry.keys.map { TerminalText.string($0) }.joined(separator: ", "),
        TerminalText.string(entry.place), TerminalText.string(entry.state),
      ])
    }
    StandardError.writeData(table.text)
  }
}

struct SecretTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Says where the value of a secret comes from and whether it can be used.",
    discussion: "Exit status: 0 it can · 1 it cannot, or there is none."
  )

  @OptionGroup var secret: SecretArgument
  @OptionGroup var location: SecretLocation

  func run() throws {
    ProcessSecrecy.forbidDumps()
    let reference = try secret.reference()
    let test = SecretListing.test(reference, location.resolver)
    StandardError.writeData(TerminalText.string(test.text) + "\n")
    if let help = test.help { StandardError.write("help: \(TerminalText.string(help))\n") }
    if !test.isUsable { throw ExitCode(1) }
  }
}
