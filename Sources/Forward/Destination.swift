internal import LogModel

/// A value that no output may show; only the request's header ever holds it.
package struct Credential: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  private let bytes: [UInt8]

  package init(_ text: String) { bytes = Array(text.utf8) }

  func reveal() -> String { String(decoding: bytes, as: UTF8.self) }

  package var description: String { "***" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where a log group's events go: the Firehose HTTP protocol, of which the three types of
/// `logForwarding` are presets.
///
/// They differ in data, not in behaviour.
package struct Destination: Sendable, Equatable {
  /// The types of `logForwarding`.
  package enum Kind: String, Sendable, CaseIterable {
    case httpEndpoint = "http-endpoint"
    case highlight
    case datadog
  }

  package var kind: Kind
  /// Used as it is, path and query included.
  package var endpointURL: String
  /// Sent as X-Amz-Firehose-Access-Key; may change between attempts of one request.
  package var accessKey: Credential?
  /// Sent as X-Amz-Firehose-Common-Attributes, in this order.
  package var attributes: [(name: String, value: Credential)]
  package var gzip: Bool
  /// Raw message bytes that make a request, and how long fewer may wait.
  package var flushBytes: Int
  package var flushSeconds: Int
  /// 0 to 7,200; counts from the first failure, without the time spent waiting for responses.
  package var retryDurationSeconds: Int
  package var allowsPlaintext: Bool
  /// Why nothing may be sent, such as a secret that is missing; events wait in the store.
  package var pausedReason: String?

  /// Firehose's buffers: 1 MiB, for Datadog 4 MiB.
  package init(
    kind: Kind,
    endpointURL: String,
    accessKey: Credential? = nil,
    attributes: [(name: String, value: Credential)] = [],
    gzip: Bool,
    retryDurationSeconds: Int,
    flushSeconds: Int = 5,
    allowsPlaintext: Bool = false,
    pausedReason: String? = nil
  ) {
    self.kind = kind
    self.endpointURL = endpointURL
    self.accessKey = accessKey
    self.attributes = attributes
    self.gzip = gzip
    self.retryDurationSeconds = retryDurationSeconds
    self.flushSeconds = flushSeconds
    self.allowsPlaintext = allowsPlaintext
    self.pausedReason = pausedReason
    flushBytes = kind == .datadog ? 4_194_304 : 1_048_576
  }

  /// Names the lane within its log group; a changed URL is still the same destination.
  package var id: String { kind.rawValue }

  package static func == (left: Destination, right: Destination) -> Bool {
    left.kind == right.kind && left.endpointURL == right.endpointURL
      && left.accessKey == right.accessKey && left.gzip == right.gzip
      && left.attributes.count == right.attributes.count
      && zip(left.attributes, right.attributes).allSatisfy {
        $0.name == $1.name && $0.value == $1.value
      }
      && left.flushSeconds == right.flushSeconds
      && left.retryDurationSeconds == right.retryDurationSeconds
      && left.allowsPlaintext == right.allowsPlaintext && left.pausedReason == right.pausedReason
  }
}

/// The protocol's bounds (AWS's specification of HTTP endpoint delivery, and Datadog's intake).
enum DeliveryLimits {
  /// Records in a request.
  static let recordsMax = 10_000
  /// Log streams in a request: each takes a record, and long ones take more.
  static let streamsMax = 9_000
  /// A place in the store that cannot be read is tried once a second this often, then counted as
  /// damaged: a disk may come back, but one bad sector must not hold a lane for ever.
  static let readFailuresMax = 30
  /// Bytes of one record, as they are before base64.
  static let recordBytesMax = 1_024_000
  /// JSON put into one record: incompressible text of this size still fits.
  static let recordTextBytesMax = 960_000
  /// Events in a request; Datadog drops what is above 65,536.
  static let eventsMax = 60_000
  static let responseBytesMax = 1_048_576
  static let responseHeaderBytesMax = 65_536
  static let responseTimeoutMilliseconds = 180_000
  static let connectTimeoutMilliseconds = 10_000
  static let errorMessageCharactersMax = 8_192
  /// Bytes of an answer that the operator sees, in a notice and in `status`.
  static let bodyExcerptBytesMax = 200
  /// Requests that are built at one time, over all lanes: about 1.5 MB each.
  static let requestsInFlightMax = 32
  /// The same for one endpoint.
  static let requestsPerEndpointMax = 8
  /// Longest wait that a Retry-After may ask for, in nanoseconds.
  static let retryAfterMax: Int64 = 3_600_000_000_000
}
