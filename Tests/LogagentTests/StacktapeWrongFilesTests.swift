import Testing

@testable import logagent

/// The properties of one resource, from line 4 on.
private func resource(_ type: String, _ properties: String) -> String {
  "resources:\n  api:\n    type: \(type)\n    properties:\n      \(properties)\n"
}

private func logging(_ text: String, _ type: String = "web-service") -> String {
  resource(type, "logging: { \(text) }")
}

private func endpoint(_ properties: String) -> String {
  logging("logForwarding: { type: http-endpoint, properties: { \(properties) } }")
}

private func job(_ properties: String) -> String { resource("batch-job", properties) }

private let shapes: [WrongFile] = [
  WrongFile("- a\n", "1:1", "a stacktape.yml is a map, found a list"),
  WrongFile("resorces: {}\n", "1:1", "unknown key `resorces`", help: "did you mean `resources`?"),
  WrongFile("resources: [api]\n", "1:12", "`resources` must be a map of keys, found a list"),
  WrongFile("resources:\n  my-api: { type: bucket }\n", "2:3", "letters and digits only"),
  WrongFile("resources:\n  api: { properties: {} }\n", "2:3", "the resource `api` lacks `type`"),
  WrongFile("resources:\n  api: [x]\n", "2:8", "`resources.api` must be a map of keys"),
  WrongFile("resources:\n  api: { type: [a] }\n", "2:16", "`type` must be a text, found a list"),
  WrongFile(
    "resources:\n  api: { type: function, propertes: {} }\n",
    "2:26",
    "unknown key `propertes` in `resources.api`",
    help: "did you mean `properties`?"
  ),
  WrongFile(
    "resources:\n  api: { type: function, properties: [] }\n",
    "2:38",
    "`resources.api.properties` must be a map of keys, found a list"
  ),
  WrongFile(
    "resources:\n  api: { type: function }\n  api: { type: bucket }\n",
    "3:3",
    "the key `api` is here twice",
    help: "the other one is at 2:3"
  ),
  WrongFile(
    resource("web-service", "loging: {}"),
    "5:7",
    "unknown key `loging` in `resources.api.properties`",
    help: "did you mean `logging`?"
  ),
  WrongFile(
    resource("multi-container-workload", "logging: {}"),
    "5:7",
    "a `multi-container-workload` has no `logging` of its own",
    help: "give it to each of `containers`"
  ),
  WrongFile(
    resource("multi-container-workload", "containers: [{ name: a }, { name: A }]"),
    "5:41",
    "two containers of `containers` are called `a`"
  ),
  WrongFile(
    resource("multi-container-workload", "containers: [{ logging: {} }]"),
    "5:20",
    "a container of `containers` lacks `name`"
  ),
  WrongFile(
    resource("web-service", "sideContainers: [{ name: a, logging: { days: 3 } }]"),
    "5:46",
    "unknown key `days` in `resources.api.properties.sideContainers[0].logging`",
    help: "known here: `disabled`, `retentionDays`, `logForwarding`"
  ),
  WrongFile(
    resource("nextjs-web", "serverLambda: { logging: { retention: 3 } }"),
    "5:34",
    "unknown key `retention` in `resources.api.properties.serverLambda.logging`",
    help: "`retentionDays`"
  ),
  WrongFile(
    resource("convex", "backend: { logging: { retentionDays: 2 } }"),
    "5:44",
    "must be one of 1, 3, 5",
    help: "nearest: 1 and 3"
  ),
]

