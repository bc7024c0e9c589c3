internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Store

struct GroupsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "groups",
    abstract: "Lists the log groups: size, events, retention, and the time they cover.",
    aliases: ["resources"]
  )

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    let (reader, configuration) = try location.reader(stack.choices)
    var usage: [GroupUsage]
    do throws(StoreError) {
      usage = try reader.usage().filter { $0.events > 0 }
    } catch {
      throw CommandFailure(error)
    }
    // Everything, unless a stack was asked for.
    if stack.choices.namesStack, let wanted = configuration.stack.map(ResourceName.component) {
      usage.removeAll { GroupParts($0.info.group.name)?.stack != wanted }
    }
    if json {
      for group in usage { StandardError.writeData(Self.json(group) + "\n") }
      return
    }
    guard !usage.isEmpty else {
      StandardError.write("no log groups yet\n")
      return
    }
    var table = TextTable(["GROUP", "EVENTS", "RAW", "ON DISK", "DAYS", "OLDEST", "NEWEST"])
    for group in usage {
      table.add([
        group.info.group.name, String(group.events), ByteCount.text(group.rawBytes),
        ByteCount.text(group.storedBytes), group.info.retention?.configured ?? "-",
        group.oldest.map { Calendar.formatRFC3339($0, decimals: 0) } ?? "-",
        group.newest.map { Calendar.formatRFC3339($0, decimals: 0) } ?? "-",
      ])
    }
    StandardError.writeData(table.text)
  }

  private static func json(_ usage: GroupUsage) -> String {
    var fields = [
      "\"logGroup\":\(JSONText.quoted(usage.info.group.name))", "\"events\":\(usage.events)",
      "\"rawBytes\":\(usage.rawBytes)", "\"storedBytes\":\(usage.storedBytes)",
      "\"segments\":\(usage.segments)",
    ]
    if let period = usage.info.retention { fields.append("\"retentionDays\":\(period.json)") }
    if let oldest = usage.oldest { fields.append("\"oldest\":\(oldest.milliseconds)") }
    if let newest = usage.newest { fields.append("\"newest\":\(newest.milliseconds)") }
    return "{" + fields.joined(separator: ",") + "}"
  }
}

struct StreamsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "streams",
    abstract: "Lists the log streams of a resource: containers and runs, newest last."
  )

  @Argument(help: "A resource, `resource/container`, or a full log group name.")
  var resource: String

  @OptionGroup var stack: StackOptions
  @OptionGroup var location: StoreLocation

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    let (reader, configuration) = try location.reader(stack.choices)
    let all: [GroupInfo]
    do throws(StoreError) { all = try reader.groups() } catch { throw CommandFailure(error) }
    let names: [LogGroup]
    do throws(GroupSearch.NotFound) {
      names = try GroupSearch(all.map(\.group), configuration, stack.choices).find(resource)
    } catch {
      throw CommandFailure(
        error.description,
        help: "`logagent groups` lists what there is",
        status: CommandFailure.Status.noInput
      )
    }
    var table = TextTable(["STREAM", "EVENTS", "FIRST", "LAST"])
    for group in all where names.contains(group.group) {
      let streams: [StreamInfo]
      do throws(StoreError) {
        streams = try reader.streams(of: group.id)
      } catch {
        throw CommandFailure(error)
      }
      for stream in streams {
        if json { StandardError.writeData(Self.json(group.group, stream) + "\n") }
        table.add([
          stream.name.name, String(stream.events),
          Calendar.formatRFC3339(stream.first, decimals: 0),
          Calendar.formatRFC3339(stream.last, decimals: 0),
        ])
      }
    }
    if !json { StandardError.writeData(table.text) }
  }

  private static func json(_ group: LogGroup, _ stream: StreamInfo) -> String {
    "{\"logGroup\":\(JSONText.quoted(group.name)),"
      + "\"logStream\":\(JSONText.quoted(stream.name.name)),"
      + "\"events\":\(stream.events),\"first\":\(stream.first.milliseconds),"
      + "\"last\":\(stream.last.milliseconds)}"
  }
}
