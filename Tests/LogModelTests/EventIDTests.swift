import LogModel
import Testing

@Suite struct EventIDTests {
  @Test("an id is 56 digits of event_ms << 144 | ingest_ms << 80 | opaque << 16 | index")
  func layout() {
    let id = EventID(
      event: Timestamp(milliseconds: 1_600_000_000_123),
      ingestion: Timestamp(milliseconds: 1_600_000_000_456),
      group: 7,
      sequence: 0x1_0002
    )
    // Computed with arbitrary-precision integers.
    #expect(id.description == expected)
    #expect(id.description.utf8.count == 56)
  }

  let expected = "35681192320391988687810697194580948610882969727167168514"
}
