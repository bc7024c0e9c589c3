internal import LogModel
internal import Platform

/// A query compiled for one worker: segments, and the columns of the outcome.
struct CompiledQuery {
  let segments: [QuerySegment]
  let columns: [String]
  /// The columns' values, over the rows that the last segment kept.
  let output: [ValueNode]
  /// Rows may be given out as they come.
  let isStreaming: Bool

  /// The rows of the outcome from those that the last segment kept.
  func table(_ rows: [KeptRow]) -> [[InsightsValue]] {
    let none: [UInt8] = []
    let row = InsightsRow(
      slots: rows.first?.slots.count ?? 0,
      discovery: FieldDiscovery(json: [], lambda: [])
    )
    return rows.map { kept in
      for (slot, value) in kept.slots.enumerated() { row.slots[slot] = value }
      return output.map { $0.evaluate(row, none.span).kept(none.span) }
    }
  }
}

/// A column that is shown, and the field behind it.
private struct OutputColumn {
  let name: String
  let field: InsightsField
}

/// Turns a checked query into segments.
///
/// Commands that look at one row at a time gather in a segment. `sort` only sets the order and
/// commutes with them; `limit`, `dedup`, `stats` and their like end the segment.
struct QueryCompiler {
  private let environment: InsightsEnvironment
  private let sets = ExpressionCompiler.SetCounter()
  private var scope = RowScope.events()
  private var steps: [QuerySegment.Step] = []
  private var order: [OrderKey] = []
  private var literals: [MessageLiterals.Clause] = []
  private var segments: [QuerySegment] = []
  private var hasLimit = false
  private var hasExpansion = false
  private var lastStats: InsightsStats?
  private var fields: [OutputColumn] = []
  private var parsed: [OutputColumn] = []
  private var display: [OutputColumn]?

  private init(_ environment: InsightsEnvironment) { self.environment = environment }

  static func compile(
    _ query: InsightsQuery,
    _ environment: InsightsEnvironment
  ) throws(QueryFailure) -> CompiledQuery {
    var compiler = QueryCompiler(environment)
    for (index, command) in query.commands.enumerated() {
      let rest = query.commands[(index + 1)...]
      do throws(QueryDiagnostic) {
        try compiler.compile(command, before: rest)
      } catch {
        throw .query(error)
      }
      // Only columns are chosen from here on: a shorter outcome is still a right one.
      if compiler.segments.last?.needsAllRows == false {
        compiler.segments.last?.needsAllRows = !rest.allSatisfy(\.onlyChoosesColumns)
      }
    }
    return compiler.finish()
  }

  private func expressions(in scope: RowScope) -> ExpressionCompiler {
    ExpressionCompiler(scope, environment, sets)
  }

  private var here: ExpressionCompiler { expressions(in: scope) }

  // MARK: commands

  private mutating func compile(
    _ command: InsightsCommand,
    before rest: ArraySlice<InsightsCommand>
  ) throws(QueryDiagnostic) {
    switch command {
    case .source: break
    case .fields(let items):
      for column in try columns(items) where !fields.contains(where: { $0.name == column.name }) {
        fields.append(column)
      }
    case .display(let items): display = try columns(items)
    case .filter(let condition):
      if segments.isEmpty { literals += ConditionLiterals.of(condition, scope) }
      steps.append(.filter(try here.node(condition)))
    case .parse(let parse): try compile(parse)
    case .unnest(let list, let name):
      let node = try here.node(list, asStructure: true)
      steps.append(.expand(UnnestExpansion(node, into: define(name))))
      hasExpansion = true
    case .sort(let keys): try compile(keys)
    case .limit(let count, let isAny): endSegment(limit: count, isAny: isAny)
    case .dedup(let names):
      let nodes = names.map { scope.node($0) }
      let (keeper, rowOrder) = keeper()
      let sink = DedupSink(
        keeper,
        nodes,
        rowOrder,
        limit: limit(first: rest),
        bytesMax: environment.rowBytesMax
      )
      endSegment(with: sink, next: keeper.scope)
    case .stats(let stats): try compile(stats)
    case .pattern(let text):
      let sink = PatternSink(try here.node(text))
      let table = RowScope.table()
      let names = InsightsColumns.pattern
      for name in names + InsightsColumns.patternDetails { _ = table.define(name) }
      endSegment(with: sink, next: table)
      setColumns(names)
    case .diff: compileDiff()
    case .join(let join): try compile(join)
    case .fillMissing(let fills): try compile(fills)
    case .fillDown(let globs): compileFillDown(globs)
    }
  }

