import Testing

@testable import Query

/// What the differential test asks must be worth asking.
@Suite("Random queries")
struct RandomQueryTests {
  @Test("every random query compiles, prints as itself, and most give rows")
  func queries() throws {
    var queries = RandomQueries(random: SplitMix(seed: 1))
    var events = RandomEvents(random: SplitMix(seed: 2))
    let reference = ReferenceQuery(events: events.events(60, groups: 2))
    var answered = 0
    for _ in 0..<400 {
      let text = queries.query().text
      let written = try InsightsParser.parse(text)
      #expect(try InsightsParser.parse(InsightsPrinter.text(of: written)) == written, "\(text)")
      let rows = reference.run(try InsightsProgram.compile(text).query)
      if !rows.isEmpty { answered += 1 }
    }
    #expect(answered > 240, "\(answered) of 400")
  }
}
