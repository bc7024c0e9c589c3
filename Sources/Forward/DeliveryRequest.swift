internal import LogModel
internal import Platform
internal import Store

/// One request, built once and sent as often as it takes: the same bytes every time.
struct DeliveryRequest: Sendable {
  let requestID: String
  let timestampMilliseconds: Int64
  /// Sequences `firstSequence..<endSequence` are in it, or were skipped for good.
  let firstSequence: UInt64
  let endSequence: UInt64
  let eventCount: Int
  /// Raw bytes of its messages.
  let rawBytes: Int
  /// Sequences in the range that are gone or expired, and those that cannot be read.
  let skipped: UInt64
  let damaged: UInt64
  /// Whether the body is compressed.
  let gzip: Bool
  /// What goes over the wire, compressed if the destination wants it.
  let body: [UInt8]
  /// CRC-32C of the body: what tells the same request from another of the same events.
  let checksum: UInt32
  /// `records[].data` as they are in the body, for the dead-letter file.
  let records: [[UInt8]]
  /// Events that fit into no request.
  let oversized: [Oversized]

  struct Oversized: Sendable {
    let id: EventID
    let timestamp: Timestamp
    let record: [UInt8]
  }

  /// Without the access key and the attributes, which may change between attempts.
  static func headers(
    _ destination: Destination,
    gzip: Bool,
    requestID: String,
    group: LogGroup,
    account: String
  ) -> [String] {
    var headers = [
      "Content-Type: application/json",
      // libcurl would ask first above 1 MiB, which receivers do not expect.
      "Expect:",
      "Accept:",
      "User-Agent: logagent",
      "X-Amz-Firehose-Protocol-Version: 1.0",
      "X-Amz-Firehose-Request-Id: \(requestID)",
      "X-Amz-Firehose-Source-Arn: \(sourceARN(group, account: account))",
    ]
    if gzip { headers.append("Content-Encoding: gzip") }
    if let key = destination.accessKey {
      headers.append("X-Amz-Firehose-Access-Key: \(key.reveal())")
    }
    if !destination.attributes.isEmpty {
      headers.append("X-Amz-Firehose-Common-Attributes: \(commonAttributes(destination))")
    }
    return headers
  }

  static func sourceARN(_ group: LogGroup, account: String) -> String {
    let name = group.name.drop { $0 == "/" }.map { character -> Character in
      character.isASCII && (character.isLetter || character.isNumber || "_.-".contains(character))
        ? character : "-"
    }
    return "arn:aws:firehose:local:\(account):deliverystream/\(String(name.prefix(64)))"
  }

  /// One ASCII line: whatever is in a value, it cannot end the header.
  static func commonAttributes(_ destination: Destination) -> String {
    let members = destination.attributes.map { "\(ascii($0.name)):\(ascii($0.value.reveal()))" }
    return "{\"commonAttributes\":{\(members.joined(separator: ","))}}"
  }

