internal import LogModel
internal import Query

/// From when until when, as two flags say it; both ends are included.
struct TypedTimeRange: Equatable {
  let from: Timestamp
  let through: Timestamp

  /// A start that is a span, such as `5m`, counts back from the end; nil is as open as time is.
  ///
  /// Refused is a range that nothing can lie in.
  init(
    since: String?,
    until: String?,
    now: Timestamp,
    offset: @escaping (Int64) -> Int64
  ) throws(QueryDiagnostic) {
    var end = now
    var through = Timestamp.distantFuture
    if let until {
      end = try TimeExpression.parse(until, now: now, offset: offset)
      through = end
      // CloudWatch counts in milliseconds and includes the last one.
      if through.nanoseconds % 1_000_000 == 0 { through = through.adding(nanoseconds: 999_999) }
    }
    self.through = through
    guard let since else {
      from = .distantPast
      return
    }
    from = try TimeExpression.parse(since, now: now, anchor: end, offset: offset)
    if from > through {
      throw QueryDiagnostic(
        "the time range is empty: it ends before it starts",
        in: since,
        at: 0..<since.utf8.count,
        hint: "--startTime must not be after --endTime"
      )
    }
  }
}
