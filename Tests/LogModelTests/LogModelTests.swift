import LogModel
import Testing

@Suite("Retention periods")
struct RetentionPeriodTests {
  @Test("whole days, durations and for ever are read and written back, in order of length")
  func text() throws {
    let read = try ["1m", "12h", "1", "36h", "30", "30d", "36500", "forever"].map {
      try #require(RetentionPeriod($0))
    }
    #expect(read == read.sorted())
    #expect(
      read.map(\.description) == ["1m", "12h", "1d", "36h", "30d", "30d", "36500d", "forever"]
    )
    #expect(read.map(\.configured) == ["1m", "12h", "1", "36h", "30", "30", "36500", "forever"])
    #expect(read.map(\.words)[1...4] == ["12h", "1 day", "36h", "30 days"])
    for period in read { #expect(RetentionPeriod(period.description) == period) }
    for wrong in ["", "x", "-1", "1.5", "12 h", "h", "9999999999999999999d", "Forever"] {
      #expect(RetentionPeriod(wrong) == nil, "\(wrong)")
    }
  }

  @Test("what expires is older than the period; for ever nothing does, and nothing overflows")
  func cutoff() {
    let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)
    #expect(RetentionPeriod("12h")?.cutoff(at: now) == now.adding(nanoseconds: -43_200_000_000_000))
    #expect(RetentionPeriod.forever.cutoff(at: now) == nil)
    #expect(RetentionPeriod.days(.max).cutoff(at: now).map { $0 < now } ?? true)
  }
}
