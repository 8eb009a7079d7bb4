import PEFTTensor
public import PEFTTransformer

/// A batch that can be put aside as rows of numbers with names.
public protocol RecordedBatch {
  /// The rows.
  var record: [(name: String, rows: [[Int32]])] { get }
}

extension TokenBatch: RecordedBatch {
  /// The tokens that are no padding, and the label of each.
  public var record: [(name: String, rows: [[Int32]])] {
    [("ids", ids.rows(keys)), ("labels", labels.rows(keys))]
  }
}

extension TokenLabelBatch: RecordedBatch {
  /// The tokens that are no padding, and the label of each.
  public var record: [(name: String, rows: [[Int32]])] {
    [("ids", rows.ids.rows(rows.keys)), ("labels", labels.rows(rows.keys))]
  }
}

extension ImageClassificationBatch: RecordedBatch {
  /// The class of each picture; pictures are too large to be put aside.
  public var record: [(name: String, rows: [[Int32]])] { [("labels", [labels])] }
}

extension ClassificationBatch: RecordedBatch {
  /// The tokens that are no padding, and the class of each row.
  public var record: [(name: String, rows: [[Int32]])] {
    [("ids", rows.ids.rows(rows.keys)), ("labels", [labels])]
  }
}

extension Indices {
  /// Of each row the places that are no padding.
  fileprivate func rows(_ keys: [Range<Int>]) -> [[Int32]] {
    keys.enumerated().map { Array(row($0).dropFirst($1.lowerBound).prefix($1.count)) }
  }
}
