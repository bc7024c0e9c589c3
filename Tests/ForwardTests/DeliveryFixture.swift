import Foundation
import LogModel
import Testing

@testable import Forward
@testable import Store

/// Events and requests without a store or a network.
enum DeliveryFixture {
  static let group = GroupInfo(
    id: 7,
    group: LogGroup(sanitizing: "/stp/shop-prod/ecs/api/web/process-logs"),
    retention: nil,
    nextSequence: 1_000_000
  )
  static let requestID = "0d2f6b0c-9df1-4e39-8a4b-0b5a3e3f6c11"
  static let start: Int64 = 1_800_000_000_000_000_000

  static func events(
    _ messages: [[UInt8]],
    streams: [String] = ["ecs/web/1"],
    from sequence: UInt64 = 0
  ) -> DeliveryEvents {
    var events = DeliveryEvents(from: sequence)
    for (index, message) in messages.enumerated() {
      let number = sequence + UInt64(index)
      events.append(
        message.span,
        id: EventID(
          event: Timestamp(nanoseconds: start + Int64(number) * 1_000_000),
          ingestion: Timestamp(nanoseconds: start + 5_000_000_000),
          group: group.id,
          sequence: number
        ),
        timestamp: Timestamp(nanoseconds: start + Int64(number) * 1_000_000),
        stream: events.index(of: LogStream(sanitizing: streams[index % streams.count]))
      )
      events.endSequence += 1
    }
    return events
  }

  static func build(
    _ events: borrowing DeliveryEvents,
    gzip: Bool = false
  ) -> DeliveryRequest {
    var builder = DeliveryBuilder(account: "000000000000")
    return builder.build(
      events,
      group: group,
      gzip: gzip,
      requestID: requestID,
      timestampMilliseconds: 1_800_000_123_456
    )
  }

  static func destination(
    _ kind: Destination.Kind = .httpEndpoint,
    key: String? = nil,
    attributes: [(String, String)] = [],
    gzip: Bool = false
  ) -> Destination {
    Destination(
      kind: kind,
      endpointURL: "https://logs.example.com/",
      accessKey: key.map { Credential($0) },
      attributes: attributes.map { (name: $0.0, value: Credential($0.1)) },
      gzip: gzip,
      retryDurationSeconds: 300
    )
  }

  /// Bytes that look random, the same in every run, without newlines.
  static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(0x21 + (state >> 33) % 90)
    }
  }
}