private let values: [WrongFile] = [
  WrongFile(logging("retentionDays: 45"), "5:33", "(found 45)", help: "nearest: 30 and 60"),
  WrongFile(logging("retentionDays: 0"), "5:33", "(found 0)", help: "nearest: 1;"),
  WrongFile(logging("retentionDays: -1"), "5:33", "(found -1)", help: "nearest: 1;"),
  WrongFile(logging("retentionDays: 3654"), "5:33", "(found 3654)", help: "nearest: 3653;"),
  WrongFile(logging("retentionDays: 1000000000000"), "5:33", "found 1000000000000"),
  WrongFile(logging("retentionDays: 30.5"), "5:33", "found a number"),
  WrongFile(logging("retentionDays: '30'"), "5:33", "found a string", help: "remove the quotes"),
  WrongFile(logging("retentionDays: 5 m"), "5:33", "found a string"),
  WrongFile(
    logging("retentionDays: forever"),
    "5:33",
    "found a string",
    help: "only logagent.yml takes durations and `forever`"
  ),
  WrongFile(logging("retentionDays: 12h"), "5:33", "found a string", help: "only logagent.yml"),
  WrongFile(logging("retentionDays:"), "5:18", "from 1 to 3653, found nothing"),
  WrongFile(logging("retentionDays: [30]"), "5:33", "found a list"),
  WrongFile(logging("disabled: 1"), "5:28", "`disabled` must be `true` or `false`"),
  WrongFile(logging("disabled: 'true'"), "5:28", "found a string"),
  WrongFile(logging("disabled: { a: b }"), "5:28", "found a map"),
  WrongFile(resource("web-service", "logging: 5"), "5:16", "logging` must be a map of keys"),
  WrongFile(resource("web-service", "logging: []"), "5:16", "logging` must be a map of keys"),
  WrongFile(logging("logForwading: {}"), "5:18", "`logForwading`", help: "`logForwarding`"),
  WrongFile(logging("Disabled: true"), "5:18", "`Disabled`", help: "did you mean `disabled`?"),
  WrongFile(logging("logForwarding: datadog"), "5:33", "must be a map of keys, found a string"),
  WrongFile(logging("logForwarding: { typ: x }"), "5:35", "unknown key `typ`", help: "`type`"),
  WrongFile(logging("logForwarding: { type: logdna }"), "5:41", "must be one of `http-endpoint`"),
  WrongFile(
    logging("logForwarding: { type: data-dog }"),
    "5:41",
    "found `data-dog`",
    help: "did you mean `datadog`?"
  ),
  WrongFile(
    logging("logForwarding: { type: highlight }"),
    "5:35",
    "lacks `properties`",
    help: "`projectId`"
  ),
  WrongFile(
    logging("logForwarding: { type: highlight, properties: {} }"),
    "5:52",
    "a `highlight` forwarding lacks `projectId`"
  ),
  WrongFile(
    logging("logForwarding: { type: datadog, properties: { apikey: k } }"),
    "5:64",
    "unknown key `apikey`",
    help: "did you mean `apiKey`?"
  ),
  WrongFile(
    logging("logForwarding: { type: datadog, properties: { apiKey: '' } }"),
    "5:72",
    "`apiKey` must not be empty"
  ),
  WrongFile(endpoint("endpointUrl: 'http://h/'"), "5:83", "in the clear", help: "allowInsecure"),
  WrongFile(endpoint("endpointUrl: 'https://u:p@h/'"), "5:83", "a user or password"),
  WrongFile(endpoint("endpointUrl: [a]"), "5:83", "`endpointUrl` must be a text, found a list"),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', gzipEncodingEnabled: gzip"),
    "5:118",
    "`gzipEncodingEnabled` must be `true` or `false`"
  ),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', retryDuration: 7201"),
    "5:112",
    "an integer from 0 to 7200"
  ),
  WrongFile(
    endpoint("endpointUrl: 'https://h/', parameters: [a]"),
    "5:109",
    "parameters` must be a map of keys, found a list"
  ),
  WrongFile(
    logging("format: xml", "redis-cluster"),
    "5:26",
    "`format` must be one of `text`, `json`, found `xml`"
  ),
  WrongFile(
    logging("format: Json", "http-api-gateway"),
    "5:26",
    "`format` must be one of `CLF`, `JSON`, `XML`, `CSV`",
    help: "did you mean `JSON`?"
  ),
  WrongFile(logging("format: json"), "5:18", "unknown key `format`"),
  WrongFile(
    logging("logType: [a]", "relational-database"),
    "5:18",
    "`logType`",
    help: "`logTypes`"
  ),
  WrongFile(
    logging("retentionDays: 3", "bastion"),
    "5:18",
    "`retentionDays`",
    help: "known here: `messages`"
  ),
  WrongFile(logging("mesages: {}", "bastion"), "5:18", "`mesages`", help: "`messages`"),
  WrongFile(logging("audit: { retentionDays: 4 }", "bastion"), "5:42", "(found 4)"),
  WrongFile(
    logging("errorLog: {}", "open-search-domain"),
    "5:18",
    "`errorLog`",
    help: "`errorLogs`"
  ),
  WrongFile(
    logging("indexSlowLogs: { disabled: maybe }", "open-search-domain"),
    "5:45",
    "`true` or `false`"
  ),
]

