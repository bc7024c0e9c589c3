import LogModel

@testable import Query

extension Fuzzer {
  /// A query's text: an error or a query, never a trap; what is printed parses to the same query.
  static let insights = Fuzzer("insights") { bytes in
    guard bytes.count <= 10_000 else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    do throws(QueryDiagnostic) {
      let query = try InsightsParser.parse(text)
      let printed = InsightsPrinter.text(of: query)
      do throws(QueryDiagnostic) {
        let again = try InsightsParser.parse(printed)
        require(again == query, "`\(printed)` is another query")
      } catch {
        // A longer text than may be: backticks and escapes were added.
        require(printed.unicodeScalars.count > InsightsLimits.charactersMax, "\(error)")
      }
    } catch {
      require(error.range.lowerBound <= error.range.upperBound, "a range that runs backwards")
      require(error.range.upperBound <= text.unicodeScalars.count + 1, "a place behind the end")
      require(!error.description.isEmpty, "an error without text")
    }
    _ = try? InsightsProgram.compile(text)
  }

  /// A query over a few events: an answer or an error.
  static let insightsRun = Fuzzer("insights-run") { bytes in
    guard bytes.count <= 2_000 else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let program = try? InsightsProgram.compile(text) else { return }
    do throws(QueryFailure) {
      let evaluation = try InsightsEvaluation(
        program,
        text: text,
        now: Timestamp(milliseconds: 1_800_000_000_000),
        isNewestFirst: true
      )
      for (index, message) in messages.enumerated() {
        let time = Timestamp(milliseconds: 1_800_000_000_000 - Int64(index) * 61_000)
        let event = InsightsEvaluation.Event(timestamp: time, stream: "a/1", group: "g")
        guard try evaluation.add(Array(message.utf8).span, event) else { break }
      }
      let table = try evaluation.finish()
      require(table.rows.allSatisfy { $0.count == table.columns.count }, "a row of another width")
      for row in table.rows { for value in row { _ = value.resultText } }
    } catch {
      require(!error.description.isEmpty, "an error without text")
    }
  }

  private static let messages = [
    #"{"level":"error","status":500,"user":{"id":7,"name":"größe"},"tags":["a",1,null,true]}"#,
    #"2027-01-15 INFO {"level":"info","status":"200","latency":12.5,"a.b":"c","items":[{"id":1}]}"#,
    "level=warn msg=\"disk full\" duration=5", "GET /api/v1/x 404 12ms", "",
    "REPORT RequestId: r-1\tDuration: 100.5 ms\tBilled Duration: 101 ms\tMemory Size: 128 MB\t",
  ]
}
