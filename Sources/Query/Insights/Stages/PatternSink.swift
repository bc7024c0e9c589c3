internal import LogModel
internal import Platform

/// `pattern`: clusters texts into templates.
///
/// In a first step the words of a text that hold a digit become variable; what is left is its
/// template, and templates are counted. At the end templates of the same shape that differ in few
/// words are joined, the most frequent first; the words in which they differ become variable too.
/// The outcome does not depend on the order of texts, unless there are more templates than
/// `QueryLimits.templatesMax`: then the rare ones are joined early.
final class PatternSink: RowSink {
  private let text: ValueNode
  private var templates: [[UInt8]: Template] = [:]
  private var total: Int64 = 0
  private var buffer: [UInt8] = []

  struct Template: Sendable {
    var count: Int64 = 0
    var first = Int64.max
    var last = Int64.min
    var sample: [UInt8] = []
    var position: EventPosition
  }

  init(_ text: ValueNode) { self.text = text }

  override func add(_ row: InsightsRow, _ message: Span<UInt8>) {
    let position = row.position
    let value = text.evaluate(row, message)
    _ = value.withText(message) { text in
      total += 1
      PatternTemplate.write(text, to: &buffer)
      if var known = templates[buffer] {
        known.count += 1
        known.first = min(known.first, position.timestamp)
        known.last = max(known.last, position.timestamp)
        if known.position < position {
          known.position = position
          known.sample = PatternTemplate.sample(text)
        }
        templates[buffer] = known
      } else {
        templates[buffer] = Template(
          count: 1,
          first: position.timestamp,
          last: position.timestamp,
          sample: PatternTemplate.sample(text),
          position: position
        )
        if templates.count > QueryLimits.templatesMax { templates = Self.joined(templates) }
      }
    }
  }

  override func merge(_ other: RowSink) {
    guard let other = other as? PatternSink else { return }
    total += other.total
    for (text, template) in other.templates { Self.add(template, text, to: &templates) }
    if templates.count > QueryLimits.templatesMax { templates = Self.joined(templates) }
  }

  private static func add(
    _ template: Template,
    _ text: [UInt8],
    to templates: inout [[UInt8]: Template]
  ) {
    guard var known = templates[text] else {
      templates[text] = template
      return
    }
    known.count += template.count
    known.first = min(known.first, template.first)
    known.last = max(known.last, template.last)
    if known.position < template.position {
      known.position = template.position
      known.sample = template.sample
    }
    templates[text] = known
  }

  /// Joins similar templates, from the most frequent on.
  private static func joined(_ templates: [[UInt8]: Template]) -> [[UInt8]: Template] {
    let sorted = templates.sorted { left, right in
      left.value.count != right.value.count
        ? left.value.count > right.value.count
        : left.key.lexicographicallyPrecedes(right.key)
    }
    var shapes: [[UInt8]: [PatternTemplate.Cluster]] = [:]
    for (text, template) in sorted {
      let words = PatternTemplate.words(text)
      var clusters = shapes[words.shape] ?? []
      if let fit = PatternTemplate.bestFit(words.texts, among: clusters) {
        clusters[fit].take(words.texts, template)
      } else {
        clusters.append(PatternTemplate.Cluster(words.texts, template))
      }
      shapes[words.shape] = clusters
    }
    var result: [[UInt8]: Template] = [:]
    for (shape, clusters) in shapes {
      for cluster in clusters { add(cluster.template, cluster.text(shape), to: &result) }
    }
    return result
  }

  /// `@pattern @sampleCount @ratio @severityLabel`, then the columns for machines.
  override func finish() -> [KeptRow] {
    let clusters = Self.joined(templates).sorted { left, right in
      left.value.count != right.value.count
        ? left.value.count > right.value.count
        : left.key.lexicographicallyPrecedes(right.key)
    }
    return clusters.map { text, template in
      let pattern = PatternTemplate.shown(text)
      let level = LogLevel.detect(text.span)?.name.uppercased() ?? "NONE"
      return KeptRow(
        order: [],
        position: EventPosition(EventFacts()),
        slots: [
          .text(pattern.text), .integer(template.count),
          InsightsValue(calculated: Double(template.count) / Double(max(1, total))),
          InsightsValue(level), .json(pattern.tokens), .json(Self.times(template)),
          .json(Self.samples(template)),
        ]
      )
    }
  }

  private static func times(_ template: Template) -> [UInt8] {
    var json = Array("{\"first\":".utf8)
    JSONWriter.appendInteger(milliseconds(template.first), to: &json)
    json.append(utf8: ",\"last\":")
    JSONWriter.appendInteger(milliseconds(template.last), to: &json)
    json.append(0x7D)
    return json
  }

