import PEFTCheckpoints
public import PEFTTensor

/// A convolution whose stride is its size: patches of a picture to embeddings.
public final class PatchProjection: Module {
  /// `[D, C, patch height, patch width]`.
  public let weight: Parameter
  /// `[D]`.
  public let bias: Parameter

  init(weight: Parameter, bias: Parameter) { (self.weight, self.bias) = (weight, bias) }

  /// What this keeps, by its names in checkpoints.
  public var members: Members { ["weight": weight, "bias": bias] }

  /// `[B, C, height, width]` to `[B, patches, D]`.
  public func callAsFunction(_ pixels: Tensor) -> Tensor {
    let kernel = weight.tensor
    let size = kernel.shape
    return pixels.patches(size[2], size[3]).linear(
      weight: kernel.reshaped([size[0], size[1] * size[2] * size[3]]), bias: bias.tensor)
  }
}

/// A picture as a sequence: a token that is the same for all, and after it the patches, row by row, with the positions of all of them.
public final class ImageEmbeddings: Module {
  /// The token before the patches, whose last hidden state stands for the picture: `[1, 1, D]`.
  public let classToken: Parameter
  /// `[1, 1 + patches, D]`.
  public let positions: Parameter
  /// Makes embeddings of patches.
  public let projection: PatchProjection
  private let images: TransformerConfiguration.Images
  private let width: Int

  init(
    _ configuration: TransformerConfiguration, _ images: TransformerConfiguration.Images,
    from source: any ParameterSource
  ) throws(CheckpointError) {
    (self.images, width) = (images, configuration.width)
    let (names, width) = (configuration.names, configuration.width)
    let start = InitialValue.normal(configuration.initializerRange)
    func path(_ name: String) -> String { Walk.join(names.body, name) }
    classToken = try source.parameter(path("\(names.positions).cls_token"), [1, 1, width], start)
    positions = try source.parameter(
      path("\(names.positions).position_embeddings"), [1, 1 + images.patches, width], start)
    projection = PatchProjection(
      weight: try source.parameter(
        path("\(names.tokens).weight"),
        [width, images.channels, images.patchHeight, images.patchWidth], start),
      bias: try source.parameter(path("\(names.tokens).bias"), [width], .zeros))
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [
      "cls_token": classToken, "position_embeddings": positions,
      "patch_embeddings.projection": projection,
    ]
  }

  /// `[B, C, height, width]` to `[B, 1 + patches, D]`.
  ///
  /// Positions are interpolated where the picture has another size than those the model was made for.
  func callAsFunction(_ pixels: Tensor) -> Tensor {
    let patches = projection(pixels)
    let starts = (0..<patches.shape[0]).map { $0 * patches.shape[1] }
    let tokens = patches.beginning(with: classToken.tensor.reshaped([1, width]), at: starts)
    let (height, width) = (pixels.shape[2], pixels.shape[3])
    let isUsual = height == images.height && width == images.width
    return tokens
      + (isUsual
        ? positions.tensor : interpolated(height / images.patchHeight, width / images.patchWidth))
  }

  /// The table for another grid: cubic between the places of the patches, the position of the class token as it is.
  private func interpolated(_ down: Int, _ across: Int) -> Tensor {
    let grid = images.grid
    let (rows, columns) = (
      CubicInterpolation(from: grid.down, to: down),
      CubicInterpolation(from: grid.across, to: across)
    )
    var weights = [Float](repeating: 0, count: down * across * grid.down * grid.across)
    for (row, vertical) in rows.taps.enumerated() {
      for (column, horizontal) in columns.taps.enumerated() {
        let start = (row * across + column) * grid.down * grid.across
        for v in vertical {
          for h in horizontal {
            weights[start + v.place * grid.across + h.place] += Float(v.weight * h.weight)
          }
        }
      }
    }
    let map = Tensor(weights, shape: [down * across, grid.down * grid.across])
    let table = positions.tensor.matrix
    let patches = map.matrixProduct(table.prefixAxis(1..<table.shape[0]))
    return .concatenated([table.prefixAxis(0..<1), patches], axis: 0)
      .reshaped([1, 1 + down * across, width])
  }
}

/// Cubic interpolation with a slope of -3/4 and pixels that stand for their middles, as PyTorch's `bicubic`; beyond the border the last
/// value goes on.
struct CubicInterpolation {
  /// The old places that every new one is made of.
  let taps: [[(place: Int, weight: Double)]]

  init(from old: Int, to new: Int) {
    let scale = Double(old) / Double(new)
    taps = (0..<new).map { place in
      let position = (Double(place) + 0.5) * scale - 0.5
      let first = position.rounded(.down)
      return (-1...2).map { offset in
        (
          min(max(Int(first) + offset, 0), old - 1),
          Self.weight(abs(position - first - Double(offset)))
        )
      }
    }
  }

  private static func weight(_ x: Double) -> Double {
    let slope = -0.75
    if x <= 1 { return ((slope + 2) * x - (slope + 3)) * x * x + 1 }
    return x < 2 ? ((slope * x - 5 * slope) * x + 8 * slope) * x - 4 * slope : 0
  }
}
