internal import CCurl
internal import Glibc
internal import Platform

/// libcurl's multi interface on one thread: any number of POSTs at once, connections reused.
///
/// Redirects are never followed, no proxy and no .netrc are looked at, TLS is verified, answers are
/// cut at 1 MiB of body and 64 KiB of headers. Used by the forward thread only.
@safe
final class HTTPTransfer {
  /// How one POST ended.
  struct Ended {
    let token: UInt64
    let result: Result
  }

  enum Result {
    case response(ResponseJudge.Response)
    case failed(code: String, reason: String)
  }

  /// A transfer under way and the bytes that it sends.
  @safe
  private struct Running {
    let transfer: OpaquePointer
    let body: UnsafeMutableBufferPointer<UInt8>
  }

  private let multi: OpaquePointer
  /// Bodies stay here until their transfer ends: libcurl reads them in place.
  private var running: [UInt64: Running] = [:]
  private let timeoutMilliseconds: Int

  /// Nil when libcurl is not installed.
  ///
  /// `authorities` is a file with the certificate authorities to trust instead of the system's.
  init?(timeoutMilliseconds: Int, authorities: String? = nil) {
    guard let created = unsafe ccurl_multi_create(authorities) else { return nil }
    unsafe multi = created
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  deinit {
    for entry in running.values {
      unsafe ccurl_release(multi, entry.transfer)
      unsafe entry.body.deallocate()
    }
    unsafe ccurl_multi_free(multi)
  }

  var runningCount: Int { running.count }

  /// Starts a POST; its end comes out of `wait` under `token`.
  ///
  /// False when the URL cannot be used.
  func start(
    token: UInt64,
    url: String,
    headers: [String],
    body: [UInt8],
    allowsPlaintext: Bool
  ) -> Bool {
    var settings = ccurl_settings()
    settings.allow_plaintext = allowsPlaintext ? 1 : 0
    settings.connect_timeout_ms = DeliveryLimits.connectTimeoutMilliseconds
    settings.total_timeout_ms = timeoutMilliseconds
    settings.response_bytes_max = DeliveryLimits.responseBytesMax
    settings.header_bytes_max = DeliveryLimits.responseHeaderBytesMax
    // Safety: the copy of the body lives in `running` until the transfer is released; libcurl
    // copies the URL and, through its list, the headers.
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, body.count))
    _ = unsafe copy.initialize(from: body)
    let texts = unsafe headers.map { unsafe strdup($0) }
    defer { unsafe texts.forEach { unsafe free($0) } }
    let list = unsafe texts.map { unsafe UnsafePointer<CChar>($0) }
    guard
      let transfer = unsafe ccurl_start(
        multi,
        url,
        list,
        list.count,
        copy.baseAddress,
        body.count,
        &settings,
        token
      )
    else {
      unsafe copy.deallocate()
      return false
    }
    unsafe running[token] = Running(transfer: transfer, body: copy)
    return true
  }

  /// Moves everything on; returns what has ended, after at most the given time.
  func wait(readable descriptors: [Int32], nanoseconds: Int64) -> [Ended] {
    let milliseconds = Int32(clamping: (max(0, nanoseconds) + 999_999) / 1_000_000)
    unsafe ccurl_wait(multi, descriptors, descriptors.count, milliseconds)
    var ended: [Ended] = []
    while let transfer = unsafe ccurl_next_ended(multi) {
      let token = unsafe ccurl_token(transfer)
      ended.append(Ended(token: token, result: unsafe result(of: transfer)))
      unsafe ccurl_release(multi, transfer)
      if let entry = running.removeValue(forKey: token) { unsafe entry.body.deallocate() }
    }
    return ended
  }

  /// Breaks one POST off.
  func cancel(token: UInt64) {
    guard let entry = running.removeValue(forKey: token) else { return }
    unsafe ccurl_release(multi, entry.transfer)
    unsafe entry.body.deallocate()
  }

  @unsafe
  private func result(of transfer: OpaquePointer) -> Result {
    let code: String
    switch unsafe ccurl_transfer_outcome(transfer) {
    case CCURL_OK: return .response(unsafe response(of: transfer))
    // An endpoint that refuses may close before it has read everything: its refusal counts.
    case CCURL_RESET where unsafe ccurl_status(transfer) >= 400:
      return .response(unsafe response(of: transfer))
    case CCURL_CONNECT_FAILED: code = "HttpEndpoint.ConnectionFailed"
    case CCURL_RESET: code = "HttpEndpoint.ConnectionReset"
    case CCURL_TLS: code = "HttpEndpoint.SSLHandshakeFailure"
    case CCURL_TIMEOUT: code = "HttpEndpoint.RequestTimeout"
    case CCURL_TOO_LARGE: code = "HttpEndpoint.ResponseTooLarge"
    default: code = "HttpEndpoint.DestinationException"
    }
    return .failed(code: code, reason: unsafe String(cString: ccurl_reason(transfer)))
  }

  /// What has arrived of an answer.
  @unsafe
  private func response(of transfer: OpaquePointer) -> ResponseJudge.Response {
    var count = 0
    let bytes = unsafe ccurl_body(transfer, &count)
    let body = unsafe Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
    let lines = unsafe ccurl_headers(transfer, &count)
    let head = unsafe Array(UnsafeBufferPointer(start: lines, count: lines == nil ? 0 : count))
    return ResponseJudge.Response(
      status: Int(unsafe ccurl_status(transfer)),
      headers: Self.headers(head),
      body: body
    )
  }

  /// The last block of header lines: an answer may have informational ones before it.
  private static func headers(_ bytes: [UInt8]) -> [(name: String, value: String)] {
    var found: [(name: String, value: String)] = []
    for line in bytes.split(separator: 0x0A) {
      let text = String(repairing: Array(line).span).filter { $0 != "\r" && $0 != "\r\n" }
      if text.hasPrefix("HTTP/") { found.removeAll() }
      guard let colon = text.firstIndex(of: ":") else { continue }
      let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      found.append((String(text[..<colon]), String(value)))
    }
    return found
  }
}
