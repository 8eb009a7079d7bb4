public import PEFTCheckpoints
import PEFTJSON

extension ImageProcessor {
  /// The file of the settings in a model folder.
  static let file = "preprocessor_config.json"

  /// Reads `preprocessor_config.json` of a model folder.
  ///
  /// - Parameter directory: the folder.
  /// - Throws: `CheckpointError` where it is missing, for a field with a value that is not supported, and for fields that are not known.
  public init(directory: String) throws(CheckpointError) {
    let file = try ConfigurationFile(path: "\(directory)/\(Self.file)")
    self.init()
    try Self.requireKind(file)
    size = try file.bool("do_resize", default: true) ? Self.size(file) : nil
    let number = try file.integer("resample", default: ImageResampling.bilinear.rawValue)
    guard let resampling = ImageResampling(rawValue: number) else {
      throw file.unsupported("resample", hint: "supported are 0 to 5, the numbers of Pillow")
    }
    self.resampling = resampling
    factor =
      try file.bool("do_rescale", default: true)
      ? try file.number("rescale_factor", default: 1 / 255.0) : nil
    if try file.bool("do_normalize", default: true) {
      let means = try Self.numbers(file, "image_mean") ?? [0.5, 0.5, 0.5]
      let deviations = try Self.numbers(file, "image_std") ?? [0.5, 0.5, 0.5]
      guard means.count == deviations.count, deviations.allSatisfy({ $0 != 0 }) else {
        throw file.invalid(
          "image_std", expected: "a number other than 0 for each of \(means.count) means",
          found: "\(deviations)")
      }
      normalization = Normalization(mean: means, deviation: deviations)
    } else {
      normalization = nil
    }
    convertsToRGB = try file.bool("do_convert_rgb", default: false)
    try file.require("do_center_crop", toBe: false)
    try file.require("do_pad", toBe: false)
    file.ignore([
      "size", "rescale_factor", "image_mean", "image_std", "crop_size", "pad_size", "data_format",
      "input_data_format", "default_to_square", "device", "disable_grouping", "return_tensors",
      "processor_class", "image_seq_length", "size_divisor", "_valid_processor_keys",
      "feature_extractor_type", "transformers_version",
    ])
    try file.requireAllRead()
  }

  /// Writes `preprocessor_config.json` into a model folder, for Transformers and this package.
  ///
  /// - Parameter folder: is made where it does not exist.
  /// - Throws: `CheckpointError` where it cannot be written.
  public func save(to folder: String) throws(CheckpointError) {
    func list(_ numbers: [Double]) -> JSON { .array(numbers.map(JSON.number)) }
    var members: [JSON.Member] = [
      .init("image_processor_type", .string("ViTImageProcessor")),
      .init("do_resize", .bool(size != nil)), .init("resample", .integer(resampling.rawValue)),
      .init("do_rescale", .bool(factor != nil)), .init("do_normalize", .bool(normalization != nil)),
      .init("do_convert_rgb", .bool(convertsToRGB)),
    ]
    if let size {
      members.append(
        .init(
          "size",
          .object([
            .init("height", .integer(size.height)), .init("width", .integer(size.width)),
          ])))
    }
    if let factor { members.append(.init("rescale_factor", .number(factor))) }
    if let normalization {
      members.append(.init("image_mean", list(normalization.mean)))
      members.append(.init("image_std", list(normalization.deviation)))
    }
    try makeFolder(folder)
    try atomicallyWrite(
      JSON.object(members).sorted.text(.indented) + "\n", to: "\(folder)/\(Self.file)")
  }

  /// Refuses the settings of another kind of processor, which may do more than this one.
  private static func requireKind(_ file: ConfigurationFile) throws(CheckpointError) {
    for field in ["image_processor_type", "feature_extractor_type"] {
      let kind = try file.optionalString(field) ?? "ViTImageProcessor"
      guard
        [
          "ViTImageProcessor", "ViTImageProcessorFast", "ViTImageProcessorPil",
          "ViTFeatureExtractor",
        ].contains(kind)
      else { throw file.unsupported(field, hint: "only ViTImageProcessor is supported") }
    }
  }

  /// A side, or height and width.
  private static func size(_ file: ConfigurationFile) throws(CheckpointError) -> Size {
    if file.value("size")?.members == nil {
      let side = try file.positive("size", default: 224, below: 1 << 16)
      return Size(height: side, width: side)
    }
    guard let size = try file.object("size"), size.has("height"), size.has("width") else {
      throw file.unsupported("size", hint: "height and width are supported")
    }
    return Size(
      height: try size.positive("height", below: 1 << 16),
      width: try size.positive("width", below: 1 << 16))
  }

  /// A number for each channel.
  private static func numbers(
    _ file: ConfigurationFile, _ field: String
  ) throws(CheckpointError) -> [Double]? {
    guard let value = file.value(field) else { return nil }
    if let number = value.number { return [number, number, number] }
    let numbers = value.elements?.compactMap(\.number) ?? []
    guard !numbers.isEmpty, numbers.count == value.elements?.count else {
      throw file.invalid(field, expected: "a number for each channel", found: value.text(.compact))
    }
    return numbers
  }
}
