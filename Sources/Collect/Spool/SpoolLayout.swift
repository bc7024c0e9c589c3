package import LogModel
internal import Platform

/// Names and contents of a run's directory: the one place that builds these paths.
///
///     <spool>/<run id>/spec.json     what was started, written before it starts
///                      lock          locked by the shim as long as it lives
///                      out.log[.N]   the output, CRI lines; a number, once given, is kept
///                      exit.json     the outcome, written when the output is complete
///                      echo.lock     locked by `exec` while it still shows the output
package struct SpoolRun: Sendable {
  package let directory: String

  package init(directory: String) { self.directory = directory }
  package init(spool: String, id: String) { directory = spool + "/" + id }

  package var id: String { FileSystem.lastComponent(of: directory) }
  var spec: String { directory + "/spec.json" }
  var lock: String { directory + "/lock" }
  var output: String { directory + "/out.log" }
  var exit: String { directory + "/exit.json" }
  var echoLock: String { directory + "/echo.lock" }

  /// Whether a name can be a run's; a directory that is being made begins with a dot.
  package static func isID(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
      }
  }

  /// Collected, committed and removed.
  package var isCollected: Bool { !FileSystem.exists(directory) }
}

/// What a run is: where its output goes and what was started.
///
/// Never its environment.
package struct SpoolSpec: Sendable, Equatable {
  package var group: LogGroup
  package var stream: LogStream
  package var command: [String]

  package init(group: LogGroup, stream: LogStream, command: [String]) {
    self.group = group
    self.stream = stream
    self.command = command
  }

  package func encoded() -> [UInt8] {
    var bytes = Array("{\"format\":\"cri\",\"group\":".utf8)
    JSONString.append(group.name, to: &bytes)
    bytes.append(utf8: ",\"stream\":")
    JSONString.append(stream.name, to: &bytes)
    bytes.append(utf8: ",\"command\":[")
    for (index, argument) in command.enumerated() {
      if index > 0 { bytes.append(0x2C) }
      JSONString.append(argument, to: &bytes)
    }
    bytes.append(utf8: "]}\n")
    return bytes
  }

  package init?(decoding bytes: [UInt8]) {
    guard let value = JSONValue(parsing: bytes), value["format"]?.text == "cri",
      let group = value["group"]?.text.flatMap({ LogGroup($0) }),
      let stream = value["stream"]?.text, !stream.isEmpty
    else { return nil }
    self.group = group
    self.stream = LogStream(sanitizing: stream)
    command = value["command"]?.elements.compactMap(\.text) ?? []
  }
}

/// How a run ended.
package struct SpoolExit: Sendable, Equatable {
  /// The exit code as a shell gives it: 128 + n for a signal, 127 not found, 126 not executable.
  package var code: Int
  /// The signal that ended the command, 0 for none.
  package var signal: Int
  /// Why the command could not be started.
  package var error: String
  /// Output that was dropped because the disk was full.
  package var droppedBytes: Int

  package init(code: Int, signal: Int = 0, error: String = "", droppedBytes: Int = 0) {
    self.code = code
    self.signal = signal
    self.error = error
    self.droppedBytes = droppedBytes
  }

  package func encoded() -> [UInt8] {
    var bytes = Array(
      "{\"code\":\(code),\"signal\":\(signal),\"droppedBytes\":\(droppedBytes),\"error\":".utf8
    )
    JSONString.append(error, to: &bytes)
    bytes.append(utf8: "}\n")
    return bytes
  }

  package init?(decoding bytes: [UInt8]) {
    guard let value = JSONValue(parsing: bytes), let code = value["code"]?.integer else {
      return nil
    }
    self.code = code
    signal = value["signal"]?.integer ?? 0
    error = value["error"]?.text ?? ""
    droppedBytes = value["droppedBytes"]?.integer ?? 0
  }
}
