public import PEFTTransformer

/// Pictures with their classes in batches, each decoded on another thread shortly before it is used.
public struct ImageBatches: BatchSource, Sendable {
  private let source: any ImageSource
  private let processor: ImageProcessor
  /// The number that the model has for each class of the source.
  private let classes: [Int32]
  private let batchSize: Int
  private let order: BatchOrder
  /// The pictures that are used.
  private let places: [Int]
  /// How many pictures were left out because they cannot be used.
  public var badCount: Int { source.count - places.count }
  /// What was wrong with the first of them.
  public private(set) var firstBad: DataError?

  /// Batches of a folder or file.
  ///
  /// - Parameters:
  ///   - source: the pictures.
  ///   - processor: makes of them what the model reads.
  ///   - labels: what the model calls its classes; nil for those of the source in their order.
  ///   - batchSize: how many pictures a batch has.
  ///   - order: that of the pictures.
  ///   - badImages: whether a picture that cannot be decoded or used is an error when it is met, or is looked for now, which decodes all
  ///     pictures once, and left out.
  /// - Throws: `DataError` for a class that is none of `labels`, and where no picture is left.
  public init(
    _ source: any ImageSource, _ processor: ImageProcessor, labels: [String]? = nil,
    batchSize: Int, order: BatchOrder = .given, badImages: BadRows = .fail
  ) throws(DataError) {
    precondition(batchSize > 0, "ImageBatches: batch size \(batchSize)")
    let labels = labels ?? source.labels
    var classes: [Int32] = []
    for name in source.labels {
      guard let number = labels.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) else {
        throw .unreadable(
          path: source.path,
          reason: "its class \"\(name)\" is none of \(labels.prefix(8).joined(separator: ", "))")
      }
      classes.append(Int32(number))
    }
    (self.source, self.processor, self.classes) = (source, processor, classes)
    (self.batchSize, self.order) = (batchSize, order)
    guard badImages == .skip else {
      places = Array(0..<source.count)
      if places.isEmpty { throw .noExamples(path: source.path, skipped: 0) }
      return
    }
    var good: [Int] = []
    var firstBad: DataError?
    for place in 0..<source.count {
      do throws(DataError) {
        _ = try Self.pixels(source.image(at: place), processor, source.path(at: place))
        good.append(place)
      } catch { firstBad = firstBad ?? error }
    }
    (places, self.firstBad) = (good, firstBad)
    if let firstBad, good.isEmpty { throw firstBad }
    if good.isEmpty { throw .noExamples(path: source.path, skipped: 0) }
  }

  /// How many pictures there are.
  public var count: Int { places.count }
  /// How many batches every epoch has.
  public var batchCount: Int { (places.count + batchSize - 1) / batchSize }

  /// Opens an epoch at a batch.
  public func makeReader(at cursor: DataCursor) -> any BatchReader<ImageClassificationBatch> {
    Reader(self, cursor)
  }

  fileprivate func batch(_ places: ArraySlice<Int>) throws(DataError) -> ImageClassificationBatch {
    var (values, shape, labels): ([Float], [Int], [Int32]) = ([], [], [])
    for place in places {
      let image = try source.image(at: place)
      let path = source.path(at: place)
      let pixels = try Self.pixels(image, processor, path)
      if shape.isEmpty { shape = [places.count] + pixels.shape[1...] }
      guard pixels.shape[1...] == shape[1...] else {
        throw .unreadable(
          path: path,
          reason: "its shape \(pixels.shape[1...]) is not that of the pictures before it, "
            + "\(shape[1...]); let the processor resize them")
      }
      values += pixels.values
      labels.append(classes[image.label])
    }
    return ImageClassificationBatch(PixelBatch(values, shape: shape), labels: labels)
  }

  private static func pixels(
    _ image: LabelledImage, _ processor: ImageProcessor, _ path: String
  ) throws(DataError) -> PixelBatch {
    let pixels = ImagePixels(
      image.pixels, height: image.height, width: image.width, channels: image.channels)
    do throws(ModelError) { return try processor([pixels]) } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }

  private final class Reader: BatchReader {
    private(set) var cursor: DataCursor
    private let batches: ReadAhead<ImageClassificationBatch>

    init(_ source: ImageBatches, _ cursor: DataCursor) {
      self.cursor = DataCursor(epoch: cursor.epoch, batch: cursor.batch)
      batches = ReadAhead(depth: 2) {
        var places = source.places
        if var generator = source.order.generator(epoch: cursor.epoch) {
          places.shuffle(using: &generator)
        }
        var start = cursor.batch * source.batchSize
        return { () throws(DataError) in
          guard start < places.count else { return nil }
          defer { start += source.batchSize }
          return try source.batch(places[start..<min(start + source.batchSize, places.count)])
        }
      }
    }

    func next() throws(DataError) -> ImageClassificationBatch? {
      guard let batch = try batches.next() else { return nil }
      cursor.batch += 1
      return batch
    }
  }
}
