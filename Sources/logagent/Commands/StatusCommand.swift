internal import ArgumentParser
internal import Collect
internal import LogModel
internal import Platform
internal import Store

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Says how the daemon is doing: sources, store, forwarding.",
    discussion: "Exit status: 0 · 1 with --check when it is not healthy · 69 no daemon runs."
  )

  @OptionGroup var location: StoreLocation

  @Flag(help: "The report as the daemon wrote it, one JSON object.")
  var json = false

  @Flag(help: "Only the exit status: 0 healthy, 1 not.")
  var check = false

  func run() throws {
    let layout = Layout(root: try location.loadDataDirectory())
    // Silence is right: without a readable report there is no daemon to speak of.
    let bytes = (try? FileSystem.read(layout.status, atMost: 16_777_216)) ?? []
    guard let report = Collect.JSONValue(parsing: bytes), let pid = report["pid"]?.integer,
      ProcessExit.isAlive(Int32(clamping: pid)), Store.owner(of: layout) != nil
    else {
      if !check { StandardError.write("no daemon runs on \(layout.root)\n") }
      throw ExitCode(69)
    }
    if json {
      StandardError.writeData(String(decoding: bytes, as: UTF8.self))
    } else if !check {
      StandardError.writeData(Self.text(report, layout))
    }
    if check, report["state"]?.text != "ok" { throw ExitCode(1) }
  }

  private static func text(_ report: Collect.JSONValue, _ layout: Layout) -> String {
    let now = SystemClock().now() / 1_000_000
    let up = (now - Int64(report["started"]?.integer ?? 0)) / 1_000
    var lines = [
      "logagent \(report["version"]?.text ?? "?")  pid \(report["pid"]?.integer ?? 0)  "
        + "up \(duration(up))  "
        + "\(report["state"]?.text ?? "?")"
    ]
    if let reason = report["reason"]?.text { lines.append("  \(TerminalText.string(reason))") }
    let used = UInt64(clamping: report["usedBytes"]?.integer ?? 0)
    let limit = UInt64(clamping: report["limitBytes"]?.integer ?? 0)
    lines.append("data      \(layout.root)  \(ByteCount.text(used)) of \(ByteCount.text(limit))")
    lines.append(
      "sources   \(report["containers"]?.integer ?? 0) containers  Docker API: "
        + TerminalText.string(report["docker"]?.text ?? "?")
    )
    for name in report["unsupported"]?.items ?? [] {
      lines.append("          cannot be collected: \(TerminalText.string(name.text ?? ""))")
    }
    if let imports = report["metrics"]?["logagent_imports_in_progress"]?.integer, imports > 0 {
      lines.append("imports   \(imports) in progress")
    }
    if let failed = report["reloadFailed"]?.text {
      lines.append("config    invalid, the old one is in force: \(TerminalText.string(failed))")
    }
    for change in report["retentionWaiting"]?.items ?? [] {
      lines.append(describeWaiting(change, now))
    }
    for lane in report["forward"]?.items ?? [] {
      lines.append(contentsOf: describe(lane, now))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func describeWaiting(_ change: Collect.JSONValue, _ now: Int64) -> String {
    let left = max(0, Int64(change["due"]?.integer ?? 0) - now) / 1_000
    let group = TerminalText.string(change["logGroup"]?.text ?? "?")
    return "retention \(group)  \(period(change["fromDays"])) → \(period(change["toDays"])) "
      + "in \(duration(left)), see `logagent retention plan`"
  }

  private static func period(_ value: Collect.JSONValue?) -> String {
    value?.integer.map { "\($0)d" } ?? TerminalText.string(value?.text ?? "?")
  }

  private static func describe(_ lane: Collect.JSONValue, _ now: Int64) -> [String] {
    let name = "\(lane["destination"]?.text ?? "?") ← \(lane["logGroup"]?.text ?? "?")"
    var line = "forward   \(name)  \(lane["queuedEvents"]?.integer ?? 0) queued"
    if let oldest = lane["oldestUnsent"]?.integer {
      line += ", the first \(duration(max(0, now - Int64(oldest)) / 1_000)) ago"
    }
    if let dead = lane["deadLetterEvents"]?.integer, dead > 0 { line += ", \(dead) dead letters" }
    if let paused = lane["paused"]?.text { return [line + ", paused: \(paused)"] }
    guard let error = lane["lastError"]?.text else { return [line] }
    return [line, "          \(TerminalText.string(error))"]
  }

  private static func duration(_ seconds: Int64) -> String {
    if seconds < 120 { return "\(seconds)s" }
    if seconds < 7_200 { return "\(seconds / 60)m" }
    return seconds < 172_800 ? "\(seconds / 3_600)h" : "\(seconds / 86_400)d"
  }
}
