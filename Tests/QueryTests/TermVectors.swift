/// One case of the terms language: a pattern, a message, and what CloudWatch makes of them.
struct TermVector: Sendable, CustomStringConvertible {
  enum Outcome: Sendable {
    case match
    case reject
    case error
  }

  let pattern: String
  let message: String?
  let outcome: Outcome

  init(_ pattern: String, _ message: String?, _ outcome: Outcome) {
    self.pattern = pattern
    self.message = message
    self.outcome = outcome
  }

  var description: String { "\(pattern) on \(message ?? "-")" }

  /// From the examples and rules of CloudWatch's documentation.
  static let all: [TermVector] = [
    .init("ERROR", "[ERROR 400] BAD REQUEST", .match),
    .init("ERROR", "[ERROR 401] UNAUTHORIZED REQUEST", .match),
    .init("ERROR", "[ERROR 419] MISSING ARGUMENTS", .match),
    .init("ERROR", "[ERROR 420] INVALID ARGUMENTS", .match),
    .init("ERROR", "Exiting with ERRORCODE: -1", .match),
    .init("Failed to process the request", "[WARN] Failed to process the request", .match),
    .init(
      "Failed to process the request",
      "[ERROR] Unable to continue: Failed to process the request",
      .match
    ),
    .init("Failed to process the request", "the request Failed; to process it again retry", .match),
    .init("ERROR_1", "code ERROR_1 raised", .match),
    .init("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", .reject),
    .init("ERROR ARGUMENTS", "[ERROR 420] INVALID ARGUMENTS", .match),
    .init("ARGUMENTS ERROR", "[ERROR 419] MISSING ARGUMENTS", .match),
    .init("ERROR", "ERROR WARN message", .match),
    .init("?ERROR ?WARN", "ERROR WARN message", .match),
    .init("ERROR -WARN", "ERROR WARN message", .reject),
    .init("ERROR", "ERROR message", .match),
    .init("ERROR -WARN", "ERROR message", .match),
    .init("ERROR", "WARN message", .reject),
    .init("?ERROR ?WARN", "WARN message", .match),
    .init("ERROR -WARN", "WARN message", .reject),
    .init("?ERROR ?ARGUMENTS", "[ERROR 401] UNAUTHORIZED REQUEST", .match),
    .init("?ERROR", "[INFO] hello", .reject),
    .init("?ERROR", "[ERROR] hello", .match),
    .init("?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", .match),
    .init("?ERROR ?ARGUMENTS REQUEST", "[WARN] UNAUTHORIZED REQUEST", .match),
    .init("?ERROR ?ARGUMENTS REQUEST", "[ERROR] 400 BAD REQUEST", .match),
    .init("?ERROR ?ARGUMENTS REQUEST", "[ERROR] MISSING ARGUMENTS", .reject),
    .init("?ERROR -DEBUG", "[INFO] fine", .match),
    .init("?ERROR -DEBUG", "[DEBUG] ERROR", .reject),
    .init("?\"Error:\" ?\"TypeError:\" ?\"at \"", "TypeError: x is undefined", .match),
    .init("?\"Error:\" ?\"TypeError:\" ?\"at \"", "    at foo (/var/task/index.js:1:2)", .match),
    .init("?\"Error:\" ?\"TypeError:\" ?\"at \"", "started in 12ms", .reject),
    .init("?\"at \"", "status=ok", .reject),
    .init(
      "?\"TaskManager exited\" ?\"OutOfMemory\" ?\"killed by\" ?\"exit code\"",
      "container killed by OOM",
      .match
    ),
    .init("\"INTERNAL SERVER ERROR\"", "[ERROR 500] INTERNAL SERVER ERROR", .match),
    .init("\"INTERNAL SERVER ERROR\"", "[ERROR 500] INTERNAL  SERVER ERROR", .reject),
    .init("\"Cloud watch\"", "Cloud logs watch", .reject),
    .init("\"hello cruel\"", "hello cruela", .match),
    .init("\"hello cruel\"", "goodbye cruel world", .reject),
    .init("goodbye world", "goodbye cruel world", .match),
    .init("\"john@example.com\"", "login john@example.com ok", .match),
    .init("\"say \\\"hi\\\"\"", "he did say \"hi\" twice", .match),
    .init("\"a\\\\b\"", "path a\\b here", .match),
    .init("\"ERROR\" \"timeout\"", "timeout then ERROR", .match),
    .init("ERROR -ARGUMENTS", "[ERROR 401] UNAUTHORIZED REQUEST", .match),
    .init("\"ERROR\" - \"Exiting\"", "Exiting with ERRORCODE: -1", .reject),
    .init("\"ERROR\" - \"Exiting\"", "[ERROR] A fatal exception has occurred", .match),
    .init("\"ERROR\" - \"DeprecationWarning\"", "ERROR DeprecationWarning: x", .reject),
    .init("\"ERROR\" -\"not found\"", "ERROR: file not found", .reject),
    .init("-DEBUG", "[INFO] hello", .match),
    .init("-DEBUG", "[DEBUG] hello", .reject),
    .init("-debug", "[DEBUG] hello", .match),
    .init("-\"health check\"", "GET /health check", .reject),
    .init("", "anything", .match),
    .init("\"\"", "anything", .match),
    .init("\" \"", "anything at all", .match),
    .init("\" \"", "single", .match),
    .init("   ", "x", .match),
    .init("user@example.com", nil, .error),
    .init("foo.bar", nil, .error),
    .init("foo-bar", nil, .error),
    .init("#Cloud", nil, .error),
  ]
}
