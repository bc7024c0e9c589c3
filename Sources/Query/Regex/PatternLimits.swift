/// What bounds a regular expression: its text, its compilation, and the time that one match takes.
enum PatternLimits {
  /// Longest source, in bytes; a filter pattern has 1,024 characters at most, a query 10,000.
  static let sourceBytesMax = 65_536
  /// Deepest nesting of groups; also what the literal extraction follows.
  static let nestingMax: UInt32 = 100
  /// Backtracking steps from one start position before the guarded run takes over, to which the
  /// length of the message is added: `.*x` alone takes that many.
  static let stepsMin = 20_000
  /// A longer message is matched under guard from the start: with a step count alone, a single
  /// step over a run of a million equal bytes takes 7 µs.
  static let unguardedBytesMax = 65_536
  /// Processor time for one message under guard, in nanoseconds; then the pattern is refused.
  static let guardNanoseconds: Int64 = 80_000_000
  /// Guard calls between two looks at the clock: 64 × 10 ns is about what a look costs.
  static let guardCallsPerLook: UInt32 = 64
  /// Stack for compiled code, in bytes: allotted at first, and at most.
  static let stackBytesMin = 32_768
  static let stackBytesMax = 1_048_576
  /// Heap for the interpreter where the machine allows no compiled code, in KiB.
  static let heapKiBMax: UInt32 = 16_384
  /// Alternatives of one clause of required literals; more than that are not worth searching for.
  static let literalAlternativesMax = 32
}
