import PEFTCheckpoints
import XCTest

final class CheckpointErrorTests: XCTestCase {
  func testDescriptionsNameWhatWasExpectedAndFound() {
    for (error, text) in [
      (.fileUnreadable(path: "p", reason: "r"), "p: cannot be read: r"),
      (
        .missingTensor(path: "p", tensor: "t", nearest: ["u", "v"]),
        #"p: has no tensor "t"; did you mean "u" or "v"?"#
      ),
      (.missingTensor(path: "p", tensor: "t", nearest: []), #"p: has no tensor "t""#),
      (
        .wrongShape(path: "p", tensor: "t", expected: [2, 3], found: [3, 2]),
        #"p: tensor "t" has shape [3, 2], expected [2, 3]"#
      ),
      (
        .wrongDType(path: "p", tensor: "t", expected: [.float32, .bfloat16], found: .int8),
        #"p: tensor "t" has element type I8, expected F32, BF16"#
      ),
      (
        .valueOutOfRange(path: "p", tensor: "t", index: 1, value: 2, allowed: 0...1),
        #"p: element 1 of tensor "t" is 2, expected 0 to 1"#
      ),
      (
        .unexpectedTensors(path: "p", tensors: (0..<12).map { "t\($0)" }),
        "p: has 12 tensors that nothing would read: "
          + (0..<10).map { "\"t\($0)\"" }.joined(separator: ", ") + " and 2 more"
      ),
      (
        .ioFailure(path: "p", operation: "write", reason: "No space left on device"),
        "p: write failed: No space left on device"
      ),
    ] as [(CheckpointError, String)] {
      XCTAssertEqual("\(error)", text)
    }
  }
}
