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
      "Writes a Hugging Face folder that needs no adapter any more. The merged model and the "
      + "one in the written files are compared with the adapted one on a probe.",
    options: [
      .model, .precision, .adapter,
      Option("output", "DIR", "The folder to write."),
      Option(
        "dtype", "TYPE", default: "float32",
        "The weights in the file: float32, bfloat16 or float16."
      ),
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
    _ = try arguments.required("adapter")
    let precision = try arguments.choice("dtype", Precision.self) ?? .float32
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
