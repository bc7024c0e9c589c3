internal import LogModel
internal import Platform

/// Reads `logging`, which is the same map in both files.
///
/// What stands in a stacktape.yml must be what Stacktape takes; logagent.yml may say more.
struct LoggingDecoder {
  /// The days that CloudWatch knows.
  static let stacktapeDays = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653,
  ]

  var values: ValueReader
  var directives: DirectiveResolver
  /// A warning is due when a key stands in a file that everybody can read.
  var isReadableByAll: Bool
  var allowsInsecure = false
  var isStacktape = false

  init(file: String, context: DirectiveContext, isReadableByAll: Bool) {
    values = ValueReader(file: file)
    directives = DirectiveResolver(context)
    self.isReadableByAll = isReadableByAll
  }

  /// Reads one `logging`.
  ///
  /// `further` are the keys that a resource type has besides the common three, with their words.
  /// `override` is what logagent.yml says: a value that it gives need not be known here.
  mutating func read(
    _ entry: YAMLEntry,
    _ path: String,
    further: [(key: String, words: [String]?)] = [],
    override: ResourceLogging = ResourceLogging()
  ) -> (logging: ResourceLogging, retentionDaysRange: SourceRange?) {
    var logging = ResourceLogging()
    let entry = expand(entry)
    if entry.value.isNull, isStacktape { return (logging, nil) }
    let keys = values.map(
      entry.value,
      path,
      known: ConfigurationKeys.names(in: "resources.<name>.logging") + further.map(\.key)
    )
    if let entry = keys["disabled"], !entry.value.isUnresolved || override.disabled == nil {
      logging.disabled = values.bool(entry)
    }
    if let entry = keys["retentionDays"],
      !entry.value.isUnresolved || override.retentionDays == nil
    {
      logging.retentionDays = retentionDays(entry)
    }
    for (key, words) in further {
      if let entry = keys[key], let words { checkWord(entry, words) }
    }
    if let entry = keys["logForwarding"] {
      if entry.value.isNull {
        // Stacktape has no way to say "nowhere"; there an empty value is nothing.
        logging.forwarding = isStacktape ? .inherited : .none
      } else if override.forwarding == .inherited || !entry.value.isUnresolved,
        let destination = destination(entry, "\(path).logForwarding")
      {
        logging.forwarding = .to(destination)
      }
    }
    return (logging, keys["retentionDays"]?.keyRange)
  }

  /// The entry with its directives resolved.
  mutating func expand(_ entry: YAMLEntry) -> YAMLEntry {
    var entry = entry
    entry.value = directives.expand(entry.value)
    takeReports()
    return entry
  }

  /// The value itself resolved, and nothing inside: AWS-only parts are nobody's business here.
  mutating func resolve(_ node: YAMLNode) -> YAMLNode {
    let node = directives.resolve(node)
    takeReports()
    return node
  }

  private mutating func takeReports() {
    values.take(directives.reports)
    directives.reports = []
  }

  private mutating func retentionDays(_ entry: YAMLEntry) -> RetentionPeriod? {
    guard isStacktape else { return values.retention(entry) }
    guard case .scalar(let scalar) = entry.value.content, case .integer(let found) = scalar.value
    else {
      let isPeriod = values.retentionText(entry) != nil
      return values.integer(
        entry,
        in: 1...3653,
        help: isPeriod ? "only logagent.yml takes durations and `forever`" : nil
      ).map { .days($0) }
    }
    if let days = Int(exactly: found), Self.stacktapeDays.contains(days) { return .days(days) }
    let below = Self.stacktapeDays.last { $0 < found }
    let above = Self.stacktapeDays.first { $0 > found }
    let near = [below, above].compactMap { $0.map(String.init) }.joined(separator: " and ")
    values.error(
      entry.value.range,
      "`retentionDays` must be one of "
        + Self.stacktapeDays.map(String.init).joined(separator: ", ") + " (found \(found))",
      help: "nearest: \(near); logagent.yml takes any number of days"
    )
    return nil
  }

  private mutating func checkWord(_ entry: YAMLEntry, _ words: [String]) {
    if entry.value.isUnresolved { return }
    guard let text = values.text(entry), !words.contains(text) else { return }
    let near = NearestName.find(text, among: words)
    values.error(
      entry.value.range,
      "`\(entry.key)` must be one of \(words.map { "`\($0)`" }.joined(separator: ", ")), "
        + "found `\(ValueReader.shortened(text))`",
      help: near.map { "did you mean `\($0)`?" }
    )
  }
}

extension DirectiveContext {
  /// What directives need of a configuration.
  mutating func take(_ configuration: Configuration) {
    project = configuration.project
    stage = configuration.stage
    region = configuration.region
    awsAccountID = configuration.awsAccountID
    parameters = configuration.parameters
  }
}
