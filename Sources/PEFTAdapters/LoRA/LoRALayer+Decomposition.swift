import PEFTTensor
import PEFTTransformer

/// DoRA: rows of `V = W + s B A` with lengths of their own, `y = (m / |V|) * V x + b`.
///
/// The norms are constants of the gradient, as in section 4.3 of the paper.
extension LoRALayer {
  /// The factor `m / |V|` of every output, `[M]`.
  private func factor(_ magnitude: Parameter) -> Tensor {
    var products = [(a: a, b: b, scale: scale)]
    if let start { products.append((start.a, start.b, -scale)) }
    return magnitude.tensor / norms.values(products)
  }

  /// From the output of the map with the branch, whose bias is left as it is.
  func decomposed(_ output: Tensor, _ magnitude: Parameter, _ base: Linear) -> Tensor {
    let factor = factor(magnitude)
    return output.scaledColumns(by: factor, plus: base.bias.map { $0.tensor - $0.tensor * factor })
  }

  /// From the output of the map without the branch: the base sees all of x, what is added to it a part, as in PEFT:
  /// `y = W x + b + (m / |V|) V dropout(x) - W dropout(x)`.
  func decomposed(
    _ output: Tensor, _ input: Tensor, _ magnitude: Parameter, _ base: Linear,
    _ keys: DropoutKeys?
  ) -> Tensor {
    let part = input.dropout(dropout, key: keys?.next() ?? 0)
    let plain = part.linear(base.weight.operand(base.layout), branches: startBranch)
    let branch = part.linear(weight: a.tensor).linear(weight: b.tensor) * scale
    return output + (plain + branch).scaledColumns(by: factor(magnitude)) - plain
  }
}
