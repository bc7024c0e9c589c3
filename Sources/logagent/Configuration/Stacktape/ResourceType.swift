internal import LogModel

/// The resource types of Stacktape that write logs.
enum ResourceType: String, Sendable, CaseIterable {
  case batchJob = "batch-job"
  case webService = "web-service"
  case privateService = "private-service"
  case workerService = "worker-service"
  case multiContainerWorkload = "multi-container-workload"
  case convex
  case function
  case edgeLambdaFunction = "edge-lambda-function"
  case nextjsWeb = "nextjs-web"
  case astroWeb = "astro-web"
  case nuxtWeb = "nuxt-web"
  case sveltekitWeb = "sveltekit-web"
  case solidstartWeb = "solidstart-web"
  case tanstackWeb = "tanstack-web"
  case remixWeb = "remix-web"
  case relationalDatabase = "relational-database"
  case redisCluster = "redis-cluster"
  case httpApiGateway = "http-api-gateway"
  case bastion
  case openSearchDomain = "open-search-domain"

  /// How much of a resource exists on a machine of one's own.
  enum Locality: Sendable {
    /// Containers: every rule of matching applies.
    case containers
    /// A service of AWS that a container may stand in for: every rule applies.
    case standIn
    /// Code without a container: only labels and `match` lead to it.
    case emulated
  }

  var locality: Locality {
    switch self {
    case .batchJob, .webService, .privateService, .workerService, .multiContainerWorkload, .convex:
      .containers
    case .relationalDatabase, .redisCluster, .httpApiGateway, .bastion, .openSearchDomain: .standIn
    case .function, .edgeLambdaFunction, .nextjsWeb, .astroWeb, .nuxtWeb, .sveltekitWeb,
      .solidstartWeb, .tanstackWeb, .remixWeb:
      .emulated
    }
  }

  /// Where `logging` stands.
  enum LoggingPlace: Sendable {
    /// `properties.logging`.
    case properties
    /// `properties.logging`, and each of `properties.sideContainers`.
    case propertiesAndSideContainers
    /// Each of `properties.containers`.
    case containers
    /// `properties.serverLambda.logging`.
    case serverLambda
    /// One for each of these members of `properties`.
    case members([String])
    /// One for each of these members of `properties.logging`.
    case kinds([String])
  }

  var loggingPlace: LoggingPlace {
    switch self {
    case .webService, .privateService, .workerService: .propertiesAndSideContainers
    case .multiContainerWorkload: .containers
    case .convex: .members(["backend", "dashboard", "database"])
    case .nextjsWeb, .astroWeb, .nuxtWeb, .sveltekitWeb, .solidstartWeb, .tanstackWeb, .remixWeb:
      .serverLambda
    case .bastion: .kinds(["messages", "secure", "audit"])
    case .openSearchDomain: .kinds(["errorLogs", "searchSlowLogs", "indexSlowLogs"])
    case .batchJob, .function, .edgeLambdaFunction, .relationalDatabase, .redisCluster,
      .httpApiGateway:
      .properties
    }
  }

  /// What Stacktape's code sets where `retentionDays` is not given; its documents differ in places.
  func defaultRetention(container: String?) -> RetentionPeriod {
    switch self {
    case .edgeLambdaFunction, .nextjsWeb, .astroWeb, .nuxtWeb, .sveltekitWeb, .solidstartWeb,
      .tanstackWeb, .remixWeb:
      180
    case .redisCluster, .httpApiGateway: 30
    case .bastion: container == "audit" ? 365 : container == "secure" ? 180 : 30
    case .openSearchDomain:
      container == "searchSlowLogs" || container == "indexSlowLogs" ? 5 : 30
    case .batchJob, .webService, .privateService, .workerService, .multiContainerWorkload, .convex,
      .function, .relationalDatabase:
      90
    }
  }

  /// Keys of `logging` besides the three that every type has, with the words that they allow.
  var furtherLoggingKeys: [(key: String, words: [String]?)] {
    switch self {
    case .relationalDatabase: [("logTypes", nil), ("engineSpecificOptions", nil)]
    case .redisCluster: [("format", ["text", "json"])]
    case .httpApiGateway: [("format", ["CLF", "JSON", "XML", "CSV"])]
    default: []
    }
  }

  /// The types of Stacktape that write no logs of their own.
  static let withoutLogs = [
    "application-load-balancer", "aws-cdk-construct", "bucket", "custom-resource-definition",
    "custom-resource-instance", "deployment-script", "dynamo-db-table", "efs-filesystem",
    "event-bus", "hosting-bucket", "kinesis-stream", "mongo-db-atlas-cluster",
    "network-load-balancer", "sns-topic", "sqs-queue", "state-machine", "upstash-redis",
    "user-auth-pool", "web-app-firewall",
  ]
}