  /// How many rows the `limit` at the beginning of `rest` leaves, or the one that holds without.
  private func limit(first rest: ArraySlice<InsightsCommand>) -> Int {
    if case .limit(let count, _) = rest.first { return count }
    return hasLimit ? InsightsLimits.rowsMax : InsightsLimits.rowsDefault
  }

  private mutating func define(_ name: String) -> Int {
    parsed.removeAll { $0.name == name }
    parsed.append(OutputColumn(name: name, field: InsightsField(name)))
    return scope.define(name)
  }

  /// Columns of `fields` and `display`; expressions and aliases become slots.
  private mutating func columns(
    _ items: [InsightsItem]
  ) throws(QueryDiagnostic) -> [OutputColumn] {
    var columns: [OutputColumn] = []
    var defined: [(name: String, node: ValueNode)] = []
    for item in items {
      if item.alias == nil, case .field(let field) = item.expression {
        columns.append(OutputColumn(name: item.name, field: field))
      } else {
        defined.append((item.name, try here.node(item.expression)))
        columns.append(OutputColumn(name: item.name, field: InsightsField(item.name)))
      }
    }
    // Names of a command are not visible inside of it.
    for (name, node) in defined {
      steps.append(.compute(ComputeStep(node, into: scope.define(name))))
    }
    return columns
  }

  private mutating func compile(_ parse: InsightsParse) throws(QueryDiagnostic) {
    let source = try here.node(parse.source)
    switch parse.form {
    case .glob(let pattern, let names):
      let slots = names.map { define($0) }
      steps.append(.compute(GlobStep(source, pattern, into: slots)))
    case .regex(let regex, let captures, let isMulti):
      let pattern = try here.pattern(regex)
      let slots = captures.map { (group: $0.number, slot: define($0.name)) }
      if isMulti {
        steps.append(.expand(RegexExpansion(source, pattern, slots)))
        hasExpansion = true
      } else {
        steps.append(.compute(RegexStep(source, pattern, slots)))
      }
    case .logfmt(let name): steps.append(.compute(LogfmtStep(source, into: define(name))))
    case .csv(let names):
      let slots = names.map { define($0) }
      steps.append(.compute(CommaStep(source, into: slots)))
    }
  }

  /// A later `sort` comes first; the one before decides among equals.
  private mutating func compile(_ keys: [InsightsSortKey]) throws(QueryDiagnostic) {
    var nodes: [OrderKey] = []
    for key in keys {
      let node = try here.node(key.expression)
      nodes.append(OrderKey(node: node, isDescending: key.isDescending))
    }
    order = nodes + order
  }

  private mutating func compile(_ join: InsightsJoin) throws(QueryDiagnostic) {
    let key = scope.node(join.leftKey)
    guard let table = environment.joined else { return }
    scope.setSides(left: join.left, right: join.right)
    let slots = table.columns.map { scope.define("\(join.right).\($0)") }
    steps.append(
      .expand(JoinExpansion(key, table, into: slots, keepsUnmatched: join.kind == .left))
    )
    hasExpansion = true
  }

  // MARK: stats

  private mutating func compile(_ stats: InsightsStats) throws(QueryDiagnostic) {
    var inner = here
    if let offset = stats.offset {
      inner.binOffset = PeriodEdges(offset, offset: 0).length ?? 0
    }
    var keys: [ValueNode] = []
    let table = RowScope.table()
    for key in stats.keys {
      keys.append(try inner.node(key.expression))
      _ = table.define(key.name)
    }
    var aggregates: [InsightsExpression] = []
    for item in stats.items { Self.gather(item.expression, into: &aggregates) }
    var columns: [AggregateColumn] = []
    for aggregate in aggregates {
      columns.append(try column(aggregate))
      _ = table.define("\0\(columns.count)")
    }
    let counting = counting(keys, columns)
    let sink = StatsSink(keys: keys, columns: columns, bytesMax: environment.groupBytesMax)
    endSegment(with: sink, next: table, counting: counting)
    setColumns(stats.keys.map(\.name))
    var results = here
    results.aggregateSlot = { expression in
      aggregates.firstIndex(of: expression).map { keys.count + $0 }
    }
    for item in stats.items {
      if let index = aggregates.firstIndex(of: item.expression) {
        scope.alias(item.name, slot: keys.count + index)
      } else {
        let node = try results.node(item.expression)
        steps.append(.compute(ComputeStep(node, into: scope.define(item.name))))
      }
      fields.append(OutputColumn(name: item.name, field: InsightsField(item.name)))
    }
    lastStats = stats
  }

