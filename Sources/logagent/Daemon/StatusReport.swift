internal import LogModel
internal import Platform
internal import Store

/// What the daemon says of itself, written beside the data every two seconds for `logagent status`.
struct StatusReport: Sendable {
  var version = Version.number
  var processID: Int32
  var startedMilliseconds: Int64
  var writtenMilliseconds: Int64
  var state: String
  var reason: String?
  var configuration: String
  var reloadFailed: String?
  var containers: Int
  var unsupported: [String]
  var docker: String
  var backlogBytes: Int
  var usedBytes: Int64
  var limitBytes: Int64
  var isClockTrusted: Bool
  /// Groups that are to be kept for fewer days, and when that takes effect.
  var waiting: [Waiting] = []
  var lanes: [Lane]
  var metrics: [(name: String, value: Double)]

  struct Waiting: Sendable {
    var group: String
    var from: RetentionPeriod
    var to: RetentionPeriod
    var dueMilliseconds: Int64
  }

  struct Lane: Sendable {
    var group: String
    var destination: String
    var queuedEvents: UInt64
    var oldestUnsentMilliseconds: Int64?
    var lastError: String?
    var nextAttemptSeconds: Double?
    var paused: String?
    var deadLetterEvents: UInt64
  }

  var json: String {
    var fields: [String] = [
      "\"version\":\(JSONText.quoted(version))", "\"pid\":\(processID)",
      "\"started\":\(startedMilliseconds)", "\"written\":\(writtenMilliseconds)",
      "\"state\":\(JSONText.quoted(state))",
    ]
    if let reason { fields.append("\"reason\":\(JSONText.quoted(reason))") }
    fields.append("\"configuration\":\(JSONText.quoted(configuration))")
    if let reloadFailed { fields.append("\"reloadFailed\":\(JSONText.quoted(reloadFailed))") }
    fields.append("\"containers\":\(containers)")
    fields.append("\"unsupported\":[\(unsupported.map(JSONText.quoted).joined(separator: ","))]")
    fields.append("\"docker\":\(JSONText.quoted(docker))")
    fields.append("\"backlogBytes\":\(backlogBytes)")
    fields.append("\"usedBytes\":\(usedBytes)")
    fields.append("\"limitBytes\":\(limitBytes)")
    fields.append("\"clockTrusted\":\(isClockTrusted)")
    let waiting = waiting.map {
      "{\"logGroup\":\(JSONText.quoted($0.group)),\"fromDays\":\($0.from.json),"
        + "\"toDays\":\($0.to.json),\"due\":\($0.dueMilliseconds)}"
    }
    fields.append("\"retentionWaiting\":[\(waiting.joined(separator: ","))]")
    fields.append("\"forward\":[\(lanes.map(Self.json).joined(separator: ","))]")
    let values = metrics.map { "\(JSONText.quoted($0.name)):\(Self.number($0.value))" }
    fields.append("\"metrics\":{\(values.joined(separator: ","))}")
    return "{" + fields.joined(separator: ",") + "}\n"
  }

  private static func json(_ lane: Lane) -> String {
    var fields = [
      "\"logGroup\":\(JSONText.quoted(lane.group))",
      "\"destination\":\(JSONText.quoted(lane.destination))",
      "\"queuedEvents\":\(lane.queuedEvents)", "\"deadLetterEvents\":\(lane.deadLetterEvents)",
    ]
    if let oldest = lane.oldestUnsentMilliseconds { fields.append("\"oldestUnsent\":\(oldest)") }
    if let error = lane.lastError { fields.append("\"lastError\":\(JSONText.quoted(error))") }
    if let seconds = lane.nextAttemptSeconds { fields.append("\"nextAttemptSeconds\":\(seconds)") }
    if let paused = lane.paused { fields.append("\"paused\":\(JSONText.quoted(paused))") }
    return "{" + fields.joined(separator: ",") + "}"
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }

  func write(to path: String) {
    var bytes = Array(json.utf8)
    do throws(SyscallError) {
      try FileSystem.replace(path, with: bytes.span, durable: false)
    } catch {
      guard error.isOutOfSpace else { return }
      // A full disk is what the report is wanted for: over the old one, in the room that it has.
      // Silence is right: a report that cannot be written is simply old, which `status` shows.
      try? FileSystem.overwrite(path, with: &bytes)
    }
  }
}
