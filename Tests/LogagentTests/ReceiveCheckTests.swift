import Foundation
import Store
import TestSupport
import Testing

@testable import logagent

@Suite struct ReceiveCheckTests {
  private static let id = "3a2f1c9e-0000-4000-8000-000000000001"

  private static func gzip(_ text: String) -> [UInt8] {
    var compressor = Compressor()
    var packed: [UInt8] = []
    compressor.compress(Array(text.utf8).span, with: .gzip, into: &packed)
    return packed
  }

  private static func event(_ number: Int) -> String {
    let digits = String(number)
    let zeros = String(repeating: "0", count: 56 - digits.count)
    return "{\"id\":\"\(zeros)\(digits)\",\"timestamp\":1795460449713,\"message\":\"hé \\u0001\"}"
  }

  private static func document(events: String = event(1) + "," + event(2)) -> String {
    "{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"000000000000\",\"logGroup\":\"/g\","
      + "\"logStream\":\"s\",\"subscriptionFilters\":[\"f\"],\"logEvents\":[\(events)]}"
  }

  private static func body(_ document: String = document(), id: String = id) -> String {
    let data = Data(gzip(document)).base64EncodedString()
    return
      "{\"requestId\":\"\(id)\",\"timestamp\":1795460449999,\"records\":[{\"data\":\"\(data)\"}]}"
  }

  private static let headers: [(name: String, value: String)] = [
    ("Content-Type", "application/json"), ("X-Amz-Firehose-Protocol-Version", "1.0"),
    ("X-Amz-Firehose-Request-Id", id), ("x-amz-firehose-source-arn", "arn:aws:firehose:x"),
  ]

  private func check(
    _ body: String = Self.body(),
    method: String = "POST",
    replacing changes: [String: String?] = [:],
    accessKey: String? = nil
  ) -> FirehoseRequestCheck {
    var headers = Self.headers
    for (name, value) in changes {
      headers.removeAll { $0.name.lowercased() == name.lowercased() }
      if let value { headers.append((name, value)) }
    }
    return FirehoseRequestCheck(
      method: method,
      headers: headers,
      body: Array(body.utf8),
      accessKey: accessKey
    )
  }

  @Test("a right request has no problem, and its events are read")
  func right() {
    let result = check()
    #expect(result.problems == [])
    #expect(result.requestID == Self.id)
    #expect(result.records.count == 1)
    #expect(result.records.first?.logGroup == "/g")
    #expect(result.records.first?.events.map(\.message) == ["hé \u{1}", "hé \u{1}"])
  }

  @Test("a gzipped body is the same request")
  func compressed() {
    let result = FirehoseRequestCheck(
      method: "POST",
      headers: Self.headers + [("Content-Encoding", "gzip")],
      body: Self.gzip(Self.body())
    )
    #expect(result.problems == [])
    #expect(result.records.count == 1)
  }

  @Test("each broken header is named")
  func headers() {
    let broken: [(String, String?, String)] = [
      ("X-Amz-Firehose-Protocol-Version", "1.1", "Protocol-Version is not 1.0"),
      ("X-Amz-Firehose-Request-Id", nil, "Request-Id is there 0 times"),
      ("X-Amz-Firehose-Request-Id", "other", "requestId is not the header's"),
      ("X-Amz-Firehose-Source-Arn", nil, "Source-Arn is missing"),
      ("Content-Type", "text/plain", "Content-Type is not"),
      ("Content-Encoding", "identity", "neither absent nor gzip"),
      ("Expect", "100-continue", "Expect header"),
      ("X-Amz-Firehose-Common-Attributes", "{\"a\":\"b\"}", "is not {\"commonAttributes\""),
      ("X-Amz-Firehose-Common-Attributes", "{\"commonAttributes\":{\"a\":1}}", "not a string"),
    ]
    for (name, value, problem) in broken {
      let result = check(replacing: [name: value])
      #expect(result.problems.contains { $0.contains(problem) }, "\(name)")
    }
    #expect(check(method: "PUT").problems == ["the method is PUT, not POST"])
  }

  @Test("a wrong access key is named and never shown")
  func accessKey() {
    let result = check(
      replacing: ["X-Amz-Firehose-Access-Key": "guess"],
      accessKey: "very-secret"
    )
    #expect(result.problems == ["X-Amz-Firehose-Access-Key is not the right one"])
    let right = check(
      replacing: ["X-Amz-Firehose-Access-Key": "very-secret"],
      accessKey: "very-secret"
    )
    #expect(right.problems == [])
  }

  @Test("each broken body is named, and no message is quoted")
  func bodies() {
    let data = Data(Self.gzip(Self.document())).base64EncodedString()
    let broken: [(String, String)] = [
      ("[]", "not a JSON object"),
      (Self.body(id: "x"), "requestId is not the header's"),
      (
        "{\"requestId\":\"\(Self.id)\",\"timestamp\":\"1\",\"records\":[{\"data\":\"\(data)\"}]}",
        "timestamp"
      ),
      ("{\"requestId\":\"\(Self.id)\",\"timestamp\":1,\"records\":[]}", "1 to 10,000 records"),
      (
        "{\"requestId\":\"\(Self.id)\",\"timestamp\":1,\"records\":[{\"data\":\"%%%%\"}]}", "base64"
      ),
      (
        "{\"requestId\":\"\(Self.id)\",\"timestamp\":1,\"records\":[{\"data\":\"aGVsbG8=\"}]}",
        "gzip"
      ),
      (Self.body("{}{}"), "JSON document"),
      (
        Self.body(Self.document().replacingOccurrences(of: "DATA_M", with: "CONTROL_M")),
        "DATA_MESSAGE"
      ),
      (Self.body(Self.document(events: "")), "no logEvents"),
      (Self.body(Self.document(events: Self.event(1) + "," + Self.event(1))), "not unique"),
      (
        Self.body(Self.document().replacingOccurrences(of: "\"owner\"", with: "\"owners\"")),
        "six keys"
      ),
      (
        Self.body(Self.document(events: "{\"id\":\"1\",\"timestamp\":1,\"message\":\"m\"}")),
        "56 digits"
      ),
    ]
    for (body, problem) in broken {
      let result = check(body)
      #expect(result.problems.contains { $0.contains(problem) }, "\(problem): \(result.problems)")
      #expect(!result.problems.contains { $0.contains("hé") })
    }
  }

  @Test("base64 is strict", arguments: ["YQ=", "YQ", "Y===", "Y Q=", "YQ==YQ=="])
  func base64(text: String) {
    #expect(Base64Decoder.decode(text) == nil)
    #expect(Base64Decoder.decode("Zm9vYg==").map { String(decoding: $0, as: UTF8.self) } == "foob")
    #expect(Base64Decoder.decode("") == [])
  }
}
