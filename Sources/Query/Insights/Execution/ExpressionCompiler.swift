internal import LogModel
internal import Platform

/// What a query's expressions can ask of the run around them.
struct InsightsEnvironment: Sendable {
  /// Nanoseconds since the epoch.
  var now: Int64
  /// The time range of the query; nil where it has none.
  var from: Int64?
  var through: Int64?
  /// The query's text, for places in diagnostics.
  var text = ""
  /// What the queries of `in (..)` gave, in the order in which they stand.
  var sets: [ValueSet] = []
  /// The rows of the query of `join`.
  var joined: JoinTable?
  /// What `pattern` gave for the window before, for `diff`.
  var previousPatterns: [[UInt8]: Int64]?
  /// Rows without `sort` come newest first; else as they are given.
  var isNewestFirst = true
  /// Memory that the rows and groups of one worker may take.
  var rowBytesMax = QueryLimits.rowBytesMax
  var groupBytesMax = QueryLimits.groupBytesMax
}

/// Turns expressions into nodes over one scope.
struct ExpressionCompiler {
  let scope: RowScope
  let environment: InsightsEnvironment
  /// In columns of `stats`: where each aggregate's result is.
  var aggregateSlot: ((InsightsExpression) -> Int?)?
  /// Shifts the edges of bins, in nanoseconds.
  var binOffset: Int64 = 0
  /// Counts the sets of `in (query)` over the whole query.
  private let sets: SetCounter

  final class SetCounter {
    var next = 0
  }

  init(_ scope: RowScope, _ environment: InsightsEnvironment, _ sets: SetCounter) {
    self.scope = scope
    self.environment = environment
    self.sets = sets
  }

  func node(
    _ expression: InsightsExpression,
    asStructure: Bool = false
  ) throws(QueryDiagnostic) -> ValueNode {
    switch expression {
    case .number(let digits): return ConstantNode(Self.number(digits))
    case .string(let text): return ConstantNode(InsightsValue(text))
    case .boolean(let value): return ConstantNode(.boolean(value))
    // Functions of time take it from the expression.
    case .period: return ConstantNode(.null)
    case .field(let field): return scope.node(field, asStructure: asStructure)
    case .call(let function, let arguments, let range):
      return try call(function, arguments, range)
    case .aggregate:
      // Safe: the checker lets aggregates stand in `stats` only, where every one has a slot.
      return aggregateSlot?(expression).map { SlotNode($0) } ?? ConstantNode(.null)
    case .not(let operand): return NotNode(try node(operand))
    case .negate(let operand): return NegateNode(try node(operand))
    case .and(let parts): return JunctionNode(try nodes(parts), stopsAt: false)
    case .or(let parts): return JunctionNode(try nodes(parts), stopsAt: true)
    case .compare(let comparison, let left, let right):
      return try compare(comparison, left, right)
    case .arithmetic(let sign, let left, let right):
      return ArithmeticNode(sign, try node(left), try node(right))
    case .like(let value, .substring(let text), let isNegated):
      return SubstringNode(try node(value), text, isNegated: isNegated)
    case .like(let value, .regex(let regex), let isNegated):
      return RegexNode(try node(value), try pattern(regex), isNegated: isNegated)
    case .inList(let value, let list, let isNegated):
      let value = try node(value)
      let nodes = try nodes(list)
      var set = ValueSet()
      for node in nodes {
        guard let constant = node as? ConstantNode else {
          return ListNode(value, nodes, isNegated: isNegated)
        }
        set.insert(constant.value)
      }
      return MembershipNode(value, set, isNegated: isNegated)
    case .inQuery(let value, _, let isNegated):
      let set = sets.next < environment.sets.count ? environment.sets[sets.next] : ValueSet()
      sets.next += 1
      return MembershipNode(try node(value), set, isNegated: isNegated)
    case .member(let value, let name):
      return MemberNode(try node(value, asStructure: true), StructurePath(name))
    }
  }

  private func nodes(
    _ expressions: [InsightsExpression]
  ) throws(QueryDiagnostic) -> [ValueNode] {
    var nodes: [ValueNode] = []
    for expression in expressions { nodes.append(try node(expression)) }
    return nodes
  }

  private static func number(_ digits: String) -> InsightsValue {
    DecimalNumber.parse(Array(digits.utf8).span).map { InsightsValue($0) } ?? .null
  }

  private func compare(
    _ comparison: InsightsComparison,
    _ left: InsightsExpression,
    _ right: InsightsExpression
  ) throws(QueryDiagnostic) -> ValueNode {
    let left = try node(left)
    let right = try node(right)
    if let constant = right as? ConstantNode {
      return ConstantCompareNode(comparison, left, constant.value)
    }
    return CompareNode(comparison, left, right)
  }

  /// The regular expression, or what is wrong with it and where.
  func pattern(_ regex: InsightsRegex) throws(QueryDiagnostic) -> BytePattern {
    do throws(BytePatternError) {
      return try BytePattern(regex.pattern)
    } catch {
      throw error.diagnostic(in: environment.text, from: regex.range.lower + 1)
    }
  }

  private func call(
    _ function: InsightsFunction,
    _ arguments: [InsightsExpression],
    _ range: TextRange
  ) throws(QueryDiagnostic) -> ValueNode {
    if let period = arguments.last.flatMap({ argument -> InsightsPeriod? in
      if case .period(let period) = argument { period } else { nil }
    }) {
      let time =
        arguments.count == 1
        ? scope.node(.timestamp) : try node(arguments[0])
      let isOwn = function == .bin
      return PeriodNode(
        time,
        period,
        roundsUp: function == .dateceil,
        offset: isOwn ? binOffset : 0
      )
    }
    var nodes: [ValueNode] = []
    for (index, argument) in arguments.enumerated() {
      nodes.append(try node(argument, asStructure: function.takesStructure(index)))
    }
    switch function {
    case .regexReplace:
      return try RegexReplaceNode(nodes, environment.text, range)
    case .strftime, .formatDate, .parseDate:
      return try DateFormatNode(function, nodes, environment.text, range)
    default:
      let call = FunctionNode(function, nodes, environment)
      // Constant arguments give a constant: hashes and the like are not computed for every row.
      guard !nodes.isEmpty, nodes.allSatisfy({ $0 is ConstantNode }) else { return call }
      let none: [UInt8] = []
      let row = InsightsRow(slots: 0, discovery: FieldDiscovery(json: [], lambda: []))
      return ConstantNode(call.evaluate(row, none.span).kept(none.span))
    }
  }
}

extension InsightsFunction {
  /// Whether an argument may be a map or list that was found in the message.
  func takesStructure(_ argument: Int) -> Bool {
    switch self {
    case .jsonParse, .jsonStringify, .jsonArraySize, .jsonArrayContains: argument == 0
    default: false
    }
  }
}
