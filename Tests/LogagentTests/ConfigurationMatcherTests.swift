import LogModel
import Testing

@testable import logagent

private let id = String(repeating: "0123456789ab", count: 6).prefix(64)

private func container(
  _ name: String = "",
  image: String = "",
  _ labels: [String: String] = [:]
) -> ContainerMetadata {
  ContainerMetadata(id: String(id), name: name, image: image, labels: labels)
}

private func compose(_ project: String, _ service: String) -> ContainerMetadata {
  container(
    "\(project)-\(service)-1",
    image: "x",
    ["com.docker.compose.project": project, "com.docker.compose.service": service]
  )
}

private func matcher(_ text: String) throws -> ResourceMatcher {
  let loaded = decode(text)
  return ResourceMatcher(
    try #require(loaded.configuration, "\(loaded.diagnostics.map(\.headline))")
  )
}

private let shop = """
  project: shop
  stage: prod
  resources:
    api: { type: web-service }
    nightlyReport: { type: batch-job, logging: { retentionDays: 7 } }
    apps: { type: multi-container-workload }
    redisCache: { match: { compose: shop/redis, image: "redis*" } }
    postgres: { match: [ { label: com.example.role=db }, { name: "pg-?" } ] }
    worker: { match: { image: registry.example.com/team/worker } }
    quiet: { logging: { disabled: true } }

  """

private func ecs(_ resource: String, _ container: String = "service-container") -> String {
  "/stp/shop-prod/ecs/\(resource)/\(container)/process-logs"
}

@Suite("Which container belongs to which resource")
struct ConfigurationMatcherTests {
  static let cases: [(ContainerMetadata, ResourceMatcher.Rule, String, String)] = [
    // Labels, before anything else.
    (
      container("x", ["logagent.resource": "api"]), .label, ecs("api"),
      "ecs/service-container/0123456789ab"
    ),
    (
      container("api", ["logagent.resource": "API", "logagent.container": "side"]), .label,
      ecs("api", "side"), "ecs/side/0123456789ab"
    ),
    (
      container("x", ["logagent.resource": "other"]), .label, ecs("other"),
      "ecs/service-container/0123456789ab"
    ),
    (
      container("x", ["logagent.resource": "../../evil", "logagent.container": "a/b"]), .label,
      ecs(".._.._evil", "a_b"), "ecs/a_b/0123456789ab"
    ),
    (
      container("x", ["logagent.resource": "api", "logagent.project": "p", "logagent.stage": "s"]),
      .label, "/stp/p-s/ecs/api/service-container/process-logs",
      "ecs/service-container/0123456789ab"
    ),
    (
      container(
        "x",
        ["logagent.resource": "nightly-report", "logagent.run": "r1", "logagent.attempt": "3"]
      ),
      .label, "/stp/shop-prod/batch/nightlyReport/process-logs", "batch/default/r1-3"
    ),
    (container("x", ["logagent.resource": ""]), .unmatched, "/docker/default/x", "0123456789ab"),
    // ECS labels.
    (
      container(
        "e",
        [
          "com.amazonaws.ecs.task-definition-family": "shop-prod-api",
          "com.amazonaws.ecs.container-name": "main",
        ]
      ), .ecsLabel, ecs("api", "main"), "ecs/main/0123456789ab"
    ),
    (
      container("e", ["com.amazonaws.ecs.task-definition-family": "other-dev-api"]), .unmatched,
      "/docker/default/e", "0123456789ab"
    ),
    // `match` rules: all that a rule names must fit; a list of rules, or of values, means any.
    (
      container(
        "c",
        image: "redis:7",
        ["com.docker.compose.project": "shop", "com.docker.compose.service": "redis"]
      ), .match,
      ecs("redisCache"), "ecs/service-container/0123456789ab"
    ),
    (compose("shop", "redis"), .unmatched, "/docker/shop/redis", "0123456789ab"),
    (
      container("x", ["com.example.role": "db"]), .match, ecs("postgres"),
      "ecs/service-container/0123456789ab"
    ),
    (container("pg-2"), .match, ecs("postgres"), "ecs/service-container/0123456789ab"),
    (container("pg-22"), .unmatched, "/docker/default/pg-22", "0123456789ab"),
    (
      container("w", image: "registry.example.com/team/worker:1.2@sha256:00"), .match,
      ecs("worker"),
      "ecs/service-container/0123456789ab"
    ),
    (
      container("w", image: "evil.example.com/team/worker:1"), .unmatched, "/docker/default/w",
      "0123456789ab"
    ),
    // A resource with `match` is found by nothing else.
    (container("postgres"), .unmatched, "/docker/default/postgres", "0123456789ab"),
    (compose("shop", "worker"), .unmatched, "/docker/shop/worker", "0123456789ab"),
    // Compose, in the project or the stack.
    (compose("shop", "api"), .compose, ecs("api"), "ecs/service-container/0123456789ab"),
    (compose("shop-prod", "API"), .compose, ecs("api"), "ecs/service-container/0123456789ab"),
    (
      compose("Shop", "nightly-report"), .compose,
      "/stp/shop-prod/batch/nightlyReport/process-logs",
      "batch/default/0123456789ab-1"
    ),
    (compose("blog", "api"), .unmatched, "/docker/blog/api", "0123456789ab"),
    (
      compose("shop", "apps-front-end"), .compose, ecs("apps", "front-end"),
      "ecs/front-end/0123456789ab"
    ),
    (compose("shop", "api-docs"), .unmatched, "/docker/shop/api-docs", "0123456789ab"),
    // The name, with the stack before it and a number behind.
    (container("api"), .name, ecs("api"), "ecs/service-container/0123456789ab"),
    (container("shop-prod-api"), .name, ecs("api"), "ecs/service-container/0123456789ab"),
    (container("shop-prod-api-2"), .name, ecs("api"), "ecs/service-container/0123456789ab"),
    (container("api_3"), .name, ecs("api"), "ecs/service-container/0123456789ab"),
    (container("shop-prod-apps-web-1"), .name, ecs("apps", "web"), "ecs/web/0123456789ab"),
    (
      container("nightly_report"), .name, "/stp/shop-prod/batch/nightlyReport/process-logs",
      "batch/default/0123456789ab-1"
    ),
    (container("apix"), .unmatched, "/docker/default/apix", "0123456789ab"),
    (container("shop-prod-"), .unmatched, "/docker/default/shop-prod-", "0123456789ab"),
    (container(), .unmatched, "/docker/default/0123456789ab", "0123456789ab"),
    (container("Grafana (old)"), .unmatched, "/docker/default/Grafana__old_", "0123456789ab"),
  ]

