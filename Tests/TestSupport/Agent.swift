import Foundation

/// `logagent run` as a process, with a data directory and a configuration file that outlive
/// restarts.
public final class Agent: @unchecked Sendable {
  public let directory = TemporaryDirectory("agent")
  public let configPath: String
  public var dataDirectory: String { directory.file("data") }
  private var process: Process?
  private var starts = 0
  /// Words in front of the program and its arguments, such as `setpriv` with its options.
  public var prefix: [String] = []

  /// The program under test: `LOGAGENT_BINARY`, or the one built beside the tests.
  public static let binary =
    ProcessInfo.processInfo.environment["LOGAGENT_BINARY"] ?? Programs.path("logagent")

  /// Writes the configuration; `more` is YAML text behind it.
  ///
  /// With neither socket nor root, Docker is off.
  public init(socket: String? = nil, root: String? = nil, more: String = "") {
    var docker = "enabled: false"
    if let socket, let root { docker = "enabled: true, socket: \(socket), root: \(root)" }
    configPath = directory.file("logagent.yml")
    directory.write(
      "logagent.yml",
      """
      dataDirectory: \(directory.file("data"))
      sources:
        docker: { \(docker) }
      \(more)

      """
    )
  }

  public convenience init(_ engine: DockerEngine, more: String = "") {
    self.init(socket: engine.socket, root: engine.root, more: more)
  }

  deinit { kill() }

  /// Standard error of every run so far.
  public var log: String {
    let files = (0..<starts).map { directory.file("stderr.\($0)") }
    return files.map { (try? String(contentsOfFile: $0, encoding: .utf8)) ?? "" }.joined()
  }

  /// Standard error of the latest run.
  public var latestLog: String {
    (try? String(contentsOfFile: directory.file("stderr.\(starts - 1)"), encoding: .utf8)) ?? ""
  }

  /// Starts it and, if told so, waits until it says that it runs.
  public func start(waits: Bool = true, environment: [String: String] = [:]) throws {
    let path = directory.write("stderr.\(starts)", "")
    starts += 1
    let next = Process()
    let words = prefix + [Self.binary, "run", "--config", configPath]
    next.executableURL = URL(fileURLWithPath: words[0])
    next.arguments = Array(words.dropFirst())
    next.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    next.standardInput = FileHandle.nullDevice
    next.standardOutput = FileHandle.nullDevice
    next.standardError = FileHandle(forWritingAtPath: path)
    try next.start()
    process = next
    guard waits else { return }
    guard waitForLog("started", seconds: 20) else {
      throw Shell.Failure(command: "logagent run", status: 1, output: latestLog)
    }
  }

  /// Of the latest run; nil when it has ended.
  public var processID: Int32? {
    process.flatMap { $0.isRunning ? $0.processIdentifier : nil }
  }

  /// Waits until the latest run has said `text` on standard error.
  public func waitForLog(_ text: String, seconds: Double) -> Bool {
    wait(seconds: seconds) { [self] in latestLog.contains(text) }
  }

  public func signal(_ number: Int32) {
    if let process, process.isRunning { Foundation.kill(process.processIdentifier, number) }
  }

  /// Waits for the end after a signal that ends it.
  public func waitForEnd(seconds: Double) -> Bool {
    wait(seconds: seconds) { [self] in processID == nil }
  }

  /// SIGKILL, and waits for the end.
  public func kill() {
    signal(SIGKILL)
    process?.waitUntilExit()
    process = nil
  }

  /// SIGTERM; the exit status and the seconds that it took.
  ///
  /// A status above 128 is a signal's.
  @discardableResult
  public func stop() -> (status: Int32, seconds: Double) {
    guard let process else { return (-1, 0) }
    let began = Date()
    signal(SIGTERM)
    process.waitUntilExit()
    self.process = nil
    let status = process.terminationStatus
    return (
      process.terminationReason == .exit ? status : 128 + status, Date().timeIntervalSince(began)
    )
  }

  /// The sum of a metric over its labels, as the agent last reported it.
  public func metric(_ name: String) -> Double {
    guard let data = FileManager.default.contents(atPath: dataDirectory + "/status.json"),
      let report = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any],
      let metrics = report["metrics"] as? [String: Double]
    else { return 0 }
    return metrics.filter { $0.key == name || $0.key.hasPrefix(name + "{") }.values.reduce(0, +)
  }

  /// Runs another command of the program on the same configuration and returns its standard output.
  @discardableResult
  public func command(_ words: String) throws -> String {
    try Shell.run("LOGAGENT_CONFIG=\(configPath) \(Self.binary) \(words)")
  }
}

/// Asks every few milliseconds until it is so; false when the time is up.
public func wait(seconds: Double, until isSo: () throws -> Bool) rethrows -> Bool {
  let deadline = Date().addingTimeInterval(seconds)
  while Date() < deadline {
    if try isSo() { return true }
    usleep(20_000)
  }
  return try isSo()
}
