import Foundation
import TestSupport
import Testing

/// Secrets through the command and the daemon, and every place where none may show.
@Suite("Secrets of a process", .serialized)
struct SecretTests {
  /// Fails when a value is anywhere that somebody might look.
  static func expectHidden(_ value: String, _ agent: Agent) throws {
    #expect(!agent.log.contains(value))
    let found = try Shell.run("grep -rlF '\(value)' \(agent.dataDirectory) || true")
    #expect(found.isEmpty, "\(found)")
    for command in ["status", "status --json", "check", "groups --json", "secret list"] {
      let output = try Shell.run(
        "LOGAGENT_CONFIG=\(agent.configPath) \(Agent.binary) \(command) 2>&1 || true"
      )
      #expect(!output.contains(value), "\(command)")
    }
  }

  private func secret(_ agent: Agent, _ words: String, input: String? = nil) -> (Int32, String) {
    let feed = input.map { "printf '%s' '\($0)' | " } ?? ""
    let line =
      "\(feed)\(Agent.binary) \(words) --config \(agent.configPath) 2>&1; printf '\\n%s' $?"
    let output = (try? Shell.run(line)) ?? "\n-1"
    let status = Int32(output.split(separator: "\n").last ?? "-1") ?? -1
    return (status, output)
  }

  @Test("set, list, test and rm keep a value in a file of mode 0600 and never show it")
  func command() throws {
    let agent = Agent()
    let value = "s3cret-\(UUID().uuidString)"
    #expect(secret(agent, "secret set dd --key apiKey", input: value).0 == 0)
    #expect(secret(agent, "secret:set dd.appKey", input: value + "-2").0 == 0)
    #expect(secret(agent, "secret set plain", input: value + "\n").0 == 0)
    #expect(secret(agent, "secret set /shop/key", input: value).0 == 0)
    let folder = agent.directory.file("secrets.d")
    #expect(try Shell.run("stat -c %a \(folder)") == "700\n")
    #expect(try Shell.run("stat -c %a \(folder)/dd \(folder)/ssm/shop/key") == "600\n600\n")
    #expect(
      try String(contentsOfFile: folder + "/dd", encoding: .utf8)
        == "{\"apiKey\": \"\(value)\", \"appKey\": \"\(value)-2\"}\n"
    )
    #expect(try String(contentsOfFile: folder + "/plain", encoding: .utf8) == value + "\n")
    let list = secret(agent, "secret list")
    #expect(list.1.contains("apiKey, appKey") && list.1.contains("ssm/shop/key"), "\(list.1)")
    let test = secret(agent, "secret test dd.apiKey")
    #expect(test.0 == 0 && test.1.contains("usable, from \(folder)/dd"), "\(test.1)")
    let missing = secret(agent, "secret test dd.none")
    #expect(missing.0 == 1 && missing.1.contains("has no text at `none`"), "\(missing.1)")
    for output in [list, test, missing] { #expect(!output.1.contains("s3cret")) }
    #expect(secret(agent, "secret rm dd --key apiKey").0 == 0)
    #expect(secret(agent, "secret rm dd.appKey").0 == 0)
    #expect(!FileManager.default.fileExists(atPath: folder + "/dd"))
    #expect(secret(agent, "secret rm dd").0 == 66)
  }

  @Test("on a terminal the value is asked for without echo, and the echo comes back")
  func prompt() throws {
    let agent = Agent()
    let value = "hunter2-\(UUID().uuidString)"
    let script = agent.directory.write(
      "run.sh",
      """
      stty echo
      \(Agent.binary) secret set dd --key apiKey --config \(agent.configPath)
      echo "status $?"
      stty -a | grep -o '[-]*echo '
      """
    )
    // What is typed too early would be thrown away: it comes when the question is there.
    let shown = agent.directory.file("shown")
    let text = try Shell.run(
      """
      (for i in $(seq 200); do grep -q : \(shown) 2>/dev/null && break; sleep 0.05; done; \
        sleep 0.3; printf '%s\\n' '\(value)'; sleep 2) \
        | script -qec 'sh \(script)' -f \(shown) > /dev/null; cat \(shown)
      """
    )
    #expect(text.contains("dd.apiKey"), "\(text)")
    #expect(text.contains("status 0"), "\(text)")
    #expect(!text.contains("hunter2"), "the value was echoed: \(text)")
    #expect(text.contains("echo ") && !text.contains("-echo "), "\(text)")
    let stored = try String(contentsOfFile: agent.directory.file("secrets.d/dd"), encoding: .utf8)
    #expect(stored == "{\"apiKey\": \"\(value)\"}\n")
  }

