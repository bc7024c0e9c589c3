import Foundation
import LogModel
import Store
import TestSupport
import Testing

/// An untouched stacktape.yml as the configuration of a running agent.
private func stacktape(endpoint: String) -> String {
  """
  serviceName: shop
  variables: { stageDays: { prod: 14 } }
  deploymentConfig: { terminationProtection: true }
  resources:
    api:
      type: web-service
      properties:
        packaging: { type: stacktape-image-buildpack, properties: { entryfilePath: src/a.ts } }
        resources: { cpu: 0.25, memory: 512 }
        logging:
          retentionDays: $Var().stageDays.prod
          logForwarding:
            type: http-endpoint
            properties:
              endpointUrl: \(endpoint)
              parameters: { stage: $Stage() }
        sideContainers:
          - name: quiet
            packaging: { type: prebuilt-image, properties: { image: example/quiet } }
            logging: { disabled: true }
    report:
      type: batch-job
      properties:
        container: { packaging: { type: prebuilt-image, properties: { image: x } } }
        resources: { cpu: 1, memory: 512 }
        logging: { retentionDays: 3 }

  """
}

private func rig(endpoint: String, _ make: (String) -> Agent) -> Agent {
  let agent = make(
    """
    stage: prod
    project: shop
    stacktape: [stacktape.yml]
    forward: { flushSeconds: 1, allowInsecure: true }
    """
  )
  agent.directory.write("stacktape.yml", stacktape(endpoint: endpoint))
  return agent
}

extension DockerTests {
  @Test("a container of a stacktape.yml's resource has its group, retention and forwarding")
  func stacktapeContainers() throws {
    let engine = EngineScope.engine
    let stub = FirehoseStub { _, _ in .confirm }
    let agent = rig(endpoint: stub.url) { Agent(engine, more: $0) }
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    try engine.run("shop-prod-api-1", "sh -c 'echo from the api; sleep 60'")
    try engine.run("shop-prod-api-quiet-1", "sh -c 'echo from the side; sleep 60'")
    try engine.run("stray", "sh -c 'echo from nobody'")
    let group = "/stp/shop-prod/ecs/api/service-container/process-logs"
    #expect(wait(seconds: 20) { store.count(group) == 1 }, "\(agent.log)")
    #expect(wait(seconds: 20) { store.count("/docker/default/stray") == 1 }, "\(agent.log)")
    #expect(try store.events(group).map(\.text) == ["from the api"])
    #expect(store.count("/stp/shop-prod/ecs/api/quiet/process-logs") == 0)
    #expect(wait(seconds: 20) { !stub.requests.isEmpty }, "\(agent.log)")
    let request = try #require(stub.requests.first)
    #expect(
      request.headers["x-amz-firehose-common-attributes"]
        == #"{"commonAttributes":{"stage":"prod"}}"#
    )
    let mapping = try agent.command("check --effective")
    #expect(mapping.contains("stack shop-prod"))
    let line = mapping.split(separator: "\n").first { $0.hasPrefix("api ") } ?? ""
    #expect(
      line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        == "api web-service shop-prod-api-1 14 days http-endpoint 127.0.0.1:\(stub.port)"
    )
    #expect(agent.stop().status == 0)
  }
}

@Suite("stacktape.yml without Docker")
struct StacktapeExecTests {
  @Test(
    "a run of a batch-job has its group and retention, and a wrong file stops the daemon's start"
  )
  func exec() throws {
    let agent = rig(endpoint: "http://127.0.0.1:9/x") { Agent(more: $0) }
    try agent.command("exec --resource report -- echo done")
    let reader = try StoreReader(dataDirectory: agent.dataDirectory)
    let info = try #require(try reader.groups().first)
    #expect(info.group.name == "/stp/shop-prod/batch/report/process-logs")
    #expect(info.retention == 3)
    #expect(try agent.command("logs report --raw").contains("done"))
    let path = agent.directory.file("stacktape.yml")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    agent.directory.write(
      "stacktape.yml",
      text.replacing("retentionDays: 3", with: "retentionDays: 4")
    )
    try agent.start(waits: false)
    #expect(agent.waitForLog("(found 4)", seconds: 10), "\(agent.log)")
    #expect(agent.latestLog.contains("stacktape.yml:"))
  }
}
