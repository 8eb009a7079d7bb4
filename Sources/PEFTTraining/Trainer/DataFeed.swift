/// Gives every step of a training its batches.
final class DataFeed<Source: BatchSource> {
  /// So many batches before the end of an epoch the next one is opened, so that a source that works ahead is ready in time.
  private static var lead: Int { 32 }

  let stepsPerEpoch: Int
  private let source: Source
  private let accumulation: Int
  private var reader: (any BatchReader<Source.Batch>)?
  private var upcoming: (any BatchReader<Source.Batch>)?

  init(_ source: Source, accumulation: Int) {
    (self.source, self.accumulation) = (source, accumulation)
    stepsPerEpoch = (source.batchCount + accumulation - 1) / accumulation
  }

  /// The batches of a step, and the place behind them.
  ///
  /// - Parameters:
  ///   - step: its number, from 0.
  ///   - total: how many steps there are.
  ///   - cursor: where it is known that the step before ended.
  /// - Returns: as many batches as a step takes, or what is left of the epoch.
  /// - Throws: `TrainingError.data` where a batch cannot be read.
  func batches(
    of step: Int, total: Int, from cursor: DataCursor?
  ) throws(TrainingError) -> (batches: [Source.Batch], cursor: DataCursor) {
    let place = DataCursor(epoch: step / stepsPerEpoch, batch: step % stepsPerEpoch * accumulation)
    do throws(DataError) {
      let reader = try reader(at: place, cursor)
      var batches: [Source.Batch] = []
      while batches.count < accumulation, let batch = try reader.next() { batches.append(batch) }
      let nextEpoch = DataCursor(epoch: place.epoch + 1)
      if upcoming == nil, source.batchCount - reader.cursor.batch <= Self.lead,
        nextEpoch.epoch * stepsPerEpoch < total
      {
        upcoming = try source.makeReader(at: nextEpoch)
      }
      return (batches, reader.cursor)
    } catch {
      (reader, upcoming) = (nil, nil)
      throw .data(error)
    }
  }

  /// A reader that stands at a place.
  private func reader(
    at place: DataCursor, _ cursor: DataCursor?
  ) throws(DataError) -> any BatchReader<Source.Batch> {
    if let reader, reader.cursor.isSamePlace(as: place) { return reader }
    if let upcoming, upcoming.cursor.isSamePlace(as: place) {
      (reader, self.upcoming) = (upcoming, nil)
      return upcoming
    }
    let known = cursor.flatMap { $0.isSamePlace(as: place) ? $0 : nil }
    let opened = try source.makeReader(at: known ?? place)
    (reader, upcoming) = (opened, nil)
    return opened
  }
}
