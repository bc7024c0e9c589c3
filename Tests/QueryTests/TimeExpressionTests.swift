import LogModel
import Testing

@testable import Query

@Suite("Times as people type them")
struct TimeExpressionTests {
  /// 2026-11-23T10:15:30Z, a Monday.
  private let now = Timestamp(seconds: 1_795_428_930)

  private func seconds(_ text: String, zone: Int64 = 0) throws -> Double {
    let time = try TimeExpression.parse(text, now: now) { _ in zone }
    return Double(time.milliseconds) / 1_000
  }

  private func refusal(_ text: String) -> String? {
    do throws(QueryDiagnostic) {
      _ = try TimeExpression.parse(text, now: now) { _ in 0 }
      return nil
    } catch {
      return error.description
    }
  }

  @Test(
    "spans count back from now",
    arguments: [
      ("90s", 90), ("30m", 1_800), ("1h30m", 5_400), ("2w", 1_209_600), ("1d", 86_400),
      ("500ms", 0.5),
    ]
  )
  func spans(_ text: String, _ back: Double) throws {
    #expect(try seconds(text) == 1_795_428_930 - back)
  }

  @Test("spans count back from the end of the range when there is one")
  func anchor() throws {
    let end = Timestamp(seconds: 1_700_000_000)
    let time = try TimeExpression.parse("1h", now: now, anchor: end) { _ in 0 }
    #expect(time == Timestamp(seconds: 1_699_996_400))
    let today = try TimeExpression.parse("today", now: now, anchor: end) { _ in 0 }
    #expect(today == Timestamp(seconds: 1_795_392_000))
  }

  @Test(
    "days begin at midnight of the zone",
    arguments: [
      ("today", Int64(0), 1_795_392_000.0), ("yesterday", 0, 1_795_305_600),
      ("today", 3_600, 1_795_388_400), ("2026-11-23", 3_600, 1_795_388_400),
      ("2026-11-23", 0, 1_795_392_000),
    ]
  )
  func days(_ text: String, _ zone: Int64, _ expected: Double) throws {
    #expect(try seconds(text, zone: zone) == expected)
  }

  @Test(
    "dates with a time are local unless they name a zone",
    arguments: [
      ("2026-11-23T10:15:30Z", Int64(3_600), 1_795_428_930.0),
      ("2026-11-23T10:15:30.250Z", 3_600, 1_795_428_930.25),
      ("2026-11-23T12:15:30+02:00", 0, 1_795_428_930),
      ("2026-11-23T10:15:30", 0, 1_795_428_930), ("2026-11-23 11:15:30", 3_600, 1_795_428_930),
      ("2026-11-23T10:15", 0, 1_795_428_900), ("10:15:30", 0, 1_795_428_930),
      ("11:15", 3_600, 1_795_428_900),
    ]
  )
  func dates(_ text: String, _ zone: Int64, _ expected: Double) throws {
    #expect(try seconds(text, zone: zone) == expected)
  }

  @Test("numbers are seconds or milliseconds by their length")
  func epoch() throws {
    #expect(try seconds("1795428930") == 1_795_428_930)
    #expect(try seconds("1795428930123") == 1_795_428_930.123)
  }

  @Test(
    "what is no time is refused at its place",
    arguments: [
      ("30", "column 1"), ("1h30", "column 3"), ("1x", "column 2"), ("soon", "column 1"),
      ("", "column 1"),
      ("2026-13-01", "column 6"), ("2026-02-30", "column 9"), ("2026-11-23T25:00", "column 12"),
      ("2026-11-23X", "column 11"), ("99999999999999999h", "column 1"), ("999999999w", "column 1"),
      ("12345678901234567890", "column 1"),
    ]
  )
  func refusals(_ text: String, _ place: String) {
    let refusal = refusal(text)
    #expect(refusal?.contains(place) == true, "\(refusal ?? "accepted")")
    #expect(refusal?.contains("^") == true)
  }
}
