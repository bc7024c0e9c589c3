internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Query
internal import Store

/// What was typed, made into what is asked of the store.
struct LogsRequest {
  let options: LogsOptions
  let follows: Bool

  /// What cannot be answered, before anything is read.
  func refuse() throws(CommandFailure) {
    if options.templateID != nil {
      throw Self.usage(
        "--templateId needs the Stacktape service",
        help: "name the resource with --resourceName"
      )
    }
    if options.head != nil, options.limit != nil {
      throw Self.usage("--head and --limit exclude each other")
    }
    let isUnbounded = options.limit == "all" || options.limit == "0"
    if options.reverse, follows || isUnbounded || options.cursor.isUsed {
      throw Self.usage("--reverse needs an end: it goes with --limit or --head only")
    }
    if options.reverse, options.match.context != nil {
      throw Self.usage("--reverse and -A, -B, -C exclude each other")
    }
    if follows, options.raw || options.agent || options.count {
      throw Self.usage(
        "--raw, --agent and --count give one answer and end",
        help: "to follow: -o jsonl"
      )
    }
    if follows, let format = options.view.outputFormat, format.needsEnd {
      throw Self.usage("-o json and -o table have an end", help: "to follow: -o jsonl")
    }
    try refuseCursor()
    if options.query != nil { try LogsQueryRun.refuse(options, follows: follows) }
  }

  private func refuseCursor() throws(CommandFailure) {
    guard options.cursor.isUsed else { return }
    let given = [
      options.limit.map { _ in "--limit" }, options.head.map { _ in "--head" },
      options.endTime.map { _ in "--endTime" }, options.count ? "--count" : nil,
      options.query.map { _ in "--query" }, options.raw ? "--raw" : nil,
      options.agent ? "--agent" : nil, options.match.context.map { _ in "-A, -B, -C" },
    ].compactMap { $0 }.first
    guard let given else { return }
    throw Self.usage(
      "\(given) and a cursor exclude each other",
      help: "a cursor gives everything that was stored since, each event once"
    )
  }

  static func usage(_ message: String, help: String? = nil) -> CommandFailure {
    CommandFailure(message, help: help, status: CommandFailure.Status.usage)
  }

  func configuration() throws(CommandFailure) -> Configuration {
    var location = StoreLocation()
    location.config = options.configPath.map { path in
      guard let base = options.currentWorkingDirectory, !path.hasPrefix("/") else { return path }
      return base + "/" + path
    }
    location.dataDirectory = options.dataDirectory
    return try location.load(try choices())
  }

  /// The flags about the stack, checked as those of other commands.
  private func choices() throws(CommandFailure) -> StackChoices {
    var stack = StackOptions()
    stack.stage = options.stage
    stack.projectName = options.projectName
    stack.arguments = options.arguments
    do {
      try stack.validate()
    } catch {
      throw Self.usage("\(error)")
    }
    return stack.choices
  }

  private func search(
    _ groups: [LogGroup],
    _ configuration: Configuration
  ) throws(CommandFailure) -> GroupSearch {
    GroupSearch(groups, configuration, try choices())
  }

  // MARK: which groups

  /// The log groups that the targets name; all of them when there is no target and just one group.
  func targets(
    among groups: [LogGroup],
    _ configuration: Configuration
  ) throws(CommandFailure) -> Set<LogGroup> {
    let names = options.targets + options.resourceName
    guard !names.isEmpty else {
      if groups.count <= 1 { return Set(groups) }
      throw misread(try search(groups, configuration))
        ?? Self.usage(
          "which resource? there are \(groups.count) log groups",
          help: "name one, or '*' for all; `logagent groups` lists them"
        )
    }
    return try TargetSearch(search(groups, configuration)).find(
      names,
      container: options.container
    )
  }

  /// `-f api`, meant as follow: the most likely mistake of people who know other tools.
  private func misread(_ search: GroupSearch) -> CommandFailure? {
    guard let filter = options.filter,
      // Silence is right: a filter that names no resource is just a filter.
      (try? search.find(filter)) != nil
    else { return nil }
    return Self.usage(
      "-f is --filter (as in stacktape logs)",
      help: "to follow: logagent tail \(filter)"
    )
  }

