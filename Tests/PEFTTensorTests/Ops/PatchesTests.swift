import PEFTTensor
import PEFTTestSupport
import XCTest

final class PatchesTests: XCTestCase {
  func testOrderOfElements() {
    for (shape, high, wide) in [
      ([1, 1, 2, 2], 1, 1), ([2, 3, 4, 6], 2, 2), ([1, 2, 3, 3], 3, 3), ([1, 1, 6, 3], 3, 3),
      ([0, 3, 2, 2], 2, 2), ([2, 2, 6, 4], 3, 2), ([1, 1, 2, 6], 1, 6),
    ] {
      var random = SeededRandom(90)
      let (channels, height, width) = (shape[1], shape[2], shape[3])
      checkOp([random.tensor(shape)]) {
        let result = $0[0].patches(high, wide)
        XCTAssertEqual(
          result.shape,
          [shape[0], height / high * (width / wide), channels * high * wide])
        return result
      } reference: { values in
        var result: [Double] = []
        for image in 0..<shape[0] {
          for top in stride(from: 0, to: height, by: high) {
            for left in stride(from: 0, to: width, by: wide) {
              for channel in 0..<channels {
                for row in top..<top + high {
                  for column in left..<left + wide {
                    result.append(
                      values[0][((image * channels + channel) * height + row) * width + column])
                  }
                }
              }
            }
          }
        }
        return result
      }
    }
  }

  /// With a linear map behind, it is the convolution whose stride is its size.
  func testPatchEmbeddingIsAConvolution() {
    var random = SeededRandom(91)
    let (batch, channels, side, size, outputs) = (2, 3, 4, 2, 5)
    let image = random.tensor([batch, channels, side, side])
    let weight = random.tensor([outputs, channels * size * size])
    let (pixels, kernel) = (image.array, weight.array)
    var expected: [Double] = []
    for b in 0..<batch {
      for y in 0..<side / size {
        for x in 0..<side / size {
          for output in 0..<outputs {
            var sum = 0.0
            for c in 0..<channels {
              for dy in 0..<size {
                for dx in 0..<size {
                  let pixel = ((b * channels + c) * side + y * size + dy) * side + x * size + dx
                  let tap = ((output * channels + c) * size + dy) * size + dx
                  sum += Double(pixels[pixel]) * Double(kernel[tap])
                }
              }
            }
            expected.append(sum)
          }
        }
      }
    }
    expectClose(image.patches(size).linear(weight: weight).array, expected, absolute: 2e-6)
  }
}
