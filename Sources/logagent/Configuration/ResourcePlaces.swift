internal import LogModel
internal import Platform

/// Where the files speak of each resource, for problems that are found only when all are read.
struct ResourcePlaces: Sendable, Equatable {
  struct Place: Sendable, Equatable {
    var file: String
    var range: SourceRange

    var words: String { "\(file):\(range.start)" }
  }

  /// Rules of `match`, in the order of the file.
  struct Rule: Sendable, Equatable {
    var resource: String
    var rule: MatchRule
    var range: SourceRange
  }

  /// In logagent.yml, by simplified names.
  var own: [String: Place] = [:]
  /// In the stacktape.yml files, by stack and simplified name.
  var stacktape: [String: Place] = [:]

  /// Where a resource is to be mended: logagent.yml, when that speaks of it too.
  func place(of resource: ResourceMatcher.Reference) -> Place? {
    let name = ResourceName.simplified(resource.name)
    return own[name] ?? stacktape["\(resource.stack ?? "")/\(name)"]
  }

  /// Rules of two resources of which one fits whatever the other fits.
  ///
  /// Such containers go to the resource that stands first; that is reported here and counted when
  /// it happens, but is no reason to collect nothing.
  static func overlaps(_ rules: [Rule], file: String) -> [Diagnostic] {
    var found: [Diagnostic] = []
    for (index, second) in rules.prefix(Limits.matchRulesCompared).enumerated() {
      let first = rules[..<index].first { first in
        first.resource != second.resource
          && (first.rule.covers(second.rule) || second.rule.covers(first.rule))
      }
      guard let first else { continue }
      found.append(
        Diagnostic(
          .error,
          file: file,
          at: second.range.firstLine,
          "this rule of `\(second.resource)` and one of `\(first.resource)` fit the same "
            + "containers",
          help: "the other rule is at \(first.range.start) and would have them; make one narrower"
        )
      )
    }
    return found
  }
}

extension ResourceMatcher.Resolution {
  /// The error for a container that two resources fit equally well.
  func ambiguity(of container: String, _ places: ResourcePlaces, file: String) -> Diagnostic? {
    guard let first = reference, let second = rival else { return nil }
    let other = places.place(of: first).map { " (\($0.words))" } ?? ""
    let place = places.place(of: second)
    var diagnostic = Diagnostic(
      .error,
      file: place?.file ?? file,
      at: place?.range ?? .wholeFile,
      "the container `\(container)` fits `\(second.name)` and, as well, `\(first.name)`\(other)",
      help: "`\(first.name)` stands first and has it; narrow `match`, or label the container "
        + "with \(ResourceMatcher.Label.resource)"
    )
    // Silence is right: without its lines the diagnostic still has its place.
    if let place,
      let bytes = try? FileSystem.read(place.file, atMost: Limits.configurationBytesMax)
    {
      var source = SourceText(bytes, masksByWords: true)
      diagnostic.excerpt = source.excerpt(of: place.range)
    }
    return diagnostic
  }
}
