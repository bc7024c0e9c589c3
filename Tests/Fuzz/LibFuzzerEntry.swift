import Glibc

// What libFuzzer calls. `logagent-fuzz NAME [libFuzzer arguments…]` runs one fuzzer, `logagent-fuzz
// --list` names them. Built by `make fuzz` only; scripts/fuzz.sh says with which arguments.

/// Set once, before libFuzzer starts its one thread.
nonisolated(unsafe) private var chosen: Fuzzer?

/// Takes the fuzzer's name out of the arguments before libFuzzer reads them.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
  let names = Fuzzer.all.map(\.name)
  let wanted = CommandLine.arguments.dropFirst().first ?? ""
  if wanted == "--list" {
    print(names.joined(separator: "\n"))
    exit(0)
  }
  guard let fuzzer = Fuzzer.all.first(where: { $0.name == wanted }) else {
    print("usage: logagent-fuzz \(names.joined(separator: "|")) [arguments of libFuzzer]")
    exit(64)
  }
  chosen = fuzzer
  arguments.pointee[1] = arguments.pointee[0]
  arguments.pointee += 1
  count.pointee -= 1
  return 0
}

/// One input.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  chosen?.check(Array(UnsafeBufferPointer(start: data, count: size)))
  return 0
}
