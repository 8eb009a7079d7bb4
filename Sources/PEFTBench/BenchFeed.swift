import PEFT

/// Where the batches of a training come from.
enum BenchFeed: String {
  /// They are there before it begins.
  case memory
  /// Another thread makes them while it runs.
  case stream
}

extension BenchOptions {
  /// What `--feed` says.
  func feed() throws -> BenchFeed {
    let name = try text("feed", default: BenchFeed.memory.rawValue)
    guard let feed = BenchFeed(rawValue: name) else {
      throw BenchError("--feed \(name) is neither memory nor stream")
    }
    return feed
  }
}

extension StreamedBatches {
  /// The batches of the first epoch, all of them.
  var collected: [Example.Batch] {
    get throws {
      let reader = makeReader(at: DataCursor())
      var batches: [Example.Batch] = []
      while let batch = try reader.next() { batches.append(batch) }
      return batches
    }
  }
}

extension TrainerSettings {
  /// As the peer trains: without clipping.
  static func bench(steps: Int) -> TrainerSettings {
    TrainerSettings(duration: .steps(steps), maximumGradientNorm: nil)
  }
}

extension Trainer {
  /// Trains, and gives the last event.
  func summary(_ batches: some BatchSource<Model.Batch>) throws -> TrainingEvent.Summary {
    var summary: TrainingEvent.Summary?
    try run(batches) { event in
      if case .finished(let finished) = event { summary = finished }
      return true
    }
    guard let summary else { throw BenchError("the training did not end") }
    return summary
  }
}

extension BenchRecord {
  /// Adds the figures of a training.
  mutating func add(_ training: TrainingEvent.Summary) {
    add("train_s", training.seconds)
    add("data_wait_s", training.dataSeconds)
    add("tokens_per_s", Double(training.tokens) / training.seconds)
  }
}
