internal import Collect
internal import LogModel
internal import Platform

/// Diagnostics as one JSON object.
enum DiagnosticJSON {
  static func render(_ diagnostics: [Diagnostic], effective: [EffectiveMapping] = []) -> String {
    let errors = diagnostics.count { $0.severity == .error }
    var fields = [
      "\"errors\":\(errors)", "\"warnings\":\(diagnostics.count - errors)",
      "\"diagnostics\":[\(diagnostics.map(object).joined(separator: ","))]",
    ]
    if !effective.isEmpty {
      fields.append("\"effective\":[\(effective.map(object).joined(separator: ","))]")
    }
    return "{" + fields.joined(separator: ",") + "}\n"
  }

  private static func object(_ diagnostic: Diagnostic) -> String {
    var fields = [
      "\"file\":\(JSONText.quoted(diagnostic.file))",
      "\"severity\":\"\(diagnostic.severity.rawValue)\"",
      "\"message\":\(JSONText.quoted(diagnostic.message))",
    ]
    if let help = diagnostic.help { fields.append("\"help\":\(JSONText.quoted(help))") }
    if diagnostic.range.line > 0 {
      let range = diagnostic.range
      fields.append("\"line\":\(range.line),\"column\":\(range.column)")
      fields.append("\"endLine\":\(range.endLine),\"endColumn\":\(range.endColumn)")
    }
    return "{" + fields.joined(separator: ",") + "}"
  }

  private static func object(_ mapping: EffectiveMapping) -> String {
    let lines = mapping.lines.map { line in
      let names = line.containers.map(JSONText.quoted).joined(separator: ",")
      var fields = [
        "\"resource\":\(JSONText.quoted(line.name))", "\"type\":\(JSONText.quoted(line.type))",
        "\"logGroup\":\(JSONText.quoted(line.group))", "\"containers\":[\(names)]",
        "\"retention\":\(JSONText.quoted(line.retention))",
        "\"forwarding\":\(JSONText.quoted(line.forwarding))",
      ]
      if let detail = line.detail { fields.append("\"detail\":\(JSONText.quoted(detail))") }
      return "{" + fields.joined(separator: ",") + "}"
    }
    let strays = mapping.strays.map { stray in
      "{\"container\":\(JSONText.quoted(stray.container)),"
        + "\"logGroup\":\(JSONText.quoted(stray.group)),"
        + "\"retention\":\(JSONText.quoted(stray.retention)),"
        + "\"fits\":[\(stray.rivals.map(JSONText.quoted).joined(separator: ","))]}"
    }
    var fields = [
      "\"title\":\(JSONText.quoted(mapping.title))",
      "\"resources\":[\(lines.joined(separator: ","))]",
      "\"others\":[\(strays.joined(separator: ","))]",
    ]
    if let blindness = mapping.blindness {
      fields.append("\"containersUnknown\":\(JSONText.quoted(blindness))")
    }
    return "{" + fields.joined(separator: ",") + "}"
  }
}

/// Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines.
enum DiagnosticGitHub {
  static func render(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map { diagnostic in
      var properties = ["file=\(property(diagnostic.file))"]
      if diagnostic.range.line > 0 {
        properties.append("line=\(diagnostic.range.line),endLine=\(diagnostic.range.endLine)")
        properties.append("col=\(diagnostic.range.column),endColumn=\(diagnostic.range.endColumn)")
      }
      let help = diagnostic.help.map { "\nhelp: \($0)" } ?? ""
      let text = data(diagnostic.message + help)
      return "::\(diagnostic.severity.rawValue) \(properties.joined(separator: ","))::\(text)\n"
    }.joined()
  }

  private static func data(_ text: String) -> String {
    text.replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
  }

  private static func property(_ text: String) -> String {
    data(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }
}

/// Diagnostics as SARIF 2.1.0, which code scanners collect.
enum DiagnosticSARIF {
  private static let schema = "https://json.schemastore.org/sarif-2.1.0.json"
  private static let rule = "configuration"

  static func render(_ diagnostics: [Diagnostic]) -> String {
    let driver = """
      {"name":"logagent","version":"\(Version.number)","rules":[{"id":"\(rule)",\
      "shortDescription":{"text":"The configuration must be one that logagent can use."}}]}
      """
    let results = diagnostics.map(result).joined(separator: ",")
    return """
      {"$schema":"\(schema)","version":"2.1.0","runs":[{"tool":{"driver":\(driver)},\
      "columnKind":"unicodeCodePoints","results":[\(results)]}]}

      """
  }

  private static func result(_ diagnostic: Diagnostic) -> String {
    let help = diagnostic.help.map { "\nhelp: \($0)" } ?? ""
    let uri = JSONText.quoted(address(diagnostic.file))
    var place = "\"artifactLocation\":{\"uri\":\(uri)}"
    if diagnostic.range.line > 0 {
      let range = diagnostic.range
      place += ",\"region\":{\"startLine\":\(range.line),\"startColumn\":\(range.column),"
      place += "\"endLine\":\(max(range.line, range.endLine)),"
      place += "\"endColumn\":\(max(1, range.endColumn))}"
    }
    return """
      {"ruleId":"\(rule)","ruleIndex":0,"level":"\(diagnostic.severity.rawValue)",\
      "message":{"text":\(JSONText.quoted(diagnostic.message + help))},\
      "locations":[{"physicalLocation":{\(place)}}]}
      """
  }

  /// A relative path stays one; everything that an address cannot hold is percent-encoded.
  private static func address(_ path: String) -> String {
    var text = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x2F, 0x5F, 0x7E:
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return text
  }
}
