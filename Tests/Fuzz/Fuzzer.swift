// Fuzzers: functions that take any bytes and must neither trap nor say `require` of a falsehood.
//
// To add one: write `static let name = Fuzzer("name") { bytes in … }` in an extension of `Fuzzer`,
// in a file of this folder, and add `.name` to `all` below. Seeds, if it has any, are files of any
// name in `corpus/<name>/`; keep them few and small. Then
//
//     make fuzz T=name N=60     # one fuzzer for a minute; .build-fuzz/corpus keeps what it found
//     make fuzz-smoke           # each for seconds, the languages for a minute, as `make ci` does
//
// A crash is written to .build-fuzz/crashes/<name>-…; copy the file into `corpus/<name>/` with a
// name that says what went wrong, and `make test` runs it for ever (CorpusTests.swift). This folder
// is an ordinary test target, and the fuzzing executable when LOGAGENT_FUZZ=1 (see Package.swift).

import Glibc

/// One function that must hold for any bytes.
struct Fuzzer: Sendable {
  let name: String
  let check: @Sendable ([UInt8]) -> Void

  init(_ name: String, check: @escaping @Sendable ([UInt8]) -> Void) {
    self.name = name
    self.check = check
  }

  static let all: [Fuzzer] = [
    .rawFrames,
    .dockerRecords,
    .criRecords,
    .json,
    .engineAnswer,
    .gzipFile,
    .positions,
    .handedBatch,
    .blockParts,
    .segmentFile,
    .configuration,
    .stacktape,
    .directive,
    .filterPattern,
    .insights,
    .insightsRun,
  ]
}

/// Stops the fuzzer, with the input kept as a crash, when `condition` does not hold.
func require(
  _ condition: Bool,
  _ message: @autoclosure () -> String,
  file: StaticString = #fileID,
  line: UInt = #line
) {
  if condition { return }
  // An optimised build would keep the message to itself.
  let text = "\(file):\(line): \(message())\n"
  _ = write(STDERR_FILENO, text, text.utf8.count)
  fatalError(message())
}

/// Takes the input apart: a fuzzer's decisions come from its bytes.
struct FuzzInput {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { at >= bytes.count }

  /// The next byte; zero behind the end.
  mutating func byte() -> UInt8 {
    guard at < bytes.count else { return 0 }
    at += 1
    return bytes[at - 1]
  }

  /// The next number of two bytes.
  mutating func short() -> Int { Int(byte()) | Int(byte()) << 8 }

  /// The next `count` bytes, or as many as there are.
  mutating func take(_ count: Int) -> [UInt8] {
    let end = min(at + count, bytes.count)
    defer { at = end }
    return Array(bytes[at..<end])
  }

  /// All that is left.
  mutating func rest() -> [UInt8] { take(bytes.count) }
}