  private static func gather(
    _ expression: InsightsExpression,
    into aggregates: inout [InsightsExpression]
  ) {
    if case .aggregate = expression {
      if !aggregates.contains(expression) { aggregates.append(expression) }
      return
    }
    for child in expression.children { gather(child, into: &aggregates) }
  }

  private func column(
    _ expression: InsightsExpression
  ) throws(QueryDiagnostic) -> AggregateColumn {
    guard case .aggregate(let function, let arguments, _) = expression else {
      return CountColumn(nil)
    }
    let argument = arguments.isEmpty ? nil : try here.node(arguments[0])
    switch function {
    case .count: return CountColumn(argument)
    case .sum: return SumColumn(argument, givesAverage: false)
    case .avg: return SumColumn(argument, givesAverage: true)
    case .min: return ExtremeColumn(argument, wanted: .less, prefersNumbers: true)
    case .max: return ExtremeColumn(argument, wanted: .greater, prefersNumbers: true)
    case .sortsFirst: return ExtremeColumn(argument, wanted: .less, prefersNumbers: false)
    case .sortsLast: return ExtremeColumn(argument, wanted: .greater, prefersNumbers: false)
    case .pct:
      let none: [UInt8] = []
      let percent = (try here.node(arguments[1]) as? ConstantNode)?.value.number(none.span)
      return PercentileColumn(argument, percent: percent?.real ?? 50)
    case .median: return PercentileColumn(argument, percent: 50)
    case .stddev: return DeviationColumn(argument)
    case .countDistinct: return DistinctColumn(argument)
    case .earliest, .latest:
      return MomentColumn(
        argument,
        time: scope.node(.timestamp),
        wantsLatest: function == .latest
      )
    }
  }

  /// Whether counting events by their time is all that is asked for.
  private func counting(_ keys: [ValueNode], _ columns: [AggregateColumn]) -> CountedPeriods? {
    guard segments.isEmpty, steps.isEmpty, keys.count <= 1,
      columns.allSatisfy({ $0 is CountColumn && $0.argument == nil })
    else { return nil }
    guard let key = keys.first else { return CountedPeriods(edges: nil) }
    guard let period = key as? PeriodNode, !period.roundsUp,
      (period.time as? SystemNode)?.field == .timestamp
    else { return nil }
    return CountedPeriods(edges: period.edges)
  }

  // MARK: commands over all rows

  private mutating func compileDiff() {
    guard let segment = segments.last else { return }
    for name in InsightsColumns.diff { _ = scope.define(name) }
    segment.transform = DiffTransform(environment.previousPatterns ?? [:])
    setColumns(InsightsColumns.pattern + InsightsColumns.diff)
  }

  private mutating func compile(_ fills: [InsightsFill]) throws(QueryDiagnostic) {
    guard let stats = lastStats,
      let bin = stats.keys.firstIndex(where: { $0.expression.period != nil }),
      let period = stats.keys[bin].expression.period
    else { return }
    endSegment(limit: InsightsLimits.rowsMax, isAny: false, isLimit: false)
    func slot(_ name: String) -> Int? { scope.slot(InsightsField(name)) }
    let keys = stats.keys.indices.filter { $0 != bin }.compactMap { slot(stats.keys[$0].name) }
    guard let time = slot(stats.keys[bin].name) else { return }
    let none: [UInt8] = []
    var values: [(slot: Int, value: InsightsValue)] = []
    for fill in fills {
      let node = try here.node(fill.value)
      let row = InsightsRow(
        slots: scope.slotCount,
        discovery: FieldDiscovery(json: [], lambda: [])
      )
      guard let slot = scope.slot(fill.field) else { continue }
      values.append((slot, node.evaluate(row, none.span)))
    }
    let offset = stats.offset.flatMap { PeriodEdges($0, offset: 0).length } ?? 0
    segments.last?.transform = FillMissingTransform(
      time: time,
      PeriodEdges(period, offset: offset),
      keys: keys,
      values
    )
    segments.last?.needsAllRows = true
  }

