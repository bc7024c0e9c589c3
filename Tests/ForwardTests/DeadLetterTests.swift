import Foundation
import LogModel
import Platform
import TestSupport
import Testing

@testable import Forward

@Suite struct DeadLetterTests {
  private func letter(_ records: [[UInt8]], message: String = "m") -> DeadLetterFolder.Letter {
    DeadLetterFolder.Letter(
      attempts: 9,
      arrival: Timestamp(milliseconds: 1_790_000_000_123),
      ended: Timestamp(milliseconds: 1_790_000_301_456),
      code: "HttpEndpoint.DestinationException",
      message: message,
      records: records
    )
  }

  private static let group = LogGroup(sanitizing: "/stp/shop/web")

  @Test("a file has one JSON line per record with all eight fields, under Firehose's name")
  func format() throws {
    let directory = TemporaryDirectory()
    let folder = DeadLetterFolder(root: directory.path, bytesMax: 1_000_000)
    let hostile = "quote \" back \\ line \n control \u{1} é"
    try folder.write(
      letter([Array("QUJD".utf8), Array("REVG".utf8)], message: hostile),
      destination: "highlight",
      group: Self.group,
      requestID: "11111111-2222-4333-8444-555555555555"
    )
    let path =
      directory.path + "/highlight/http-endpoint-failed/2026/09/21/14/"
      + "stp-shop-web-1-2026-09-21-14-13-20-11111111-2222-4333-8444-555555555555"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasSuffix("\n"))
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2)
    for (line, data) in zip(lines, ["QUJD", "REVG"]) {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      )
      #expect(
        Set(object.keys) == [
          "attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage",
          "attemptEndingTimestamp", "rawData", "subsequenceNumber", "dataId",
        ]
      )
      #expect(object["attemptsMade"] as? Int == 9)
      #expect(object["arrivalTimestamp"] as? Int64 == 1_790_000_000_123)
      #expect(object["attemptEndingTimestamp"] as? Int64 == 1_790_000_301_456)
      #expect(object["errorCode"] as? String == "HttpEndpoint.DestinationException")
      #expect(object["errorMessage"] as? String == hostile)
      #expect(object["rawData"] as? String == data)
    }
  }

  @Test("an error message is cut to 8,192 characters")
  func cut() throws {
    let directory = TemporaryDirectory()
    try DeadLetterFolder(root: directory.path, bytesMax: 1_000_000).write(
      letter([[]], message: String(repeating: "é", count: 20_000)),
      destination: "datadog",
      group: Self.group,
      requestID: "r"
    )
    let file = try #require(DeadLetterFiles.all(directory.path).first)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
        as? [String: Any]
    )
    #expect((object["errorMessage"] as? String)?.count == 8_192)
  }

  @Test("above the bound the oldest files go, and no more than needed")
  func trim() throws {
    let directory = TemporaryDirectory()
    let folder = DeadLetterFolder(root: directory.path, bytesMax: 3_000)
    for index in 0..<6 {
      directory.write(
        "datadog/http-endpoint-failed/2026/01/0\(index + 1)/00/f",
        [UInt8](repeating: 65, count: 1_000)
      )
    }
    #expect(folder.trim() == 3)
    #expect(folder.trim() == 0)
    #expect(
      DeadLetterFiles.all(directory.path).map { $0.split(separator: "/").suffix(3).first } == [
        "04", "05", "06",
      ]
    )
  }
}

/// What is in a dead-letter folder.
enum DeadLetterFiles {
  static func all(_ root: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
    var isFolder: ObjCBool = false
    return names.sorted().map { root + "/" + $0 }.filter {
      FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
    }
  }

  struct Line {
    let attempts: Int
    let code: String
    let events: [Envelope.Event]
  }

  /// Every line, read as a receiver of a replay would read it.
  static func lines(_ root: String) throws -> [Line] {
    try all(root).flatMap { path in
      try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
        let object = try #require(
          try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        )
        let data = try #require(Data(base64Encoded: object["rawData"] as? String ?? "-"))
        let record = try #require(Envelope.record(Envelope.gunzip(Array(data))))
        return Line(
          attempts: object["attemptsMade"] as? Int ?? -1,
          code: object["errorCode"] as? String ?? "",
          events: record.events
        )
      }
    }
  }
}
