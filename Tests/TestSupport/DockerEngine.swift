import Foundation

/// A Docker Engine of the tests' own: private data root, socket and image; containers have no
/// network.
///
/// A shell owns it and ends it, by its pid, when this object is stopped or the test process dies.
public final class DockerEngine: @unchecked Sendable {
  public let directory = TemporaryDirectory("engine")
  public static let image = "logagent-test"
  public var socket: String { directory.file("s") }
  public var root: String { directory.file("data") }
  private let owner = Process()
  private let leash = Pipe()

  /// What is missing for an engine on this machine; nil when nothing is.
  public static let missing: String? = {
    if getuid() != 0 { return "root" }
    for program in ["dockerd", "docker", "tar"] {
      if (try? Shell.run("command -v \(program)")) == nil { return program }
    }
    guard FileManager.default.isExecutableFile(atPath: "/bin/busybox") else {
      return "/bin/busybox"
    }
    if (try? Shell.run("ldd /bin/busybox >/dev/null 2>&1")) != nil { return "a static busybox" }
    return nil
  }()

  /// Decides on the paths only, so that an agent can wait for an engine that does not run yet.
  public init() {}

  /// Starts the engine, waits until it answers and makes the image.
  public func start() throws {
    let folder = directory.path
    let script = """
      dockerd --data-root \(root) --exec-root \(folder)/exec -H unix://\(socket) \
        --pidfile \(folder)/pid --iptables=false --ip6tables=false --bridge=none \
        >\(folder)/log 2>&1 &
      engine=$!
      read -r stop
      kill $engine
      wait $engine
      """
    owner.executableURL = URL(fileURLWithPath: "/bin/sh")
    owner.arguments = ["-c", script]
    owner.standardInput = leash
    try owner.start()
    let deadline = Date().addingTimeInterval(30)
    while (try? docker("version >/dev/null 2>&1")) == nil {
      guard Date() < deadline, owner.isRunning else {
        throw Shell.Failure(
          command: "dockerd",
          status: 1,
          output: (try? Shell.run("tail -5 \(folder)/log")) ?? ""
        )
      }
      usleep(50_000)
    }
    try Shell.run(
      """
      mkdir -p \(folder)/image/bin \(folder)/image/tmp &&
      cp /bin/busybox \(folder)/image/bin/ &&
      for name in $(/bin/busybox --list); do
        [ "$name" = busybox ] || ln -s busybox \(folder)/image/bin/$name
      done
      tar -C \(folder)/image -c . | docker -H unix://\(socket) import - \(Self.image) >/dev/null
      """
    )
  }

  /// Removes every container and ends the engine.
  public func stop() {
    _ = try? docker("ps -aq | xargs -r docker -H unix://\(socket) rm -f >/dev/null 2>&1")
    try? leash.fileHandleForWriting.close()
    if owner.isRunning { owner.waitUntilExit() }
  }

  deinit { stop() }

  /// Runs `docker …` through a shell.
  @discardableResult
  public func docker(_ words: String) throws -> String {
    try Shell.run("docker -H unix://\(socket) \(words)")
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Starts a container in the background and returns its id.
  ///
  /// `options` and `command` are shell text.
  @discardableResult
  public func run(_ name: String, options: String = "", _ command: String) throws -> String {
    try docker("run -d --network none --name \(name) \(options) \(Self.image) \(command)")
  }

  /// A shell command that writes the numbers 1 to `count` as fast as Docker takes them.
  ///
  /// Each line is a number and some text; the last one is the number alone.
  public static func numberedLines(_ count: Int) -> String {
    "seq -w -s ' the quick brown fox jumps over the lazy dog and more\n' 1 \(count)"
  }

  /// The json-files of a container, oldest first.
  public func logFiles(of id: String) -> [String] {
    let base = "\(root)/containers/\(id)/\(id)-json.log"
    return ["\(base).2", "\(base).1", base].filter { FileManager.default.fileExists(atPath: $0) }
  }
}