  @Test("a value on the command line is refused, with the reason and without repeating it")
  func commandLine() throws {
    let agent = Agent()
    for words in ["secret set dd hunter2", "secret set dd=hunter2", "secret:set dd hunter2"] {
      let (status, output) = secret(agent, words)
      #expect(status == 64, "\(output)")
      #expect(output.contains("list of processes") && !output.contains("hunter2"), "\(output)")
    }
    #expect(!FileManager.default.fileExists(atPath: agent.directory.file("secrets.d")))
  }

  @Test("a file that others can read, or a link, is refused with the way to mend it")
  func refused() throws {
    let agent = Agent()
    _ = secret(agent, "secret set dd", input: "hunter2")
    let file = agent.directory.file("secrets.d/dd")
    try Shell.run("chmod 640 \(file)")
    let open = secret(agent, "secret test dd")
    #expect(open.0 == 1 && open.1.contains("help: chmod 600 \(file)"), "\(open.1)")
    try Shell.run("chmod 600 \(file) && mv \(file) \(file).real && ln -s dd.real \(file)")
    let link = secret(agent, "secret test dd")
    #expect(link.0 == 1 && link.1.contains("is a symbolic link"), "\(link.1)")
    try Shell.run(
      "rm \(file) && mv \(file).real \(file) && chmod 777 \(agent.directory.file("secrets.d"))"
    )
    let folder = secret(agent, "secret test dd")
    #expect(folder.0 == 1 && folder.1.contains("can be changed by others"), "\(folder.1)")
  }

  @Test("a daemon with secrets dumps no core and shows them in no file and no list")
  func daemon() throws {
    let value = "tell-no-one-\(UUID().uuidString)"
    let stub = FirehoseStub { request, _ in
      // An endpoint that repeats what it was sent must not get it into our log.
      .status(500, body: "bad key \(request.headers["x-amz-firehose-access-key"] ?? "")")
    }
    defer { stub.stop() }
    let properties = "{ endpointUrl: '\(stub.url)', accessKey: $Secret('ingest') }"
    let agent = Agent(
      more: """
        forward: { flushSeconds: 1, allowInsecure: true }
        defaults: { logging: { logForwarding: { type: http-endpoint, properties: \(properties) } } }
        """
    )
    #expect(secret(agent, "secret set ingest", input: value).0 == 0)
    try agent.start()
    try agent.command("exec --quiet --resource api -- echo hello")
    #expect(wait(seconds: 10) { stub.requests.count > 1 }, "\(agent.log)")
    #expect(stub.requests.first?.headers["x-amz-firehose-access-key"] == value)
    #expect(try wait(seconds: 5) { try agent.command("status").contains("500") })
    let pid = try #require(agent.processID)
    let limits = try Shell.run("grep core /proc/\(pid)/limits")
    #expect(limits.split(separator: " ").filter { $0 == "0" }.count == 2, "\(limits)")
    let visible = try Shell.run("cat /proc/\(pid)/cmdline /proc/\(pid)/environ | tr '\\0' '\\n'")
    #expect(!visible.contains(value))
    agent.signal(SIGABRT)
    #expect(agent.waitForEnd(seconds: 10))
    #expect(!agent.log.contains("Registers:"))
    try Self.expectHidden(value, agent)
    #expect(try Shell.run("find \(agent.directory.path) -name 'core*'").isEmpty)
  }

  @Test("a process that holds a secret leaves no core where others leave one")
  func core() throws {
    let agent = Agent()
    try Shell.run("mkdir \(agent.directory.file("other")) \(agent.directory.file("ours"))")
    let limit = "ulimit -c unlimited 2>/dev/null;"
    let other =
      "\(limit) cd \(agent.directory.file("other")); sh -c 'kill -ABRT $$' 2>/dev/null; ls"
    // Where the kernel hands cores to a program, or may write none, this shows nothing.
    guard !(try Shell.run(other)).isEmpty else { return }
    let ours = """
      \(limit) cd \(agent.directory.file("ours")); mkfifo value; sleep 2 > value & \
      \(Agent.binary) secret set x --config \(agent.configPath) < value 2>err & pid=$!; \
      sleep 1; kill -ABRT $pid; wait $pid; cat err; ls
      """
    #expect(try Shell.run(ours).contains("core") == false)
  }
}
