import LogModel
import TestSupport
import Testing

@testable import logagent

private let id = String(repeating: "cd", count: 32)

private func container(
  _ name: String = "",
  image: String = "",
  _ labels: [String: String] = [:]
) -> ContainerMetadata {
  ContainerMetadata(id: id, name: name, image: image, labels: labels)
}

private func compose(_ project: String, _ service: String) -> ContainerMetadata {
  container(
    "\(project)-\(service)-1",
    ["com.docker.compose.project": project, "com.docker.compose.service": service]
  )
}

private func ecs(_ family: String, _ name: String) -> ContainerMetadata {
  container(
    "ecs-agent-made",
    [
      "com.amazonaws.ecs.task-definition-family": family,
      "com.amazonaws.ecs.container-name": name,
    ]
  )
}

@Suite("Which container belongs to which resource of a stacktape.yml")
struct StacktapePlacingTests {
  static let shop = """
    resources:
      api:
        type: web-service
        properties:
          sideContainers:
            - name: proxy
              packaging: { type: prebuilt-image, properties: { image: "envoy:1.30" } }
      site:
        type: multi-container-workload
        properties:
          containers:
            - { name: nginx, packaging: &p { type: prebuilt-image, properties: { image: "n:1" } } }
            - { name: nginx2, packaging: *p }
      nightlyReport: { type: batch-job, properties: {} }
      mainDb: { type: relational-database }
      sendMail: { type: function }

    """

  static let cases: [(ContainerMetadata, ResourceMatcher.Rule, String)] = [
    (container("x", ["logagent.resource": "sendMail"]), .label, "ecs/sendMail/service-container"),
    (
      container("x", ["logagent.resource": "site", "logagent.container": "NGINX"]), .label,
      "ecs/site/nginx"
    ),
    (ecs("shop-prod-api", "proxy"), .ecsLabel, "ecs/api/proxy"),
    (ecs("xx-shop-prod-anything", "nginx2"), .ecsLabel, "ecs/site/nginx2"),
    (compose("shop", "api"), .compose, "ecs/api/service-container"),
    (compose("shop", "api-service-container"), .compose, "ecs/api/service-container"),
    (compose("shop-prod", "api-proxy"), .compose, "ecs/api/proxy"),
    (compose("shop", "site-nginx"), .compose, "ecs/site/nginx"),
    (compose("shop", "nightly-report"), .compose, "batch/nightlyReport"),
    (compose("shop", "main-db"), .compose, "ecs/mainDb/service-container"),
    (container("invoke-local-nightlyreport-default"), .dev, "batch/nightlyReport"),
    (container("invoke-local-site-nginx"), .dev, "ecs/site/nginx"),
    (container("invoke-local-api-service-container"), .dev, "ecs/api/service-container"),
    (container("shop-prod-api"), .name, "ecs/api/service-container"),
    (container("shop-prod-api-2"), .name, "ecs/api/service-container"),
    (container("shop-prod-api-proxy-2"), .name, "ecs/api/proxy"),
    (container("site-nginx2"), .name, "ecs/site/nginx2"),
    (container("odd_name", image: "envoy:1.30"), .image, "ecs/api/proxy"),
  ]

