internal import CPCRE2
internal import Platform

/// One program of PCRE2, compiled to machine code where the system allows that.
///
/// Safe from any thread: nothing writes to it once it is made.
@safe
final class PatternCode: @unchecked Sendable {
  // No lock is needed: PCRE2 documents that threads may match with one compiled pattern at once.
  private let code: OpaquePointer
  let isNative: Bool
  let captureCount: Int

  /// How the subject's bytes are read, and whether the program watches the clock.
  enum Form {
    /// Characters of UTF-8; a byte that belongs to none fits nothing.
    case utf8
    /// Every byte is a character.
    case bytes
    /// UTF-8, with a call before each item so that the time is bounded.
    case guarded
    case guardedBytes

    var isUTF8: Bool { self == .utf8 || self == .guarded }
    var isGuarded: Bool { self == .guarded || self == .guardedBytes }
  }

  init(_ source: String, _ options: BytePattern.Options, _ form: Form) throws(BytePatternError) {
    guard let context = unsafe pcre2_compile_context_create_8(nil) else {
      preconditionFailure("out of memory")
    }
    // Safety: the contexts and the code are checked for nil, freed once, and given only to PCRE2;
    // the source is read while its storage is borrowed.
    defer { unsafe pcre2_compile_context_free_8(context) }
    unsafe pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    unsafe pcre2_set_parens_nest_limit_8(context, PatternLimits.nestingMax)
    unsafe pcre2_set_max_pattern_length_8(context, PatternLimits.sourceBytesMax)
    var flags = UInt32(PCRE2_NEVER_BACKSLASH_C) | UInt32(PCRE2_DOLLAR_ENDONLY)
    if form.isUTF8 { flags |= UInt32(PCRE2_UTF) | UInt32(PCRE2_MATCH_INVALID_UTF) }
    if form.isGuarded { flags |= UInt32(PCRE2_AUTO_CALLOUT) }
    if options.contains(.ignoreCase) { flags |= UInt32(PCRE2_CASELESS) }
    if options.contains(.multiline) { flags |= UInt32(PCRE2_MULTILINE) }
    if options.contains(.dotMatchesNewline) { flags |= UInt32(PCRE2_DOTALL) }
    var status: Int32 = 0
    var offset = 0
    let bytes = Array(source.utf8)
    let compiled = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe pcre2_compile_8(buffer.baseAddress, buffer.count, flags, &status, &offset, context)
    }
    guard let compiled = unsafe compiled else {
      throw BytePatternError(Self.message(of: status), at: offset, in: bytes)
    }
    unsafe code = compiled
    unsafe isNative = pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE)) == 0
    var count: UInt32 = 0
    _ = unsafe pcre2_pattern_info_8(compiled, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
    captureCount = Int(count)
  }

  deinit { unsafe pcre2_code_free_8(code) }

  /// The named groups with their numbers, in order of name.
  func names() -> [(name: String, group: Int)] {
    var count: UInt32 = 0
    var stride: UInt32 = 0
    _ = unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
    _ = unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &stride)
    var table: UnsafePointer<UInt8>?
    _ = unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
    guard let table = unsafe table, count > 0, stride > 3 else { return [] }
    // Safety: the table has `count` entries of `stride` bytes: a big-endian number, then the name,
    // ended by a zero byte. It lives as long as the code.
    let bytes = unsafe Array(
      UnsafeBufferPointer(start: table, count: Int(count) * Int(stride))
    )
    return (0..<Int(count)).map { entry in
      let start = entry * Int(stride)
      let name = bytes[(start + 2)..<(start + Int(stride))].prefix { $0 != 0 }
      return (String(decoding: name, as: UTF8.self), Int(bytes[start]) << 8 | Int(bytes[start + 1]))
    }
  }

  /// Runs the program; the caller owns contexts and data and gives a subject that lives.
  @unsafe
  func match(
    _ subject: UnsafeBufferPointer<UInt8>,
    from start: Int,
    _ data: OpaquePointer,
    _ context: OpaquePointer
  ) -> Int32 {
    isNative
      ? unsafe pcre2_jit_match_8(
        code,
        subject.baseAddress,
        subject.count,
        start,
        0,
        data,
        context
      )
      : unsafe pcre2_match_8(
        code,
        subject.baseAddress,
        subject.count,
        start,
        UInt32(PCRE2_NO_UTF_CHECK),
        data,
        context
      )
  }

  /// Match data for this program.
  @unsafe
  func makeMatchData() -> OpaquePointer {
    guard let data = unsafe pcre2_match_data_create_from_pattern_8(code, nil) else {
      preconditionFailure("out of memory")
    }
    return unsafe data
  }

  /// What is wrong, in words of regular expressions; PCRE2's own where they are that.
  private static func message(of status: Int32) -> String {
    switch status {
    case 115: return "a reference to a group that is not there"
    case 127, 154: return "a condition with more than two branches"
    case 132, 145, 193, 196: return "properties of Unicode are not supported"
    case 136, 183, 185: return "\\C is not supported"
    case 137: return "\\F, \\L, \\l, \\N{name}, \\U and \\u are not supported"
    case 142: return "the name of a group does not end"
    case 143: return "two groups have the same name"
    case 144: return "the name of a group begins with a digit"
    case 148: return "the name of a group is longer than 32 characters"
    case 149, 161, 197: return "too many groups"
    case 162: return "the name of a group is missing"
    case 165: return "groups of one number have different names"
    case 174, 175: return "(*UTF) and (*UCP) are not supported"
    case 188: return "it is longer than \(PatternLimits.sourceBytesMax) bytes"
    case 199: return "\\K is not allowed in a look-around"
    default: break
    }
    var text = [UInt8](repeating: 0, count: 256)
    // Safety: the call writes at most as many bytes as there are, with a zero byte at the end.
    let length = unsafe text.withUnsafeMutableBufferPointer { buffer in
      unsafe pcre2_get_error_message_8(status, buffer.baseAddress, buffer.count)
    }
    let message = String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
    // Its inner life is nothing that a user could mend.
    return message.hasPrefix("internal error") ? "it is too complicated" : message
  }
}
