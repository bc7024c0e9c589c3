import LogModel
import Testing

@testable import Forward

@Suite struct ResponseVerdictTests {
  private static let id = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"
  private static let now = Timestamp(seconds: 784_111_700)

  private func judge(
    _ status: Int,
    _ body: String,
    _ headers: [(name: String, value: String)] = [("Content-Type", "application/json")]
  ) -> DeliveryVerdict {
    ResponseJudge.judge(
      ResponseJudge.Response(status: status, headers: headers, body: Array(body.utf8)),
      requestID: Self.id,
      now: Self.now
    )
  }

  private func code(_ verdict: DeliveryVerdict) -> String? {
    if case .failed(let code, _, _) = verdict { return code }
    return nil
  }

  private static let good = "{\"requestId\":\"\(id)\",\"timestamp\":1578090903599}"

  @Test(
    "a 200 that confirms the request id is success, also as real receivers write it",
    arguments: [
      good,
      good + "\n",
      "{\"requestId\":\"\(id)\",\"timestamp\":1578090903}",
      "{\"requestId\":\"\(id)\",\"timestamp\":1578090903599,\"errorMessage\":null}",
      " { \"timestamp\" : 1578090903599 ,\r\n\t\"requestId\" : \"\(id)\" } ",
    ]
  )
  func confirmation(body: String) {
    #expect(judge(200, body) == .delivered)
  }

  @Test(
    "the Content-Type may have any case and a charset",
    arguments: [
      ("content-type", "application/json"), ("CONTENT-TYPE", "Application/JSON"),
      ("Content-Type", "application/json; charset=utf-8"),
      ("Content-Type", "application/json;charset=UTF-8"),
    ]
  )
  func contentType(name: String, value: String) {
    #expect(judge(200, Self.good, [(name, value)]) == .delivered)
  }

  @Test(
    "a 200 that does not confirm the request is a failure",
    arguments: [
      "", "{}", "null", "[]", "<html></html>", good + good, good + "x", "{" + good,
      "{\"requestId\":\"11111111-2222-3333-4444-555555555555\",\"timestamp\":1578090903599}",
      "{\"requestId\":\"\",\"timestamp\":1578090903599}",
      "{\"requestId\":null,\"timestamp\":1578090903599}",
      "{\"timestamp\":1578090903599}",
      "{\"requestId\":\"\(id)\"}",
      "{\"requestId\":\"\(id)\",\"timestamp\":\"1578090903599\"}",
      "{\"requestId\":\"\(id)\",\"timestamp\":null}",
      "{\"requestId\":\"\(id)\",\"timestamp\":1578090903.5}",
      "[{\"requestId\":\"\(id)\",\"timestamp\":1578090903599}]",
      "{\"requestId\":\"\(id)\",\"timestamp\":1578090903599",
      "{\"REQUESTID\":\"\(id)\",\"timestamp\":1578090903599}",
      "{\"requestId\":\"\(id.uppercased())\",\"timestamp\":1578090903599}",
    ]
  )
  func noConfirmation(body: String) {
    #expect(code(judge(200, body)) == "HttpEndpoint.InvalidResponseFromDestination")
  }

  @Test("a 200 of another type, without a type or with a Content-Encoding is a failure")
  func wrongType() {
    let invalid = "HttpEndpoint.InvalidResponseFromDestination"
    #expect(code(judge(200, Self.good, [])) == invalid)
    #expect(code(judge(200, Self.good, [("Content-Type", "text/plain")])) == invalid)
    #expect(code(judge(200, Self.good, [("Content-Type", "application/jsonp")])) == invalid)
    #expect(
      code(
        judge(
          200,
          Self.good,
          [("Content-Type", "application/json"), ("content-encoding", "gzip")]
        )
      )
        == invalid
    )
  }

  @Test(
    "every other status is a failure, a confirming body or not",
    arguments: [100, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 408, 429, 500, 503]
  )
  func otherStatus(status: Int) {
    #expect(code(judge(status, Self.good)) == "HttpEndpoint.DestinationException")
    #expect(code(judge(status, "")) == "HttpEndpoint.DestinationException")
  }

  @Test("413 asks for a split")
  func tooLarge() {
    #expect(judge(413, "") == .tooLarge(message: "status 413"))
  }

  @Test("a failure's errorMessage is passed on, and cut")
  func errorMessage() {
    let long = String(repeating: "e", count: 10_000)
    let body = "{\"requestId\":\"\",\"timestamp\":\"1\",\"errorMessage\":\"\(long)\"}"
    guard case .failed(_, let message, _) = judge(500, body) else {
      Issue.record("500 was no failure")
      return
    }
    #expect(message == "status 500: " + String(repeating: "e", count: 8_192))
  }

  @Test(
    "Retry-After counts in seconds or to a date, for 429 and 503 only",
    arguments: [
      ("30", 30), (" 30 ", 30), ("0", 0), ("99999999999", 3_600), ("86400", 3_600),
      ("Sun, 06 Nov 1994 08:49:37 GMT", 77), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
      ("Mon, 06 Nov 2034 08:49:37 GMT", 3_600), ("-1", nil), ("soon", nil), ("", nil),
      ("Sun, 99 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
    ] as [(String, Int64?)]
  )
  func retryAfter(text: String, seconds: Int64?) {
    for status in [429, 503, 500] {
      guard case .failed(_, _, let asked) = judge(status, "", [("Retry-After", text)]) else {
        Issue.record("\(status) was no failure")
        return
      }
      #expect(asked == (status == 500 ? nil : seconds.map { $0 * 1_000_000_000 }))
    }
  }
}