  private static func ascii(_ text: String) -> String {
    var quoted = "\""
    for unit in text.utf16 {
      switch unit {
      case 0x22: quoted += "\\\""
      case 0x5C: quoted += "\\\\"
      case 0x20..<0x7F: quoted.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default:
        let digits = String(unit, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return quoted + "\""
  }
}

/// Builds requests: events → CloudWatch subscription records → Firehose envelope.
///
/// Deterministic in the events, the request id and the timestamp, so that a request prepared before
/// a crash is built again to the byte. Keeps its buffers; used by the forward thread only.
struct DeliveryBuilder: ~Copyable {
  private var member = GzipMember()
  private var compressed: [UInt8] = []
  private let account: String

  init(account: String) {
    self.account = account
  }

  /// The records of one log stream that are being filled.
  private struct StreamRecords {
    var text: [UInt8] = []
    var count = 0
  }

  /// Builds a request of all events: in order of sequence, at most `DeliveryLimits.eventsMax`.
  mutating func build(
    _ events: borrowing DeliveryEvents,
    group: GroupInfo,
    gzip: Bool,
    requestID: String,
    timestampMilliseconds: Int64
  ) -> DeliveryRequest {
    var records: [[UInt8]] = []
    var oversized: [DeliveryRequest.Oversized] = []
    var open = [StreamRecords](repeating: StreamRecords(), count: events.streams.count)
    for event in events.list {
      let index = event.stream
      let start = open[index].text.count
      if start == 0 { appendHead(group.group, events.streams[index], to: &open[index].text) }
      let separator = open[index].text.count
      if open[index].count > 0 { open[index].text.append(0x2C) }
      Self.append(event, of: events, to: &open[index].text)
      open[index].count += 1
      guard open[index].text.count > DeliveryLimits.recordTextBytesMax else { continue }
      if open[index].count > 1 {
        // The event that made it too long begins the next record.
        let last = open[index].text[(separator + 1)...]
        let moved = Array(last)
        open[index].text.removeLast(open[index].text.count - separator)
        close(&open[index], into: &records)
        appendHead(group.group, events.streams[index], to: &open[index].text)
        open[index].text.append(contentsOf: moved)
        open[index].count = 1
        guard open[index].text.count > DeliveryLimits.recordTextBytesMax else { continue }
      }
      closeSingle(&open[index], event, into: &records, &oversized)
    }
    for index in open.indices where open[index].count > 0 { close(&open[index], into: &records) }
    let json = Self.json(records, requestID: requestID, timestampMilliseconds)
    var body: [UInt8] = []
    if gzip { GzipLiterals.append(json.span, to: &body) } else { body = json }
    return DeliveryRequest(
      requestID: requestID,
      timestampMilliseconds: timestampMilliseconds,
      firstSequence: events.firstSequence,
      endSequence: events.endSequence,
      eventCount: events.list.count,
      rawBytes: events.rawBytes,
      skipped: events.skipped,
      damaged: events.damaged,
      gzip: gzip,
      body: body,
      checksum: CRC32C.checksum(body.span),
      records: records,
      oversized: oversized
    )
  }

  private func appendHead(_ group: LogGroup, _ stream: LogStream, to text: inout [UInt8]) {
    text.append(utf8: "{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"\(account)\",\"logGroup\":")
    JSONWriter.appendString(group.name, to: &text)
    text.append(utf8: ",\"logStream\":")
    JSONWriter.appendString(stream.name, to: &text)
    text.append(utf8: ",\"subscriptionFilters\":[\"logagent\"],\"logEvents\":[")
  }

  private static func append(
    _ event: DeliveryEvents.Event,
    of events: borrowing DeliveryEvents,
    to text: inout [UInt8]
  ) {
    text.append(utf8: "{\"id\":\"")
    event.id.append(to: &text)
    text.append(utf8: "\",\"timestamp\":")
    JSONWriter.appendInteger(event.timestamp.milliseconds, to: &text)
    text.append(utf8: ",\"message\":")
    JSONWriter.appendString(events.bytes.span.extracting(event.range), to: &text)
    text.append(0x7D)
  }

  private mutating func close(_ record: inout StreamRecords, into records: inout [[UInt8]]) {
    records.append(pack(&record))
  }

  /// A record of one event that is longer than usual: it may still fit once it is packed.
  private mutating func closeSingle(
    _ record: inout StreamRecords,
    _ event: DeliveryEvents.Event,
    into records: inout [[UInt8]],
    _ oversized: inout [DeliveryRequest.Oversized]
  ) {
    let data = pack(&record)
    if compressed.count <= DeliveryLimits.recordBytesMax {
      records.append(data)
    } else {
      oversized.append(
        DeliveryRequest.Oversized(id: event.id, timestamp: event.timestamp, record: data)
      )
    }
  }

  /// gzip, then base64; leaves the gzip in `compressed`.
  private mutating func pack(_ record: inout StreamRecords) -> [UInt8] {
    record.text.append(contentsOf: [0x5D, 0x7D])
    var packed: [UInt8] = []
    swap(&packed, &compressed)
    packed.removeAll(keepingCapacity: true)
    member.append(record.text.span, to: &packed)
    var data: [UInt8] = []
    data.reserveCapacity((packed.count + 2) / 3 * 4)
    Base64.append(packed.span, to: &data)
    swap(&packed, &compressed)
    record = StreamRecords()
    return data
  }

  private static func json(
    _ records: [[UInt8]],
    requestID: String,
    _ timestampMilliseconds: Int64
  ) -> [UInt8] {
    var json: [UInt8] = []
    json.reserveCapacity(records.reduce(128) { $0 + $1.count + 16 })
    json.append(
      utf8: "{\"requestId\":\"\(requestID)\",\"timestamp\":\(timestampMilliseconds),\"records\":["
    )
    for (index, record) in records.enumerated() {
      json.append(utf8: index == 0 ? "{\"data\":\"" : ",{\"data\":\"")
      json.append(contentsOf: record)
      json.append(contentsOf: [0x22, 0x7D])
    }
    json.append(contentsOf: [0x5D, 0x7D])
    return json
  }
}

/// Events read for one request.
struct DeliveryEvents: ~Copyable {
  struct Event {
    let id: EventID
    let timestamp: Timestamp
    /// Index into `streams`.
    let stream: Int
    /// Where the message lies in `bytes`.
    let range: Range<Int>
  }

  private(set) var bytes: [UInt8] = []
  private(set) var list: [Event] = []
  /// In order of first use.
  private(set) var streams: [LogStream] = []
  private var indexOf: [LogStream: Int] = [:]
  let firstSequence: UInt64
  var endSequence: UInt64
  /// Sequences in between that are gone or expired: they are not delivered any more.
  var skipped: UInt64 = 0
  /// Events whose block cannot be read.
  var damaged: UInt64 = 0

  init(from sequence: UInt64) {
    firstSequence = sequence
    endSequence = sequence
  }

  var rawBytes: Int { bytes.count }

  mutating func index(of stream: LogStream) -> Int {
    if let known = indexOf[stream] { return known }
    indexOf[stream] = streams.count
    streams.append(stream)
    return streams.count - 1
  }

  /// Adds an event of a stream that `index(of:)` has numbered.
  mutating func append(_ message: Span<UInt8>, id: EventID, timestamp: Timestamp, stream: Int) {
    let start = bytes.count
    bytes.append(copying: message)
    list.append(
      Event(id: id, timestamp: timestamp, stream: stream, range: start..<bytes.count)
    )
  }
}
