import PEFTTensor
import PEFTTransformer

/// Robust adaptation: `y = W x + s B A dropout(x) + S x`, a low-rank and a sparse change together.
///
/// "RoSA: Accurate Parameter-Efficient Fine-Tuning via Robust Adaptation" (arXiv 2401.04679), with the schedules and the defaults
/// of its reference (IST-DASLab/peft-rosa). S has `density * M * N` trained values; their places are those whose weights have the
/// largest gradients of some steps, and are chosen in each layer when these steps are over. The schedule runs on
/// the steps of whatever optimiser trains the adapter.
///
/// The paper's recipe chooses the places with low-rank training alone, and starts again with both parts on:
///
///     var search = RoSA(density: 0.006)
///     search.schedule = .warmup(64)
///     ... train for 65 steps ...
///     let masks = adapter.sparseMasks
///     try model.detach("default")
///     search.masks = masks
///     try model.attach(search)
///
/// While places are looked for, a float32 matrix of the size of each adapted weight is held; afterwards a step costs what LoRA
/// and `SparseDelta` cost. On an NF4 base this is QRoSA; a merge then goes into the dequantised weight, where the reference has
/// none. PEFT does not know the method: folders have the type `ROSA`, with `rosa_A.weight`, `rosa_B.weight`, the values
/// `rosa_spa` `[n]` and, once they are chosen, their places `rosa_indices` `[2, n]`, rows first.
public struct RoSA: AdapterMethod, Hashable {
  /// `ROSA`.
  public static let type = "ROSA"

  /// R; 0 for no low-rank part.
  public var rank: Int
  /// The numerator of the scale.
  public var alpha: Double
  /// The probability of an input element of the low-rank part to be dropped in training.
  public var dropout: Float = 0
  /// The share of the elements of each weight that S has; 0 for no sparse part.
  public var density: Double
  /// When the places are chosen, and what is trained.
  public var schedule = Schedule.warmup(0)
  /// For how many steps gradients are gathered to choose the places (`spa_num_grads`).
  public var gradientSteps = 1
  /// How gradients are gathered (`grad_acc_mode`).
  public var accumulation = Accumulation.meanSquared
  /// Places that are known already, so that both parts are trained from the start; nil to choose them by the schedule.
  public var masks: SparseMasks?
  /// Whether the scale is `alpha / sqrt(R)`.
  public var isRankStabilized = false
  /// Which modules are adapted, linear layers only, and what is trained beside them.
  public var selection: ModuleSelection

  /// When the places of S are chosen, and what is trained.
  public enum Schedule: Sendable, Hashable {
    /// No sparse part (`lora_only`).
    case loraOnly
    /// No low-rank part; nothing is trained before the places are chosen (`spa_only`).
    case sparseOnly
    /// So many steps of the low-rank part alone, then the gradients are gathered while it is trained on, then both
    /// (`wl64`; `wl0` is the reference's `df`).
    case warmup(Int)
  }

  /// How the gradients of the steps are gathered, one for each backward pass.
  public enum Accumulation: String, Sendable, Hashable {
    /// The mean of their squares.
    case meanSquared = "mean_squared"
    /// The magnitude of their mean.
    case mean
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(
    rank: Int = 8, alpha: Double = 16, density: Double = 0.003, targets: Targets = .attention
  ) {
    (self.rank, self.alpha, self.density) = (rank, alpha, density)
    selection = ModuleSelection(targets)
  }

  /// Refuses ranks, densities and steps out of range, and settings that train nothing.
  public func checkSettings() throws(AdapterError) {
    func check(_ isFine: Bool, _ name: String, _ expected: String, _ found: Any)
      throws(AdapterError)
    {
      if !isFine { throw .invalidSetting(name, expected: expected, found: "\(found)") }
    }
    try selection.refuseAllBut([.layers])
    if rank != 0 { try LoRA.checkRank(rank, "r") }
    try check(alpha.isFinite, "lora_alpha", "a finite number", alpha)
    try check(dropout >= 0 && dropout < 1, "lora_dropout", "a probability below 1", dropout)
    try check(density >= 0 && density <= 1, "d", "a share from 0 to 1", density)
    try check(gradientSteps > 0, "spa_num_grads", "a positive number", gradientSteps)
    if case .warmup(let steps) = schedule {
      try check(steps >= 0, "schedule", "wl and a number of steps", schedule.name)
    }
    try check(
      usedRank > 0 || usedDensity > 0, "schedule", "one that trains a part with r or d above 0",
      schedule.name)
  }

  /// The rank that the schedule leaves.
  var usedRank: Int { schedule == .sparseOnly ? 0 : rank }
  /// The density that the schedule leaves.
  var usedDensity: Double { schedule == .loraOnly ? 0 : density }

  /// Chooses the places of S by the schedule.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    RoSAController(adapter, self)
  }
}

extension RoSA.Schedule {
  /// The name in the reference.
  public var name: String {
    switch self {
    case .loraOnly: "lora_only"
    case .sparseOnly: "spa_only"
    case .warmup(let steps): "wl\(steps)"
    }
  }

  /// A schedule by its name in the reference; nil for another.
  public init?(name: String) {
    switch name {
    case "lora_only": self = .loraOnly
    case "spa_only": self = .sparseOnly
    case "df", "default": self = .warmup(0)
    default:
      guard name.hasPrefix("wl"), let steps = Int(name.dropFirst(2)), steps >= 0 else {
        return nil
      }
      self = .warmup(steps)
    }
  }

  /// How many steps pass before gradients are gathered; nil where they are not.
  var stepsBefore: Int? {
    switch self {
    case .loraOnly: nil
    case .sparseOnly: 0
    case .warmup(let steps): steps
    }
  }
}