private let directives: [WrongFile] = [
  WrongFile(logging("retentionDays: $Vr().days"), "5:33", "no directive `$Vr()`", help: "`$Var()`"),
  WrongFile(logging("retentionDays: $Var().days"), "5:33", "the file has no `variables`"),
  WrongFile(
    "variables: { days: 30 }\n" + logging("retentionDays: $Var().day"),
    "6:33",
    "`$Var()` has no `day`",
    help: "did you mean `days`?"
  ),
  WrongFile(
    "variables: { days: 31 }\n" + logging("retentionDays: $Var().days"),
    "1:20",
    "(found 31)"
  ),
  WrongFile(
    "variables: { a: $Var().b, b: $Var().a }\n" + logging("retentionDays: $Var().a"),
    "6:33",
    "leads back to itself"
  ),
  WrongFile(
    logging("retentionDays: $This().resources.api.properties.logging.retentionDays"),
    "5:33",
    "leads back to itself"
  ),
  WrongFile(
    logging("retentionDays: \"$CliArgs('days')\""),
    "5:33",
    "`$CliArgs()` has no `days`",
    help: "give `--arg days=VALUE`"
  ),
  WrongFile(
    logging("retentionDays: \"$CliArgs('days', 31)\""),
    "5:33",
    "(found 31)"
  ),
  WrongFile(logging("retentionDays: $CliArgs()"), "5:33", "`$CliArgs()` needs 1 argument"),
  WrongFile(
    "directives: [{ name: Days, filePath: d.ts:days }]\n" + logging("retentionDays: $Days()"),
    "6:33",
    "is code of the file's `directives`",
    help: "set the value in logagent.yml"
  ),
  WrongFile(
    logging("disabled: $StackOutput(x)"),
    "5:28",
    "`$StackOutput()` needs 2 arguments",
    help: "such as"
  ),
  WrongFile(
    logging("disabled: \"$CfStackOutput('a', 'b')\""),
    "5:28",
    "`disabled`: `$CfStackOutput()` is known on AWS only",
    help: "params: { a: { b: … } }"
  ),
  WrongFile(
    endpoint("endpointUrl: \"$Format('https://{}', 'a', 'b')\""),
    "5:83",
    "`$Format()` has 1 `{}` for 2 values"
  ),
  WrongFile(
    endpoint("endpointUrl: \"$Format('https://{}', $Secret('a'))\""),
    "5:83",
    "`$Format()` cannot take `$Secret()`",
    help: "use `$CfFormat()`"
  ),
  WrongFile(endpoint("endpointUrl: $Secret(a/b)"), "5:83", "must be letters, digits"),
  WrongFile(endpoint("endpointUrl: $Secret(a).b"), "5:83", "must be the whole value"),
  WrongFile(endpoint("endpointUrl: $Secret()"), "5:83", "`$Secret()` needs 1 argument"),
  WrongFile(endpoint("endpointUrl: $SsmParam(/a/../b)"), "5:83", "the path in `$SsmParam()`"),
  WrongFile(endpoint("endpointUrl: \"$Secret('a\\\")\""), "5:83", "lacks its closing quote"),
  WrongFile(endpoint("endpointUrl: \"$Format('a' 'b')\""), "5:83", "must be separated by commas"),
  WrongFile(endpoint("endpointUrl: \"$Format('a',)\""), "5:83", "is empty"),
  WrongFile(endpoint("endpointUrl: \"$Stage() $Stage()\""), "5:83", "text follows the `)`"),
  WrongFile(endpoint("endpointUrl: $File('../x.json').a"), "5:83", "leads out of"),
  WrongFile(endpoint("endpointUrl: $File(/etc/x.json)"), "5:83", "leads out of"),
  WrongFile(endpoint("endpointUrl: $File('none.json').a"), "5:83", "No such file"),
  WrongFile(endpoint("endpointUrl: $File('x.txt')"), "5:83", "`$File()` reads .env, .json"),
  WrongFile(endpoint("endpointUrl: $FileRaw('.')"), "5:83", "leads out of"),
  WrongFile(endpoint("endpointUrl: $GitInfo(comit)"), "5:83", "`$GitInfo()` does not know that"),
]

