internal import Collect
internal import Forward
internal import Platform

/// Reads a Firehose HTTP delivery request as its specification has it, and names everything that is
/// not.
///
/// Pure: headers and body in, events and problems out. No problem ever quotes a message or a key.
struct FirehoseRequestCheck {
  struct Event: Equatable {
    var id: String
    var timestamp: Int64
    var message: String
  }

  struct Record: Equatable {
    var logGroup: String
    var logStream: String
    var events: [Event]
  }

  static let bodyBytesMax = 67_108_864
  private static let recordsMax = 10_000
  private static let dataCharactersMax = 1_365_336

  private(set) var problems: [String] = []
  private(set) var records: [Record] = []
  private(set) var requestID = ""

  private let headers: [(name: String, value: String)]
  private let inflater = GzipInflater()
  private var seen: Set<String> = []

  /// - Parameters:
  ///   - method: The request's method.
  ///   - headers: In the order of the request.
  ///   - body: As it came, compressed or not.
  ///   - accessKey: What the access key must be; nil: any or none.
  init(
    method: String,
    headers: [(name: String, value: String)],
    body: [UInt8],
    accessKey: String? = nil
  ) {
    self.headers = headers
    if method != "POST" { problems.append("the method is \(method), not POST") }
    checkHeaders(accessKey)
    guard let text = unpack(body) else { return }
    readBody(text)
  }

  private func values(_ name: String) -> [String] {
    headers.filter { $0.name.lowercased() == name }.map(\.value)
  }

  private mutating func checkHeaders(_ accessKey: String?) {
    if values("x-amz-firehose-protocol-version") != ["1.0"] {
      problems.append("X-Amz-Firehose-Protocol-Version is not 1.0")
    }
    let ids = values("x-amz-firehose-request-id")
    if ids.count == 1, let id = ids.first, !id.isEmpty {
      requestID = id
    } else {
      problems.append("X-Amz-Firehose-Request-Id is there \(ids.count) times, not once")
    }
    if values("x-amz-firehose-source-arn").count != 1 {
      problems.append("X-Amz-Firehose-Source-Arn is missing")
    }
    if values("content-type") != ["application/json"] {
      problems.append("Content-Type is not application/json")
    }
    let encodings = values("content-encoding")
    if !encodings.isEmpty && encodings != ["gzip"] {
      problems.append("Content-Encoding is neither absent nor gzip")
    }
    if !values("expect").isEmpty { problems.append("there is an Expect header") }
    let keys = values("x-amz-firehose-access-key")
    if keys.contains("") { problems.append("X-Amz-Firehose-Access-Key is empty") }
    if let accessKey, !Self.isEqual(keys.first ?? "", accessKey) {
      problems.append("X-Amz-Firehose-Access-Key is not the right one")
    }
    for attributes in values("x-amz-firehose-common-attributes") { checkAttributes(attributes) }
  }

  /// Takes the same time wherever the two differ.
  private static func isEqual(_ left: String, _ right: String) -> Bool {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }

  private mutating func checkAttributes(_ text: String) {
    let name = "X-Amz-Firehose-Common-Attributes"
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
      problems.append("\(name) is not one ASCII line")
      return
    }
    guard case .object(let outer)? = Collect.JSONValue(parsing: Array(text.utf8)),
      outer.count == 1, case .object(let attributes)? = outer["commonAttributes"]
    else {
      problems.append("\(name) is not {\"commonAttributes\":{…}}")
      return
    }
    if attributes.count > 50 { problems.append("\(name) has more than 50 attributes") }
    for (key, value) in attributes {
      guard let value = value.text else {
        problems.append("\(name): `\(key)` is not a string")
        continue
      }
      if key.count > 256 || key.isEmpty {
        problems.append("\(name): a name has not 1 to 256 characters")
      }
      if value.count > 1_024 { problems.append("\(name): `\(key)` has more than 1,024 characters") }
    }
  }

  private mutating func unpack(_ body: [UInt8]) -> [UInt8]? {
    guard values("content-encoding") == ["gzip"] else { return body }
    guard let text = inflater.inflate(body.span, limit: Self.bodyBytesMax) else {
      problems.append("the body is not one gzip member of at most 64 MiB")
      return nil
    }
    return text
  }

  private mutating func readBody(_ text: [UInt8]) {
    guard case .object(let body)? = Collect.JSONValue(parsing: text) else {
      problems.append("the body is not a JSON object")
      return
    }
    if body["requestId"]?.text != requestID {
      problems.append("the body's requestId is not the header's")
    }
    if body["timestamp"]?.integer == nil {
      problems.append("the body's timestamp is not an integer")
    }
    guard case .array(let items)? = body["records"], (1...Self.recordsMax).contains(items.count)
    else {
      problems.append("the body has not 1 to 10,000 records")
      return
    }
    for (index, item) in items.enumerated() { read(item, index) }
  }

  private mutating func read(_ item: Collect.JSONValue, _ index: Int) {
    let name = "record \(index)"
    guard case .object(let members) = item, members.count == 1, let data = members["data"]?.text
    else {
      problems.append("\(name) is not {\"data\":\"…\"}")
      return
    }
    guard data.utf8.count <= Self.dataCharactersMax else {
      problems.append("\(name) is larger than 1,000 KiB")
      return
    }
    guard let packed = Base64Decoder.decode(data) else {
      problems.append("\(name) is not standard base64 with padding")
      return
    }
    guard let text = inflater.inflate(packed.span, limit: Self.bodyBytesMax) else {
      problems.append("\(name) is not exactly one gzip member")
      return
    }
    guard case .object(let document)? = Collect.JSONValue(parsing: text) else {
      problems.append("\(name) is not exactly one JSON document")
      return
    }
    readDocument(document, name)
  }

  private mutating func readDocument(_ document: [String: Collect.JSONValue], _ name: String) {
    let keys: Set = [
      "messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "logEvents",
    ]
    if Set(document.keys) != keys { problems.append("\(name) has not exactly the six keys") }
    if document["messageType"]?.text != "DATA_MESSAGE" {
      problems.append("\(name): messageType is not DATA_MESSAGE")
    }
    let owner = document["owner"]?.text ?? ""
    if owner.count != 12 || !owner.allSatisfy(\.isNumber) {
      problems.append("\(name): owner has not 12 digits")
    }
    let group = document["logGroup"]?.text ?? ""
    let stream = document["logStream"]?.text ?? ""
    if group.isEmpty || stream.isEmpty {
      problems.append("\(name): logGroup or logStream is empty")
    }
    let items = document["logEvents"]?.items ?? []
    if items.isEmpty { problems.append("\(name) has no logEvents") }
    var record = Record(logGroup: group, logStream: stream, events: [])
    for (index, item) in items.enumerated() {
      guard case .object(let members) = item,
        Set(members.keys) == ["id", "timestamp", "message"], let id = members["id"]?.text,
        let timestamp = members["timestamp"]?.integer, let message = members["message"]?.text
      else {
        problems.append("\(name): event \(index) has not exactly id, timestamp and message")
        continue
      }
      if id.utf8.count != 56 || !id.utf8.allSatisfy({ (48...57).contains($0) }) {
        problems.append("\(name): the id of event \(index) has not 56 digits")
      }
      if !seen.insert(id).inserted {
        problems.append("\(name): the id of event \(index) is not unique")
      }
      record.events.append(Event(id: id, timestamp: Int64(timestamp), message: message))
    }
    records.append(record)
  }
}
