// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "swift-peft",
  platforms: [.macOS(.v15)],
  products: [
    // MARK: Products
    .library(name: "PEFT", targets: ["PEFT"]),
    .library(name: "PEFTTensor", targets: ["PEFTTensor"]),
    .library(name: "PEFTTransformer", targets: ["PEFTTransformer"]),
    .library(name: "PEFTCheckpoints", targets: ["PEFTCheckpoints"]),
    .library(name: "PEFTTokenizers", targets: ["PEFTTokenizers"]),
    .library(name: "PEFTAdapters", targets: ["PEFTAdapters"]),
    .library(name: "PEFTTraining", targets: ["PEFTTraining"]),
    .library(name: "PEFTImages", targets: ["PEFTImages"]),
    .library(name: "PEFTDistributed", targets: ["PEFTDistributed"]),
    .library(name: "PEFTDefaultModel", targets: ["PEFTDefaultModel"]),
    .executable(name: "peft", targets: ["PEFTCommand"]),
    .executable(name: "peft-bench", targets: ["PEFTBench"]),
  ],
  traits: [
    .trait(name: "MPI", description: "Training by several processes that MPI connects.")
  ],
  targets: [
    // MARK: Library
    .target(
      name: "PEFT",
      dependencies: [
        "PEFTTensor", "PEFTCheckpoints", "PEFTTokenizers", "PEFTTransformer", "PEFTAdapters",
        "PEFTTraining",
      ]),
    .target(
      name: "PEFTTraining",
      dependencies: [
        "PEFTAdapters", "PEFTTransformer", "PEFTCheckpoints", "PEFTTokenizers", "PEFTTensor",
        "PEFTJSON",
      ]),
    .target(name: "PEFTDistributed", dependencies: ["PEFTTraining", "CPEFTMPI"]),
    .target(name: "PEFTImages", dependencies: ["PEFTTraining", "CPEFTImageCodecs"]),
    .target(
      name: "PEFTAdapters",
      dependencies: ["PEFTTransformer", "PEFTCheckpoints", "PEFTTensor", "PEFTJSON"]),
    .target(
      name: "PEFTTransformer", dependencies: ["PEFTCheckpoints", "PEFTTensor", "PEFTJSON"]),
    .target(name: "PEFTCheckpoints", dependencies: ["PEFTTensor", "PEFTJSON"]),
    .target(name: "PEFTTokenizers", dependencies: ["PEFTJSON"]),
    .target(
      name: "PEFTTensor", dependencies: ["CPEFTKernels", "CPEFTOpenBLAS"],
      linkerSettings: [.linkedLibrary("lapacke", .when(platforms: [.linux]))]),

    // MARK: Command
    .executableTarget(
      name: "PEFTCommand",
      dependencies: [
        "PEFT", "PEFTDefaultModel", "PEFTImages", "PEFTJSON",
        .target(name: "PEFTDistributed", condition: .when(traits: ["MPI"])),
      ]),
    .target(
      name: "PEFTDefaultModel", dependencies: ["PEFTTensor"], exclude: ["README.md"],
      resources: [.copy("Model")]),
    .executableTarget(
      name: "PEFTBench",
      dependencies: [
        "PEFT", .target(name: "PEFTDistributed", condition: .when(traits: ["MPI"])),
      ]),

    // MARK: Implementation details
    .target(
      name: "PEFTJSON", linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
    .target(name: "CPEFTKernels"),
    .systemLibrary(
      name: "CPEFTOpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
    .target(
      name: "CPEFTMPI",
      dependencies: [.target(name: "CPEFTSystemMPI", condition: .when(traits: ["MPI"]))],
      cSettings: [.define("PEFT_MPI", .when(traits: ["MPI"]))]),
    .systemLibrary(
      name: "CPEFTSystemMPI", pkgConfig: "mpi-c",
      providers: [.apt(["libopenmpi-dev"]), .brew(["open-mpi"])]),
    .target(name: "CPEFTImageCodecs", dependencies: ["CPEFTPNG", "CPEFTJPEG"]),
    .systemLibrary(
      name: "CPEFTPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CPEFTJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),

    // MARK: Tests
    .target(
      name: "PEFTTestSupport", dependencies: ["PEFTTensor"], path: "Tests/PEFTTestSupport"),
    .testTarget(name: "PEFTJSONTests", dependencies: ["PEFTJSON"]),
    .testTarget(
      name: "PEFTTensorTests", dependencies: ["PEFTTensor", "CPEFTKernels", "PEFTTestSupport"]),
    .testTarget(
      name: "PEFTCheckpointsTests",
      dependencies: ["PEFTCheckpoints", "PEFTJSON", "PEFTTestSupport"]),
    .testTarget(name: "PEFTTokenizersTests", dependencies: ["PEFTTokenizers", "PEFTTestSupport"]),
    .testTarget(
      name: "PEFTTransformerTests",
      dependencies: [
        "PEFTTransformer", "PEFTCheckpoints", "PEFTTensor", "PEFTJSON", "PEFTTestSupport",
      ]),
    .testTarget(
      name: "PEFTAdaptersTests",
      dependencies: [
        "PEFTAdapters", "PEFTCheckpoints", "PEFTJSON", "PEFTTensor", "PEFTTestSupport",
        "PEFTTraining", "PEFTTransformer",
      ]),
    .testTarget(
      name: "PEFTTrainingTests",
      dependencies: [
        "PEFTTraining", "PEFTTransformer", "PEFTCheckpoints", "PEFTTokenizers", "PEFTTensor",
        "PEFTJSON", "PEFTTestSupport",
      ]),
    .testTarget(
      name: "PEFTImagesTests",
      dependencies: ["PEFTImages", "PEFTTraining", "PEFTJSON", "PEFTTestSupport"]),
    .testTarget(
      name: "PEFTCommandTests",
      dependencies: ["PEFT", "PEFTDefaultModel", "PEFTJSON", "PEFTTestSupport"]),
    .testTarget(
      name: "PEFTDistributedTests",
      dependencies: ["PEFTDistributed", "PEFTTraining", "PEFTCheckpoints", "PEFTTestSupport"]),
    .executableTarget(
      name: "PEFTFuzz", dependencies: ["PEFT", "PEFTJSON"], path: "Tests/PEFTFuzz"),
    .testTarget(name: "Benchmarks", dependencies: ["PEFT"], path: "Benchmarks"),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
  target.swiftSettings =
    (target.swiftSettings ?? []) + [
      .enableUpcomingFeature("ExistentialAny"),
      .enableUpcomingFeature("MemberImportVisibility"),
      .enableUpcomingFeature("InternalImportsByDefault"),
    ]
}
