/// Finds the name that was probably meant.
package enum NearestName {
  /// The candidate at the smallest edit distance of at most 3 (and less than half of a short name),
  /// or one that the name begins or that begins with it; nil when nothing is near.
  package static func find(_ name: String, among candidates: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(128))
    guard wanted.count > 0 else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let other = Array(candidate.lowercased().utf8.prefix(128))
      let distance = distance(wanted, other)
      let allowed = min(3, max(wanted.count, other.count) / 2)
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    if let best { return best.name }
    guard wanted.count >= 3 else { return nil }
    return candidates.first { candidate in
      let other = Array(candidate.lowercased().utf8)
      return other.starts(with: wanted) || other.count >= 3 && wanted.starts(with: other)
    }
  }

  /// Edit distance with transpositions of neighbours counted as one.
  package static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      current.reserveCapacity(right.count + 1)
      for column in right.indices {
        let substitution = last[column] + (left[row] == right[column] ? 0 : 1)
        var best = min(last[column + 1] + 1, current[column] + 1, substitution)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
