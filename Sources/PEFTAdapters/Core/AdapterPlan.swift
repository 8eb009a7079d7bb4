/// What attaching an adapter would do, before anything changes.
public struct AdapterPlan: Sendable, Hashable {
  /// One module that would be adapted.
  public struct Match: Sendable, Hashable {
    /// The path of the module.
    public var path: String
    /// N and M of a linear layer; V and D of an embedding; zeros of another module.
    public var inputs: Int
    /// The width of the output.
    public var outputs: Int
    /// R; nil where the method has no rank.
    public var rank: Int?
    /// The numerator of the scale; nil where the method has none.
    public var alpha: Double?
    /// Whether it is an embedding.
    public var isEmbedding: Bool
    /// How many parameters the adapter has there.
    public var parameters: Int
  }

  /// A parameter of the base of which the adapter trains a copy.
  public struct Copy: Sendable, Hashable {
    /// The path of the parameter.
    public var path: String
    /// How many elements it has; 0 where it follows the copy of a parameter that it is tied to.
    public var parameters: Int
  }

  /// The modules that would be adapted.
  public var matches: [Match]
  /// Parameters that would be trained as a whole: `modules_to_save` and biases.
  public var copies: [Copy]
  /// How many modules each entry of the list of targets selects.
  public var counts: [PatternValue<Int>]
  /// How many elements the tensors have that all modules share and that are trained.
  public var sharedCount = 0
  /// The paths that an exclusion kept out.
  public var excluded: [String]

  /// How many parameters would be trained.
  public var trainableCount: Int {
    sharedCount + matches.reduce(0) { $0 + $1.parameters } + copies.reduce(0) { $0 + $1.parameters }
  }
}

extension AdapterPlan: CustomStringConvertible {
  /// One line for each module.
  public var description: String {
    var lines = matches.map { match in
      match.path + (match.inputs > 0 ? "  \(match.inputs) -> \(match.outputs)" : "")
        + (match.rank.map { "  rank \($0)" } ?? "  \(match.parameters) parameters")
        + (match.alpha.map { ", alpha \($0)" } ?? "")
    }
    lines += copies.map { "\($0.path)  \($0.parameters) trained as a whole" }
    lines.append("\(trainableCount) trainable parameters in \(matches.count) modules")
    return lines.joined(separator: "\n")
  }
}
