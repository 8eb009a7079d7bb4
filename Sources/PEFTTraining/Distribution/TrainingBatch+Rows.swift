import PEFTTensor
public import PEFTTransformer

extension TokenBatch: TrainingBatch {
  /// How many tokens each row has that are no padding.
  public var rowTokenCounts: [Int] { keys.map(\.count) }

  /// Some of the rows, still padded as before.
  public func rows(_ range: Range<Int>) -> TokenBatch {
    TokenBatch(ids: ids.rows(range), keys: Array(keys[range]), labels: labels.rows(range))
  }
}

extension ClassificationBatch: TrainingBatch {
  /// How many tokens each row has that are no padding.
  public var rowTokenCounts: [Int] { rows.keys.map(\.count) }

  /// Some of the rows, still padded as before.
  public func rows(_ range: Range<Int>) -> ClassificationBatch {
    ClassificationBatch(rows.rows(range), labels: Array(labels[range]))
  }
}

extension TokenLabelBatch: TrainingBatch {
  /// How many tokens each row has that are no padding.
  public var rowTokenCounts: [Int] { rows.keys.map(\.count) }

  /// Some of the rows, still padded as before.
  public func rows(_ range: Range<Int>) -> TokenLabelBatch {
    TokenLabelBatch(rows.rows(range), labels: labels.rows(range))
  }
}

extension ImageClassificationBatch: TrainingBatch {
  /// One for each picture.
  public var rowTokenCounts: [Int] { labels.map { _ in 1 } }

  /// Some of the pictures.
  public func rows(_ range: Range<Int>) -> ImageClassificationBatch {
    let size = pixels.shape.dropFirst().reduce(1, *)
    return ImageClassificationBatch(
      PixelBatch(
        Array(pixels.values[range.lowerBound * size..<range.upperBound * size]),
        shape: [range.count] + pixels.shape.dropFirst()),
      labels: Array(labels[range]))
  }
}

extension TokenRows {
  fileprivate func rows(_ range: Range<Int>) -> TokenRows {
    TokenRows(ids: ids.rows(range), keys: Array(keys[range]), types: types?.rows(range))
  }
}

extension Indices {
  fileprivate func rows(_ range: Range<Int>) -> Indices {
    let width = shape[1]
    return Indices(
      Array(values[range.lowerBound * width..<range.upperBound * width]),
      shape: [range.count, width])
  }
}
