import LogModel
import Testing

@Suite("Levels of messages")
struct LogLevelTests {
  private func level(_ text: String) -> LogLevel? {
    let bytes = Array(text.utf8)
    return LogLevel.detect(bytes.span)
  }

  @Test(
    "what loggers write is understood",
    arguments: [
      ("2026-11-23 10:15:30.118  INFO 1 --- [main] c.e.App : Started", LogLevel.info),
      ("[2026-11-23 10:15:30,118] WARN [Broker id=1] slow", .warn),
      ("081109 203615 148 INFO dfs.DataNode$PacketResponder: done", .info),
      ("[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok", .info),
      ("2026/11/23 10:15:30 [error] 12#12: upstream timed out", .error),
      ("2026-11-23 10:15:30 UTC [1] FATAL:  password authentication failed", .fatal),
      ("ERROR:root:something broke", .error), ("Error: cannot find module 'x'", .error),
      ("error connecting to database", .error), ("Warning: deprecated", .warn),
      ("npm warn: old lockfile", .warn), ("E1123 10:15:30.118 1 main.go:3] broke", .error),
      ("I1123 10:15:30.118 1 main.go:3] fine", .info), ("<11>app: broke", .error),
      ("<14>app: fine", .info), ("\u{1b}[31mERROR\u{1b}[0m broke", .error),
      ("ts=1 level=warn msg=x", .warn), ("lvl=\"err\" msg=x", .error),
      ("2026-11-23T10:15:30Z\tDEBUG\tmain.go:3\tx", .debug), ("(trace) x", .trace),
      ("{\"time\":1,\"level\":\"Information\",\"msg\":\"ERROR\"}", .info),
      ("{\"a\":{\"level\":\"error\"},\"severity\":\"WARNING\"}", .warn),
      ("{\"level\":50,\"msg\":\"x\"}", .error), ("{\"level\": 3}", .error),
      ("{\"level\":\"40\"}", .warn), ("  {\"LEVEL\":\"crit\"}", .fatal),
    ]
  )
  func known(_ text: String, _ expected: LogLevel) {
    #expect(level(text) == expected, "\(text)")
  }

  @Test(
    "words that only look like levels are none",
    arguments: [
      "", "   ", "GET /errors HTTP/1.1", "no error here", "ERROR_CODE 3", "errors: 0",
      "MY_ERROR", "the INFORMER", "ERROR2", "level= x", "mylevel=error", "Trace id 7",
      "{\"msg\":\"ERROR\"}", "{\"a\":[\"level\",\"error\"]}", "{\"level\":\"loud\"}",
      "{\"level\":9}", "{\"level\":1000}", "{\"level\":\"err", "{", "<999>x", "<a>", "E12",
      "ÉERROR x",
    ]
  )
  func unknown(_ text: String) {
    #expect(level(text) == nil, "\(text)")
  }

  @Test("a level far behind the beginning is not looked for, but in JSON it is")
  func distance() {
    let far = String(repeating: "x ", count: 200)
    #expect(level(far + "ERROR") == nil)
    #expect(level("{\"msg\":\"\(far)\",\"level\":\"error\"}") == .error)
  }

  @Test("any bytes give an answer")
  func anyBytes() {
    var random = SystemRandomNumberGenerator()
    let pieces = Array("{}[]\"\\:, level=ERROR<3>E1234 \u{1b}[1m".utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        Bool.random(using: &random)
          ? pieces.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
      }
      _ = LogLevel.detect(bytes.span)
    }
  }

  @Test("sets of levels")
  func sets() {
    #expect(
      LogLevelSet(from: .warn) == [LogLevelSet(.warn), LogLevelSet(.error), LogLevelSet(.fatal)]
    )
    #expect(LogLevelSet(.warn).contains(.warn) && !LogLevelSet(.warn).contains(.error))
    #expect(LogLevel(word: "WARNING") == .warn && LogLevel(word: "loud") == nil)
  }
}
