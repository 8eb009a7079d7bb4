internal import CPEFTKernels

/// A weight `[outputs, inputs]` whose panels of 32 outputs can be brought into the form of the
/// instruction set in use, one panel at a time.
protocol PackedWeight {
  var outputs: Int { get }
  var inputs: Int { get }

  /// Whether the panels lie in memory in the form of the instruction set, so that `panel` needs no
  /// scratch.
  var isReady: Bool { get }

  /// The panel of outputs `32 * index ..< 32 * (index + 1)`, in `scratch` or where it lies.
  func panel(_ index: Int, scratch: UnsafeMutableRawPointer) -> UnsafeRawPointer

  /// The panel of W transposed with inputs `column ..< column + 32`, of some outputs from a multiple
  /// of 32 on.
  func transposedPanel(column: Int, outputs: Range<Int>, to scratch: UnsafeMutableRawPointer)

  /// One panel in float32.
  ///
  /// - Parameters:
  ///   - panel: its number.
  ///   - target: W `[outputs, inputs]`, all of it.
  func unpack(panel: Int, to target: Tensor)

  /// y = x W^T + beta * y.
  func multiply(_ x: Tensor, to y: Tensor, beta: Float)
}

extension PackedWeight {
  func multiply(_ x: Tensor, to y: Tensor, beta: Float) {
    Kernels.multiplyPanels(x, self, to: y, beta: beta)
  }
}

extension Kernels {
  /// Outputs in a panel.
  static let panel = 32

  /// How many panels hold so many outputs.
  static func panelCount(_ outputs: Int) -> Int { (outputs + panel - 1) / panel }

  /// The rows that are packed at a time; a multiple of 12.
  private static let rowBlock = 768
  /// The outputs that the transposed product takes at a time; a multiple of 32.
  private static let outputBlock = 3072
  /// Multiply-adds that are worth a second thread.
  private static let parallelWork = 1 << 17

  /// W in float32.
  static func unpack(_ source: some PackedWeight, to target: Tensor) {
    Parallel.run(panelCount(source.outputs), grain: weightGrain(source.inputs)) { _, range in
      for index in range { source.unpack(panel: index, to: target) }
    }
  }

  /// y = x W^T + beta * y, each panel brought into the form of the instruction set.
  static func multiplyPanels(_ x: Tensor, _ weight: some PackedWeight, to y: Tensor, beta: Float) {
    let inner = weight.inputs
    let panels = panelCount(weight.outputs)
    if x.rows == 0 || panels == 0 { return }
    Arithmetic.count(multiplyAdds: x.rows * inner * weight.outputs)
    let rows = Storage(byteCount: packedByteCount(rows: min(x.rows, rowBlock), inner: inner))
    let parts = Parallel.partCount(panels, grain: panelGrain(rows: x.rows, inner: inner))
    let size = weight.isReady ? 0 : panel * width * evened(inner)
    let scratch = Storage(byteCount: parts * size)
    for first in stride(from: 0, to: x.rows, by: rowBlock) {
      let count = min(rowBlock, x.rows - first)
      pack(
        x.address + first * x.rowStride, rows: count, columns: inner, stride: x.rowStride,
        to: rows.address)
      Parallel.run(panels, grain: panelGrain(rows: x.rows, inner: inner)) { part, range in
        for index in range {
          let columns = min(panel, weight.outputs - index * panel)
          peft_packed_multiply(
            rows.address, count, inner,
            weight.panel(index, scratch: scratch.address + part * size),
            y.address + first * y.rowStride + index * panel, columns, y.rowStride, beta)
        }
      }
    }
  }

