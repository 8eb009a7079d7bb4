import Foundation
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// The state of every optimiser as plain values, and in a mapped file.
final class MappedStateTests: XCTestCase {
  private typealias Made = any MappableOptimizer & ResumableOptimizer

  private let kinds: [(name: String, make: ([NamedParameter]) -> Made)] = [
    ("AdamW", { AdamW($0, learningRate: 0.02) }),
    ("AdamW8bit", { AdamW8bit($0, learningRate: 0.02) }),
    ("SGD", { SGD($0, learningRate: 0.02, momentum: 0.9) }),
    ("SGD without momentum", { SGD($0, learningRate: 0.02) }),
  ]

  private func parameters() -> [NamedParameter] {
    func values(_ count: Int) -> [Float] { (0..<count).map { Float($0) / Float(count) - 0.5 } }
    return Bag([
      ("large", Parameter(Tensor(values(6000), shape: [60, 100]))),
      ("small", Parameter(Tensor(values(100)))), ("still", Parameter(Tensor(values(7)))),
    ]).parameters()
  }

  private func step(_ number: Int, _ parameters: [NamedParameter], _ optimizer: Made) {
    for named in parameters where named.path != "still" {
      let parameter = named.parameter
      parameter.gradient = Tensor(
        (0..<parameter.count).map { sin(0.37 * Float(number * $0)) }, shape: parameter.shape)
    }
    optimizer.step()
  }

  func testAMappedStateGivesTheSameBits() throws {
    try Files.withTemporaryFolder { folder in
      for (name, make) in kinds {
        let (plain, mapped, late) = (parameters(), parameters(), parameters())
        let (first, second, third) = (make(plain), make(mapped), make(late))
        try second.mapState(in: folder.path)
        for number in 1...6 {
          // What was remembered before moves along.
          if number == 4 { try third.mapState(in: folder.path) }
          // Another history begins with zeros.
          if number == 5 {
            for parameters in [plain, mapped, late] { parameters[0].parameter.forgetHistory() }
          }
          for (parameters, optimizer) in [(plain, first), (mapped, second), (late, third)] {
            step(number, parameters, optimizer)
          }
        }
        let expected = plain.map { $0.parameter.value.array.map(\.bitPattern) }
        for parameters in [mapped, late] {
          XCTAssertEqual(
            parameters.map { $0.parameter.value.array.map(\.bitPattern) }, expected, name)
        }
        XCTAssertEqual(first.exactState, second.exactState, name)
        XCTAssertEqual(first.exactState, third.exactState, name)
        // The file has no name.
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
      }
    }
  }

  func testAnExactStateIsTakenOver() throws {
    try Files.withTemporaryFolder { folder in
      for (name, make) in kinds {
        for isMapped in [false, true] {
          let (whole, halves) = (parameters(), parameters())
          let optimizer = make(whole)
          var other = make(halves)
          for number in 1...5 {
            if number == 3 {
              let state = other.exactState
              XCTAssertEqual(state.entries.map(\.path), ["large", "small"], name)
              XCTAssertEqual(state.entries.map(\.step), [2, 2], name)
              other = make(halves)
              if isMapped { try other.mapState(in: folder.path) }
              try other.restore(state)
              XCTAssertEqual(other.exactState, state, name)
            }
            step(number, whole, optimizer)
            step(number, halves, other)
          }
          XCTAssertEqual(
            whole.map { $0.parameter.value.array.map(\.bitPattern) },
            halves.map { $0.parameter.value.array.map(\.bitPattern) }, name)
          XCTAssertEqual(optimizer.exactState, other.exactState, name)
        }
      }
    }
  }

  func testAnExactStateThatDoesNotFitChangesNothing() throws {
    for (name, make) in kinds.prefix(3) {
      let parameters = parameters()
      let optimizer = make(parameters)
      step(1, parameters, optimizer)
      let state = optimizer.exactState
      let changes: [(String, (inout OptimizerState) -> Void)] = [
        ("other", { $0.entries[0].path = "other" }), ("step.large", { $0.entries[0].step = 0 }),
        ("large", { $0.entries[0].moments.removeLast() }),
        (
          "\(state.entries[1].moments[0].name).small",
          { $0.entries[1].moments[0].content = .floats([1]) }
        ),
        (
          "\(state.entries[1].moments[0].name).small",
          { $0.entries[1].moments[0].shape = [10, 10] }
        ),
      ]
      for (expected, change) in changes {
        var changed = state
        change(&changed)
        XCTAssertThrowsError(try optimizer.restore(changed), name) { error in
          guard case TrainingError.stateMismatch(let found, _, _) = error else {
            return XCTFail("\(error)")
          }
          XCTAssertEqual(found, expected, name)
        }
        XCTAssertEqual(optimizer.exactState, state, name)
      }
    }
  }

  func testAFileThatCannotBeMadeIsAnError() throws {
    let optimizer = AdamW(parameters())
    XCTAssertThrowsError(try optimizer.mapState(in: "/nowhere/at/all")) { error in
      guard case TrainingError.stateFile(let folder, let bytes, _) = error else {
        return XCTFail("\(error)")
      }
      XCTAssertEqual(folder, "/nowhere/at/all")
      XCTAssertGreaterThanOrEqual(bytes, 8 * 6107)
      XCTAssert("\(error)".contains("/nowhere/at/all") && "\(error)".contains("\(bytes)"))
    }
  }

  func testADiskThatIsTooSmallIsAnError() throws {
    try Files.withTemporaryFolder { folder in
      let size = 1 << 60
      XCTAssertThrowsError(try ScratchFile(folder: folder.path, byteCount: size)) { error in
        let failure = error as? ScratchFile.Failure
        XCTAssertEqual(failure?.byteCount, size)
        XCTAssertEqual(failure?.folder, folder.path)
        XCTAssertEqual(failure?.reason.isEmpty, false)
      }
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
    }
  }

  func testReleasedPagesComeBack() throws {
    try Files.withTemporaryFolder { folder in
      let file = try ScratchFile(folder: folder.path, byteCount: 3 * 40_000 + 192)
      let parts = (0..<3).map { _ in file.part(byteCount: 40_000) }
      for (index, part) in parts.enumerated() {
        part.address.initializeMemory(as: UInt8.self, repeating: UInt8(index + 1), count: 40_000)
      }
      file.release(parts[1])
      for (index, part) in parts.enumerated() {
        let bytes = UnsafeRawBufferPointer(start: part.address, count: 40_000)
        XCTAssertTrue(bytes.allSatisfy { $0 == UInt8(index + 1) })
      }
    }
  }
}
