import LogModel
import Testing

@testable import Forward

@Suite struct EndpointTextTests {
  private func words(_ body: String, key: String? = nil, status: Int = 400) -> String {
    let destination = DeliveryFixture.destination(
      key: key,
      attributes: [("env", "prod"), ("token", "attribute-secret")]
    )
    let verdict = ResponseJudge.judge(
      ResponseJudge.Response(
        status: status,
        headers: [("Content-Type", "text/plain")],
        body: Array(body.utf8)
      ),
      requestID: DeliveryFixture.requestID,
      now: Timestamp(seconds: 0),
      hiding: EndpointText.secrets(of: destination)
    )
    switch verdict {
    case .failed(_, let message, _), .tooLarge(let message): return message
    case .delivered: return "delivered"
    }
  }

  @Test("the operator sees what a plain or JSON answer begins with")
  func excerpts() {
    #expect(words("  project not found\n") == "status 400: project not found")
    #expect(words("{\"errors\":[\"bad key\"]}") == "status 400: {\"errors\":[\"bad key\"]}")
    #expect(words("{\"errorMessage\":\"no\"}") == "status 400: no")
    #expect(words("at most 1 MB", status: 413) == "status 413: at most 1 MB")
    #expect(words("") == "status 400")
    #expect(words(" \r\n ") == "status 400")
  }

  @Test("it is cut at 200 bytes, not within a character")
  func cut() {
    #expect(words(String(repeating: "x", count: 200)).hasSuffix("x"))
    #expect(
      words(String(repeating: "x", count: 201)) == "status 400: "
        + String(repeating: "x", count: 200) + "…"
    )
    #expect(
      words(String(repeating: "é", count: 300) + "z") == "status 400: "
        + String(repeating: "é", count: 99) + "…"
    )
  }

  @Test("control characters and what turns a line are escaped")
  func escapes() {
    #expect(
      words("a\u{1B}[31mb\r\nc\td\u{7F}\u{9B}\u{202E}e")
        == "status 400: a\\u{1b}[31mb\\r\\nc\\td\\u{7f}\\u{9b}\\u{202e}e"
    )
  }

  @Test(
    "the access key never shows, not even in part, wherever it stands",
    arguments: [0, 1, 150, 190, 195, 199, 200]
  )
  func redacted(offset: Int) {
    let key = "k\"ey-0123456789"
    let before = String(repeating: "x", count: offset)
    let quoted = key.replacing("\"", with: "\\\"")
    for text in [key, quoted] {
      let seen = words(before + text + text + "after", key: key)
      #expect(!seen.contains("ey-0"))
      #expect(seen.contains("[redacted]") == (offset < 200))
    }
    #expect(!words("{\"errorMessage\":\"bad \(quoted)\"}", key: key).contains("ey-0"))
  }

  @Test("attributes that may be secrets are hidden; short ones say nothing and stay")
  func attributes() {
    #expect(
      words("attribute-secret is wrong in prod") == "status 400: [redacted] is wrong in prod"
    )
  }
}
