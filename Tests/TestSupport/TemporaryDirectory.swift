import Foundation

/// A fresh directory that is removed when the value goes away.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init(_ name: String = "logagent") {
    path = NSTemporaryDirectory() + "\(name)-\(UUID().uuidString)"
    precondition(
      (try? FileManager.default.createDirectory(
        atPath: path,
        withIntermediateDirectories: true
      )) != nil
    )
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file below the directory and returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) -> String {
    let target = file(name)
    // Silence is right: if the folder is missing, the file cannot be made, and that is checked.
    try? FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true
    )
    precondition(FileManager.default.createFile(atPath: target, contents: Data(bytes)))
    return target
  }

  @discardableResult
  public func write(_ name: String, _ text: String) -> String { write(name, Array(text.utf8)) }
}
