internal import LogModel
internal import Platform

/// `logForwarding`: one of three types, each with properties of its own.
extension LoggingDecoder {
  /// Stacktape's type, in logagent's words.
  mutating func destination(_ entry: YAMLEntry, _ path: String) -> ForwardingDestination? {
    var unknown = Self.preset(.httpEndpoint)
    if pause(&unknown, at: entry) { return unknown }
    let before = values.diagnostics.count
    let keys = values.map(
      entry.value,
      path,
      known: ConfigurationKeys.names(in: "resources.<name>.logging.logForwarding")
    )
    guard case .map = entry.value.content else { return nil }
    guard let typeEntry = keys["type"] else {
      // A key that is nearly `type` was reported already.
      if values.diagnostics.count == before {
        values.error(
          entry.keyRange,
          "`logForwarding` lacks `type`",
          help: "one of `http-endpoint`, `highlight`, `datadog`"
        )
      }
      return nil
    }
    if pause(&unknown, at: typeEntry) { return unknown }
    guard let kind = values.word(typeEntry, ForwardingDestination.Kind.self) else { return nil }
    var destination = Self.preset(kind)
    guard let properties = keys["properties"] else {
      values.error(
        typeEntry.keyRange,
        "a `\(kind.rawValue)` forwarding lacks `properties`",
        help: "it needs `\(Self.required(kind))`"
      )
      return nil
    }
    if pause(&destination, at: properties) { return destination }
    let node = properties.value
    let place = "\(path).properties"
    switch kind {
    case .httpEndpoint: readHTTPEndpoint(node, place, properties.keyRange, &destination)
    case .highlight: readHighlight(node, place, properties.keyRange, &destination)
    case .datadog: readDatadog(node, place, properties.keyRange, &destination)
    }
    return destination
  }

  /// What Stacktape provisions for each type.
  private static func preset(_ kind: ForwardingDestination.Kind) -> ForwardingDestination {
    switch kind {
    case .httpEndpoint:
      ForwardingDestination(kind: kind, endpointURL: "", gzip: false, retryDurationSeconds: 300)
    case .highlight:
      ForwardingDestination(
        kind: kind,
        endpointURL: "https://pub.highlight.io/v1/logs/firehose",
        gzip: true,
        retryDurationSeconds: 300
      )
    case .datadog:
      ForwardingDestination(
        kind: kind,
        endpointURL: "https://aws-kinesis-http-intake.logs.datadoghq.com/v1/input",
        gzip: true,
        retryDurationSeconds: 60
      )
    }
  }

  private static func required(_ kind: ForwardingDestination.Kind) -> String {
    switch kind {
    case .httpEndpoint: "endpointUrl"
    case .highlight: "projectId"
    case .datadog: "apiKey"
    }
  }

  private mutating func readHTTPEndpoint(
    _ node: YAMLNode,
    _ path: String,
    _ keyRange: SourceRange,
    _ destination: inout ForwardingDestination
  ) {
    let keys = values.map(
      node,
      path,
      known: ["endpointUrl", "accessKey", "gzipEncodingEnabled", "retryDuration", "parameters"]
    )
    readEndpoint(keys["endpointUrl"], &destination)
    if keys["endpointUrl"] == nil { reportMissing("endpointUrl", .httpEndpoint, keyRange, node) }
    if let entry = keys["accessKey"] { destination.accessKey = accessKey(entry, &destination) }
    if let entry = keys["gzipEncodingEnabled"], !pause(&destination, at: entry),
      let gzip = values.bool(entry)
    {
      destination.gzip = gzip
    }
    if let entry = keys["retryDuration"], !pause(&destination, at: entry),
      let seconds = values.integer(entry, in: 0...Limits.retryDurationSecondsMax)
    {
      destination.retryDurationSeconds = seconds
    }
    if let entry = keys["parameters"], !entry.value.isNull {
      destination.attributes = parameters(entry, path, &destination)
    }
  }

  private mutating func readHighlight(
    _ node: YAMLNode,
    _ path: String,
    _ keyRange: SourceRange,
    _ destination: inout ForwardingDestination
  ) {
    let keys = values.map(node, path, known: ["projectId", "endpointUrl"])
    readEndpoint(keys["endpointUrl"], &destination)
    guard let entry = keys["projectId"] else {
      reportMissing("projectId", .highlight, keyRange, node)
      return
    }
    guard let value = secretText(entry, &destination, isHidden: false) else {
      return
    }
    if checkAttribute(value, at: entry.value.range, named: "projectId") {
      destination.attributes = [.init(name: "x-highlight-project", value: value)]
    }
  }

  private mutating func readDatadog(
    _ node: YAMLNode,
    _ path: String,
    _ keyRange: SourceRange,
    _ destination: inout ForwardingDestination
  ) {
    let keys = values.map(node, path, known: ["apiKey", "endpointUrl"])
    readEndpoint(keys["endpointUrl"], &destination)
    guard let entry = keys["apiKey"] else {
      reportMissing("apiKey", .datadog, keyRange, node)
      return
    }
    destination.accessKey = accessKey(entry, &destination)
  }

