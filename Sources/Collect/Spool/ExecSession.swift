internal import Glibc
internal import LogModel
internal import Platform

/// A command run by `exec`: started under a shim, its output spooled for the store and shown as it
/// comes.
///
/// Create it before any other thread exists: its signals are blocked for those that come later.
package final class ExecSession {
  private static let idleNanoseconds: Int64 = 20_000_000

  /// Where the output is kept until it is committed.
  package let run: SpoolRun
  private let shim: Int32
  private let signals: SignalDescriptor
  private let status: Descriptor
  private let echoLock: Descriptor
  private let shows: Bool

  /// Makes the run's directory and starts the command under a shim.
  ///
  /// `shimCommand` is how this binary is told to be the shim; the run's directory, `--` and the
  /// command follow it. Standard input is handed on to the command.
  package init(
    spoolDirectory: String,
    spec: SpoolSpec,
    isQuiet: Bool = false,
    executable: String = "/proc/self/exe",
    shimCommand: [String] = ["exec-shim"]
  ) throws(CollectError) {
    do throws(SyscallError) {
      let signals = try SignalDescriptor(Shim.forwarded)
      ChildProcess.ignoreWriteSignals()
      let id = Entropy.uuid()
      let run = SpoolRun(spool: spoolDirectory, id: id)
      // Made under another name, so that no collector meets it half-made and unlocked.
      let draft = SpoolRun(spool: spoolDirectory, id: "." + id)
      try FileSystem.makeDirectory(draft.directory)
      try FileSystem.share(draft.directory, withOwnerOf: spoolDirectory)
      try FileSystem.replace(draft.spec, with: spec.encoded().span)
      let lock = try Descriptor(open: draft.lock, O_RDWR | O_CREAT)
      let echoLock = try Descriptor(open: draft.echoLock, O_RDWR | O_CREAT)
      guard try lock.tryLock(), try echoLock.tryLock() else {
        throw SyscallError("flock", code: EWOULDBLOCK, path: draft.lock)
      }
      try FileSystem.rename(draft.directory, to: run.directory)
      let null = try Descriptor(open: "/dev/null", O_RDWR)
      let ends = try ChildProcess.pipe()
      shim = try ChildProcess.start(
        executable,
        arguments: ["logagent"] + shimCommand + [run.directory, "--"] + spec.command,
        descriptors: [STDIN_FILENO, null.raw, null.raw, lock.raw, ends.writing.raw],
        newSession: true
      )
      status = ends.keepReading()
      self.run = run
      self.signals = signals
      self.echoLock = echoLock
      shows = !isQuiet
    } catch {
      throw .system(error)
    }
  }

  /// Forwards signals and shows output until the command has ended; returns how.
  package func wait() -> SpoolExit {
    var echo = SpoolEcho(run: run)
    var hasEnded = false
    while true {
      while let signal = signals.next() {
        // After the command's end a signal can only mean: stop showing what is left.
        if hasEnded { return exit() }
        ChildProcess.send(signal, to: shim)
      }
      let hasText = shows && echo.fill()
      if hasEnded && !hasText { return exit() }
      if let fd = echo.waitsFor {
        let others = hasEnded ? [signals.descriptor] : [signals.descriptor, status.raw]
        if Poller.wait(writable: fd, orReadable: others, nanoseconds: 1_000_000_000) {
          echo.writeSome()
          continue
        }
        if hasEnded { continue }
      }
      let ready = Poller.wait(
        readable: [signals.descriptor, status.raw],
        nanoseconds: echo.waitsFor != nil ? 0 : shows ? Self.idleNanoseconds : -1
      )
      // The shim closes its end when the outcome is written, or when it dies.
      if ready.contains(status.raw) { hasEnded = true }
    }
  }

  private func exit() -> SpoolExit {
    // Without an outcome the shim itself was killed, or its disk is full.
    guard let bytes = try? FileSystem.read(run.exit, atMost: CaptureLimits.metadataBytesMax),
      let exit = SpoolExit(decoding: bytes)
    else { return SpoolExit(code: 125, error: "the process that ran the command ended before it") }
    return exit
  }
}
