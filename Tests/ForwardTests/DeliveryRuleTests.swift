import Foundation
import LogModel
import Testing

@testable import Forward

@Suite struct RetryPolicyTests {
  /// The attempts that a destination gets which fails at once every time.
  private func attempts(_ seconds: Int, jitter: Double) -> Int {
    let policy = RetryPolicy(durationSeconds: seconds)
    var spent: Int64 = 0
    var attempts = 1
    while case .retry(let wait) = policy.decide(attempts: attempts, spent: spent, jitter: jitter) {
      spent += wait
      attempts += 1
    }
    return attempts
  }

  @Test("Firehose's schedule: 60 s make 6 attempts, 300 s make 9, 0 makes one")
  func schedule() {
    #expect(attempts(60, jitter: 0.5) == 6)
    #expect(attempts(300, jitter: 0.5) == 9)
    #expect(attempts(0, jitter: 0.5) == 1)
    #expect(attempts(7_200, jitter: 0.5) == 66)
  }

  @Test("waits are 1, 2, 4 … 120 s, each within 15 %")
  func waits() {
    let policy = RetryPolicy(durationSeconds: 7_200)
    for (attempts, seconds) in [(1, 1.0), (2, 2), (3, 4), (7, 64), (8, 120), (20, 120)] {
      for jitter in [0.0, 0.5, 0.999] {
        guard
          case .retry(let wait) = policy.decide(attempts: attempts, spent: 0, jitter: jitter)
        else {
          Issue.record("gave up")
          continue
        }
        #expect(abs(Double(wait) / 1e9 / seconds - 1) <= 0.1501)
      }
    }
  }

  @Test("Retry-After is honoured, but neither beyond an hour nor beyond the duration")
  func retryAfter() {
    let long = RetryPolicy(durationSeconds: 7_200)
    #expect(
      long.decide(attempts: 1, spent: 0, jitter: 0.5, retryAfter: 30_000_000_000)
        == .retry(afterNanoseconds: 30_000_000_000)
    )
    #expect(
      long.decide(attempts: 1, spent: 0, jitter: 0.5, retryAfter: .max)
        == .retry(afterNanoseconds: 3_600_000_000_000)
    )
    let short = RetryPolicy(durationSeconds: 60)
    #expect(
      short.decide(attempts: 1, spent: 0, jitter: 0.5, retryAfter: .max)
        == .retry(afterNanoseconds: 60_000_000_000)
    )
  }
}

@Suite struct ResponseJudgeTests {
  private let id = "3a2f1c9e-0000-4000-8000-000000000001"

  private func judge(
    _ status: Int,
    _ body: String,
    type: String? = "application/json",
    headers: [(name: String, value: String)] = []
  ) -> DeliveryVerdict {
    let all = headers + (type.map { [(name: "Content-Type", value: $0)] } ?? [])
    return ResponseJudge.judge(
      ResponseJudge.Response(status: status, headers: all, body: Array(body.utf8)),
      requestID: id,
      now: Timestamp(seconds: 1_795_000_000)
    )
  }

  private func code(_ verdict: DeliveryVerdict) -> String {
    if case .failed(let code, _, _) = verdict { code } else { "\(verdict)" }
  }

  @Test("only 200 with the request's own id and an integer time is success")
  func success() {
    let good = "{\"requestId\":\"\(id)\",\"timestamp\":1578090903599}"
    #expect(judge(200, good) == .delivered)
    #expect(judge(200, good + "\n") == .delivered)
    #expect(judge(200, good, type: "Application/JSON; charset=utf-8") == .delivered)
    #expect(
      judge(200, "{\"requestId\":\"\(id)\",\"timestamp\":1578090903,\"errorMessage\":null}")
        == .delivered
    )
    let invalid = "HttpEndpoint.InvalidResponseFromDestination"
    for body in [
      "", "[]", "<html>", "{}", "{\"requestId\":\"x\",\"timestamp\":1}",
      "{\"requestId\":null,\"timestamp\":1}", "{\"requestId\":\"\(id)\"}",
      "{\"requestId\":\"\(id)\",\"timestamp\":\"1\"}", good + good,
    ] { #expect(code(judge(200, body)) == invalid, "\(body)") }
    #expect(code(judge(200, good, type: "text/plain")) == invalid)
    #expect(code(judge(200, good, type: nil)) == invalid)
    #expect(code(judge(200, good, headers: [("Content-Encoding", "gzip")])) == invalid)
    for status in [201, 202, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503] {
      #expect(code(judge(status, good)) == "HttpEndpoint.DestinationException")
    }
    guard case .tooLarge = judge(413, "") else {
      Issue.record("413 is not a split")
      return
    }
  }

  @Test("Retry-After is read as seconds or as a date, for 429 and 503 only")
  func retryAfter() {
    func wait(_ status: Int, _ value: String) -> Int64? {
      guard case .failed(_, _, let wait) = judge(status, "", headers: [("Retry-After", value)])
      else { return -1 }
      return wait
    }
    #expect(wait(429, "30") == 30_000_000_000)
    #expect(wait(503, "99999999999") == 3_600_000_000_000)
    #expect(wait(503, "Wed, 18 Nov 2026 11:07:40 GMT") == 60_000_000_000)
    #expect(wait(503, "-5") == nil)
    #expect(wait(500, "30") == nil)
    #expect(wait(429, "soon") == nil)
  }
}

@Suite struct RequestHeaderTests {
  private let group = LogGroup(sanitizing: "/stp/shop-prod/ecs/api/service-container/process-logs")

  private func headers(_ destination: Destination) -> [String] {
    DeliveryRequest.headers(
      destination,
      gzip: destination.gzip,
      requestID: "id",
      group: group,
      account: "000000000000"
    )
  }

  @Test("what is not configured is not sent; what is sent cannot leave its line")
  func lines() {
    var destination = Destination(
      kind: .httpEndpoint,
      endpointURL: "https://x",
      gzip: false,
      retryDurationSeconds: 300
    )
    let plain = headers(destination)
    #expect(plain.contains("X-Amz-Firehose-Protocol-Version: 1.0"))
    #expect(plain.contains("Content-Type: application/json"))
    #expect(plain.contains("Expect:"))
    #expect(!plain.contains { $0.hasPrefix("X-Amz-Firehose-Access-Key") })
    #expect(!plain.contains { $0.hasPrefix("X-Amz-Firehose-Common-Attributes") })
    #expect(!plain.contains { $0.hasPrefix("Content-Encoding") })
    destination.gzip = true
    destination.accessKey = Credential("key")
    destination.attributes = [
      (name: "a", value: Credential("é\r\nX-Evil: 1")), (name: "b", value: Credential("")),
    ]
    let full = headers(destination)
    #expect(full.contains("Content-Encoding: gzip"))
    #expect(full.contains("X-Amz-Firehose-Access-Key: key"))
    #expect(
      full.contains(
        "X-Amz-Firehose-Common-Attributes: {\"commonAttributes\":{\"a\":\"\\u00e9\\u000d\\u000a"
          + "X-Evil: 1\",\"b\":\"\"}}"
      )
    )
    #expect(full.allSatisfy { line in line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } })
    #expect(
      "\(destination)".contains("key") == false || !"\(destination)".contains("Credential(\"key")
    )
  }
}
