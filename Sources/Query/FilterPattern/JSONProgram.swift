/// The selectors of a JSON pattern as one tree, and its logic as jumps: what an evaluator runs.
///
/// Safe from any thread.
struct JSONProgram: Sendable {
  /// A place in messages that selectors name or pass through.
  struct Node: Sendable {
    var names: [(name: [UInt8], node: Int)] = []
    var indexes: [(index: Int, node: Int)] = []
    /// Where `.*` leads; any member or element.
    var anyMember: Int?
    /// Where `[*]` leads.
    var anyElement: Int?
    /// Tests of the value itself.
    var tests: [Int] = []

    var hasMembers: Bool { !names.isEmpty || anyMember != nil }
    var hasElements: Bool { !indexes.isEmpty || anyMember != nil || anyElement != nil }
  }

  /// Goes on by the outcome of one test.
  struct Jump: Sendable {
    let test: Int
    let whenTrue: Int
    let whenFalse: Int
  }

  /// Jump targets that end the evaluation.
  private static let accept = -1
  private static let reject = -2

  private(set) var nodes: [Node] = [Node()]
  private(set) var tests: [JSONTest] = []
  private var jumps: [Jump] = []
  private var entry = 0

  init(_ condition: JSONCondition) { entry = compile(condition, Self.accept, Self.reject) }

  /// The pattern's value when these are the tests' outcomes.
  func isTrue(_ outcomes: [Bool]) -> Bool {
    var at = entry
    while at >= 0 {
      let jump = jumps[at]
      at = outcomes[jump.test] ? jump.whenTrue : jump.whenFalse
    }
    return at == Self.accept
  }

  /// Where to go to evaluate a condition, when it is known where its outcomes lead.
  private mutating func compile(_ condition: JSONCondition, _ yes: Int, _ no: Int) -> Int {
    switch condition {
    case .test(let selector, let test):
      let number = tests.count
      tests.append(test)
      nodes[node(of: selector)].tests.append(number)
      jumps.append(Jump(test: number, whenTrue: yes, whenFalse: no))
      return jumps.count - 1
    case .all(let parts):
      return parts.reversed().reduce(yes) { next, part in compile(part, next, no) }
    case .any(let parts):
      return parts.reversed().reduce(no) { next, part in compile(part, yes, next) }
    }
  }

  private mutating func node(of selector: JSONSelector) -> Int {
    var at = 0
    for step in selector.steps {
      let known: Int? =
        switch step {
        case .name(let name): nodes[at].names.first { $0.name == name }?.node
        case .index(let index): nodes[at].indexes.first { $0.index == index }?.node
        case .anyMember: nodes[at].anyMember
        case .anyElement: nodes[at].anyElement
        }
      if let known {
        at = known
        continue
      }
      let new = nodes.count
      nodes.append(Node())
      switch step {
      case .name(let name): nodes[at].names.append((name, new))
      case .index(let index): nodes[at].indexes.append((index, new))
      case .anyMember: nodes[at].anyMember = new
      case .anyElement: nodes[at].anyElement = new
      }
      at = new
    }
    return at
  }
}
