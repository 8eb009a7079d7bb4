import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// A weight as bitsandbytes stores it: codes under the weight's own name, the rest under names below it.
///
/// `absmax` (scales, or their codes), `quant_map` (the sixteen numbers), `nested_absmax` and `nested_quant_map` where scales are
/// quantised, and `quant_state.bitsandbytes__nf4` or `__fp4`, the settings as JSON.
extension FourBitWeight: BitsAndBytesWeight {
  private static func state(_ code: FourBitCode) -> String {
    "quant_state.bitsandbytes__\(code.rawValue)"
  }

  /// The code of a weight that a checkpoint has in four bits under this name; nil without one.
  private static func storedCode(_ name: String, in checkpoint: Checkpoint) -> FourBitCode? {
    FourBitCode.allCases.first { checkpoint["\(name).\(state($0))"] != nil }
  }

  /// The names of the tensors beside the one that has the name of the weight.
  private static func names(_ code: FourBitCode, isNested: Bool) -> [String] {
    ["absmax", "quant_map", state(code)] + (isNested ? ["nested_absmax", "nested_quant_map"] : [])
  }

  var kind: BitsAndBytes.Kind { .fourBit(code, isDoubleQuantized: isDoubleQuantized) }

  /// Reads a weight; nil where there is none in four bits under this name.
  ///
  /// - Parameters:
  ///   - name: that of the weight.
  ///   - checkpoint: where it is.
  ///   - shape: the matrix `[outputs, inputs]` that is expected.
  ///   - read: gets the names of all its tensors.
  /// - Throws: `CheckpointError` for tensors that are missing or of another type, and settings that are not known.
  init?(
    _ name: String, in checkpoint: Checkpoint, shape: [Int], read: (String) -> Void
  ) throws(CheckpointError) {
    guard let code = Self.storedCode(name, in: checkpoint) else { return nil }
    let settings = try Self.settings("\(name).\(Self.state(code))", checkpoint)
    let nestedBlockSize = try settings.optionalInteger("nested_blocksize")
    guard let size = try settings.optionalIntegerArray("shape") else {
      throw settings.missing("shape")
    }
    var source = Serialized(
      code: code, shape: size, weight: try checkpoint.bytes(name),
      absmax: try Self.bytes(
        "\(name).absmax", nestedBlockSize == nil ? .float32 : .uint8, checkpoint))
    source.type = try settings.string("quant_type")
    source.blockSize = try settings.integer("blocksize")
    source.dtype = try settings.string("dtype")
    source.quantMap = try checkpoint.tensor("\(name).quant_map").array
    if let nestedBlockSize {
      guard try settings.string("nested_dtype", default: "float32") == "float32" else {
        throw settings.unsupported("nested_dtype", hint: "only float32 is supported")
      }
      var nested = Serialized.Nested(
        absmax: try checkpoint.tensor("\(name).nested_absmax").array,
        quantMap: try checkpoint.tensor("\(name).nested_quant_map").array,
        offset: Float(try settings.number("nested_offset")))
      nested.blockSize = nestedBlockSize
      source.nested = nested
    }
    try settings.requireAllRead()
    if source.shape != shape {
      throw .wrongShape(
        path: settings.path, tensor: name, expected: shape, found: source.shape)
    }
    do throws(FormatError) { try self.init(source) } catch {
      switch error {
      case .unsupported(let field, let found, let expected):
        throw .invalidField(
          path: settings.path, field: "\(name).\(field)", expected: expected, found: found)
      case .count(let tensor, let found, let expected):
        throw .wrongShape(
          path: settings.path, tensor: tensor == "weight" ? name : "\(name).\(tensor)",
          expected: [expected], found: [found])
      }
    }
    read(name)
    for part in Self.names(code, isNested: nestedBlockSize != nil) { read("\(name).\(part)") }
  }

  func items(_ name: String, dtype: String) -> [SafetensorsFile.Item] {
    let small = serialized(dtype: dtype)
    let json = Array(small.json.utf8)
    var items: [SafetensorsFile.Item] = [
      .init(
        name, shape: [small.weight.count, 1], as: .uint8, computingBytes: { serialized().weight }),
      .init("\(name).quant_map", Tensor(small.quantMap)),
      .init("\(name).\(Self.state(code))", bytes: json, shape: [json.count]),
    ]
    if let nested = small.nested {
      items += [
        .init("\(name).absmax", bytes: small.absmax, shape: [small.absmax.count]),
        .init("\(name).nested_absmax", Tensor(nested.absmax)),
        .init("\(name).nested_quant_map", Tensor(nested.quantMap)),
      ]
    } else {
      items.append(
        .init(
          "\(name).absmax", bytes: small.absmax, as: .float32, shape: [small.absmax.count / 4]))
    }
    return items
  }

  private static func settings(
    _ name: String, _ checkpoint: Checkpoint
  ) throws(CheckpointError) -> ConfigurationFile {
    let path = "\(try checkpoint.file(of: name).path): \(name)"
    do {
      let json = try JSON(parsing: try bytes(name, .uint8, checkpoint))
      return try ConfigurationFile(path: path, json: json)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .invalidJSON(path: path, reason: "\(error)")
    }
  }

  private static func bytes(
    _ name: String, _ dtype: DType, _ checkpoint: Checkpoint
  ) throws(CheckpointError) -> [UInt8] {
    let file = try checkpoint.file(of: name)
    let found = try file.entry(name).dtype
    if found != dtype {
      throw .wrongDType(path: file.path, tensor: name, expected: [dtype], found: found)
    }
    return try file.bytes(name)
  }
}