  /// dx = dy W + beta * dx.
  static func multiplyTransposed(
    _ dy: Tensor, _ weight: some PackedWeight, to dx: Tensor, beta: Float
  ) {
    let panels = panelCount(weight.inputs)
    if dy.rows == 0 || panels == 0 { return }
    Arithmetic.count(multiplyAdds: dy.rows * weight.inputs * weight.outputs)
    let depth = min(outputBlock, weight.outputs)
    let rows = Storage(byteCount: packedByteCount(rows: min(dy.rows, rowBlock), inner: depth))
    let grain = panelGrain(rows: dy.rows, inner: depth)
    let size = panel * width * panelCount(depth) * panel
    let scratch = Storage(byteCount: Parallel.partCount(panels, grain: grain) * size)
    for first in stride(from: 0, to: dy.rows, by: rowBlock) {
      let count = min(rowBlock, dy.rows - first)
      for start in stride(from: 0, to: max(1, weight.outputs), by: outputBlock) {
        let outputs = start..<min(start + outputBlock, weight.outputs)
        pack(
          dy.address + first * dy.rowStride + start, rows: count, columns: outputs.count,
          stride: dy.rowStride, to: rows.address)
        Parallel.run(panels, grain: grain) { part, range in
          let work = scratch.address + part * size
          for index in range {
            let column = index * panel
            weight.transposedPanel(column: column, outputs: outputs, to: work)
            peft_packed_multiply(
              rows.address, count, outputs.count, work,
              dx.address + first * dx.rowStride + column, min(panel, weight.inputs - column),
              dx.rowStride, start == 0 ? beta : 1)
          }
        }
      }
    }
  }

  /// Bytes of a number in the form of the instruction set.
  static var width: Int { peft_packed_width() }

  private static func evened(_ count: Int) -> Int { count + count % 2 }

  private static func packedByteCount(rows: Int, inner: Int) -> Int {
    rows * evened(inner) * width
  }

  /// The panels that are worth a thread.
  static func panelGrain(rows: Int, inner: Int) -> Int {
    max(1, parallelWork / max(1, rows * inner * panel))
  }

  private static func pack(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int,
    to target: UnsafeMutableRawPointer
  ) {
    // Whole tiles for each thread.
    let tile = 12
    let grain = max(1, Self.grain / max(1, tile * columns))
    Parallel.run((rows + tile - 1) / tile, grain: grain) { _, tiles in
      let first = tiles.lowerBound * tile
      peft_packed_rows(
        source + first * stride, min(tiles.upperBound * tile, rows) - first, columns, stride,
        target + packedByteCount(rows: first, inner: columns))
    }
  }
}

// MARK: bfloat16

extension Kernels {
  /// Panels `[inputs / 2][32][2]` of bfloat16, one after the other.
  struct BFloat16Panels: PackedWeight {
    let address: UnsafeMutableRawPointer
    let outputs: Int
    let inputs: Int

    var isReady: Bool { width == 2 }

    func panel(_ index: Int, scratch: UnsafeMutableRawPointer) -> UnsafeRawPointer {
      let source = start(index)
      if isReady { return UnsafeRawPointer(source) }
      peft_bfloat16_panel(source, inputs, scratch)
      return UnsafeRawPointer(scratch)
    }

    func transposedPanel(
      column: Int, outputs: Range<Int>, to scratch: UnsafeMutableRawPointer
    ) {
      peft_bfloat16_panel_transposed(
        start(outputs.lowerBound / Kernels.panel), outputs.count, inputs, column, scratch)
    }

    func unpack(panel: Int, to target: Tensor) {
      peft_bfloat16_unpack(
        start(panel), min(Kernels.panel, outputs - panel * Kernels.panel), inputs,
        target.address + panel * Kernels.panel * target.rowStride, target.rowStride)
    }

    fileprivate func start(_ index: Int) -> UnsafeMutableRawPointer {
      address + index * panelByteCount(inputs: inputs)
    }
  }

  /// The size of a panel in bfloat16.
  static func panelByteCount(inputs: Int) -> Int { panel * evened(inputs) * 2 }

  /// Lays out rows of a weight from `first`, a multiple of 32, on.
  static func pack(_ rows: Tensor, fromRow first: Int, to target: BFloat16Panels) {
    Parallel.run(panelCount(rows.rows), grain: weightGrain(target.inputs)) { _, range in
      for index in range {
        peft_bfloat16_pack(
          rows.address + index * panel * rows.rowStride, min(panel, rows.rows - index * panel),
          target.inputs, rows.rowStride, target.start(first / panel + index))
      }
    }
  }

  /// The panels of a weight that are worth a thread where each element is touched once.
  static func weightGrain(_ inputs: Int) -> Int { max(1, grain / max(1, panel * inputs)) }
}
