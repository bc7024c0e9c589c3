import Foundation

/// Programs of this package, built beside the tests.
public enum Programs {
  /// The path of an executable product, in the folder that the test runner itself is in.
  public static func path(_ name: String) -> String {
    let runner =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let arguments = [CommandLine.arguments[0], runner]
    for candidate in arguments {
      let folder = (candidate as NSString).deletingLastPathComponent
      let path = folder + "/" + name
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    // The runner of Swift Testing lives in the toolchain; its bundle is an argument.
    for argument in CommandLine.arguments where argument.contains(".build") {
      var folder = argument as NSString
      while folder.length > 1 {
        let path = folder.appendingPathComponent(name)
        if FileManager.default.isExecutableFile(atPath: path) { return path }
        folder = folder.deletingLastPathComponent as NSString
      }
    }
    return ".build/debug/" + name
  }
}

/// A child process with its output gathered, ended by the test that started it.
public final class Child: @unchecked Sendable {
  public let process = Process()
  private let lock = NSLock()
  private var gathered = Data()
  private let output = Pipe()
  private let finished = DispatchSemaphore(value: 0)

  public init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws
  {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    var all = ProcessInfo.processInfo.environment
    for (name, value) in environment { all[name] = value }
    process.environment = all
    process.standardOutput = output
    process.standardError = FileHandle.standardError
    process.standardInput = FileHandle.nullDevice
    output.fileHandleForReading.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      guard let self else { return }
      if data.isEmpty {
        handle.readabilityHandler = nil
        self.finished.signal()
        return
      }
      self.lock.lock()
      self.gathered.append(data)
      self.lock.unlock()
    }
    try process.start()
  }

  public var text: String {
    lock.lock()
    defer { lock.unlock() }
    return String(decoding: gathered, as: UTF8.self)
  }

  /// Waits until the output holds `marker`; false when the time is up or the child ended without
  /// it.
  public func wait(for marker: String, seconds: Double) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
      if text.contains(marker) { return true }
      if !process.isRunning { return text.contains(marker) }
      usleep(1_000)
    }
    return false
  }

  /// SIGKILL, and all output up to it.
  public func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    _ = finished.wait(timeout: .now() + 5)
  }

  @discardableResult
  public func waitUntilExit() -> Int32 {
    process.waitUntilExit()
    _ = finished.wait(timeout: .now() + 5)
    return process.terminationStatus
  }
}