  @Test("labels, ECS, match, Compose and name decide in that order", arguments: Self.cases.indices)
  func order(_ index: Int) throws {
    let (container, rule, group, stream) = Self.cases[index]
    let resolution = try matcher(shop).resolve(container)
    #expect(resolution.rule == rule)
    #expect(resolution.group.name == group)
    #expect(resolution.stream.name == stream)
    #expect((resolution.resource == nil) == (rule == .unmatched))
  }

  @Test("without project and stage a resource is /docker/{resource}, and Compose projects are open")
  func withoutStack() throws {
    let matcher = try matcher(
      "resources:\n  api: {}\n  job: { type: batch-job }\n  m: { type: multi-container-workload }\n"
    )
    for container in [compose("anything", "api"), container("api"), container("api-1")] {
      let resolution = matcher.resolve(container)
      #expect(resolution.group.name == "/docker/api")
      #expect(resolution.stream.name == "0123456789ab")
    }
    #expect(matcher.resolve(container("job")).group.name == "/docker/job")
    let side = matcher.resolve(compose("x", "m-side"))
    #expect(side.group.name == "/docker/m")
    #expect(side.stream.name == "side/0123456789ab")
  }

  @Test("match rules are tried in the order of the file")
  func fileOrder() throws {
    let both = "resources:\n  b: { match: { name: \"*\" } }\n  a: { match: { name: x } }\n"
    #expect(try matcher(both).resolve(container("x")).resource == "b")
  }

