// Adapts a Hugging Face model folder with a method of one's own.
// usage: WritingAnAdapter MODEL OUTPUT

import Foundation
import PEFT

// snippet.settings
/// Multiplies every output of the selected layers by a trained factor: `y = (W x + b) * g`.
struct OutputScaling: AdapterMethod, Codable {
  static let type = "OUTPUT_SCALING"

  var selection = ModuleSelection(.attention)

  func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(module: site.path, reason: "only linear layers have outputs to scale")
    }
    // Ones: the model starts as it is.
    let gate = TensorsBlueprint([.init("gate", [layer.outputs])]) { _ in
      ["gate": Tensor(repeating: 1, shape: [layer.outputs])]
    }
    return LayerBlueprint(gate) { parameters in OutputScalingLayer(gate: parameters["gate"]!) }
  }
}
// snippet.layer
/// What the method does at one layer.
final class OutputScalingLayer: LinearAdapterLayer {
  let gate: Parameter

  init(gate: Parameter) { self.gate = gate }

  func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor { inner(input) * gate.tensor }

  func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
    let rows = gate.value.reshaped([gate.count, 1])
    return AffineMap(weight: map.weight * rows, bias: map.bias.map { $0 * gate.value })
  }
}
// snippet.use
func adapt(_ folder: String, output: String) throws {
  let model = try CausalLM(directory: folder)
  print(try OutputScaling().plan(model))
  let adapter = try model.attach(OutputScaling())
  let optimizer = AdamW(model.parameters(.trainable), learningRate: 1e-2)
  let ids = Indices([1, 5, 9, 2], shape: [1, 4])
  for _ in 0..<10 {
    model.loss(TokenBatch(ids: ids, keys: [0..<4], labels: ids)).backward()
    optimizer.step()
  }
  try adapter.save(to: output)
  print("merged to", try model.mergeAndDetach().relativeDifference)
  try model.loadAdapter(output, as: OutputScaling.self)
}
// snippet.hide

let folders = CommandLine.arguments.dropFirst()
guard folders.count == 2, let model = folders.first, let output = folders.last else {
  print("usage: WritingAnAdapter MODEL OUTPUT")
  exit(2)
}
try adapt(model, output: output)
