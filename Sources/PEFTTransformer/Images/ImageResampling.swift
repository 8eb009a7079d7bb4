#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How a picture is made larger or smaller; the numbers are those of Pillow, which stand in `preprocessor_config.json`.
public enum ImageResampling: Int, Sendable, Hashable, CaseIterable {
  /// The pixel at the place.
  case nearest = 0
  /// Windowed sinc over three pixels on each side.
  case lanczos = 1
  /// Straight lines between pixels.
  case bilinear = 2
  /// Cubic pieces with a slope of -1/2.
  case bicubic = 3
  /// The mean of the pixels that a new one covers.
  case box = 4
  /// A Hamming window of the size of `bilinear`.
  case hamming = 5

  /// How far the filter reaches, in pixels of the smaller picture.
  private var support: Double {
    switch self {
    case .nearest: 0
    case .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight of a pixel at a distance.
  private func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
    switch self {
    case .nearest: return 0
    // One that lies on the border between two belongs to the left one.
    case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - x)
    case .hamming: return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * cos(.pi * x))
    case .bicubic:
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    case .lanczos: return x < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }

  /// For every new place, the old ones that it is made of, and their weights.
  ///
  /// A filter is stretched where the picture becomes smaller, so that no old pixel is left out.
  fileprivate func taps(_ old: Int, _ new: Int) -> [ResamplingTap] {
    let scale = Double(old) / Double(new)
    let stretch = max(scale, 1)
    let reach = support * stretch
    return (0..<new).map { place in
      let center = (Double(place) + 0.5) * scale
      let first = max(0, Int(center - reach + 0.5))
      let end = min(old, Int(center + reach + 0.5))
      let weights = (first..<end).map { weight((Double($0) - center + 0.5) / stretch) }
      let sum = weights.reduce(0, +)
      return ResamplingTap(
        first: first,
        weights: weights.map {
          Int(($0 / sum * ResamplingTap.one).rounded(.toNearestOrAwayFromZero))
        })
    }
  }

  /// The old place of every new one.
  fileprivate func places(_ old: Int, _ new: Int) -> [Int] {
    let scale = Double(old) / Double(new)
    // Summed up, as Pillow does: the roundings decide where a place lies between two.
    var (places, position): ([Int], Double) = ([], scale * 0.5)
    for _ in 0..<new {
      places.append(min(Int(position), old - 1))
      position += scale
    }
    return places
  }
}

/// What one new pixel of a row or column is made of.
private struct ResamplingTap {
  /// The fixed point in which weights are kept: 22 bits, as in Pillow.
  static let one: Double = 4_194_304
  let first: Int
  let weights: [Int]

  /// The weighted sum of bytes that lie `stride` apart, rounded and kept within a byte.
  func sum(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, stride: Int) -> UInt8 {
    var sum = 1 << 21
    var place = start + first * stride
    for weight in weights {
      sum += Int(bytes[place]) * weight
      place += stride
    }
    return UInt8(max(0, min(255, sum >> 22)))
  }
}

extension ImagePixels {
  /// The picture in another size, with the same bytes as `resize` of Pillow 13 gives.
  ///
  /// Along the rows and along the columns, each rounded to bytes.
  ///
  /// - Parameters:
  ///   - height: of the new picture, in pixels.
  ///   - width: of the new picture, in pixels.
  ///   - resampling: the filter.
  /// - Returns: a picture with as many channels.
  public func resized(
    height: Int, width: Int, _ resampling: ImageResampling = .bilinear
  ) -> ImagePixels {
    precondition(height > 0 && width > 0, "ImagePixels.resized: \(height) x \(width)")
    if resampling == .nearest {
      let (rows, columns) = (
        resampling.places(self.height, height), resampling.places(self.width, width)
      )
      var result: [UInt8] = []
      result.reserveCapacity(height * width * channels)
      for row in rows {
        for column in columns {
          let start = (row * self.width + column) * channels
          result += bytes[start..<start + channels]
        }
      }
      return ImagePixels(result, height: height, width: width, channels: channels)
    }
    // The order decides roundings: Pillow begins with the columns where they lose more than twice as much as the rows.
    let columnsFirst = height < self.height && self.height - height > 2 * (self.width - width)
    var result = self
    for isAlongColumns in [columnsFirst, !columnsFirst] {
      if isAlongColumns, height != self.height {
        result = result.resizedAlongColumns(resampling.taps(self.height, height))
      } else if !isAlongColumns, width != self.width {
        result = result.resizedAlongRows(resampling.taps(self.width, width))
      }
    }
    return result
  }

  private func resizedAlongRows(_ taps: [ResamplingTap]) -> ImagePixels {
    let result = bytes.withUnsafeBufferPointer { bytes in
      [UInt8](unsafeUninitializedCapacity: height * taps.count * channels) { result, count in
        for row in 0..<height {
          for tap in taps {
            for channel in 0..<channels {
              result[count] = tap.sum(
                bytes, from: row * width * channels + channel, stride: channels)
              count += 1
            }
          }
        }
      }
    }
    return ImagePixels(result, height: height, width: taps.count, channels: channels)
  }

  private func resizedAlongColumns(_ taps: [ResamplingTap]) -> ImagePixels {
    let size = width * channels
    let result = bytes.withUnsafeBufferPointer { bytes in
      [UInt8](unsafeUninitializedCapacity: taps.count * size) { result, count in
        for tap in taps {
          for column in 0..<size {
            result[count] = tap.sum(bytes, from: column, stride: size)
            count += 1
          }
        }
      }
    }
    return ImagePixels(result, height: taps.count, width: width, channels: channels)
  }
}