  @Test("settings come from the resource, then from the defaults, and labels override both")
  func settings() throws {
    let matcher = try matcher(
      """
      defaults:
        retentionDays: 30
        logging: { logForwarding: { type: datadog, properties: { apiKey: k } } }
      resources:
        api: { logging: { retentionDays: 3 } }
        own: { logging: { logForwarding: { type: highlight, properties: { projectId: 1 } } } }
        none: { logging: { logForwarding: null } }
        quiet: { logging: { disabled: true } }

      """
    )
    #expect(matcher.resolve(container("api")).settings.retentionDays == 3)
    #expect(matcher.resolve(container("api")).settings.destination?.kind == .datadog)
    #expect(matcher.resolve(container("own")).settings.destination?.kind == .highlight)
    #expect(matcher.resolve(container("none")).settings.destination == nil)
    #expect(matcher.resolve(container("zzz")).settings.retentionDays == 30)
    #expect(matcher.resolve(container("zzz")).settings.destination?.kind == .datadog)
    #expect(matcher.resolve(container("quiet")).placement == .disabled)
    let awake = matcher.resolve(container("quiet", ["logagent.disabled": "false"]))
    #expect(awake.placement == .collect(group: awake.group, stream: awake.stream))
    let asleep = matcher.resolve(container("api", ["logagent.disabled": "true"]))
    #expect(asleep.placement == .disabled)
    let labelled = matcher.resolve(container("api", ["logagent.retentionDays": "11"]))
    #expect(labelled.settings.retentionDays == 11)
    let wrong = matcher.resolve(
      container("api", ["logagent.retentionDays": "0", "logagent.disabled": "maybe"])
    )
    #expect(wrong.settings.retentionDays == 3)
    #expect(wrong.notes.count == 2)
  }

  @Test("a group keeps its resource's settings when the containers are gone")
  func groupSettings() throws {
    let matcher = try matcher(shop)
    func days(_ name: String) throws -> RetentionPeriod {
      matcher.settings(ofGroup: try #require(LogGroup(name))).retentionDays
    }
    #expect(try days("/stp/shop-prod/batch/nightlyReport/process-logs") == 7)
    #expect(try days("/stp/shop-dev/batch/nightlyReport/process-logs") == 7)
    #expect(try days("/exec/nightlyReport") == 7)
    #expect(try days("/docker/nightlyReport") == 7)
    #expect(try days("/docker/nightlyReport/web") == 90)
    #expect(try days("/docker/shop/nightlyReport") == 90)
    #expect(try days("/import/unknown") == 90)
    #expect(try days("free") == 90)
  }

  @Test(
    "globs match whole texts, in linear time",
    arguments: [
      ("*", "", true), ("a*", "abc", true), ("*c", "abc", true), ("a?c", "abc", true),
      ("a?c", "ac", false), ("*b*", "abc", true), ("b", "abc", false), ("", "", true),
      ("", "a", false),
      ("**a**", "a", true), ("a*b*c", "aXbYbZc", true), ("?", "é", true),
    ]
  )
  func globs(_ pattern: String, _ text: String, _ matches: Bool) {
    #expect(Glob(pattern).matches(text) == matches)
  }

  @Test("a glob of many stars cannot hang")
  func globBomb() {
    let pattern = String(repeating: "*a", count: 500) + "b"
    let time = ContinuousClock().measure {
      #expect(!Glob(pattern).matches(String(repeating: "a", count: 5_000)))
    }
    #expect(time < .seconds(5))
  }

  @Test("exec runs are attempts of a batch-job, and /exec/{resource} otherwise")
  func runs() throws {
    let matcher = try matcher(shop)
    func place(_ name: String) -> String {
      let place = matcher.place(ofRun: "r-7", resource: name)
      return "\(place.group) \(place.stream) \(place.settings.retentionDays.configured)"
    }
    #expect(
      place("nightly-report")
        == "/stp/shop-prod/batch/nightlyReport/process-logs batch/default/r-7-1 7"
    )
    #expect(place("API") == "/exec/api exec/r-7 90")
    #expect(place("backup job") == "/exec/backup_job exec/r-7 90")
    #expect(place("/my/group") == "/my/group exec/r-7 90")
    #expect(place("/docker/nightlyReport") == "/docker/nightlyReport exec/r-7 7")
    #expect(matcher.place(ofRun: "r", resource: "quiet").settings.isDisabled)
  }

  @Test("imports go to a resource's own group, and /import/{name} otherwise")
  func imports() throws {
    let matcher = try matcher(shop)
    func group(_ name: String) -> String {
      matcher.place(ofImport: "f.log", resource: name).group.name
    }
    #expect(group("api") == ecs("api"))
    #expect(group("nightlyReport") == "/stp/shop-prod/batch/nightlyReport/process-logs")
    #expect(group("old") == "/import/old")
    #expect(group("/a/b") == "/a/b")
    #expect(matcher.place(ofImport: "f:1.log", resource: "old").stream.name == "f_1.log")
  }
}

