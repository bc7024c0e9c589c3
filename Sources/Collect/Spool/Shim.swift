internal import Glibc
internal import LogModel
internal import Platform

/// The process between a command and its spool: owns the command's pipes and outlives `exec` and
/// the agent, so that the command never sees a broken pipe.
///
/// One thread.
package struct Shim {
  /// Signals that `exec` hands on to the command's process group.
  package static let forwarded: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]
  /// Descriptors that `exec` gives the shim: the lock, and a pipe whose closing says that it is
  /// done.
  static let lockDescriptor: Int32 = 3
  static let statusDescriptor: Int32 = 4
  private static let readBytes = 65_536
  private static let pipeBytes = 1_048_576
  private static let graceNanoseconds: Int64 = 2_000_000_000
  /// A line that has not ended after this time is written as far as it is: prompts are shown.
  private static let partialNanoseconds: Int64 = 100_000_000

  private let run: SpoolRun
  private let command: [String]
  private let clock: any Clock
  private let signals: SignalDescriptor

  /// The hidden command `exec-shim DIRECTORY -- COMMAND…`: returns when the command's output has
  /// ended.
  package static func main(directory: String, command: [String]) -> Int32 {
    let lock = ChildProcess.inherited(lockDescriptor, path: "lock")
    let status = ChildProcess.inherited(statusDescriptor, path: "status")
    do throws(SyscallError) {
      let shim = Shim(
        run: SpoolRun(directory: directory),
        command: command,
        clock: SystemClock(),
        signals: try SignalDescriptor(forwarded)
      )
      return shim.supervise(status: status, lock: lock)
    } catch {
      return 71
    }
  }

  init(run: SpoolRun, command: [String], clock: any Clock, signals: SignalDescriptor) {
    self.run = run
    self.command = command
    self.clock = clock
    self.signals = signals
  }

  /// Runs the command to its end, and its output to the end of that.
  ///
  /// `lock` is released by returning.
  func supervise(
    status: consuming Descriptor?,
    lock: consuming Descriptor?,
    fileBytes: Int64 = SpoolWriter.fileBytesMax
  ) -> Int32 {
    ChildProcess.ignoreWriteSignals()
    var writer = SpoolWriter(run: run, fileBytes: fileBytes)
    var streams: Streams
    do throws(SyscallError) {
      streams = try start()
    } catch {
      writeExit(Self.failure(error, command), dropped: 0)
      return 0
    }
    var status = status
    var outcome: ChildProcess.Outcome?
    var endedAt: Int64 = 0
    var isReported = false
    var lastRead = clock.monotonic()
    while true {
      let now = clock.monotonic()
      if outcome == nil, let ended = ChildProcess.outcome(of: streams.pid, blocking: false) {
        outcome = ended
        endedAt = now
      }
      // A grandchild may keep the pipes open: after the grace the run is over for `exec`.
      if let ended = outcome, !isReported,
        streams.isAtEnd || now - endedAt >= Self.graceNanoseconds
      {
        writer.flushPartials(at: clock.now())
        writeExit(Self.exit(ended), dropped: writer.droppedBytes)
        isReported = true
        Self.close(status.take())
      }
      if isReported && streams.isAtEnd { break }
      forwardSignals(to: streams.pid, ended: outcome != nil)
      if writer.hasPartial, now - lastRead >= Self.partialNanoseconds {
        writer.flushPartials(at: clock.now())
      }
      if streams.read(atMost: Self.readBytes, into: &writer, clock) { lastRead = clock.monotonic() }
      wait(streams, hasPartial: writer.hasPartial, ended: outcome != nil)
    }
    writer.flushPartials(at: clock.now())
    Self.close(status)
    Self.close(lock)
    return 0
  }

  /// Closes by a call: a value that is only let go of is closed early in a release build, and both
  /// descriptors say something by being open.
  private static func close(_ descriptor: consuming Descriptor?) {
    guard let descriptor else { return }
    do throws(SyscallError) {
      try descriptor.close()
    } catch {
      // Nothing was written to a pipe's end or a lock that could be lost.
    }
  }

  private func wait(_ streams: borrowing Streams, hasPartial: Bool, ended: Bool) {
    var descriptors = streams.descriptors
    descriptors.append(signals.descriptor)
    if !ended, let end = streams.endDescriptor { descriptors.append(end) }
    // Without a pidfd the end is looked for every 50 ms.
    let isBlind = streams.endDescriptor == nil && !ended
    let wait: Int64 = hasPartial || isBlind ? 50_000_000 : ended ? 100_000_000 : 5_000_000_000
    Poller.wait(readable: descriptors, nanoseconds: wait)
  }

  private func forwardSignals(to pid: Int32, ended: Bool) {
    while let signal = signals.next() {
      if !ended { ChildProcess.send(signal, to: -pid) }
    }
  }

  private func start() throws(SyscallError) -> Streams {
    let out = try ChildProcess.pipe(size: Self.pipeBytes)
    let err = try ChildProcess.pipe(size: Self.pipeBytes)
    let pid = try ChildProcess.start(
      command.first ?? "",
      arguments: command,
      descriptors: [STDIN_FILENO, out.writing.raw, err.writing.raw],
      newGroup: true
    )
    // Our copy of the input would keep its writer from learning that the command has ended.
    let null = try Descriptor(open: "/dev/null", O_RDWR)
    try ChildProcess.redirect(STDIN_FILENO, to: null.raw)
    return try Streams(pid: pid, out: out.keepReading(), err: err.keepReading())
  }

  private func writeExit(_ exit: SpoolExit, dropped: Int) {
    var exit = exit
    exit.droppedBytes = dropped
    do throws(SyscallError) {
      try FileSystem.replace(run.exit, with: exit.encoded().span)
    } catch {
      // On a full disk the outcome is lost for the collector; `exec` reports the shim's end
      // instead.
    }
  }

  private static func exit(_ outcome: ChildProcess.Outcome) -> SpoolExit {
    switch outcome {
    case .exited(let code): SpoolExit(code: code)
    case .signalled(let number): SpoolExit(code: 128 + number, signal: number)
    }
  }

  private static func failure(_ error: SyscallError, _ command: [String]) -> SpoolExit {
    SpoolExit(
      code: error.isNotFound ? 127 : 126,
      error: "cannot start \(command.first ?? ""): \(error.reason)"
    )
  }
}

