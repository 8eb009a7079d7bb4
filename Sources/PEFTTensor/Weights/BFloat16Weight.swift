/// A frozen weight in bfloat16, laid out once in the panels that both products read.
///
/// Elements are rounded to the nearest bfloat16, and so are the rows that are multiplied by W; sums are
/// float32. A row of a product does not depend on the other rows, nor on the number of threads.
public struct BFloat16Weight: PanelWeight {
  /// The number of rows of W.
  public let outputs: Int
  /// The number of columns of W.
  public let inputs: Int
  private let memory: Storage

  /// Rounds and lays out a weight.
  ///
  /// - Parameter weight: W `[outputs, inputs]`.
  public init(_ weight: Tensor) {
    self.init(outputs: weight.rows, inputs: weight.columns)
    Kernels.pack(weight, fromRow: 0, to: panels)
  }

  /// Lays out a weight that lies in `format` in row-major order at the start of `source`.
  ///
  /// - Complexity: linear; besides the result it needs memory for some rows of float32 only.
  package init(decoding source: Storage, as format: NumberFormat, outputs: Int, inputs: Int) {
    precondition(
      outputs * inputs * format.byteCount <= source.byteCount,
      "BFloat16Weight: [\(outputs), \(inputs)] leaves its storage")
    self.init(outputs: outputs, inputs: inputs)
    let height = max(1, (1 << 20) / max(1, inputs) / Kernels.panel) * Kernels.panel
    for first in stride(from: 0, to: outputs, by: height) {
      let start = first * inputs * format.byteCount
      let part = Storage(
        address: source.address + start, byteCount: source.byteCount - start, owner: source)
      let rows = Tensor(
        decoding: part, as: format, shape: [min(height, outputs - first), inputs])
      Kernels.pack(rows, fromRow: first, to: panels)
    }
  }

  private init(outputs: Int, inputs: Int) {
    (self.outputs, self.inputs) = (outputs, inputs)
    memory = Storage(
      byteCount: Kernels.panelCount(outputs) * Kernels.panelByteCount(inputs: inputs))
  }

  /// The memory of the panels, in bytes.
  public var byteCount: Int {
    Kernels.panelCount(outputs) * Kernels.panelByteCount(inputs: inputs)
  }

  var panels: Kernels.BFloat16Panels {
    Kernels.BFloat16Panels(address: memory.address, outputs: outputs, inputs: inputs)
  }
}
