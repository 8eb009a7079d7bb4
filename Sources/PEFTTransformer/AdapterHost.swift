public import PEFTTensor

/// A model that adapters can be attached to.
public protocol AdapterHost: Module {
  /// The family, as `model_type` in `config.json`; chooses the usual targets of adapters.
  var modelType: String { get }
  /// What the model is for, as PEFT calls it; nil where it has no word for that.
  var taskType: String? { get }
  /// The folder that the model was loaded from; nil for a new one.
  var folder: String? { get }
  /// The output head, which the target `all-linear` leaves out; nil where there is none.
  var outputHead: Linear? { get }
  /// The embedding of the input tokens; nil where there is none.
  var inputEmbedding: Embedding? { get }
  /// How many tokens there are beyond those of the folder: adapters keep the whole table then, unless they train rows of it.
  var addedTokenCount: Int { get }
  /// What parts of paths are called in checkpoints, and by adapters of earlier versions.
  var aliases: PathAliases { get }
  /// What is attached; keep one registry as long as the model.
  var adapters: AdapterRegistry { get }
  /// The output for some fixed input, to compare a model with itself before and after a change.
  func probeOutput() -> Tensor
}

extension AdapterHost {
  /// A family without usual targets.
  public var modelType: String { "custom" }
  /// Nothing that PEFT has a word for.
  public var taskType: String? { nil }
  /// No folder.
  public var folder: String? { nil }
  /// No head.
  public var outputHead: Linear? { nil }
  /// None.
  public var addedTokenCount: Int { 0 }
  /// No embedding.
  public var inputEmbedding: Embedding? { nil }
  /// Paths are the same everywhere.
  public var aliases: PathAliases { .none }
}

/// An adapter that is attached to a model under a name.
public protocol Attachment: AnyObject {
  /// The name, unique in the model.
  var name: String { get }
  /// Whether it takes part in the forward pass.
  var isActive: Bool { get }
  /// Whether its change stands in the weights of the base at the moment.
  var isMerged: Bool { get }
  /// Added to every training loss while it is active; nil for nothing.
  var penalty: Tensor? { get }
}

extension Attachment {
  /// Nothing.
  public var penalty: Tensor? { nil }
}

/// The adapters of one model, and the base as it was before them.
public final class AdapterRegistry {
  /// The adapters in the order in which they were attached.
  package var attachments: [any Attachment] = [] {
    didSet { noteChange() }
  }
  /// Parameters that a merge has changed, and what they held before the first merge.
  package var pristine: [ObjectIdentifier: Pristine] = [:]
  /// How many rows batches have while adapters are chosen by row; nil while they act on all rows.
  package var rowCount: Int? {
    didSet { noteChange() }
  }
  /// How often something changed that neither a parameter nor an adapter itself shows.
  private(set) var changes = 0
  /// The parameters that were trainable before the first adapter was attached.
  package var trainableBefore: [Parameter] = []

  /// A parameter as it was before a merge.
  package struct Pristine {
    package let parameter: Parameter
    package let content: Parameter.Content
    package var value: Tensor { content.value }

    /// Keeps what a parameter holds.
    package init(_ parameter: Parameter) {
      (self.parameter, content) = (parameter, parameter.content)
    }
  }

  /// No adapters.
  public init() {}

  /// Says that the model computes something else from now on, so that keys and values of earlier tokens hold no longer.
  package func noteChange() { changes += 1 }

  /// The names of the adapters, in the order in which they were attached.
  public var names: [String] { attachments.map(\.name) }
  /// The sum of what the adapters add to a training loss; nil for nothing.
  public var penalty: Tensor? {
    attachments.lazy.compactMap(\.penalty).reduce(nil) { sum, next in sum.map { $0 + next } ?? next
    }
  }
  /// The names of those that take part in the forward pass.
  public var activeNames: [String] { attachments.filter(\.isActive).map(\.name) }
}