private let jobs: [WrongFile] = [
  WrongFile(job("timeout: soon"), "5:16", "`timeout` must be an integer"),
  WrongFile(job("timeout: 0"), "5:16", "an integer from 1 to 1209600"),
  WrongFile(job("useSpotInstances: 5"), "5:25", "`true` or `false`"),
  WrongFile(job("resources: { cpu: much, memory: 1 }"), "5:25", "a number that is not negative"),
  WrongFile(job("resources: { cpu: 1, memory: 1.5 }"), "5:36", "`memory` must be an integer"),
  WrongFile(job("resources: { gpu: -1 }"), "5:25", "an integer from 0 to 1024"),
  WrongFile(job("retryConfig: { attempts: 0 }"), "5:32", "an integer from 1 to 1000"),
  WrongFile(job("retryConfig: { retryIntervalSeconds: -1 }"), "5:44", "that is not negative"),
  WrongFile(job("retryConfig: { retryIntervalMultiplier: x }"), "5:47", "that is not negative"),
  WrongFile(
    job("events: [{ type: schedule, properties: { scheduleRate: \"0 2 * * ?\" } }]"),
    "5:62",
    "`rate(…)` or `cron(…)` with six fields",
    help: "cron(0 2 * * ? *)"
  ),
  WrongFile(
    job("events: [{ type: schedule, properties: { scheduleRate: cron(0 2 * * ?) } }]"),
    "5:62",
    "with six fields"
  ),
  WrongFile(job("logging: { retentionDays: 2 }"), "5:33", "(found 2)"),
]

private let syntax: [WrongFile] = [
  WrongFile("\tresources: {}\n", "1:1", "cannot start any token", help: "YAML takes no tabs"),
  WrongFile("resources:\n\tapi: {}\n", "2:1", "cannot start any token", help: "no tabs"),
  WrongFile(
    job("events: [{ properties: { scheduleRate: * * * * * } }]"),
    "5:47",
    "did not find expected alphabetic or numeric character",
    help: "quote a value that begins with `*`"
  ),
  WrongFile(
    endpoint("endpointUrl: $Format('https://{}', $Stage())"),
    "5:100",
    "did not find expected ',' or '}'",
    help: "quote a directive with commas"
  ),
  WrongFile("resources: { api: { type: a }\n", "2:1", "did not find expected ',' or '}'"),
  WrongFile("resources: *all\n", "1:12", "the alias `*all` has no anchor"),
  WrongFile("a: &a [*a]\nresources: {}\n", "1:8", "has no anchor `&a` that ends before it"),
  WrongFile("resources: {}\n---\nresources: {}\n", "2:1", "a second document starts here"),
  WrongFile("? [a, b]\n: c\n", "1:3", "a key must be a plain word"),
  WrongFile("base: &b 5\nx: { <<: *b }\nresources: {}\n", "2:6", "`<<` merges maps only"),
  WrongFile("resources: 'open\n", "2:1", "found unexpected end of stream"),
  WrongFile(
    "resources: {}\nresources: {}\n",
    "2:1",
    "the key `resources` is here twice",
    help: "1:1"
  ),
]

@Suite("Wrong stacktape.yml files")
struct StacktapeWrongFilesTests {
  static let all = shapes + values + directives + jobs + syntax

  @Test("are reported once, at the place, with what to do", arguments: all.indices)
  func wrongFile(_ index: Int) throws {
    let wrong = Self.all[index]
    let rig = StacktapeRig()
    let loaded = rig.load(wrong.text)
    #expect(loaded.configuration == nil, "\(wrong.text)")
    let errors = loaded.diagnostics.filter { $0.severity == .error }
    #expect(errors.count == 1, "\(errors.map(summary))\n\(wrong.text)")
    let first = try #require(errors.first, "\(wrong.text)")
    #expect(first.file.hasSuffix("/stacktape.yml"))
    #expect("\(first.line):\(first.column)" == wrong.place, "\(summary(first))\n\(wrong.text)")
    #expect(first.message.contains(wrong.message), "\(first.message)\n\(wrong.text)")
    if let help = wrong.help {
      #expect(first.help?.contains(help) == true, "\(first.help ?? "-")\n\(wrong.text)")
    }
    #expect(first.excerpt.last?.number == first.line, "the line itself is shown")
  }

  @Test("120 wrong files of both kinds have their place")
  func tableSize() {
    #expect(Self.all.count >= 90)
    #expect(Self.all.count + ConfigurationWrongFilesTests.count >= 170)
  }
}
