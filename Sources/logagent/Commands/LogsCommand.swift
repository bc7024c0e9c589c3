internal import ArgumentParser
internal import Platform

struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Prints stored log events, as `stacktape logs` does.",
    discussion: """
      Without --limit the newest 100 events of the last hour, oldest first. Works while the daemon \
      runs, while it is stopped, and on a copied data directory.

        logagent logs api --startTime 2h --filter ERROR
        logagent logs api importCatalog -S today -n 1000 -o jsonl
        logagent logs api -g 'timeout|refused' -C 3 --level warn+
        logagent logs api -q 'stats count(*) as n by bin(5m)' --since 1d
        logagent logs api -o 'template={@timestamp} {status} {user.id}'
        logagent logs nightlyReport --raw | jq '.events[].message'
        logagent logs '*' --filter '"card declined"' --fail-if-match
        logagent logs api --cursor-file /var/tmp/api.cursor -o jsonl
      """
  )

  @OptionGroup var options: LogsOptions

  @Flag(
    name: [.customLong("follow"), .customShort("F")],
    inversion: .prefixedNo,
    help: "Go on with what comes, as `tail`."
  )
  var follow = false

  func run() throws {
    Priority.giveWay()
    try LogsRun(options, follows: follow).run()
  }
}

struct TailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "Prints the newest events, then every new one as it is stored.",
    discussion: """
      The same as `logs --follow`; all filters apply. Ends with Ctrl-C.

        logagent tail api
        logagent tail '*' --level warn+
      """
  )

  @OptionGroup var options: LogsOptions

  @Flag(inversion: .prefixedNo, help: "Do not wait for more: the same as `logs`.")
  var follow = true

  func run() throws {
    Priority.giveWay()
    try LogsRun(options, follows: follow).run()
  }
}