  private static func samples(_ template: Template) -> [UInt8] {
    var json = Array("[{\"timestamp\":".utf8)
    JSONWriter.appendInteger(milliseconds(template.position.timestamp), to: &json)
    json.append(utf8: ",\"message\":")
    JSONWriter.appendString(template.sample.span, to: &json)
    json.append(utf8: "}]")
    return json
  }

  private static func milliseconds(_ time: Int64) -> Int64 {
    Timestamp(nanoseconds: time).milliseconds
  }
}

/// Texts with variable words.
enum PatternTemplate {
  /// Stands for a variable word; no text of a log holds it, and one that does is only joined more.
  static let variable: UInt8 = 0x01

  /// Writes the template of a text: words with a digit become variable.
  static func write(_ text: Span<UInt8>, to template: inout [UInt8]) {
    template.removeAll(keepingCapacity: true)
    let count = min(text.count, QueryLimits.templateBytesMax)
    var at = 0
    while at < count {
      let start = at
      var hasDigit = false
      while at < count, isWord(text[at]) {
        if text[at] &- 0x30 < 10 { hasDigit = true }
        at += 1
      }
      if at > start {
        if hasDigit {
          // Neighbours that are variable with only `.`, `:` or `-` between are one.
          if template.count >= 2, template[template.count - 2] == variable,
            isJoint(template[template.count - 1])
          {
            template.removeLast()
          } else {
            template.append(variable)
          }
        } else {
          template.append(copying: text.extracting(start..<at))
        }
      }
      if at < count, !isWord(text[at]) {
        template.append(text[at])
        at += 1
      }
    }
  }

  static func sample(_ text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(copying: text.extracting(0..<min(text.count, QueryLimits.templateBytesMax)))
    return bytes
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x5F || byte >= 0x80
      || byte == variable
  }

  private static func isJoint(_ byte: UInt8) -> Bool {
    byte == 0x2E || byte == 0x3A || byte == 0x2D || byte == 0x2F
  }

  /// The words of a template, and what stands between them with a mark for each word.
  static func words(_ template: [UInt8]) -> (shape: [UInt8], texts: [[UInt8]]) {
    var shape: [UInt8] = []
    var texts: [[UInt8]] = []
    var at = 0
    while at < template.count {
      let start = at
      while at < template.count, isWord(template[at]) { at += 1 }
      if at > start {
        texts.append(Array(template[start..<at]))
        shape.append(variable)
      } else {
        shape.append(template[at])
        at += 1
      }
    }
    return (shape, texts)
  }

  /// Templates that were joined.
  struct Cluster {
    var words: [[UInt8]]
    var template: PatternSink.Template

    init(_ words: [[UInt8]], _ template: PatternSink.Template) {
      self.words = words
      self.template = template
    }

    mutating func take(_ other: [[UInt8]], _ added: PatternSink.Template) {
      for index in words.indices where words[index] != other[index] {
        words[index] = [variable]
      }
      template.count += added.count
      template.first = min(template.first, added.first)
      template.last = max(template.last, added.last)
      if template.position < added.position {
        template.position = added.position
        template.sample = added.sample
      }
    }

    func text(_ shape: [UInt8]) -> [UInt8] {
      var text: [UInt8] = []
      var next = 0
      for byte in shape {
        if byte == variable {
          text += words[next]
          next += 1
        } else {
          text.append(byte)
        }
      }
      return text
    }
  }

  /// The cluster that shares most words, if it shares at least 70 %.
  static func bestFit(_ words: [[UInt8]], among clusters: [Cluster]) -> Int? {
    var best: (index: Int, same: Int)?
    for (index, cluster) in clusters.enumerated().prefix(comparedMax) {
      var same = 0
      for at in words.indices where words[at] == cluster.words[at] { same += 1 }
      if same > best?.same ?? -1 { best = (index, same) }
    }
    guard let best, best.same * 10 >= words.count * 7 else { return nil }
    return best.index
  }

  /// Clusters of one shape that are looked at, so that joining stays linear.
  private static let comparedMax = 200

  /// The template for people, its variable words numbered, and their names as JSON.
  static func shown(_ template: [UInt8]) -> (text: [UInt8], tokens: [UInt8]) {
    var text: [UInt8] = []
    var tokens: [UInt8] = [0x5B]
    var count = 0
    for byte in template {
      guard byte == variable else {
        text.append(byte)
        continue
      }
      count += 1
      let name = "<Token-\(count)>"
      text.append(utf8: name)
      if count > 1 { tokens.append(0x2C) }
      JSONWriter.appendString(name, to: &tokens)
    }
    tokens.append(0x5D)
    return (text, tokens)
  }
}
