import LogModel
import TestSupport
import Testing

@testable import logagent

@Suite("What a stacktape.yml says")
struct StacktapeResourceTests {
  static let shop = """
    serviceName: ignored
    variables: { days: 30, logging: { retentionDays: 14 } }
    hooks: { afterDeploy: [{ scriptName: migrate }] }
    scripts: { migrate: { type: local-script, properties: { executeCommand: "npx x" } } }
    deploymentConfig: { terminationProtection: true }
    cloudformationResources:
      Anything: { Type: "AWS::S3::Bucket", Properties: { BucketName: !Sub "x-${AWS::Region}" } }
    resources:
      api:
        type: web-service
        properties:
          packaging: { type: stacktape-image-buildpack, properties: { entryfilePath: a.ts } }
          resources: { cpu: 0.25, memory: 512 }
          environment: [{ name: DB, value: "$ResourceParam('mainDb', 'x')" }]
          logging: { retentionDays: $Var().days }
          sideContainers:
            - name: proxy
              packaging: { type: prebuilt-image, properties: { image: "envoy:1.30" } }
              logging: { disabled: true }
            - name: metrics
              packaging: { type: prebuilt-image, properties: { image: "statsd:1" } }
      site:
        type: multi-container-workload
        properties:
          containers:
            - { name: nginx, logging: $Var().logging }
            - { name: php, logging: { retentionDays: 7 } }
      nightly: { type: batch-job, properties: { container: {}, resources: { cpu: 1, memory: 9 } } }
      mainDb:
        type: relational-database
        properties: { logging: { logTypes: [postgresql], retentionDays: 365 } }
      cache: { type: redis-cluster, properties: { logging: { format: text } } }
      edge: { type: edge-lambda-function, properties: {} }
      files: { type: bucket }

    """

  @Test("gives every container the retention of its own, its resource's or its type's default")
  func retention() throws {
    let rig = StacktapeRig()
    let loaded = rig.load(
      Self.shop,
      more: "project: shop\nstage: prod\ndefaults: { retentionDays: 5 }\n"
    )
    #expect(loaded.summaries == [])
    let matcher = ResourceMatcher(try #require(loaded.configuration))
    func days(_ name: String) throws -> RetentionPeriod {
      matcher.settings(ofGroup: try #require(LogGroup(name))).retentionDays
    }
    #expect(try days("/stp/shop-prod/ecs/api/service-container/process-logs") == 30)
    #expect(try days("/stp/shop-prod/ecs/api/metrics/process-logs") == 90)
    #expect(try days("/stp/shop-prod/ecs/site/nginx/process-logs") == 14)
    #expect(try days("/stp/shop-prod/ecs/site/php/process-logs") == 7)
    #expect(try days("/stp/shop-prod/batch/nightly/process-logs") == 90)
    #expect(try days("/stp/shop-prod/ecs/mainDb/service-container/process-logs") == 365)
    #expect(try days("/stp/shop-prod/ecs/cache/service-container/process-logs") == 30)
    #expect(try days("/stp/shop-prod/ecs/edge/service-container/process-logs") == 180)
    #expect(try days("/docker/other/thing") == 5)
    let proxy = LogGroup("/stp/shop-prod/ecs/api/proxy/process-logs")
    #expect(matcher.settings(ofGroup: try #require(proxy)).isDisabled)
  }
}
