package import PEFTCheckpoints
import PEFTJSON

/// The methods that adapter folders can name.
package enum AdapterMethods {
  /// Every method that can be read.
  private static let all: [Reader] = [
    Reader(LongLoRA.self, field: LongLoRA.field),
    Reader(LoRA.self),
    Reader(AdaLoRA.self),
    Reader(DeltaLoRA.self),
    Reader(DyLoRA.self),
    Reader(SparseDelta.self),
    Reader(SparseDelta.self, type: SparseDelta.ownType),
    Reader(RoSA.self),
    Reader(LNTuning.self),
    Reader(BitFit.self),
    Reader(TrainableTokens.self),
    Reader(IA3.self),
    Reader(VeRA.self),
    Reader(LoHa.self),
    Reader(LoKr.self),
    Reader(Bottleneck.self),
    Reader(RandomSubspace.self),
    Reader(QuantumPEFT.self),
    Reader(PrefixTuning.self),
    Reader(PromptTuning.self),
    Reader(PTuning.self),
  ]

  /// The names of all, as they stand in files.
  package static var types: [String] { all.filter { $0.field == nil }.map(\.type) }

  /// The settings in a configuration, of whatever method it names.
  package static func read(_ file: ConfigurationFile) throws(CheckpointError) -> any StoredMethod {
    let type = try file.string("peft_type")
    for reader in all
    where reader.type == type && reader.field.map(file.has) ?? true {
      return try reader.read(file)
    }
    throw .unsupportedField(
      path: file.path, field: "peft_type", value: type,
      hint: "only \(types.joined(separator: ", ")) can be loaded")
  }

  private struct Reader: Sendable {
    let type: String
    /// A field that only files of this method have.
    let field: String?
    let read: @Sendable (ConfigurationFile) throws(CheckpointError) -> any StoredMethod

    init<Method: StoredMethod>(
      _ method: Method.Type, type: String = Method.type, field: String? = nil
    ) {
      (self.type, self.field) = (type, field)
      read = { (file) throws(CheckpointError) in try Method(file) }
    }
  }
}
