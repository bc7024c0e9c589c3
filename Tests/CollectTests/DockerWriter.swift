import Foundation
import TestSupport

/// Writes a json-file the way dockerd does, rotation calls included.
final class DockerWriter {
  let directory: String
  let base: String
  let maxFiles: Int
  let compress: Bool
  /// Rename-over with max-file=1, as Docker 20.10 does.
  private var handle: FileHandle?
  /// After its first rotation dockerd writes without O_APPEND.
  private var offset: UInt64 = 0
  private var appends = true
  private(set) var index = 0
  /// Messages that some file still holds or held: number by number, the file's generation.
  private(set) var generation = 0

  init(_ directory: String, name: String, maxFiles: Int = 3, compress: Bool = false) {
    self.directory = directory
    base = directory + "/" + name
    self.maxFiles = maxFiles
    self.compress = compress
    must {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
  }

  func open() {
    let fd = Glibc.open(base, O_WRONLY | O_CREAT | (appends ? O_APPEND : O_TRUNC), 0o640)
    precondition(fd >= 0)
    handle = FileHandle(fileDescriptor: fd, closeOnDealloc: true)
  }

  func raw(_ text: String) { raw(Array(text.utf8)) }

  func raw(_ bytes: [UInt8]) {
    if handle == nil { open() }
    handle?.write(Data(bytes))
    isEmpty = false
  }

  /// Writes `seq=<n>` lines.
  func lines(_ count: Int, stream: String = "stdout") {
    var text = ""
    for _ in 0..<count {
      text += dockerRecord("seq=\(index)\\n", stream, time: dockerTime(index))
      index += 1
    }
    raw(text)
  }

  /// A line in several parts, all with the same time, of which only some are written now.
  func part(_ text: String, stream: String = "stdout", time: Int) {
    raw(dockerRecord(text, stream, time: dockerTime(time)))
  }

  /// Whether the base holds anything: dockerd never rotates an empty file.
  private var isEmpty = true

  func rotate() {
    if isEmpty { return }
    isEmpty = true
    generation += 1
    let suffix = compress ? ".gz" : ""
    if maxFiles == 1 {
      rename(base, base + ".1")
    } else {
      unlink("\(base).\(maxFiles - 1)\(suffix)")
      var number = maxFiles - 1
      while number > 1 {
        rename("\(base).\(number - 1)\(suffix)", "\(base).\(number)\(suffix)")
        number -= 1
      }
      rename(base, base + ".1")
    }
    handle = nil
    appends = false
    open()
    if compress { compressFirst() }
  }

  /// What dockerd's compressor leaves: `X.1.gz`, and no `X.1`.
  private func compressFirst() {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-f", base + ".1"]
    must { try process.run() }
    process.waitUntilExit()
    precondition(process.terminationStatus == 0)
  }

  /// `truncate -s 0` by somebody else.
  func truncateOutside() { precondition(Glibc.truncate(base, 0) == 0) }

  func remove() {
    handle = nil
    must { try FileManager.default.removeItem(atPath: directory) }
  }
}