  private mutating func reportMissing(
    _ key: String,
    _ kind: ForwardingDestination.Kind,
    _ range: SourceRange,
    _ node: YAMLNode
  ) {
    // A key that is nearly the one was reported already.
    guard case .map(let entries) = node.content,
      !entries.contains(where: { NearestName.find($0.key, among: [key]) != nil })
    else { return }
    values.error(range, "a `\(kind.rawValue)` forwarding lacks `\(key)`")
  }

  // MARK: values

  private mutating func readEndpoint(
    _ entry: YAMLEntry?,
    _ destination: inout ForwardingDestination
  ) {
    guard let entry, let value = secretText(entry, &destination, isHidden: false) else { return }
    let address = value.reveal()
    if let problem = EndpointAddress.problem(of: address, allowInsecure: allowsInsecure) {
      if address.contains("@") { values.hide(entry.value.range) }
      values.error(
        entry.value.range,
        "`\(entry.key)`: \(problem.message)",
        help: problem.help
      )
      return
    }
    destination.endpointURL = address
  }

  private mutating func accessKey(
    _ entry: YAMLEntry,
    _ destination: inout ForwardingDestination
  ) -> Secret? {
    guard let value = secretText(entry, &destination) else { return nil }
    let key = value.reveal()
    if key.utf8.count > Limits.accessKeyBytesMax {
      values.error(
        entry.value.range.firstLine,
        "`\(entry.key)` is longer than \(Limits.accessKeyBytesMax) bytes"
      )
      return nil
    }
    if key.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
      values.error(
        entry.value.range.firstLine,
        "`\(entry.key)` holds a line break or a control character",
        help: "it is sent as an HTTP header, which is one line"
      )
      return nil
    }
    return value
  }

  private mutating func parameters(
    _ entry: YAMLEntry,
    _ path: String,
    _ destination: inout ForwardingDestination
  ) -> [ForwardingDestination.Attribute] {
    if pause(&destination, at: entry) { return [] }
    guard let entries = values.entries(entry.value, "\(path).parameters") else { return [] }
    if entries.count > Limits.parametersMax {
      values.error(
        entry.keyRange,
        "`parameters` has \(entries.count) entries; at most \(Limits.parametersMax) can be sent"
      )
    }
    var attributes: [ForwardingDestination.Attribute] = []
    for entry in entries {
      let length = entry.key.unicodeScalars.count
      guard (1...Limits.parameterNameCharactersMax).contains(length) else {
        values.error(
          entry.keyRange,
          "a parameter's name must have 1 to \(Limits.parameterNameCharactersMax) characters, "
            + "`\(ValueReader.shortened(entry.key))` has \(length)"
        )
        continue
      }
      guard let value = parameterValue(entry, &destination) else { continue }
      let name = "parameter \(ValueReader.shortened(entry.key))"
      if checkAttribute(value, at: entry.value.range, named: name) {
        attributes.append(.init(name: entry.key, value: value))
      }
    }
    return attributes
  }

  /// Parameters are text on the wire: numbers and booleans count as they were written, and an empty
  /// text is allowed.
  private mutating func parameterValue(
    _ entry: YAMLEntry,
    _ destination: inout ForwardingDestination
  ) -> Secret? {
    if pause(&destination, at: entry) { return nil }
    switch entry.value.content {
    case .secret(let secret): return secret
    case .scalar(let scalar) where scalar.value != .null: return Secret(scalar.text)
    default:
      values.mismatch(entry, "a text", help: "write an empty one as `\"\"`")
      return nil
    }
  }

  private mutating func checkAttribute(
    _ value: Secret,
    at range: SourceRange,
    named name: String
  ) -> Bool {
    let length = value.reveal().unicodeScalars.count
    guard length > Limits.parameterValueCharactersMax else { return true }
    values.error(
      range.firstLine,
      "`\(name)` has \(length) characters; "
        + "at most \(Limits.parameterValueCharactersMax) can be sent"
    )
    return false
  }

  // MARK: secrets

  /// A text or a secret; nil when it is wrong or not known (and then the destination is paused).
  private mutating func secretText(
    _ entry: YAMLEntry,
    _ destination: inout ForwardingDestination,
    isHidden: Bool = true
  ) -> Secret? {
    if pause(&destination, at: entry) { return nil }
    if case .secret(let secret) = entry.value.content {
      if secret.isEmpty { values.error(entry.value.range, "`\(entry.key)` must not be empty") }
      return secret.isEmpty ? nil : secret
    }
    if isHidden, case .scalar = entry.value.content { values.hide(entry.value.range) }
    guard let text = values.text(entry) else { return nil }
    if isHidden, isReadableByAll {
      values.warn(
        entry.value.range.firstLine,
        "everybody on this machine can read this `\(entry.key)`",
        help: "use `$Secret('name')`, or take the file's read permission from others"
      )
    }
    return Secret(text)
  }

  /// Whether the value is not known here, and then nothing is sent until it is.
  private mutating func pause(
    _ destination: inout ForwardingDestination,
    at entry: YAMLEntry
  ) -> Bool {
    guard case .unresolved(let value) = entry.value.content else { return false }
    if !value.isReported {
      values.warn(
        entry.value.range.firstLine,
        "\(value.reason); this forwarding is paused",
        help: value.help
      )
    }
    destination.pausedReason = destination.pausedReason ?? value.reason
    return true
  }
}