  @Test("every rule leads to the resource, and to its container", arguments: cases.indices)
  func rules(_ index: Int) throws {
    let (container, rule, place) = Self.cases[index]
    let loaded = StacktapeRig().load(Self.shop)
    let matcher = ResourceMatcher(try #require(loaded.configuration, "\(loaded.summaries)"))
    let resolution = matcher.resolve(container)
    #expect(resolution.rule == rule)
    #expect(resolution.group.name == "/stp/shop-prod/\(place)/process-logs")
    #expect(resolution.rival == nil)
  }

  @Test("what could be two things, or belongs to another project, is left alone")
  func unmatched() throws {
    let matcher = ResourceMatcher(try #require(StacktapeRig().load(Self.shop).configuration))
    for container in [
      container("odd", image: "n:1"), compose("blog", "api"), container("sendMail"),
      compose("shop", "sendMail"), compose("shop", "site-other"), container("invoke-local-x-y"),
      ecs("blog-prod-api", "proxy"), compose("shop", "site-service-container"),
    ] {
      let resolution = matcher.resolve(container)
      #expect(resolution.rule == .unmatched, "\(container.name) \(resolution.group.name)")
    }
  }

  @Test("several files are several stacks, told apart by Compose project and by name")
  func stacks() throws {
    let rig = StacktapeRig()
    let file = """
      resources:
        api: { type: web-service, properties: { logging: { retentionDays: DAYS } } }

      """
    rig.directory.write("shop.yml", file.replacing("DAYS", with: "3"))
    rig.directory.write("blog/stacktape.yaml", file.replacing("DAYS", with: "5"))
    let path = rig.directory.write(
      "logagent.yml",
      """
      project: shop
      stage: prod
      stacktape: [shop.yml, { path: blog, project: blog, stage: live }]
      resources: { api: { logging: { disabled: false } } }

      """
    )
    let loaded = Configuration.load(path: path, environment: { _ in nil })
    #expect(loaded.summaries == [])
    #expect(loaded.files.map { $0.split(separator: "/").last }.count == 3)
    let matcher = ResourceMatcher(try #require(loaded.configuration))
    let shop = matcher.resolve(compose("shop", "api"))
    let blog = matcher.resolve(compose("blog", "api"))
    let named = matcher.resolve(container("blog-live-api-1"))
    #expect(shop.group.name == "/stp/shop-prod/ecs/api/service-container/process-logs")
    #expect(blog.group.name == "/stp/blog-live/ecs/api/service-container/process-logs")
    #expect(named.group == blog.group)
    #expect(shop.settings.retentionDays == 3 && blog.settings.retentionDays == 5)
    #expect(matcher.settings(ofGroup: blog.group).retentionDays == 5)
    let both = matcher.resolve(container("api"))
    #expect(both.group == shop.group && both.rival?.name == "api")
    let labelled = matcher.resolve(
      container(
        "x",
        ["logagent.resource": "api", "logagent.project": "blog", "logagent.stage": "live"]
      )
    )
    #expect(labelled.group == blog.group && labelled.settings.retentionDays == 5)
  }

  @Test("flag, environment, label, logagent.yml, stacktape.yml, type, defaults: in this order")
  func precedence() throws {
    var rig = StacktapeRig()
    let file = """
      resources:
        api: { type: web-service, properties: { logging: { retentionDays: 30, disabled: true } } }
        edge: { type: edge-lambda-function, properties: {} }

      """
    let more = """
      project: shop
      stage: prod
      defaults: { retentionDays: 5 }
      resources: { api: { logging: { retentionDays: 11 } } }

      """
    func days(_ name: String, _ labels: [String: String] = [:]) throws -> RetentionPeriod {
      let loaded = rig.load(file, more: more)
      let matcher = ResourceMatcher(try #require(loaded.configuration, "\(loaded.summaries)"))
      return matcher.resolve(container(name, labels)).settings.retentionDays
    }
    #expect(try days("api") == 11)
    #expect(try days("api", ["logagent.retentionDays": "2"]) == 2)
    #expect(try days("x", ["logagent.resource": "edge"]) == 180)
    #expect(try days("other") == 5)
    let loaded = rig.load(file, more: more)
    let configuration = try #require(loaded.configuration)
    #expect(ResourceMatcher(configuration).resolve(container("api")).settings.isDisabled)
    rig.environment = ["LOGAGENT_STAGE": "dev", "LOGAGENT_PROJECT": "bazaar"]
    #expect(rig.load(file, more: more).configuration?.stack == "bazaar-dev")
    rig.choices.stage = "qa"
    #expect(rig.load(file, more: more).configuration?.stack == "bazaar-qa")
  }

  @Test("a value that logagent.yml gives need not be known from the stacktape.yml")
  func overridden() throws {
    let file = """
      directives: [{ name: Days, filePath: "d.ts:days" }]
      resources:
        api: { type: web-service, properties: { logging: { retentionDays: $Days() } } }

      """
    let rig = StacktapeRig()
    #expect(rig.load(file).configuration == nil)
    let more = "resources: { api: { logging: { retentionDays: 7 } } }\n"
    let loaded = rig.load(file, more: "project: a\nstage: b\n" + more)
    #expect(loaded.summaries == [])
    #expect(loaded.configuration?.resources.map(\.logging.retentionDays) == [7])
  }

  @Test("a type that logagent.yml gives must be the stacktape.yml's")
  func conflict() throws {
    let rig = StacktapeRig()
    let loaded = rig.load(
      "resources: { api: { type: web-service } }\n",
      more: "project: a\nstage: b\nresources:\n  api: { type: batch-job }\n"
    )
    #expect(
      loaded.summaries == ["4:16 error: `api` is a `web-service` in its stacktape.yml"]
    )
    #expect(loaded.diagnostics.first?.file.hasSuffix("/logagent.yml") == true)
  }

  @Test("a forwarder whose value is not known here is paused alone, and the rest goes on")
  func paused() throws {
    let loaded = StacktapeRig().load(
      """
      directives: [{ name: Mine, filePath: "d.ts:mine" }]
      resources:
        a: { type: web-service, properties: { logging: { logForwarding: $Mine() } } }
        b:
          type: web-service
          properties:
            logging:
              logForwarding: { type: highlight, properties: { projectId: $Mine() } }
        c:
          type: web-service
          properties:
            logging:
              logForwarding:
                type: http-endpoint
                properties:
                  endpointUrl: "$CfFormat('https://{}/x', $StackOutput('other', 'host'))"
                  retryDuration: $Mine()
        d:
          type: web-service
          properties:
            logging:
              logForwarding: { type: datadog, properties: { apiKey: key } }

      """
    )
    let configuration = try #require(loaded.configuration, "\(loaded.summaries)")
    let matcher = ResourceMatcher(configuration)
    let destinations = configuration.resources.map { matcher.settings(of: $0).destination }
    #expect(destinations.map { $0?.pausedReason != nil } == [true, true, true, false])
    #expect(destinations.map { $0?.kind } == [.httpEndpoint, .highlight, .httpEndpoint, .datadog])
    let warnings = loaded.diagnostics.filter { $0.message.contains("this forwarding is paused") }
    #expect(warnings.map(\.line) == [3, 8, 16, 17])
    #expect(warnings.allSatisfy { $0.severity == .warning && $0.help != nil })
  }
}
