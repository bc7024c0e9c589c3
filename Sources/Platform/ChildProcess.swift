internal import CLinux
internal import Glibc

/// Child processes: start, signal, wait.
package enum ChildProcess {
  /// How a process ended.
  package enum Outcome: Equatable, Sendable {
    case exited(Int)
    case signalled(Int)
  }

  /// Starts a program, found in PATH when its name has no slash; throws what exec(3) said.
  ///
  /// `descriptors[i]` becomes descriptor `i`; all others of this process stay behind (they are
  /// close-on-exec). `environment` is `NAME=value`; nil hands this process's own on.
  package static func start(
    _ program: String,
    arguments: [String],
    environment: [String]? = nil,
    descriptors: [Int32],
    newSession: Bool = false,
    newGroup: Bool = false
  ) throws(SyscallError) -> Int32 {
    let flags =
      (newSession ? Int32(CLINUX_SPAWN_SESSION) : 0)
      | (newGroup ? Int32(CLINUX_SPAWN_GROUP) : 0)
    var pid: pid_t = 0
    // Safety: the copies of the strings live until they are freed below, after the call.
    var argumentPointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var environmentPointers = unsafe (environment ?? []).map { unsafe strdup($0) } + [nil]
    defer {
      unsafe argumentPointers.forEach { unsafe free($0) }
      unsafe environmentPointers.forEach { unsafe free($0) }
    }
    let code = unsafe argumentPointers.withUnsafeMutableBufferPointer { argv in
      unsafe environmentPointers.withUnsafeMutableBufferPointer { envp in
        unsafe descriptors.withUnsafeBufferPointer { numbers in
          unsafe clinux_spawn(
            program,
            argv.baseAddress,
            environment == nil ? nil : envp.baseAddress,
            numbers.baseAddress,
            Int32(numbers.count),
            flags,
            &pid
          )
        }
      }
    }
    guard code == 0 else { throw SyscallError("exec", code: code, path: program) }
    return pid
  }

  /// The outcome of a child, or nil while it runs; waits for its end when `blocking`.
  package static func outcome(of pid: Int32, blocking: Bool) -> Outcome? {
    var status: Int32 = 0
    // Safety: the call writes one integer.
    let got = unsafe clinux_wait(pid, &status, blocking ? 0 : 1)
    if got == 0 { return nil }
    // A child that was reaped by somebody else left no outcome.
    if got < 0 { return .exited(255) }
    let signal = clinux_term_signal(status)
    return signal != 0 ? .signalled(Int(signal)) : .exited(Int(clinux_exit_code(status)))
  }

  /// Sends a signal to a process, or to a whole group with the negative of its leader's pid.
  @discardableResult
  package static func send(_ signal: Int32, to pid: Int32) -> Bool { kill(pid, signal) == 0 }

  /// A descriptor that becomes readable when the process has ended; nil on kernels before 5.3.
  package static func endDescriptor(of pid: Int32) -> Descriptor? {
    let fd = clinux_process_descriptor(pid)
    return fd < 0 ? nil : Descriptor(adopting: fd, path: "pidfd")
  }

  /// Two connected ends, close-on-exec.
  ///
  /// `size` is a wish that the kernel may refuse.
  package static func pipe(size: Int = 0) throws(SyscallError) -> PipeEnds {
    var ends: [2 of Int32] = [-1, -1]
    // Safety: the call fills the two integers.
    let code = unsafe withUnsafeMutableBytes(of: &ends) { raw in
      unsafe clinux_pipe(raw.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard code == 0 else { throw .last("pipe2") }
    if size > 0 { clinux_set_pipe_size(ends[1], Int32(size)) }
    return PipeEnds(
      reading: Descriptor(adopting: ends[0], path: "pipe"),
      writing: Descriptor(adopting: ends[1], path: "pipe")
    )
  }

  /// Makes descriptor `target` of this process the same as `source`.
  package static func redirect(_ target: Int32, to source: Int32) throws(SyscallError) {
    guard dup2(source, target) >= 0 else { throw .last("dup2") }
  }

  /// Takes over a descriptor that this process was started with; children do not inherit it.
  package static func inherited(_ fd: Int32, path: String) -> Descriptor? {
    guard clinux_set_cloexec(fd, 1) == 0 else { return nil }
    return Descriptor(adopting: fd, path: path)
  }

  /// Writing to a closed pipe or past a file limit reports an error instead of ending the process.
  package static func ignoreWriteSignals() { clinux_ignore_write_signals() }
}

/// The two ends of a pipe.
package struct PipeEnds: ~Copyable {
  package let reading: Descriptor
  package let writing: Descriptor

  /// Keeps the reading end and closes the other.
  package consuming func keepReading() -> Descriptor { reading }

  /// Keeps the writing end and closes the other.
  package consuming func keepWriting() -> Descriptor { writing }
}

/// Signals as something to read.
///
/// Create it before any other thread, which then inherits the blocking.
package final class SignalDescriptor: Sendable {
  private let file: Descriptor

  package init(_ signals: [Int32]) throws(SyscallError) {
    // Safety: the call reads `count` integers.
    let fd = unsafe signals.withUnsafeBufferPointer {
      unsafe clinux_signal_descriptor($0.baseAddress, Int32($0.count))
    }
    guard fd >= 0 else { throw .last("signalfd") }
    file = Descriptor(adopting: fd, path: "signalfd")
  }

  package var descriptor: Int32 { file.raw }

  /// The next signal that waits; nil when there is none.
  package func next() -> Int32? {
    let signal = clinux_next_signal(file.raw)
    return signal == 0 ? nil : signal
  }
}

extension Poller {
  /// Waits until a descriptor takes bytes; false when something else became readable or time is up.
  package static func wait(
    writable descriptor: Int32,
    orReadable others: [Int32],
    nanoseconds: Int64
  ) -> Bool {
    // Safety: the call reads `count` integers.
    unsafe others.withUnsafeBufferPointer {
      unsafe clinux_wait_writable(
        descriptor,
        $0.baseAddress,
        Int32($0.count),
        Int32(clamping: nanoseconds / 1_000_000)
      ) == 1
    }
  }

  /// One write(2) of at most 4,096 bytes to a descriptor that is not ours; the number taken, 0 when
  /// it takes none now, nil when its reader is gone.
  package static func writeSome(_ bytes: Span<UInt8>, from start: Int, to descriptor: Int32) -> Int?
  {
    precondition(start <= bytes.count)
    // Safety: at most the span's own bytes are read.
    return unsafe bytes.withUnsafeBufferPointer { buffer -> Int? in
      guard let base = buffer.baseAddress else { return 0 }
      let got = unsafe write(descriptor, base + start, min(buffer.count - start, 4_096))
      if got >= 0 { return got }
      return errno == EAGAIN || errno == EINTR ? 0 : nil
    }
  }
}
