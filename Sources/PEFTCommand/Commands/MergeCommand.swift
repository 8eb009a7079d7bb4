import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTransformer

/// `peft merge`.
enum MergeCommand: Command {
  static let usage = Usage(
    name: "merge", summary: "Add an adapter to the weights of its base.",
    discussion:
      "Writes a Hugging Face folder that needs no adapter any more, of whatever task the adapter is for, with memory for "
      + "one weight at a time; with --precision, which is for language models only, for all of them. The model in the written files is compared with the adapted one on a probe before the folder takes its name.",
    options: [
      .model, .precision, .adapter, .lenient,
      Option("output", "DIR", "The folder to write."),
      Option(
        "dtype", "TYPE", default: "float32",
        "The weights in the file: float32, bfloat16 or float16."
      ),
      Option(
        "max-shard-size", "SIZE", default: "5GB",
        "The most bytes of weights in a file, as 500MB, 5GB or a number."),
      .config, .json,
    ],
    example: "peft merge --model base --adapter adapter --output merged")

  /// How weights are written.
  enum Precision: String, CaseIterable {
    case float32, bfloat16, float16

    /// The type of the file.
    var dtype: DType {
      switch self {
      case .float32: .float32
      case .bfloat16: .bfloat16
      case .float16: .float16
      }
    }
  }

  /// What was compared.
  struct Outcome {
    var report: MergeReport
    /// The largest difference of the written model to the adapted one on the probe.
    var writtenDifference: Float
    /// The bytes of the written tensors.
    var byteCount: Int
  }

  static func run(_ arguments: Arguments) throws {
    let output = try arguments.required("output")
    let adapter = try arguments.required("adapter")
    let precision = try arguments.choice("dtype", Precision.self) ?? .float32
    if arguments.has("precision") { return try runInMemory(arguments, output, precision) }
    let limit = try byteCount(arguments.string("max-shard-size") ?? "5GB")
    let base = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(base)
    try ModelFolder.requireAdapter(adapter)
    try OutputFolder.refuse(output, sameAs: base)
    let tokenizer = ModelFolder.tokenizerFiles(in: base)
    let extended = ModelFolder.extendedTokenizer(adapter, base: base)
    try OutputFolder.check(
      output, for: .model(tokenizer: tokenizer + (extended?.written ?? [])))
    let model = try AdaptedBase.open(
      base, adapter: adapter, labels: ClassLabels.read(adapter),
      addedTokens: extended?.count(beyond: base) ?? 0)
    try ModelFolder.dividePositions(of: model, for: adapter)
    let report = try model.saveMerged(
      adapter: adapter, to: output, as: precision.dtype, maximumShardBytes: limit,
      mode: arguments.isOn("lenient") ? .lenient : .strict, copying: tokenizer)
    try extended?.write(to: output)
    let byteCount = try FolderContent(checkpoint: output).byteCount
    Console.print("merged \(report.parameters) weights into \(output)")
    Console.print(
      "largest difference on a probe: written as \(precision.rawValue) "
        + "\(report.largestDifference), of outputs up to \(report.largestOutput)")
    if arguments.isOn("json") {
      Console.result([
        .init("output", .string(output)), .init("weights", .integer(report.parameters)),
        .init("written_difference", .number(Double(report.largestDifference))),
        .init("largest_output", .number(Double(report.largestOutput))),
        .init("bytes", .integer(byteCount)),
      ])
    }
  }

  /// A number of bytes with a decimal or binary unit, as in Transformers.
  private static func byteCount(_ text: String) throws(CommandError) -> Int {
    let units = [
      ("GIB", 1 << 30), ("MIB", 1 << 20), ("KIB", 1 << 10), ("GB", 1_000_000_000),
      ("MB", 1_000_000), ("KB", 1000),
    ]
    let upper = text.uppercased()
    let unit = units.first { upper.hasSuffix($0.0) }
    let digits = upper.dropLast(unit?.0.count ?? 0)
    let product = Int(digits)?.multipliedReportingOverflow(by: unit?.1 ?? 1)
    guard let product, !product.overflow, product.partialValue > 0 else {
      throw .invalidValue(
        option: "max-shard-size", value: text,
        expected: "a positive number of bytes, as 500MB or 5GB")
    }
    return product.partialValue
  }

  /// Merges into weights that are brought into another precision first, as they were when the adapter was trained.
  private static func runInMemory(
    _ arguments: Arguments, _ output: String, _ precision: Precision
  ) throws {
    if arguments.has("max-shard-size") {
      throw CommandError.conflict("precision", "max-shard-size")
    }
    let base = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(base)
    let adapter = try arguments.required("adapter")
    try ModelFolder.requireAdapter(adapter)
    guard try AdaptedBase.open(base, adapter: adapter) is CausalLM else {
      throw CommandError.unusable(
        path: adapter, reason: "is for no language model; merge it without --precision")
    }
    let folder = try ModelFolder(arguments)
    try OutputFolder.refuse(output, sameAs: folder.path)
    try folder.attachAdapter(arguments)
    try OutputFolder.prepare(output, for: folder.content)
    let outcome = try merge(folder, to: output, precision)
    Console.print("merged \(outcome.report.parameters) weights into \(output)")
    Console.print(
      "largest difference on a probe: merged \(outcome.report.largestDifference), written as "
        + "\(precision.rawValue) \(outcome.writtenDifference), of outputs up to "
        + "\(outcome.report.largestOutput)")
    if arguments.isOn("json") {
      Console.result([
        .init("output", .string(output)), .init("weights", .integer(outcome.report.parameters)),
        .init("largest_difference", .number(Double(outcome.report.largestDifference))),
        .init("written_difference", .number(Double(outcome.writtenDifference))),
        .init("largest_output", .number(Double(outcome.report.largestOutput))),
        .init("bytes", .integer(outcome.byteCount)),
      ])
    }
  }

  /// Merges the active adapter, writes the model, and reads it again to compare.
  static func merge(
    _ folder: ModelFolder, to output: String, _ precision: Precision
  ) throws -> Outcome {
    let adapted = folder.model.probeOutput()
    let report = try folder.model.merge()
    try folder.model.save(to: output, as: precision.dtype)
    try folder.copyTokenizer(to: output)
    let written = try CausalLM(directory: output)
    let comparison = MergeReport(
      parameters: report.parameters, before: adapted, after: written.probeOutput())
    guard comparison.largestDifference.isFinite else {
      throw CommandError.notFinite(
        "\(output): the output of the written model is not finite; write it as float32 or bfloat16")
    }
    let byteCount = try FolderContent(checkpoint: output).byteCount
    return Outcome(
      report: report, writtenDifference: comparison.largestDifference, byteCount: byteCount)
  }
}
