internal import Foundation
public import PEFTCheckpoints
import PEFTTensor
public import PEFTTransformer

extension StreamedModel {
  /// Adds an adapter to this base and writes the merged model, with memory for about one weight at a time.
  ///
  /// It is for a model from `streaming(_:)`, which is of no use for anything else afterwards. The weights are those of `merge` followed by
  /// `save`, byte for byte. They are written to a folder beside `output`, which takes
  /// its name when all is written and read again: after an error `output` is what it was.
  ///
  /// - Parameters:
  ///   - folder: the folder of the adapter, of PEFT or MLX.
  ///   - output: what is written; a folder of that name is replaced.
  ///   - dtype: `.float32`, `.bfloat16` or `.float16`.
  ///   - maximumShardBytes: the most bytes of tensors in a file.
  ///   - mode: how strictly the adapter is read.
  ///   - others: further files of the model's folder that are copied where they are there.
  /// - Returns: how the output of a probe differs between the adapted and the written model.
  /// - Throws: `AdapterError` for what does not fit or cannot be merged, numbers that are not finite, and files.
  @discardableResult
  public func saveMerged(
    adapter folder: String, to output: String, as dtype: DType = .float32,
    maximumShardBytes: Int = 5_000_000_000, mode: LoadingMode = .strict,
    copying others: [String] = []
  ) throws(AdapterError) -> MergeReport {
    let adapter =
      try AdaptedBase.isMLX(folder) ? loadMLXAdapter(folder) : loadAdapter(folder, mode: mode)
    // An adapter that is not finite is told by its merge, with the name of the weight.
    let adapted = probeOutput()
    let merge = try StreamedMerge(adapter, places: places)
    adapter.mergeNumber = 0
    let temporary = try ReplacedFolder(output)
    defer { temporary.discard() }
    do throws(CheckpointError) {
      try save(to: temporary.path, as: dtype, maximumShardBytes: maximumShardBytes)
      for name in others {
        guard let source = self.folder.map({ "\($0)/\(name)" }) else { continue }
        guard FileManager.default.fileExists(atPath: source) else { continue }
        let copy = "\(temporary.path)/\(name)"
        try makeFolder(URL(fileURLWithPath: copy).deletingLastPathComponent().path)
        try atomicallyCopy(source, to: copy)
      }
    } catch {
      try merge.finish()
      throw .file(error)
    }
    try merge.finish()
    let written: Tensor
    do throws(CheckpointError) {
      written = try Self.streaming(temporary.path).probeOutput()
    } catch { throw .file(error) }
    guard adapted.isFinite, written.isFinite else {
      throw .wrongState(
        "\(output): the output of the \(adapted.isFinite ? "written" : "adapted") model is not finite"
          + (dtype == .float16 ? "; write it as float32 or bfloat16" : ""))
    }
    try temporary.commit()
    return MergeReport(parameters: merge.count, before: adapted, after: written)
  }
}

/// A folder that is filled beside the one whose name it takes in the end, or not at all.
struct ReplacedFolder {
  /// Where it is filled.
  let path: String
  private let target: String

  /// Makes the folder.
  init(_ target: String) throws(AdapterError) {
    var target = target
    while target.count > 1, target.hasSuffix("/") { target.removeLast() }
    self.target = target
    path = "\(target).peft-\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
    do throws(CheckpointError) { try makeFolder(path) } catch { throw .file(error) }
  }

  /// Gives it the name.
  func commit() throws(AdapterError) {
    let files = FileManager.default
    let old = "\(path).old"
    let exists = files.fileExists(atPath: target)
    do {
      if exists { try files.moveItem(atPath: target, toPath: old) }
      do { try files.moveItem(atPath: path, toPath: target) } catch {
        if exists { try? files.moveItem(atPath: old, toPath: target) }
        throw error
      }
    } catch {
      throw .file(
        .ioFailure(path: target, operation: "replacing the folder", reason: "\(error)"))
    }
    if exists { try? files.removeItem(atPath: old) }
  }

  /// Removes it where it did not get the name.
  func discard() { try? FileManager.default.removeItem(atPath: path) }
}
