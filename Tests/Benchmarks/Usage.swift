import Foundation

/// What a process took.
struct Usage {
  /// User and system time, seconds.
  var cpu = 0.0
  var wall = 0.0
  var peakMegabytes = 0.0

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  mutating func add(_ other: Usage) {
    cpu += other.cpu
    wall += other.wall
    peakMegabytes = max(peakMegabytes, other.peakMegabytes)
  }

  mutating func keepFastest(_ other: Usage) {
    cpu = min(cpu, other.cpu)
    wall = min(wall, other.wall)
    peakMegabytes = max(peakMegabytes, other.peakMegabytes)
  }

  /// The peak of a program's resident memory, in a run of its own.
  ///
  /// By time(1), which forks: a process that was spawned by this one counts this one's memory too,
  /// since it shared it until it became the other program.
  static func peakMegabytes(
    _ program: String,
    _ arguments: [String],
    _ folder: String,
    status: Int32 = 0
  ) throws -> Double {
    let report = folder + "/peak"
    let time = ["--quiet", "--format=%M", "--output=\(report)", program]
    let usage =
      FileManager.default.isExecutableFile(atPath: "/usr/bin/time")
      ? try of("/usr/bin/time", time + arguments, status: status)
      : try of(program, arguments, status: status)
    guard let text = try? String(contentsOfFile: report, encoding: .utf8),
      let kilobytes = Double(text.filter(\.isNumber))
    else { return usage.peakMegabytes }
    try FileManager.default.removeItem(atPath: report)
    return rounded(kilobytes * 1_024 / 1e6, 1)
  }

  /// Runs a program to its end, its output dropped; it must end with the given status.
  static func of(
    _ program: String,
    _ arguments: [String],
    status wanted: Int32 = 0
  ) throws -> Usage {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    // What it says of a refusal that is wanted is no news.
    if wanted != 0 { posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) }
    let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    let started = DispatchTime.now().uptimeNanoseconds
    var pid: pid_t = 0
    guard posix_spawn(&pid, program, &actions, nil, words, environ) == 0 else {
      throw Failure(description: "cannot start \(program)")
    }
    var status: Int32 = 0
    var used = rusage()
    wait4(pid, &status, 0, &used)
    let ended = DispatchTime.now().uptimeNanoseconds
    guard status == wanted << 8 else {
      throw Failure(description: "\(arguments.joined(separator: " ")): status \(status)")
    }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Usage(
      cpu: rounded(seconds(used.ru_utime) + seconds(used.ru_stime), 3),
      wall: rounded(Double(ended - started) / 1e9, 3),
      peakMegabytes: rounded(Double(used.ru_maxrss) * 1_024 / 1e6, 1)
    )
  }

  /// CPU seconds of a process that runs.
  static func cpuSeconds(of pid: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let close = text.lastIndex(of: ")")
    else { return 0 }
    let fields = text[close...].split(separator: " ")
    let ticks = (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)
    return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Resident memory of a process that runs, in megabytes.
  static func residentMegabytes(of pid: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") })
    else { return 0 }
    return rounded((Double(line.split(separator: " ")[1].filter(\.isNumber)) ?? 0) * 1_024 / 1e6, 1)
  }
}