  // MARK: which events

  func query(
    _ groups: [GroupInfo],
    now: Timestamp,
    cursor: StoreCursor?
  ) throws(CommandFailure) -> LogQuery {
    do throws(QueryDiagnostic) {
      let range = try timeRange(now: now)
      var query = LogQuery(groups: groups, from: range.from, through: range.through, now: now)
      if let filter = options.filter { query.pattern = try FilterPatternParser.parse(filter) }
      warn(about: query.pattern)
      query.selection = try selection()
      query.onlyStderr = options.match.stream.map { $0 == .stderr }
      if let name = options.match.logStream {
        let glob = Glob(name)
        query.stream = { $0 == name || glob.matches($0) }
      }
      query.conditions = try conditions()
      if let cursor {
        query.from = .distantPast
        query.after = cursor.next
      }
      return query
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
  }

  /// From `--startTime` to `--endTime`.
  func timeRange(now: Timestamp) throws(QueryDiagnostic) -> TypedTimeRange {
    try TypedTimeRange(
      since: options.startTime ?? "1h",
      until: options.endTime,
      now: now,
      offset: options.view.offset
    )
  }

  private func warn(about pattern: FilterPattern) {
    guard !options.view.quiet else { return }
    for warning in pattern.warnings { StandardError.write("warning: \(warning)\n") }
  }

  private func conditions() throws(QueryDiagnostic) -> MessageConditions {
    var conditions = MessageConditions()
    conditions.levels = options.match.level?.levels
    for text in options.match.grep { conditions.required.append(try expression(text)) }
    for text in options.match.exclude { conditions.excluded.append(try expression(text)) }
    return conditions
  }

  /// A regular expression as it was typed.
  func expression(_ text: String) throws(QueryDiagnostic) -> BytePattern {
    do throws(BytePatternError) {
      return try BytePattern(text, options: options.match.ignoreCase ? .ignoreCase : [])
    } catch {
      throw error.diagnostic(in: text, from: 0)
    }
  }

  /// What stands out in messages: everything that was looked for.
  func highlights() throws(CommandFailure) -> MessageHighlight? {
    var patterns: [BytePattern] = []
    do throws(QueryDiagnostic) {
      for text in options.view.highlight + options.match.grep {
        patterns.append(try expression(text))
      }
    } catch {
      throw CommandFailure(error.description, status: CommandFailure.Status.data)
    }
    return patterns.isEmpty ? nil : MessageHighlight(patterns)
  }

  private func selection() throws(QueryDiagnostic) -> LogQuery.Selection {
    if options.cursor.isUsed { return .all }
    if let head = options.head { return .oldest(max(0, head)) }
    guard let limit = options.limit else { return .newest(100) }
    if limit == "all" || limit == "0" { return .all }
    guard let count = Int(limit), count > 0 else {
      throw QueryDiagnostic(
        "--limit takes a number or `all`",
        in: limit,
        at: 0..<max(1, limit.count)
      )
    }
    return .newest(count)
  }
}

/// Finds the log groups that several names and patterns mean.
struct TargetSearch {
  private let groups: [LogGroup]
  private let search: GroupSearch

  init(_ search: GroupSearch) {
    groups = search.groups
    self.search = search
  }

  /// Every name must mean something; `container` narrows names, not patterns.
  func find(_ names: [String], container: String? = nil) throws(CommandFailure) -> Set<LogGroup> {
    var found: Set<LogGroup> = []
    for name in names {
      if name.contains("*") || name.contains("?") {
        let glob = Glob(name)
        let hits = groups.filter {
          glob.matches($0.name) || GroupParts($0.name).map { glob.matches($0.shown) } ?? false
        }
        guard !hits.isEmpty || groups.isEmpty else {
          throw Self.missing("no log group fits `\(name)`")
        }
        found.formUnion(hits)
        continue
      }
      do throws(GroupSearch.NotFound) {
        found.formUnion(try search.find(name, container: container))
      } catch {
        throw Self.missing(error.description)
      }
    }
    return found
  }

  private static func missing(_ message: String) -> CommandFailure {
    CommandFailure(
      message,
      help: "`logagent groups` lists what there is",
      status: CommandFailure.Status.noInput
    )
  }
}
