internal import LogModel
internal import Platform

/// What became of one attempt.
package enum DeliveryVerdict: Sendable, Equatable {
  case delivered
  /// Firehose's error code and words for the operator; never a log message.
  case failed(code: String, message: String, retryAfterNanoseconds: Int64?)
  /// 413: the request has to be split.
  case tooLarge(message: String)
}

/// Decides what an answer means, by Firehose's rules: only 200 with the request's own id in a JSON
/// body of the right type is success.
enum ResponseJudge {
  struct Response {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    func header(_ name: String) -> String? {
      headers.first { $0.name.lowercased() == name }?.value
    }
  }

  /// `secrets` are replaced in whatever the endpoint says.
  static func judge(
    _ response: Response,
    requestID: String,
    now: Timestamp,
    hiding secrets: [[UInt8]] = []
  ) -> DeliveryVerdict {
    if response.status == 413 { return .tooLarge(message: words(response, secrets)) }
    guard response.status == 200 else {
      let after =
        [429, 503].contains(response.status)
        ? response.header("retry-after").flatMap { retryAfter($0, now: now) } : nil
      return .failed(
        code: "HttpEndpoint.DestinationException",
        message: words(response, secrets),
        retryAfterNanoseconds: after
      )
    }
    if let problem = problem(response, requestID) {
      return .failed(
        code: "HttpEndpoint.InvalidResponseFromDestination",
        message: "the answer to \(requestID) does not confirm it: \(problem)",
        retryAfterNanoseconds: nil
      )
    }
    return .delivered
  }

  /// What a 200 lacks to be a confirmation.
  private static func problem(_ response: Response, _ requestID: String) -> String? {
    if response.header("content-encoding") != nil { return "it has a Content-Encoding" }
    let type = response.header("content-type")?.split(separator: ";").first ?? ""
    guard type.lowercased().filter({ $0 != " " }) == "application/json" else {
      return "its Content-Type is not application/json"
    }
    let body = response.body.span
    guard let fields = FlatJSON.fields(body) else { return "its body is not a JSON object" }
    guard let id = fields.first(where: { $0.key == "requestId" }), id.isString else {
      return "its body has no requestId"
    }
    guard id.value == requestID else { return "its body has another requestId" }
    guard let time = fields.first(where: { $0.key == "timestamp" }), !time.isString,
      Int64(time.value) != nil
    else { return "its body has no integer timestamp" }
    return nil
  }

  /// The status and what the endpoint says about it: by the protocol's own field, or else the
  /// beginning of whatever it sent.
  private static func words(_ response: Response, _ secrets: [[UInt8]]) -> String {
    let fields = FlatJSON.fields(response.body.span)
    let said: String
    if let message = fields?.first(where: { $0.key == "errorMessage" && $0.isString }) {
      said = EndpointText.excerpt(
        Array(message.value.utf8).span,
        limit: DeliveryLimits.errorMessageCharactersMax,
        hiding: secrets,
        mark: ""
      )
    } else if response.header("content-encoding") != nil {
      said = ""
    } else {
      said = EndpointText.excerpt(
        response.body.span,
        limit: DeliveryLimits.bodyExcerptBytesMax,
        hiding: secrets
      )
    }
    return "status \(response.status)" + (said.isEmpty ? "" : ": " + said)
  }

  /// Seconds, or an HTTP date.
  static func retryAfter(_ text: String, now: Timestamp) -> Int64? {
    let trimmed = text.filter { $0 != " " }
    if let seconds = Int64(trimmed), seconds >= 0 {
      return min(
        seconds.multipliedSaturating(by: 1_000_000_000),
        DeliveryLimits.retryAfterMax
      )
    }
    guard let time = httpDate(text) else { return nil }
    return min(max(0, time.nanoseconds - now.nanoseconds), DeliveryLimits.retryAfterMax)
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`.
  private static func httpDate(_ text: String) -> Timestamp? {
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let parts = text.split(whereSeparator: { " ,:".contains($0) }).map(String.init)
    guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: parts[2]) else {
      return nil
    }
    let numbers = [1, 3, 4, 5, 6].compactMap { Int(parts[$0]) }
    guard numbers.count == 5, (1...31).contains(numbers[0]), (1_970...9_999).contains(numbers[1])
    else { return nil }
    let days = Calendar.days(year: numbers[1], month: month + 1, day: numbers[0])
    return Timestamp(
      seconds: Int64(days * 86_400 + numbers[2] * 3_600 + numbers[3] * 60 + numbers[4])
    )
  }
}

/// The scalar members of one flat JSON object, as strict as a response needs; nil for anything
/// else.
enum FlatJSON {
  struct Field: Equatable {
    var key: String
    /// A string's content, or the literal.
    var value: String
    var isString: Bool
  }

  static func fields(_ bytes: Span<UInt8>) -> [Field]? {
    var cursor = Cursor()
    cursor.skip(bytes)
    guard cursor.take(0x7B, bytes) else { return nil }
    var fields: [Field] = []
    cursor.skip(bytes)
    if cursor.take(0x7D, bytes) { return cursor.isAtEnd(bytes) ? fields : nil }
    while fields.count < 64 {
      cursor.skip(bytes)
      guard let key = cursor.string(bytes) else { return nil }
      cursor.skip(bytes)
      guard cursor.take(0x3A, bytes) else { return nil }
      cursor.skip(bytes)
      if let text = cursor.string(bytes) {
        fields.append(Field(key: key, value: text, isString: true))
      } else if let literal = cursor.literal(bytes) {
        fields.append(Field(key: key, value: literal, isString: false))
      } else {
        return nil
      }
      cursor.skip(bytes)
      if cursor.take(0x2C, bytes) { continue }
      guard cursor.take(0x7D, bytes) else { return nil }
      return cursor.isAtEnd(bytes) ? fields : nil
    }
    return nil
  }

  private struct Cursor {
    var at = 0

    mutating func skip(_ bytes: Span<UInt8>) {
      while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
      guard at < bytes.count, bytes[at] == byte else { return false }
      at += 1
      return true
    }

    mutating func isAtEnd(_ bytes: Span<UInt8>) -> Bool {
      skip(bytes)
      return at == bytes.count
    }

    /// Escapes of other than quote, backslash and slash stay as they are: only ids are compared.
    mutating func string(_ bytes: Span<UInt8>) -> String? {
      guard at < bytes.count, bytes[at] == 0x22 else { return nil }
      at += 1
      var text: [UInt8] = []
      while at < bytes.count {
        let byte = bytes[at]
        at += 1
        if byte == 0x22 { return String(repairing: text.span) }
        if byte < 0x20 { return nil }
        if byte == 0x5C {
          guard at < bytes.count else { return nil }
          if ![0x22, 0x5C, 0x2F].contains(bytes[at]) { text.append(byte) }
          text.append(bytes[at])
          at += 1
        } else {
          text.append(byte)
        }
      }
      return nil
    }

    mutating func literal(_ bytes: Span<UInt8>) -> String? {
      let start = at
      while at < bytes.count, ![0x2C, 0x7D, 0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
      let text = String(repairing: bytes.extracting(start..<at))
      if ["true", "false", "null"].contains(text) || Double(text) != nil { return text }
      return nil
    }
  }
}
