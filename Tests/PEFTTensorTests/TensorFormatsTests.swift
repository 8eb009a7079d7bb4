import PEFTTensor
import PEFTTestSupport
import XCTest

final class TensorFormatsTests: XCTestCase {
  private let formats: [NumberFormat] = [.float64, .float32, .float16, .bfloat16]

  func testRoundTripOfNumbersThatEveryFormatHolds() {
    let values = (-200..<200).map { Float($0) / 8 }.filter { abs($0) <= 16 } + [0.5, -0.0]
    let tensor = Tensor(values)
    for format in formats {
      let bytes = encoded(tensor, format)
      XCTAssertEqual(bytes.count, values.count * format.byteCount, "\(format)")
      for shift in 0..<9 {
        let source = storage(bytes, shift: shift)
        let decoded = Tensor(decoding: source, as: format, shape: [values.count])
        XCTAssertEqual(
          decoded.array.map(\.bitPattern), values.map(\.bitPattern), "\(format) at \(shift)")
      }
    }
  }

  func testBytesAreLittleEndianIEEE() {
    let tensor = Tensor([1, -2.5])
    XCTAssertEqual(encoded(tensor, .float32), [0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0])
    XCTAssertEqual(encoded(tensor, .bfloat16), [0x80, 0x3F, 0x20, 0xC0])
    XCTAssertEqual(encoded(tensor, .float16), [0, 0x3C, 0, 0xC1])
    XCTAssertEqual(
      encoded(tensor, .float64), [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0x04, 0xC0])
  }

  func testFloat16AgreesWithSwift() {
    #if !arch(x86_64) || os(Linux)
      var random = SeededRandom(1)
      let values = random.floats(500, in: -70_000...70_000) + random.floats(500, in: -1e-4...1e-4)
      let bytes = encoded(Tensor(values), .float16)
      let expected = values.flatMap { value in
        let bits = Float16(value).bitPattern
        return [UInt8(bits & 0xFF), UInt8(bits >> 8)]
      }
      XCTAssertEqual(bytes, expected)
    #endif
  }

  func testAlignedFloat32IsNotCopied() {
    let source = storage(encoded(Tensor([1, 2, 3, 4]), .float32), shift: 4)
    let tensor = Tensor(decoding: source, as: .float32, shape: [2, 2])
    XCTAssert(tensor.storage === source)
    XCTAssertEqual(tensor.array, [1, 2, 3, 4])
    let parameter = Parameter(tensor)
    parameter.makeValueUnique()
    XCTAssertFalse(parameter.value.storage === source)
  }

  func testViewsAndSeveralPieces() {
    var random = SeededRandom(2)
    let view = random.tensor([5, 7]).columns(2..<5)
    XCTAssertEqual(encoded(view, .float64), encoded(view.copied(), .float64))
    let large = random.tensor([3, 100_000])
    var pieces = 0
    var bytes: [UInt8] = []
    large.encode(as: .bfloat16) {
      pieces += 1
      bytes += $0
    }
    XCTAssertEqual(pieces, 2)
    let back = Tensor(decoding: storage(bytes, shift: 0), as: .bfloat16, shape: large.shape)
    // Eight bits of mantissa, rounded to the nearest.
    expectClose(back.array, large.array.map(Double.init), relative: 1.0 / 256, absolute: 1e-30)
    Tensor(zeros: [0, 3]).encode(as: .float32) { _ in XCTFail("nothing to hand over") }
  }

  private func encoded(_ tensor: Tensor, _ format: NumberFormat) -> [UInt8] {
    var bytes: [UInt8] = []
    tensor.encode(as: format) { bytes += $0 }
    return bytes
  }

  /// The bytes in memory that begins `shift` bytes after an aligned address.
  private func storage(_ bytes: [UInt8], shift: Int) -> Storage {
    let block = Storage(byteCount: bytes.count + shift)
    UnsafeMutableRawBufferPointer(start: block.address + shift, count: bytes.count)
      .copyBytes(from: bytes)
    return Storage(address: block.address + shift, byteCount: bytes.count, owner: block)
  }
}