  private mutating func compileFillDown(_ globs: [String]) {
    endSegment(limit: InsightsLimits.rowsMax, isAny: false, isLimit: false)
    let shown = shownColumns()
    let wanted = shown.filter { column in
      globs.isEmpty || globs.contains { NameGlob.matches($0, column.name) }
    }
    // A name without `*` may be that of a field which is not shown.
    let named = globs.filter { !$0.contains("*") }.map { InsightsField($0) }
    let slots = (wanted.map(\.field) + named).compactMap { scope.slot($0) }
    segments.last?.transform = FillDownTransform(Array(Set(slots)).sorted())
    segments.last?.needsAllRows = true
  }

  // MARK: segments

  private func keeper() -> (RowKeeper, RowOrder) {
    (
      RowKeeper(keys: order, scope: scope.kept()),
      RowOrder(
        isDescending: order.map(\.isDescending),
        isNewestFirst: environment.isNewestFirst || !segments.isEmpty
      )
    )
  }

  private mutating func endSegment(limit: Int, isAny: Bool, isLimit: Bool = true) {
    let (keeper, rowOrder) = keeper()
    let isAsGiven = order.isEmpty && (!environment.isNewestFirst || !segments.isEmpty)
    let sink = OrderSink(
      keeper,
      rowOrder,
      limit: limit,
      bytesMax: environment.rowBytesMax,
      takesAny: isAny || isAsGiven
    )
    hasLimit = hasLimit || isLimit
    endSegment(with: sink, next: keeper.scope)
  }

  private mutating func endSegment(
    with sink: RowSink,
    next: RowScope,
    counting: CountedPeriods? = nil
  ) {
    segments.append(
      QuerySegment(
        scope,
        steps,
        sink,
        eventOrder: sink is OrderSink || sink is DedupSink ? eventOrder : .none,
        counting: counting,
        literals: literals
      )
    )
    scope = next
    steps = []
    order = []
    literals = []
  }

  private var eventOrder: QuerySegment.EventOrder {
    guard segments.isEmpty else { return .none }
    guard let first = order.first else { return .newestFirst }
    guard (first.node as? SystemNode)?.field == .timestamp else { return .none }
    return first.isDescending ? .newestFirst : .oldestFirst
  }

  /// After `stats` and `pattern` only their columns exist.
  private mutating func setColumns(_ names: [String]) {
    fields = names.map { OutputColumn(name: $0, field: InsightsField($0)) }
    parsed = []
    display = nil
  }

  private func shownColumns() -> [OutputColumn] {
    if let display { return display }
    let defaults = ["@timestamp", "@message"].map {
      OutputColumn(name: $0, field: InsightsField($0))
    }
    let chosen = fields.isEmpty ? defaults : fields
    return chosen + parsed.filter { column in !chosen.contains { $0.name == column.name } }
  }

  private mutating func finish() -> CompiledQuery {
    let isStreaming =
      segments.isEmpty && order.isEmpty && !environment.isNewestFirst
    let limit = limit(first: [])
    let columns = shownColumns()
    endSegment(limit: limit, isAny: false, isLimit: false)
    let output = columns.map { scope.node($0.field) }
    return CompiledQuery(
      segments: segments,
      columns: columns.map(\.name),
      output: output,
      isStreaming: isStreaming
    )
  }
}

extension InsightsCommand {
  fileprivate var onlyChoosesColumns: Bool {
    switch self {
    case .fields, .display, .limit: true
    default: false
    }
  }
}

extension InsightsExpression {
  /// The period of a bin.
  fileprivate var period: InsightsPeriod? {
    guard case .call(_, let arguments, _) = self, case .period(let period)? = arguments.last else {
      return nil
    }
    return period
  }
}

/// Names with `*` for any text.
enum NameGlob {
  static func matches(_ glob: String, _ name: String) -> Bool {
    let parts = glob.split(separator: "*", omittingEmptySubsequences: false)
    guard parts.count > 1, let first = parts.first, let last = parts.last else {
      return glob == name
    }
    guard name.hasPrefix(first), name.utf8.count >= first.utf8.count + last.utf8.count,
      name.hasSuffix(last)
    else { return false }
    var rest = name.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      var at = rest.startIndex
      while at < rest.endIndex, !rest[at...].hasPrefix(part) { at = rest.index(after: at) }
      guard at < rest.endIndex else { return false }
      rest = rest[rest.index(at, offsetBy: part.count)...]
    }
    return true
  }
}
