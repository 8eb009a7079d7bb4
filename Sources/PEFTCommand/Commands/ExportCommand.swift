import PEFTAdapters
import PEFTJSON
import PEFTTransformer

/// `peft export`.
enum ExportCommand: Command {
  static let usage = Usage(
    name: "export", summary: "Write an adapter for llama.cpp, MLX or PEFT.",
    discussion:
      "gguf is a file that llama.cpp puts on a GGUF of the same base, mlx a folder of MLX, peft a folder of Hugging Face "
      + "PEFT, as from one of MLX. What a format cannot hold is an error that says what to do instead.",
    options: [
      .model,
      Option("adapter", "DIR", "An adapter folder of PEFT or MLX."),
      .lenient,
      Option("format", "FORMAT", "gguf, mlx or peft."),
      Option(
        "rank", "R",
        "For a DyLoRA adapter, with the format peft: the rank of the plain LoRA that is written."),
      Option("output", "PATH", "The file of GGUF, or the folder, to write."),
      .config, .json,
    ],
    example: "peft export --model base --adapter adapter --format gguf --output adapter.gguf")

  /// What is written.
  enum Format: String, CaseIterable {
    case gguf, mlx, peft
  }

  static func run(_ arguments: Arguments) throws {
    let output = try arguments.required("output")
    let folder = try arguments.required("adapter")
    guard let format = try arguments.choice("format", Format.self) else {
      throw CommandError.missingOption("format")
    }
    let rank = try arguments.integer("rank", in: 1...1_000_000)
    if rank != nil, format != .peft {
      throw CommandError.conflict("rank", "format \(format.rawValue)")
    }
    let base = try ModelFolder.path(arguments)
    try ModelFolder.requireModel(base)
    try ModelFolder.requireAdapter(folder)
    for input in [base, folder] { try OutputFolder.refuse(output, sameAs: input) }
    if format != .gguf { try OutputFolder.check(output, for: .adapter) }
    let extended = ModelFolder.extendedTokenizer(folder, base: base)
    let model = try AdaptedBase.open(
      base, adapter: folder, labels: ClassLabels.read(folder),
      addedTokens: extended?.count(beyond: base) ?? 0)
    try ModelFolder.dividePositions(of: model, for: folder)
    let adapter =
      try AdaptedBase.isMLX(folder)
      ? model.loadMLXAdapter(folder)
      : model.loadAdapter(folder, mode: ModelFolder.mode(arguments))
    if rank != nil, adapter.nestedRanks == nil {
      throw CommandError.unusable(path: folder, reason: "has one rank; --rank is for DyLoRA")
    }
    switch format {
    case .peft where rank != nil:
      try adapter.nestedRanks?.export(rank: rank ?? 0, to: output, baseModel: base)
    case .gguf: try adapter.exportGGUF(to: output)
    case .mlx: try adapter.exportMLX(to: output)
    case .peft: try adapter.save(to: output, baseModel: base)
    }
    Console.print(
      "wrote \(adapter.modules.count) adapted modules as \(format.rawValue) to \(output)")
    if arguments.isOn("json") {
      Console.result([
        .init("output", .string(output)), .init("format", .string(format.rawValue)),
        .init("modules", .integer(adapter.modules.count)),
      ])
    }
  }
}
