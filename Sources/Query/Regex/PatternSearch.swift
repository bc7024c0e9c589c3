internal import CPCRE2
internal import Platform

/// Searches with one regular expression; keeps what PCRE2 needs between calls.
///
/// Used by one thread. A search in an event costs about 13 ns besides the matching itself, which
/// is why events are searched one by one: over a whole block as it lies it is no faster (kafka,
/// `[0-9]+ms$`: 1.25 against 1.13 GB/s; `error|timeout|refused`: 0.97 against 1.08), and each of
/// `^`, `$`, `\A`, `\s` and `[^x]` would need care at the ends of events.
@safe
package final class PatternSearch {
  private let pattern: BytePattern
  private var others: [PatternCode.Form: PatternCode] = [:]
  private let data: OpaquePointer
  private let context: OpaquePointer
  private let stack: OpaquePointer
  private let watch: UnsafeMutablePointer<MatchWatch>
  private var steps: UInt32 = 0
  private var pairs = 0

  package init(_ pattern: BytePattern) {
    self.pattern = pattern
    guard let context = unsafe pcre2_match_context_create_8(nil),
      let stack = unsafe pcre2_jit_stack_create_8(
        PatternLimits.stackBytesMin,
        PatternLimits.stackBytesMax,
        nil
      )
    else { preconditionFailure("out of memory") }
    // Safety: all four live until deinit, which frees each once; only this object uses them.
    unsafe self.context = context
    unsafe self.stack = stack
    unsafe data = pattern.code.makeMatchData()
    unsafe watch = .allocate(capacity: 1)
    unsafe watch.initialize(to: MatchWatch())
    unsafe pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    unsafe pcre2_set_heap_limit_8(context, PatternLimits.heapKiBMax)
    unsafe pcre2_set_callout_8(context, watchCallout, UnsafeMutableRawPointer(watch))
  }

  deinit {
    unsafe pcre2_match_data_free_8(data)
    unsafe pcre2_match_context_free_8(context)
    unsafe pcre2_jit_stack_free_8(stack)
    unsafe watch.deallocate()
  }

  /// The first match at or after `start`; lookbehind and `^` see what is before it.
  ///
  /// `isASCII` says that the caller knows the subject to be so, which saves looking.
  package func firstMatch(
    in subject: Span<UInt8>,
    from start: Int = 0,
    isASCII: Bool = false
  ) throws(PatternFailure) -> Range<Int>? {
    precondition(start >= 0 && start <= subject.count)
    let isLong = subject.count > PatternLimits.unguardedBytesMax
    if let match = try run(isLong ? .guarded : .utf8, subject, start) { return match }
    if isASCII || Bytes.isASCII(subject) || Self.isUTF8(subject) { return nil }
    return try run(isLong ? .guardedBytes : .bytes, subject, start)
  }

  /// Where a group of the last match lies; nil when it took no part.
  package func range(of group: Int) -> Range<Int>? {
    precondition(group >= 0)
    guard group < pairs else { return nil }
    // Safety: the vector holds a pair for every group of the pattern, `pairs` of them set.
    let vector = unsafe pcre2_get_ovector_pointer_8(data)
    guard let vector = unsafe vector else { return nil }
    let lower = unsafe vector[2 * group]
    let upper = unsafe vector[2 * group + 1]
    // An unset pair holds the largest number.
    guard lower >= 0, lower <= upper else { return nil }
    return lower..<upper
  }

  private func run(
    _ form: PatternCode.Form,
    _ subject: Span<UInt8>,
    _ start: Int
  ) throws(PatternFailure) -> Range<Int>? {
    guard let code = program(form) else { return nil }
    limit(form, subject.count)
    // Safety: the pointer is used during the call only; an empty subject gets one to a byte that is
    // not read. `data` was made for the same number of groups.
    let status = unsafe subject.withUnsafeBufferPointer { buffer -> Int32 in
      if unsafe buffer.baseAddress != nil {
        return unsafe code.match(buffer, from: start, data, context)
      }
      return unsafe withUnsafePointer(to: UInt8(0)) { none in
        unsafe code.match(UnsafeBufferPointer(start: none, count: 0), from: 0, data, context)
      }
    }
    pairs = max(0, Int(status))
    if status > 0 { return range(of: 0) }
    switch status {
    case PCRE2_ERROR_NOMATCH: return nil
    case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT:
      // The steps ran out; whether it is really slow is for the clock to say.
      guard !form.isGuarded else {
        throw .tooSlow(source: pattern.source, messageBytes: subject.count)
      }
      return try run(form.isUTF8 ? .guarded : .guardedBytes, subject, start)
    case PCRE2_ERROR_CALLOUT:
      throw .tooSlow(source: pattern.source, messageBytes: subject.count)
    default:
      throw .tooDeep(source: pattern.source, messageBytes: subject.count)
    }
  }

  /// The program for a form, compiled when it is first needed.
  ///
  /// Nil where a pattern has no byte form, such as one with `\x{100}`: then only text counts.
  private func program(_ form: PatternCode.Form) -> PatternCode? {
    if form == .utf8 { return pattern.code }
    if let known = others[form] { return known }
    // Silence is right: the first form has compiled, and without this one there is no match.
    let made = try? PatternCode(pattern.source, pattern.options, form)
    others[form] = made
    return made
  }

  private func limit(_ form: PatternCode.Form, _ count: Int) {
    let wanted =
      form.isGuarded ? UInt32.max : UInt32(clamping: PatternLimits.stepsMin + count)
    if wanted != steps {
      unsafe pcre2_set_match_limit_8(context, wanted)
      unsafe pcre2_set_depth_limit_8(context, wanted)
      steps = wanted
    }
    if form.isGuarded {
      let now = ThreadClock.nanoseconds()
      unsafe watch.pointee = MatchWatch(end: now + PatternLimits.guardNanoseconds)
    }
  }

  private static func isUTF8(_ bytes: Span<UInt8>) -> Bool {
    // Silence is right: the error says where, and only whether matters.
    (try? UTF8Span(validating: bytes)) != nil
  }
}

/// When a match under guard must have ended.
private struct MatchWatch {
  var calls: UInt32 = 0
  var end: Int64 = 0
}

/// Called by PCRE2 before each item of a guarded pattern; stops the match when its time is over.
private func watchCallout(
  _ block: UnsafeMutablePointer<pcre2_callout_block_8>?,
  _ data: UnsafeMutableRawPointer?
) -> Int32 {
  // Safety: the data is the watch of the search that is running, on this very thread.
  guard let watch = unsafe data?.assumingMemoryBound(to: MatchWatch.self) else { return 0 }
  unsafe watch.pointee.calls &+= 1
  guard unsafe watch.pointee.calls % PatternLimits.guardCallsPerLook == 0 else { return 0 }
  return unsafe ThreadClock.nanoseconds() < watch.pointee.end ? 0 : PCRE2_ERROR_CALLOUT
}
