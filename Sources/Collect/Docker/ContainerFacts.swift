internal import LogModel
internal import Platform

/// What Docker says of a container, on disk or through its API.
struct ContainerFacts: Equatable {
  var metadata: ContainerMetadata
  /// False once its process has ended.
  ///
  /// One that was created and never started counts as running: what it writes may be there before
  /// anything says that it has started.
  var isRunning: Bool
  /// `mode=non-blocking`: Docker drops lines silently when its buffer is full.
  var isNonBlocking = false
  /// How many log files rotation keeps; nil: it never deletes any.
  ///
  /// Docker before 23 keeps a rotated one even of a single file.
  var rotatedFilesMax: Int?
  /// When it was started last; nil: never, or nobody knows.
  var startedAt: Int64?

  /// Reads `config.v2.json` and `hostconfig.json`; nil while they are missing or half-written.
  ///
  /// The log driver is `LogConfig.Type` of the host configuration; `Driver` in the other file is
  /// the storage driver.
  static func read(directory: String, id: String) throws(CollectError) -> ContainerFacts? {
    guard let config = try json(directory + "/config.v2.json") else { return nil }
    let host = try json(directory + "/hostconfig.json")
    let details = config["Config"]
    let logging = host?["LogConfig"]
    let driver = logging?["Type"]?.text ?? "json-file"
    let metadata = ContainerMetadata(
      id: id,
      name: trimmed(config["Name"]?.text ?? ""),
      image: details?["Image"]?.text ?? "",
      labels: details?["Labels"]?.texts ?? [:],
      logDriver: driver.isEmpty ? "json-file" : driver,
      isTTY: details?["Tty"]?.flag ?? false,
      created: config["Created"]?.text.flatMap(time)
    )
    return ContainerFacts(
      metadata: metadata,
      isRunning: isRunning(config["State"]),
      isNonBlocking: logging?["Config"]?["mode"]?.text == "non-blocking",
      rotatedFilesMax: rotatedFilesMax(logging?["Config"]),
      startedAt: startedAt(config["State"]?["StartedAt"]?.text)
    )
  }

  private static func time(_ text: String) -> Timestamp? {
    let bytes = Array(text.utf8)
    return Calendar.parseRFC3339(bytes.span, 0..<bytes.count)
  }

  /// Docker writes the year 1 for an end that never came.
  private static func isRunning(_ state: JSONValue?) -> Bool {
    let hasNeverEnded = state?["FinishedAt"]?.text?.hasPrefix("0001-") ?? false
    return hasNeverEnded || state?["Running"]?.flag ?? true
  }

  /// Docker writes the year 1 for a container that was never started.
  private static func startedAt(_ text: String?) -> Int64? {
    guard let text, !text.hasPrefix("0001-") else { return nil }
    let bytes = Array(text.utf8)
    return Calendar.parseRFC3339(bytes.span, 0..<bytes.count)?.nanoseconds
  }

  private static func rotatedFilesMax(_ options: JSONValue?) -> Int? {
    guard let size = options?["max-size"]?.text, !size.hasPrefix("-") else { return nil }
    return options?["max-file"]?.text.flatMap { Int($0) } ?? 1
  }

  /// One element of the API's container list.
  init?(listed value: JSONValue) {
    guard let id = value["Id"]?.text, Self.isID(id) else { return nil }
    // Linked containers list other names too; the own one has a single slash.
    let names = value["Names"]?.elements.compactMap(\.text) ?? []
    let name = names.first { $0.utf8.filter { $0 == 0x2F }.count == 1 } ?? names.first ?? ""
    metadata = ContainerMetadata(
      id: id,
      name: Self.trimmed(name),
      image: value["Image"]?.text ?? "",
      labels: value["Labels"]?.texts ?? [:]
    )
    isRunning = !["exited", "dead", "removing"].contains(value["State"]?.text ?? "running")
  }

  init(
    metadata: ContainerMetadata,
    isRunning: Bool,
    isNonBlocking: Bool = false,
    rotatedFilesMax: Int? = nil,
    startedAt: Int64? = nil
  ) {
    self.metadata = metadata
    self.isRunning = isRunning
    self.isNonBlocking = isNonBlocking
    self.rotatedFilesMax = rotatedFilesMax
    self.startedAt = startedAt
  }

  /// 64 lower-case hexadecimal digits: nothing else is ever part of a path.
  static func isID(_ text: String) -> Bool {
    text.utf8.count == 64
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  private static func trimmed(_ name: String) -> String {
    name.hasPrefix("/") ? String(name.dropFirst()) : name
  }

  private static func json(_ path: String) throws(CollectError) -> JSONValue? {
    do throws(SyscallError) {
      return JSONValue(parsing: try FileSystem.read(path, atMost: CaptureLimits.metadataBytesMax))
    } catch {
      if error.isNotFound { return nil }
      throw .system(error)
    }
  }
}
