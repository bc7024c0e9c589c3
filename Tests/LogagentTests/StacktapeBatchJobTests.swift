import LogModel
import Testing

@testable import logagent

/// A line of a batch-job's definition and what it means here.
private struct Field: Sendable {
  var name: String
  var properties: String
  var holds: @Sendable (StacktapeResource, BatchJobDefinition, GroupSettings) -> Bool

  typealias GroupSettings = ResourceMatcher.GroupSettings

  init(
    _ name: String,
    _ properties: String,
    _ holds: @escaping @Sendable (StacktapeResource, BatchJobDefinition, GroupSettings) -> Bool
  ) {
    self.name = name
    self.properties = properties
    self.holds = holds
  }
}

private func forwarding(_ text: String) -> String { "logging: { logForwarding: { \(text) } }" }

private let event = ["http-api-gateway", "s3", "sns", "sqs", "kinesis-stream", "dynamo-db-stream"]
private let further = ["cloudwatch-log", "application-load-balancer", "event-bus"]

private let fields: [Field] = [
  Field(
    "container.packaging prebuilt-image",
    """
    container:
            packaging:
              type: prebuilt-image
              properties: { image: "shop/import:1", command: [node, run.js] }
    """
  ) { resource, job, _ in
    job.packaging == .image("shop/import:1", command: ["node", "run.js"])
      && resource.image == "shop/import:1"
  },
  Field(
    "container.packaging custom-dockerfile",
    """
    container:
            packaging:
              type: custom-dockerfile
              properties:
                buildContextPath: ./app
                dockerfilePath: Dockerfile.job
                buildArgs: [{ argName: VERSION, value: 3 }]
                command: [./run]
    """
  ) { _, job, _ in
    job.packaging
      == .dockerfile(
        folder: "./app",
        file: "Dockerfile.job",
        arguments: [.init(name: "VERSION", value: Secret("3"))],
        command: ["./run"]
      )
  },
  Field(
    "container.packaging stacktape-image-buildpack",
    "container: { packaging: { type: stacktape-image-buildpack, properties: { a: b } } }"
  ) { _, job, _ in job.packaging == .foreign("stacktape-image-buildpack") },
  Field(
    "container.packaging nixpacks",
    "container: { packaging: { type: nixpacks, properties: { sourceDirectoryPath: . } } }"
  ) { _, job, _ in job.packaging == .foreign("nixpacks") },
  Field(
    "container.packaging external-buildpack",
    "container: { packaging: { type: external-buildpack } }"
  ) { _, job, _ in job.packaging == .foreign("external-buildpack") },
  Field(
    "container.environment",
    """
    container:
            environment:
              - { name: A, value: text }
              - { name: B, value: 5 }
              - { name: C, value: true }
              - { name: D, value: $Secret('known') }
              - { name: E, value: $Secret('unknown') }
              - { name: F, value: "$ResourceParam('db', 'host')" }
    """
  ) { _, job, _ in
    job.environment.map(\.name) == ["A", "B", "C", "D", "E", "F"]
      && job.environment.map(\.value)
        == [Secret("text"), Secret("5"), Secret("true"), Secret("s3cr3t"), nil, nil]
      && !"\(job)".contains("s3cr3t")
  },
  Field("resources.cpu", "resources: { cpu: 0.5 }") { _, job, _ in job.cpu == 0.5 },
  Field("resources.memory", "resources: { memory: 7680 }") { _, job, _ in
    job.memoryMegabytes == 7_680
  },
  Field("resources.gpu", "resources: { gpu: 2 }") { _, job, _ in job.gpu == 2 },
  Field("resources.instanceTypes", "resources: { instanceTypes: [p3.2xlarge] }") { _, job, _ in
    job.cpu == nil
  },
  Field("timeout", "timeout: 7200") { _, job, _ in job.timeoutSeconds == 7_200 },
  Field("timeout absent", "useSpotInstances: false") { _, job, _ in job.timeoutSeconds == nil },
  Field("useSpotInstances", "useSpotInstances: true") { _, job, _ in job.usesSpotInstances },
  Field("useSpotInstances default", "timeout: 5") { _, job, _ in !job.usesSpotInstances },
  Field("logging.disabled", "logging: { disabled: true }") { _, _, settings in
    settings.isDisabled
  },
  Field("logging.disabled default", "logging: {}") { _, _, settings in !settings.isDisabled },
  Field("logging.retentionDays", "logging: { retentionDays: 3653 }") { _, _, settings in
    settings.retentionDays == 3_653
  },
  Field("logging.retentionDays default", "logging: {}") { _, _, settings in
    settings.retentionDays == 90
  },
  Field(
    "logging.logForwarding http-endpoint",
    forwarding(
      """
      type: http-endpoint, properties: { endpointUrl: "https://h/x", accessKey: $Secret('known'), \
      gzipEncodingEnabled: true, retryDuration: 0, parameters: { env: prod, n: 5 } }
      """
    )
  ) { _, _, settings in
    settings.destination
      == ForwardingDestination(
        kind: .httpEndpoint,
        endpointURL: "https://h/x",
        accessKey: Secret("s3cr3t"),
        attributes: [
          .init(name: "env", value: Secret("prod")), .init(name: "n", value: Secret("5")),
        ],
        gzip: true,
        retryDurationSeconds: 0
      )
  },
  Field(
    "logging.logForwarding highlight",
    forwarding("type: highlight, properties: { projectId: abc }")
  ) { _, _, settings in
    settings.destination?.attributes.map(\.name) == ["x-highlight-project"]
      && settings.destination?.retryDurationSeconds == 300
  },
  Field(
    "logging.logForwarding datadog",
    forwarding("type: datadog, properties: { apiKey: $Secret('known') }")
  ) { _, _, settings in
    settings.destination?.accessKey == Secret("s3cr3t")
      && settings.destination?.pausedReason == nil
  },
  Field("retryConfig.attempts", "retryConfig: { attempts: 4 }") { _, job, _ in job.attempts == 4 },
  Field("retryConfig defaults", "retryConfig: {}") { _, job, _ in
    job.attempts == 1 && job.retryIntervalSeconds == 0 && job.retryIntervalMultiplier == 1
  },
  Field(
    "retryConfig.retryIntervalSeconds and retryIntervalMultiplier",
    "retryConfig: { attempts: 4, retryIntervalSeconds: 5, retryIntervalMultiplier: 2 }"
  ) { _, job, _ in (1...3).map { job.wait(after: $0) } == [5, 10, 20] },
  Field(
    "events schedule",
    """
    events:
            - { type: schedule, properties: { scheduleRate: rate(1 day) } }
            - { type: schedule, properties: { scheduleRate: cron(0 2 * * ? *) } }
    """
  ) { _, job, _ in
    job.schedules == ["rate(1 day)", "cron(0 2 * * ? *)"] && job.foreignEvents == []
  },
  Field(
    "events that only AWS delivers",
    "events: [\((event + further).map { "{ type: \($0) }" }.joined(separator: ", "))]"
  ) { _, job, _ in job.foreignEvents == event + further },
  Field("connectTo", "connectTo: [db, bucket]") { _, job, _ in job == BatchJobDefinition() },
  Field("iamRoleStatements", "iamRoleStatements: [{ Resource: ['*'] }]") { _, job, _ in
    job == BatchJobDefinition()
  },
]

