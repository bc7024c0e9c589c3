/// What is known of a container when it is decided where its output belongs.
package struct ContainerMetadata: Sendable, Equatable {
  /// 64 lower-case hexadecimal digits.
  package var id: String
  /// Without Docker's leading slash; empty when unknown.
  package var name: String
  package var image: String
  package var labels: [String: String]
  /// The log driver's name, such as `json-file`.
  package var logDriver: String
  package var isTTY: Bool
  /// When it was made; nil when unknown.
  package var created: Timestamp?

  package init(
    id: String,
    name: String = "",
    image: String = "",
    labels: [String: String] = [:],
    logDriver: String = "json-file",
    isTTY: Bool = false,
    created: Timestamp? = nil
  ) {
    self.id = id
    self.name = name
    self.image = image
    self.labels = labels
    self.logDriver = logDriver
    self.isTTY = isTTY
    self.created = created
  }

  /// The first 12 digits, as in `docker ps` and in stream names.
  package var shortID: String { String(id.prefix(12)) }
}

/// Where the output of a source is stored, or that it is not.
package enum Placement: Sendable, Equatable {
  case collect(group: LogGroup, stream: LogStream)
  /// `logging.disabled`: neither stored nor forwarded.
  case disabled
}
