// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target is built under the same rules: Swift 6 mode, strict memory safety, no
/// warnings.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Tests keep the language mode and the warnings, but may use pointers and Foundation freely.
let testHouse: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

func stage(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: testHouse)
}

/// A C shim with code of its own.
func shim(_ name: String, linking libraries: [String] = []) -> Target {
  .target(
    name: name,
    path: "Sources/CModules/\(name)",
    cSettings: [.define("_GNU_SOURCE")],
    linkerSettings: libraries.map { .linkedLibrary($0) }
  )
}

/// A Debian development package seen through a module map alone.
func system(_ name: String) -> Target {
  .systemLibrary(name: name, path: "Sources/CModules/\(name)")
}

// `make fuzz` builds with LOGAGENT_FUZZ=1: then there are the libraries, of the executable only
// what reads configuration, and Tests/Fuzz as an executable that libFuzzer drives. Without Swift
// packages and without the rest it builds in a third of the time.
let isFuzzing = Context.environment["LOGAGENT_FUZZ"] == "1"
let fuzzed: [Target.Dependency] = [
  "logagent", "Query", "Collect", "Store", "LogModel", "Platform",
]

let targets: [Target] = [
  .executableTarget(
    name: "logagent",
    dependencies: [
      "Collect", "Jobs", "Store", "Retain", "Forward", "Query", "LogModel", "Platform", "CYAML",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "NIOHTTP1", package: "swift-nio"),
    ],
    swiftSettings: house
  ),

  .target(
    name: "TestSupport",
    dependencies: ["LogModel", "Platform"],
    path: "Tests/TestSupport",
    swiftSettings: testHouse
  ),
  .executableTarget(
    name: "logagent-bench",
    dependencies: ["TestSupport", "logagent"],
    path: "Tests/Benchmarks",
    swiftSettings: testHouse
  ),
  .executableTarget(
    name: "store-hammer",
    dependencies: ["Store", "Collect", "LogModel", "Platform"],
    path: "Tests/StoreHammer",
    swiftSettings: testHouse
  ),
  tests("PlatformTests", ["Platform", "TestSupport"]),
  tests("LogModelTests", ["LogModel", "Platform", "TestSupport"]),
  tests("CollectTests", ["Collect", "LogModel", "Platform", "TestSupport"]),
  tests("StoreTests", ["Store", "LogModel", "Platform", "TestSupport", "store-hammer"]),
  tests("RetainTests", ["Retain", "Store", "LogModel", "Platform", "TestSupport"]),
  tests("ForwardTests", ["Forward", "Store", "LogModel", "Platform", "TestSupport"]),
  tests("QueryTests", ["Query", "Store", "LogModel", "Platform", "TestSupport"]),
  tests("JobsTests", ["Jobs", "Collect", "LogModel", "Platform", "TestSupport"]),
  tests(
    "LogagentTests",
    [
      "logagent", "Collect", "Forward", "Query", "Retain", "Store", "LogModel", "Platform",
      "TestSupport",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]
  ),
  tests(
    "EndToEndTests",
    ["logagent", "TestSupport", "Forward", "Store", "LogModel", "Platform"]
  ),
  tests("TidyTests", ["TestSupport"]),
  .testTarget(
    name: "FuzzTests",
    dependencies: fuzzed + ["TestSupport"],
    path: "Tests/Fuzz",
    exclude: ["LibFuzzerEntry.swift", "corpus"],
    swiftSettings: testHouse
  ),
]

let fuzzTargets: [Target] = [
  .target(
    name: "logagent",
    dependencies: ["LogModel", "Platform", "CYAML"],
    path: "Sources/logagent",
    sources: [
      "Configuration", "Secrets/SecretName.swift", "Secrets/SecretPlace.swift",
      "Secrets/SecretResolver.swift",
    ],
    swiftSettings: house
  ),
  .executableTarget(
    name: "logagent-fuzz",
    dependencies: fuzzed,
    path: "Tests/Fuzz",
    exclude: [
      "CorpusTests.swift", "FilterDifferentialTests.swift", "FilterStoreTests.swift", "corpus",
    ],
    swiftSettings: testHouse + [.unsafeFlags(["-parse-as-library"])]
  ),
]

let package = Package(
  name: "logagent",
  dependencies: isFuzzing
    ? []
    : [
      .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
      .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
      .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
      .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
  targets: [
    shim("CLinux"),
    system("CZlib"),
    system("CZstd"),
    shim("CSQLite", linking: ["sqlite3"]),
    shim("CCurl"),
    shim("CYAML", linking: ["yaml"]),
    system("CPCRE2"),

    stage("Platform", ["CLinux"]),
    stage("LogModel", ["Platform"]),
    stage("Store", ["LogModel", "Platform", "CZlib", "CZstd", "CSQLite"]),
    stage("Retain", ["Store", "LogModel", "Platform"]),
    stage("Forward", ["Store", "LogModel", "Platform", "CCurl", "CZlib"]),
    stage("Query", ["Store", "LogModel", "Platform", "CPCRE2"]),
    stage("Collect", ["LogModel", "Platform", "CZlib", "CZstd"]),
    stage("Jobs", ["Collect", "LogModel", "Platform"]),
  ] + (isFuzzing ? fuzzTargets : targets)
)
