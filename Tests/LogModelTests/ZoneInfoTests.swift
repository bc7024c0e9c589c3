import Foundation
import LogModel
import TestSupport
import Testing

@Suite("Time zones by name")
struct ZoneInfoTests {
  @Test(
    "offsets are those of the tz database, far into the future too",
    arguments: [
      "Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "Asia/Tehran",
      "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo", "Europe/Dublin", "Etc/GMT+5",
      "America/St_Johns", "Antarctica/Troll", "UTC",
    ]
  )
  func offsets(_ name: String) throws {
    let zone = try #require(ZoneInfo(named: name))
    let foundation = try #require(TimeZone(identifier: name == "UTC" ? "GMT" : name))
    // Every 40 days and a bit from 1970 to 2060, so that all seasons and hours are met.
    var second: Int64 = 0
    while second < 2_840_000_000 {
      let expected = foundation.secondsFromGMT(
        for: Date(timeIntervalSince1970: TimeInterval(second))
      )
      #expect(zone.offsetSeconds(atEpochSecond: second) == Int64(expected), "\(name) \(second)")
      second += 3_456_789
    }
  }

  @Test("the second of a change belongs to the new time")
  func change() throws {
    let zone = try #require(ZoneInfo(named: "Europe/Berlin"))
    // 29 March 2026 and, behind the file's own list, 27 March 2050, both 01:00 UTC.
    for change: Int64 in [1_774_746_000, 2_531_955_600] {
      let before = zone.offsetSeconds(atEpochSecond: change - 1)
      let after = zone.offsetSeconds(atEpochSecond: change)
      #expect((before, after) == (3_600, 7_200), "\(change)")
    }
  }

  @Test(
    "fixed offsets need no database",
    arguments: [("+02:00", 7_200), ("-0530", -19_800), ("+9", 32_400), ("Z", 0), ("UTC", 0)]
  )
  func fixed(_ name: String, _ seconds: Int) {
    let zone = ZoneInfo(named: name, directory: "/nonexistent")
    #expect(zone?.offsetSeconds(atEpochSecond: 1_700_000_000) == Int64(seconds))
  }

  @Test(
    "what is no zone is refused",
    arguments: [
      "", "Mars/Olympus", "../../../etc/passwd", "/etc/localtime", "+99:00", "+1:2:3",
      "posixrules ",
    ]
  )
  func unknown(_ name: String) {
    #expect(ZoneInfo(named: name) == nil)
  }

  @Test("a damaged file is no zone, and does no harm")
  func damaged() throws {
    let directory = TemporaryDirectory("zone")
    let whole = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin"))
    )
    var random = SystemRandomNumberGenerator()
    for round in 0..<400 {
      var bytes = whole
      if round % 2 == 0 {
        bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
      } else {
        for _ in 0..<4 {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
            in: 0...255,
            using: &random
          )
        }
      }
      try Data(bytes).write(to: URL(fileURLWithPath: directory.file("Zone")))
      _ = ZoneInfo(named: "Zone", directory: directory.path)?.offsetSeconds(
        atEpochSecond: 1_700_000_000
      )
    }
  }
}