@Suite("Every field of a batch-job")
struct StacktapeBatchJobTests {
  private func load(_ properties: String, after: String = "") -> LoadedConfiguration {
    var rig = StacktapeRig()
    rig.environment["LOGAGENT_SECRET_KNOWN"] = "s3cr3t"
    return rig.load(
      """
      resources:
        job:
          type: batch-job
          properties:
            \(properties)
      \(after)

      """
    )
  }

  @Test("is taken with its meaning, and without a word", arguments: fields.indices)
  func field(_ index: Int) throws {
    let field = fields[index]
    let loaded = load(field.properties)
    #expect(loaded.summaries == [], "\(field.name)")
    let configuration = try #require(loaded.configuration, "\(field.name)")
    let resource = try #require(loaded.resource("job")?.stacktape)
    let job = try #require(resource.batchJob)
    #expect(resource.type == .batchJob)
    let group = try #require(LogGroup("/stp/shop-prod/batch/job/process-logs"))
    let settings = ResourceMatcher(configuration).settings(ofGroup: group)
    #expect(field.holds(resource, job, settings), "\(field.name): \(job) \(settings)")
  }

  @Test("`overrides` and what stands beside the resource is nobody's business")
  func overrides() {
    let loaded = load("timeout: 5", after: "    overrides: { Any: { Thing: !GetAtt a.b } }")
    #expect(loaded.summaries == [])
    #expect(loaded.resource("job")?.stacktape?.batchJob?.timeoutSeconds == 5)
  }

  @Test("the parameters that others may refer to are stable texts")
  func parameters() throws {
    let loaded = load(
      """
      logging:
              logForwarding:
                type: http-endpoint
                properties:
                  endpointUrl: https://h/
                  parameters:
                    a: "$ResourceParam('job', 'logGroupArn')"
                    b: "$ResourceParam('job', 'jobDefinitionArn')"
                    c: "$ResourceParam('job', 'stateMachineArn')"
      """
    )
    let destination = try #require(
      loaded.configuration.map { ResourceMatcher($0).settings(of: $0.resources[0]) }?.destination
    )
    #expect(
      destination.attributes.map { $0.value.reveal() } == [
        "arn:aws:logs:local:000000000000:log-group:/stp/shop-prod/batch/job/process-logs:*",
        "arn:aws:batch:local:000000000000:job-definition/shop-prod-job",
        "arn:aws:states:local:000000000000:stateMachine:shop-prod-job",
      ]
    )
  }

  @Test("attempts of a run are streams of the job's group, found by label, name and image")
  func placing() throws {
    let loaded = load(
      """
      container:
              packaging: { type: prebuilt-image, properties: { image: "shop/import:1" } }
      """
    )
    let matcher = ResourceMatcher(try #require(loaded.configuration))
    let id = String(repeating: "ab", count: 32)
    let cases: [(ContainerMetadata, ResourceMatcher.Rule)] = [
      (ContainerMetadata(id: id, labels: ["logagent.resource": "job"]), .label),
      (ContainerMetadata(id: id, name: "shop-prod-job-3"), .name),
      (ContainerMetadata(id: id, name: "invoke-local-job-default"), .dev),
      (ContainerMetadata(id: id, name: "happy_curie", image: "shop/import:1"), .image),
    ]
    for (container, rule) in cases {
      let resolution = matcher.resolve(container)
      #expect(resolution.rule == rule)
      #expect(resolution.group.name == "/stp/shop-prod/batch/job/process-logs")
      #expect(resolution.stream.name == "batch/default/abababababab-1")
    }
  }
}
