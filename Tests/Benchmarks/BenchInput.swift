import Foundation
import TestSupport

/// Docker json-file logs to measure with.
enum BenchInput {
  struct File {
    let name: String
    let path: String
  }

  /// Those of LOGAGENT_BENCH_INPUT, or three made ones of about 20 MB each.
  static func files(in folder: TemporaryDirectory, short: Bool) throws -> [File] {
    if !short, let given = ProcessInfo.processInfo.environment["LOGAGENT_BENCH_INPUT"] {
      let names = try FileManager.default.contentsOfDirectory(atPath: given).sorted()
      let found = names.filter { $0.hasSuffix("-json.log") }.map {
        File(name: String($0.dropLast(9)), path: given + "/" + $0)
      }
      if !found.isEmpty { return found }
    }
    return try ["access", "application", "json"].map { name in
      let path = folder.file("\(name)-json.log")
      try write(name, to: path, bytes: short ? 2_000_000 : 20_000_000)
      return File(name: name, path: path)
    }
  }

  static func size(_ path: String) -> Int {
    ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0
  }

  /// Everything below a data directory but the reserve that is kept for a full disk.
  static func storedBytes(_ directory: String) -> Int {
    guard let all = FileManager.default.enumerator(atPath: directory) else { return 0 }
    var total = 0
    for case let name as String in all where name != "ballast" && !name.hasSuffix("-shm") {
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: directory + "/" + name, isDirectory: &isDirectory)
      if !isDirectory.boolValue { total += size(directory + "/" + name) }
    }
    return total
  }

  private static func write(_ kind: String, to path: String, bytes: Int) throws {
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    guard let file = FileHandle(forWritingAtPath: path) else { return }
    defer { try? file.close() }
    var random = Random(state: 7)
    var buffer = ""
    var written = 0
    var time = 0
    let levels = ["INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"]
    while written < bytes {
      time += 10_444_000 + Int(random.next() % 1_000)
      let number = random.next() % 100_000
      let level = levels[Int(random.next() % 6)]
      let message =
        switch kind {
        case "access":
          "10.0.\(number % 256).\(random.next() % 256) - - \\\"GET /item/\(number) HTTP/1.1\\\" "
            + "\([200, 200, 304, 404, 500][Int(random.next() % 5)]) \(random.next() % 90_000)"
        case "application":
          "\(level) worker-\(number % 16) order \(random.next() % 1_000_000) handled "
            + "in \(number % 900) ms"
        default:
          "{\\\"level\\\":\\\"\(level)\\\",\\\"request\\\":"
            + "\\\"\(String(random.next(), radix: 16))\\\","
            + "\\\"status\\\":\(200 + number % 5)}"
        }
      let second = time / 1_000_000_000
      let clock = String(
        format: "%02d:%02d:%02d",
        second / 3_600 % 24,
        second / 60 % 60,
        second % 60
      )
      buffer += "{\"log\":\"\(message)\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T\(clock)."
      buffer += String(format: "%09dZ\"}\n", time % 1_000_000_000)
      if buffer.utf8.count > 1_000_000 {
        written += buffer.utf8.count
        file.write(Data(buffer.utf8))
        buffer = ""
      }
    }
    file.write(Data(buffer.utf8))
  }

  private struct Random {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }
}
