// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "client-package",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "swift-peft", path: "../../..")],
  targets: [
    .executableTarget(
      name: "Client", dependencies: [.product(name: "PEFT", package: "swift-peft")])
  ],
  swiftLanguageModes: [.v6]
)
