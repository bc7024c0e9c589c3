/// Writes queries in one standard form: parsing it gives an equal query.
package struct InsightsPrinter {
  private var output = ""

  package static func text(of query: InsightsQuery) -> String {
    var printer = InsightsPrinter()
    printer.add(query)
    return printer.output
  }

  package static func text(of expression: InsightsExpression) -> String {
    var printer = InsightsPrinter()
    printer.add(expression)
    return printer.output
  }

  private mutating func write(_ text: String) { output += text }

  private mutating func list<Element>(
    _ elements: [Element],
    _ body: (inout InsightsPrinter, Element) -> Void
  ) {
    for (index, element) in elements.enumerated() {
      if index > 0 { write(", ") }
      body(&self, element)
    }
  }

  // MARK: commands

  private mutating func add(_ query: InsightsQuery) {
    for (index, command) in query.commands.enumerated() {
      if index > 0 { write(" | ") }
      add(command)
    }
  }

  private mutating func add(_ command: InsightsCommand) {
    switch command {
    case .fields(let items): add("fields ", items)
    case .display(let items): add("display ", items)
    case .filter(let condition):
      write("filter ")
      add(condition)
    case .stats(let stats): add(stats)
    case .sort(let keys):
      write("sort ")
      list(keys) { printer, key in
        printer.add(key.expression)
        if key.isDescending { printer.write(" desc") }
      }
    case .limit(let count, let isAny): write("limit \(isAny ? "any " : "")\(count)")
    case .parse(let parse): add(parse)
    case .dedup(let fields):
      write("dedup ")
      list(fields) { $0.add($1) }
    case .pattern(let expression):
      write("pattern ")
      add(expression)
    case .diff: write("diff")
    case .unnest(let expression, let name):
      write("unnest ")
      add(expression)
      write(" into \(Self.name(name))")
    case .source(let source): add(source)
    case .join(let join): add(join)
    case .fillMissing(let fills):
      write("fillmissing")
      for (index, fill) in fills.enumerated() {
        write(index == 0 ? " with " : ", ")
        add(fill.value)
        write(" for ")
        add(fill.field)
      }
    case .fillDown(let globs):
      write("filldown")
      for glob in globs { write(" \(Self.glob(glob))") }
    }
  }

  private mutating func add(_ command: String, _ items: [InsightsItem]) {
    write(command)
    list(items) { printer, item in
      guard let alias = item.alias else { return printer.write(item.text) }
      printer.add(item.expression)
      printer.write(" as \(Self.name(alias))")
    }
  }

  private mutating func add(_ stats: InsightsStats) {
    add("stats ", stats.items)
    if !stats.keys.isEmpty { add(" by ", stats.keys) }
    if let offset = stats.offset { write(" offset \(offset.count)\(offset.unit.rawValue)") }
  }

  private mutating func add(_ parse: InsightsParse) {
    write("parse ")
    add(parse.source)
    switch parse.form {
    case .glob(let pattern, let names):
      write(" \(Self.quoted(pattern)) as ")
      list(names) { $0.write(Self.name($1)) }
    case .regex(let regex, let captures, let isMulti):
      write(" ")
      add(regex)
      // Names are left out where the groups have them; what does not compile has no groups.
      if captures != (try? BytePattern(regex.pattern))?.namedCaptures {
        write(" as ")
        list(captures) { $0.write(Self.name($1.name)) }
      }
      if isMulti { write(" multi") }
    case .logfmt(let name): write(" logfmt as \(Self.name(name))")
    case .csv(let names):
      write(" csv as ")
      list(names) { $0.write(Self.name($1)) }
    }
  }

  private mutating func add(_ source: InsightsSource) {
    write("SOURCE ")
    switch source {
    case .groups(let groups): list(groups) { $0.write(Self.quoted($1)) }
    case .prefixes(let prefixes):
      write("logGroups(")
      if !prefixes.isEmpty {
        write("namePrefix: [")
        list(prefixes) { $0.write(Self.quoted($1)) }
        write("]")
      }
      write(")")
    }
  }

  private mutating func add(_ join: InsightsJoin) {
    let left = Self.name(join.left)
    let right = Self.name(join.right)
    write("join type=\(join.kind.rawValue) left=\(left) right=\(right) where \(left).")
    add(join.leftKey)
    write(" = \(right).")
    add(join.rightKey)
    write(" (")
    add(join.query)
    write(")")
  }

  // MARK: expressions

  /// How tightly a form binds, from `or` to literals and calls.
  private enum Strength: Int {
    case or, and, not, comparison, sum, term, power, unary, operand
  }

  private static func strength(_ expression: InsightsExpression) -> Strength {
    switch expression {
    case .or: .or
    case .and: .and
    case .not: .not
    case .compare, .like, .inList, .inQuery: .comparison
    case .arithmetic(.add, _, _), .arithmetic(.subtract, _, _): .sum
    case .arithmetic(.power, _, _): .power
    case .arithmetic: .term
    case .negate: .unary
    case .number, .string, .boolean, .period, .field, .call, .aggregate, .member: .operand
    }
  }

  /// In parentheses when it binds less tightly than its place needs.
  private mutating func add(_ expression: InsightsExpression, atLeast strength: Strength) {
    let isBare = Self.strength(expression).rawValue >= strength.rawValue
    if !isBare { write("(") }
    add(expression)
    if !isBare { write(")") }
  }

  private mutating func add(_ expression: InsightsExpression) {
    switch expression {
    case .number(let digits): write(digits)
    case .string(let value): write(Self.quoted(value))
    case .boolean(let value): write(value ? "true" : "false")
    case .period(let period): write("\(period.count)\(period.unit.rawValue)")
    case .field(let field): add(field)
    case .call(let function, let arguments, _): add(function.rawValue, arguments)
    case .aggregate(let function, let arguments, _):
      if function == .count, arguments.isEmpty { return write("count(*)") }
      add(function.rawValue, arguments)
    case .not(let operand):
      write("not ")
      add(operand, atLeast: .not)
    case .negate(let operand):
      write("-")
      add(operand, atLeast: .operand)
    case .and(let parts): add(parts, " and ", atLeast: .not)
    case .or(let parts): add(parts, " or ", atLeast: .and)
    case .compare(let sign, let left, let right):
      add(left, atLeast: .sum)
      write(" \(sign.rawValue) ")
      add(right, atLeast: .sum)
    case .arithmetic(let sign, let left, let right): add(sign, left, right)
    case .like, .inList, .inQuery: addTest(expression)
    case .member(let value, let name):
      add(value, atLeast: .operand)
      write(".\(Self.part(name))")
    }
  }

  private mutating func add(
    _ parts: [InsightsExpression],
    _ word: String,
    atLeast strength: Strength
  ) {
    for (index, part) in parts.enumerated() {
      if index > 0 { write(word) }
      add(part, atLeast: strength)
    }
  }

  private mutating func add(_ function: String, _ arguments: [InsightsExpression]) {
    write("\(function)(")
    list(arguments) { $0.add($1) }
    write(")")
  }

  private mutating func add(
    _ sign: InsightsArithmetic,
    _ left: InsightsExpression,
    _ right: InsightsExpression
  ) {
    let own: Strength =
      switch sign {
      case .add, .subtract: .sum
      case .multiply, .divide, .remainder: .term
      case .power: .power
      }
    let tighter = Strength(rawValue: own.rawValue + 1) ?? .operand
    let isRightFirst = sign == .power
    add(left, atLeast: isRightFirst ? tighter : own)
    write(" \(sign.rawValue) ")
    add(right, atLeast: isRightFirst ? own : tighter)
  }

  private mutating func addTest(_ expression: InsightsExpression) {
    switch expression {
    case .like(let value, let pattern, let isNegated):
      add(value, atLeast: .sum)
      write(isNegated ? " not like " : " like ")
      switch pattern {
      case .substring(let text): write(Self.quoted(text))
      case .regex(let regex): add(regex)
      }
    case .inList(let value, let list, let isNegated):
      add(value, atLeast: .sum)
      write(isNegated ? " not in [" : " in [")
      self.list(list) { $0.add($1, atLeast: .sum) }
      write("]")
    case .inQuery(let value, let query, let isNegated):
      add(value, atLeast: .sum)
      write(isNegated ? " not in (" : " in (")
      add(query)
      write(")")
    default: add(expression)
    }
  }

  private mutating func add(_ field: InsightsField) {
    guard let first = field.parts.first, field.parts.count > 1 else {
      return write(Self.name(field.name))
    }
    let beginning = Self.startsWithDigit(first) ? "`\(first)`" : Self.part(first)
    write(([beginning] + field.parts.dropFirst().map(Self.part)).joined(separator: "."))
  }

  /// Slashes are escaped, unless a backslash does it already.
  private mutating func add(_ regex: InsightsRegex) {
    var text = "/"
    var isEscaped = false
    for scalar in regex.pattern.unicodeScalars {
      if scalar == "/", !isEscaped { text.append("\\") }
      isEscaped = scalar == "\\" && !isEscaped
      text.unicodeScalars.append(scalar)
    }
    write(text + "/")
  }

  // MARK: names and texts

  /// Words that mean something else in some place where a field may stand.
  private static let keywords: Set = [
    "and", "any", "as", "asc", "by", "case", "csv", "desc", "distinct", "false", "for", "in",
    "into", "like", "logfmt", "loggroups", "multi", "not", "offset", "or", "true", "where", "with",
  ]

  /// A name as one part, in backticks when it needs them.
  static func name(_ name: String) -> String {
    keywords.contains(name.lowercased()) || startsWithDigit(name) ? "`\(name)`" : part(name)
  }

  private static func startsWithDigit(_ name: String) -> Bool {
    name.unicodeScalars.first.map(InsightsScanner.isDigit) == true
  }

  private static func glob(_ glob: String) -> String {
    let isBare = glob.unicodeScalars.allSatisfy {
      $0 == "*" || $0 == "." || InsightsScanner.isNamePart($0)
    }
    return isBare && !startsWithDigit(glob) ? glob : "`\(glob)`"
  }

  private static func part(_ name: String) -> String {
    name.unicodeScalars.allSatisfy(InsightsScanner.isNamePart) && !name.isEmpty
      ? name : "`\(name)`"
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
