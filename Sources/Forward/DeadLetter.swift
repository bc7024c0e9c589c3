internal import LogModel
internal import Platform

/// What a destination did not take, kept in Firehose's failed-record format: one JSON object a
/// line, whose `rawData` is the record's `data` unchanged, so that it can be sent again as it is.
///
/// `<root>/<destination>/http-endpoint-failed/yyyy/MM/dd/HH/<stream>-1-yyyy-MM-dd-HH-mm-ss-<uuid>`.
struct DeadLetterFolder {
  let root: String
  /// The oldest files go when there is more than this.
  let bytesMax: Int64

  struct Letter {
    let attempts: Int
    let arrival: Timestamp
    let ended: Timestamp
    let code: String
    let message: String
    let records: [[UInt8]]
  }

  /// Writes one file, durable under its name, before the lane's cursor may move past its events.
  func write(
    _ letter: Letter,
    destination: String,
    group: LogGroup,
    requestID: String
  ) throws(SyscallError) {
    let stamp = Calendar.formatRFC3339(letter.arrival, decimals: 0)
    let digits = stamp.split(whereSeparator: { "-T:Z".contains($0) }).map(String.init)
    let folder =
      "\(root)/\(destination)/http-endpoint-failed/" + digits.prefix(4).joined(separator: "/")
    try FileSystem.makeDirectory(folder)
    let stream =
      DeliveryRequest.sourceARN(group, account: "").split(separator: "/").last ?? "stream"
    let name = "\(stream)-1-\(digits.joined(separator: "-"))-\(requestID)"
    var bytes: [UInt8] = []
    for (index, record) in letter.records.enumerated() {
      append(letter, record, id: "\(requestID).\(index)", to: &bytes)
    }
    try FileSystem.replace("\(folder)/\(name)", with: bytes.span)
  }

  private func append(_ letter: Letter, _ record: [UInt8], id: String, to bytes: inout [UInt8]) {
    bytes.append(utf8: "{\"attemptsMade\":\(letter.attempts)")
    bytes.append(utf8: ",\"arrivalTimestamp\":\(letter.arrival.milliseconds),\"errorCode\":")
    JSONWriter.appendString(letter.code, to: &bytes)
    bytes.append(utf8: ",\"errorMessage\":")
    JSONWriter.appendString(
      String(letter.message.prefix(DeliveryLimits.errorMessageCharactersMax)),
      to: &bytes
    )
    bytes.append(utf8: ",\"attemptEndingTimestamp\":\(letter.ended.milliseconds),\"rawData\":\"")
    bytes.append(contentsOf: record)
    bytes.append(utf8: "\",\"subsequenceNumber\":0,\"dataId\":")
    JSONWriter.appendString(id, to: &bytes)
    bytes.append(utf8: "}\n")
  }

  /// Removes the oldest files above the bound; returns how many went.
  func trim() -> Int {
    var files = Self.files(below: root)
    var total = files.reduce(Int64(0)) { $0 + $1.bytes }
    guard total > bytesMax else { return 0 }
    files.sort { $0.path < $1.path }
    files.sort { $0.modified < $1.modified }
    var removed = 0
    for file in files where total > bytesMax {
      // Silence is right: what cannot be removed now is tried again with the next letter.
      try? FileSystem.remove(file.path)
      total -= file.bytes
      removed += 1
    }
    return removed
  }

  private static func files(below folder: String) -> [(path: String, bytes: Int64, modified: Int64)]
  {
    // Silence is right: without a folder there are no dead letters.
    guard let names = try? FileSystem.list(folder) else { return [] }
    var found: [(path: String, bytes: Int64, modified: Int64)] = []
    for name in names {
      let path = folder + "/" + name
      // Silence is right: it was removed since it was listed.
      guard let status = try? FileSystem.linkStatus(of: path) else { continue }
      if status.isDirectory {
        found += files(below: path)
      } else if status.isRegularFile {
        found.append((path, status.size, status.modified))
      }
    }
    return found
  }
}