@Suite("Which log groups a name means")
struct ConfigurationGroupSearchTests {
  static let names = [
    "/stp/shop-prod/ecs/api/service-container/process-logs",
    "/stp/shop-prod/ecs/apps/front/process-logs", "/stp/shop-prod/ecs/apps/back/process-logs",
    "/stp/shop-dev/ecs/api/service-container/process-logs",
    "/stp/shop-prod/batch/nightlyReport/process-logs", "/exec/nightlyReport", "/docker/shop/redis",
    "/docker/shop/db", "/docker/default/grafana", "/docker/plain", "/import/old", "custom",
  ]

  private func find(_ name: String, container: String? = nil, stack: String? = "shop-prod") throws
    -> [String]
  {
    let search = GroupSearch(Self.names.compactMap { LogGroup($0) }, stack: stack)
    return try search.find(name, container: container).map(\.name)
  }

  @Test(
    "a full name is itself, a resource all its groups, similar names count when no exact one does"
  )
  func found() throws {
    #expect(try find("/docker/shop/redis") == ["/docker/shop/redis"])
    #expect(try find("custom") == ["custom"])
    #expect(try find("api") == [Self.names[0]])
    #expect(try find("nightlyReport", stack: nil) == ["/exec/nightlyReport", Self.names[4]])
    #expect(try find("apps") == [Self.names[2], Self.names[1]])
    #expect(try find("apps/front") == [Self.names[1]])
    #expect(try find("apps", container: "back") == [Self.names[2]])
    #expect(try find("nightly-report") == ["/exec/nightlyReport", Self.names[4]])
    #expect(try find("Redis") == ["/docker/shop/redis"])
    #expect(try find("shop/redis") == ["/docker/shop/redis"])
    #expect(try find("shop") == ["/docker/shop/db", "/docker/shop/redis"])
    #expect(try find("plain") == ["/docker/plain"])
    #expect(try find("old") == ["/import/old"])
  }

  @Test("a resource of several stacks is an error that lists them, unless files or flags say which")
  func stacks() throws {
    let groups = Self.names.compactMap { LogGroup($0) }
    for stack in [nil, "other-x"] {
      #expect(throws: GroupSearch.NotFound(name: "api", stacks: ["shop-dev", "shop-prod"])) {
        try find("api", stack: stack)
      }
    }
    let known = GroupSearch(groups, stack: "other-x", known: ["api": ["shop-dev"]])
    #expect(try known.find("Api").map(\.name) == [Self.names[3]])
    let asked = GroupSearch(groups, stack: "shop-qa", isStackWanted: true)
    #expect(
      throws: GroupSearch.NotFound(
        name: "api",
        stacks: ["shop-dev", "shop-prod"],
        wanted: "shop-qa"
      )
    ) { try asked.find("api") }
    #expect(try asked.find("nightlyReport").map(\.name) == ["/exec/nightlyReport"])
    #expect(try GroupSearch(groups, isUnsureAllowed: true).find("api").count == 2)
    let unsure = GroupSearch.NotFound(name: "api", stacks: ["a-b", "c-d"])
    #expect(
      unsure.description
        == "`api` is in several stacks: a-b, c-d; say which with --projectName and --stage"
    )
    let missing = GroupSearch.NotFound(name: "api", stacks: ["a-b"], wanted: "x-y")
    #expect(missing.description == "no logs of `api` in the stack x-y, but in a-b")
  }

  @Test("a name that means nothing is an error with near ones")
  func notFound() {
    #expect(throws: GroupSearch.NotFound(name: "grafna", near: ["grafana"])) {
      try find("grafna")
    }
    #expect(throws: GroupSearch.NotFound(name: "apps/frnt", near: ["apps/front", "apps"])) {
      try find("apps/frnt")
    }
    #expect(throws: GroupSearch.NotFound(name: "zzzzzz", near: [])) { try find("zzzzzz") }
    #expect(throws: GroupSearch.NotFound.self) { try find("/docker/shop/none") }
    #expect(throws: GroupSearch.NotFound.self) { try GroupSearch([]).find("api") }
    let error = GroupSearch.NotFound(name: "grafna", near: ["grafana"])
    #expect("\(error)" == "no logs of `grafna`; did you mean `grafana`?")
  }
}