/// The running command and the reading ends of its pipes.
private struct Streams: ~Copyable {
  let pid: Int32
  private var out: Descriptor?
  private var err: Descriptor?
  private let end: Descriptor?
  /// The ended process's descriptor, nil on old kernels.
  let endDescriptor: Int32?
  private let outNumber: Int32
  private let errNumber: Int32
  private var buffer: [UInt8] = []

  init(pid: Int32, out: consuming Descriptor, err: consuming Descriptor) throws(SyscallError) {
    self.pid = pid
    try out.setNonblocking(true)
    try err.setNonblocking(true)
    outNumber = out.raw
    errNumber = err.raw
    self.out = consume out
    self.err = consume err
    if let ended = ChildProcess.endDescriptor(of: pid) {
      endDescriptor = ended.raw
      end = consume ended
    } else {
      endDescriptor = nil
      end = nil
    }
  }

  var isAtEnd: Bool { out == nil && err == nil }

  var descriptors: [Int32] {
    var all: [Int32] = []
    if out != nil { all.append(outNumber) }
    if err != nil { all.append(errNumber) }
    return all
  }

  /// One read from each pipe, alternating, so that the order between them is nearly kept.
  mutating func read(
    atMost count: Int,
    into writer: inout SpoolWriter,
    _ clock: any Clock
  ) -> Bool {
    var hasRead = false
    for stderr in [false, true] {
      buffer.removeAll(keepingCapacity: true)
      let got: Int?
      do throws(SyscallError) {
        got =
          stderr
          ? try err?.read(into: &buffer, atMost: count)
          : try out?.read(into: &buffer, atMost: count)
      } catch {
        if stderr { err = nil } else { out = nil }
        continue
      }
      guard let got else { continue }
      if got == 0 {
        if stderr { err = nil } else { out = nil }
        continue
      }
      let bytes = buffer
      writer.take(bytes.span, stderr: stderr, at: clock.now())
      hasRead = true
    }
    return hasRead
  }
}
