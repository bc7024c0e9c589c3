internal import LogModel
internal import Platform
internal import Store

/// Where a reader of the store stands: behind which event of every log group.
///
/// Counts events in the order in which they were stored, not by their times: what comes late is
/// still behind the cursor. As text it is one word, which others should not look into.
struct StoreCursor: Equatable, CustomStringConvertible {
  /// The store's own id: sequences mean nothing in another.
  let store: String
  /// The next sequence of every group, by the group's number.
  private(set) var next: [UInt32: UInt64]

  private static let version = "c1"
  private static let groupsMax = 100_000
  static let bytesMax = 4_194_304

  init(store: String, next: [UInt32: UInt64] = [:]) {
    self.store = store
    self.next = next
  }

  /// Nil when the text is no cursor.
  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == Self.version, !parts[1].isEmpty else { return nil }
    store = String(parts[1])
    next = [:]
    let pairs = parts[2].split(separator: ",")
    guard pairs.count <= Self.groupsMax else { return nil }
    for pair in pairs {
      let numbers = pair.split(separator: "=", omittingEmptySubsequences: false)
      guard numbers.count == 2, let group = UInt32(numbers[0]), let sequence = UInt64(numbers[1]),
        next.updateValue(sequence, forKey: group) == nil
      else { return nil }
    }
  }

  var description: String {
    let pairs = next.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "\(Self.version):\(store):\(pairs.joined(separator: ","))"
  }

  /// The same, but behind what was read of some groups; the others stay where they are.
  func moved(to read: [UInt32: UInt64]) -> StoreCursor {
    var moved = self
    for (group, sequence) in read { moved.next[group] = max(next[group] ?? 0, sequence) }
    return moved
  }

  /// The first group that holds less than the cursor says was read from it.
  func groupAhead(of groups: [GroupInfo]) -> GroupInfo? {
    groups.first { (next[$0.id] ?? 0) > $0.nextSequence }
  }
}

/// The cursor of one run: read at its beginning, moved and kept at its end.
struct CursorKeeper {
  private let options: CursorOptions
  /// Where the last run ended; nil on the first.
  private(set) var start: StoreCursor?
  private var current: StoreCursor

  init(_ options: CursorOptions, store: String) throws(CommandFailure) {
    self.options = options
    if let text = options.after {
      start = try Self.parse(text, store: store, of: "--after-cursor")
    } else if let path = options.file, let text = try Self.read(path) {
      start = try Self.parse(text, store: store, of: path)
    }
    current = start ?? StoreCursor(store: store)
  }

  /// Everything before these sequences was given, by group.
  mutating func move(to read: [UInt32: UInt64]) { current = current.moved(to: read) }

  /// Replaces the file, if there is one: call it when what was given has left the process.
  func keep() throws(CommandFailure) {
    guard let path = options.file else { return }
    do throws(SyscallError) {
      try FileSystem.replace(path, with: Array("\(current)\n".utf8).span)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Prints the cursor, if that was asked for.
  func show() {
    if options.show { StandardError.write("cursor: \(current)\n") }
  }

  /// Nil when there is no file yet.
  private static func read(_ path: String) throws(CommandFailure) -> String? {
    do throws(SyscallError) {
      let bytes = try FileSystem.read(path, atMost: StoreCursor.bytesMax)
      var text = String(repairing: bytes.span)
      while text.last == "\n" || text.last == " " { text.removeLast() }
      // An empty file is what `mktemp` leaves.
      return text.isEmpty ? nil : text
    } catch {
      if error.isNotFound { return nil }
      throw CommandFailure(error)
    }
  }

  private static func parse(
    _ text: String,
    store: String,
    of place: String
  ) throws(CommandFailure) -> StoreCursor {
    guard let cursor = StoreCursor(text) else {
      throw CommandFailure(
        "\(place) holds no cursor",
        help: "a cursor comes from --show-cursor or --cursor-file",
        status: CommandFailure.Status.data
      )
    }
    guard cursor.store == store else {
      throw CommandFailure(
        "the cursor of \(place) belongs to another store",
        help: "remove it to begin anew",
        status: CommandFailure.Status.data
      )
    }
    return cursor
  }
}
