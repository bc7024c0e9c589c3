internal import ArgumentParser
internal import LogModel
internal import Platform

/// How the answer looks.
struct ViewOptions: ParsableArguments {
  @Option(
    name: [
      .customLong("outputFormat"), .customLong("ofmt"), .customLong("ofmt", withSingleDash: true),
      .customLong("output"), .customShort("o"),
    ],
    help: """
      tty, plain, jsonl, raw, json, csv, logfmt, table or template=TEXT with {@message}, {user.id} \
      and the like (default: tty on a terminal, else plain).
      """,
    completion: .list(EventFormat.names.map(\.name) + ["template="]),
    transform: Self.format
  )
  var outputFormat: EventFormat?

  @Option(
    help: "Fields in place of the message: members of a JSON message, @level, @resource, ….",
    completion: .custom(LiveCompletion.fields),
    transform: Self.fields
  )
  var fields: FieldList?

  @Option(
    name: [.customLong("highlight"), .customShort("H")],
    parsing: .unconditionalSingleValue,
    help: "A regular expression to show in colour; repeatable. It hides nothing."
  )
  var highlight: [String] = []

  @Flag(
    inversion: .prefixedNo,
    help: "The resource in front of every line (default: with several)."
  )
  var prefix: Bool?

  @Option(
    name: [.customLong("timestamps"), .customShort("t")],
    help: "short (time of day), iso, unix (milliseconds), relative, delta or none."
  )
  var timestamps: TimestampStyle?

  @Flag(help: "Times in UTC, also those that are typed.")
  var utc = false

  @Option(
    name: [.customLong("timezone"), .customShort("z")],
    help: "A zone for times, also those that are typed: Europe/Berlin, +02:00.",
    transform: Self.zone
  )
  var timezone: NamedZone?

  @Option(help: "auto, always or never.")
  var color = ColourChoice.auto

  @Flag(name: .customLong("no-color"), help: "The same as --color never.")
  var noColor = false

  @Flag(
    inversion: .prefixedNo,
    help: "Long output through $LOGAGENT_PAGER, $PAGER or less (default: on a terminal)."
  )
  var pager: Bool?

  @Flag(help: "No hints and no progress on standard error.")
  var quiet = false

  func validate() throws {
    if utc, timezone != nil { throw ValidationError("--utc and --timezone exclude each other") }
  }

  /// Seconds east of UTC; the machine's own zone where none was asked for.
  var offset: (Int64) -> Int64 {
    if utc { return { _ in 0 } }
    if let zone = timezone?.zone { return { zone.offsetSeconds(atEpochSecond: $0) } }
    return { LocalTime.offsetSeconds(atEpochSecond: $0) }
  }

  private static func format(_ text: String) throws -> EventFormat {
    if let known = EventFormat.names.first(where: { $0.name == text }) { return known.format }
    let sign = "template="
    guard text.hasPrefix(sign) else {
      throw ValidationError(
        "an output format is one of \(EventFormat.names.map(\.name).joined(separator: ", ")), "
          + "template=TEXT"
      )
    }
    do throws(EventTemplate.Malformed) {
      return .template(try EventTemplate(String(text.dropFirst(sign.count))))
    } catch {
      throw ValidationError("the template is wrong: \(error.reason)")
    }
  }

  private static func fields(_ text: String) throws -> FieldList {
    var fields: [EventField] = []
    for name in text.split(separator: ",") {
      do throws(EventTemplate.Malformed) {
        fields.append(try EventField(String(name)))
      } catch {
        throw ValidationError(error.reason)
      }
    }
    guard !fields.isEmpty else { throw ValidationError("--fields names no field") }
    return FieldList(fields: fields)
  }

  private static func zone(_ text: String) throws -> NamedZone {
    guard let zone = ZoneInfo(named: text) else {
      throw ValidationError("there is no time zone `\(text)`; write Europe/Berlin, UTC or +02:00")
    }
    return NamedZone(zone: zone)
  }
}

/// The fields of `--fields`, in order.
struct FieldList { let fields: [EventField] }

/// The zone of `--timezone`.
struct NamedZone { let zone: ZoneInfo }

extension TimestampStyle: ExpressibleByArgument {}
extension ColourChoice: ExpressibleByArgument {}
