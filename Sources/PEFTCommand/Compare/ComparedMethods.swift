import PEFTCheckpoints

extension ComparedMethod {
  /// Every method that is compared, in the order of the table.
  static let all: [Self] = [
    Self("full", "full fine-tuning", nil, "every weight", .wholeWeights) { _ in [] },
    lora("lora", "LoRA", "2106.09685", "two factors of rank R beside each map"),
    lora("rslora", "rsLoRA", "2312.03732", "LoRA's, scaled by A / sqrt(R)"),
    lora(
      "lora-plus", "LoRA+", "2402.12354", "LoRA's, the second factor 16 times as fast",
      .fastSecondFactor),
    lora("lora-fa", "LoRA-FA", "2308.03303", "LoRA's second factor"),
    lora("dora", "DoRA", "2402.09353", "LoRA's, and the norm of each output's weights"),
    lora("pissa", "PiSSA", "2404.02948", "LoRA's, from the largest singular values", scale: 1),
    lora("olora", "OLoRA", "2406.01775", "LoRA's, from a QR decomposition", scale: 1),
    lora(
      "adalora", "AdaLoRA", "2303.10512", "P, Lambda, Q; ranks move to where they matter",
      .products, scale: 4),
    lora("dylora", "DyLoRA", "2210.07558", "LoRA's, usable at every rank up to R"),
    lora(
      "delta-lora", "Delta-LoRA", "2309.02411", "LoRA's, whose steps also move the weights",
      more: ["--set", "delta_lambda=2", "--set", "delta_delay=50", "--set", "completed_steps=0"]),
    Self(
      "loha", "LoHa", "2108.06098", "the elementwise product of two low-rank maps", .products,
      sizes: 1...1024
    ) { ranked($0.size) + allLinear },
    // With the largest possible factor there would be too little to train.
    Self(
      "lokr", "LoKr", "2309.14859", "a Kronecker product with a low-rank factor", .products,
      sizes: 1...1024
    ) { ranked($0.size) + allLinear + ["--set", "decompose_factor=4"] },
    // Its count hardly grows with the rank, its time does.
    Self(
      "vera", "VeRA", "2310.11454", "two vectors beside shared random projections", .vectors,
      sizes: 1...64
    ) { ["--rank", "\($0.size)", "--set", "save_projection=false"] + allLinear },
    Self("shira", "SHiRA", "2406.13175", "a random few of the weights", .products, sizes: 1...1024)
    {
      ["--rank", "\($0.size)"] + allLinear
    },
    Self(
      "random-subspace", "ROSA", "2407.07802", "LoRA's, for another random part of W after a while",
      .lowRank, sizes: 1...1024
    ) {
      ["--rank", "\($0.size)", "--set", "interval=\(max(1, $0.steps / 2))"] + allLinear
    },
    Self(
      "quantum-pauli", "Quantum-PEFT, Pauli", "2503.05431", "angles of circuits, for rank 8",
      .vectors,
      sizes: 1...4, method: "quantum-peft"
    ) { ["--rank", "8", "--set", "frame=pauli", "--set", "layers=\($0.size)"] + allLinear },
    Self(
      "quantum-taylor", "Quantum-PEFT, Taylor", "2503.05431", "skew matrices of frames", .products,
      sizes: 1...1024, method: "quantum-peft"
    ) { ["--rank", "\($0.size)", "--set", "frame=taylor"] + allLinear },
    // Half of what LoRA trains, and coordinates for the rest.
    Self(
      "rosa", "RoSA", "2401.04679", "LoRA's, and the weights with the largest gradients",
      .lowRank, sizes: 1...9999
    ) { ranked(max(1, $0.rank / 2)) + allLinear + ["--set", "d=\(Double($0.size) / 10_000)"] },
    Self(
      "houlsby", "Houlsby adapters", "1902.00751", "two bottlenecks a layer, and the norms",
      .bottlenecks, sizes: 1...4096
    ) { ["--rank", "\($0.size)"] },
    Self(
      "pfeiffer", "Pfeiffer adapters", "2005.00247", "one bottleneck a layer, and the norms",
      .bottlenecks, sizes: 1...4096
    ) { ["--rank", "\($0.size)"] },
    Self(
      "prefix-tuning", "prefix tuning", "2101.00190", "keys and values before those of the text",
      .vectors, sizes: 1...64
    ) { ["--set", "num_virtual_tokens=\($0.size)"] },
    // Each virtual token makes every row longer.
    Self(
      "prompt-tuning", "prompt tuning", "2104.08691", "embeddings before those of the text",
      .vectors, sizes: 1...32
    ) { ["--set", "num_virtual_tokens=\($0.size)"] },
    Self("ia3", "IA3", "2205.05638", "scales of keys, values and inner units", .vectors) { _ in []
    },
    Self("bitfit", "BitFit", "2106.10199", "the biases", .vectors) { _ in [] },
    Self("ln-tuning", "LN tuning", "2312.11420", "the weights of the norms", .vectors) { _ in [] },
  ]

  private static let allLinear = ["--targets", "all-linear"]

  private static func ranked(_ rank: Int, scale: Int = 2) -> [String] {
    ["--rank", "\(rank)", "--alpha", "\(scale * rank)"]
  }

  /// A variant of LoRA on all linear layers; its alpha grows with its rank, so that the scale is the same at every size.
  private static func lora(
    _ name: String, _ title: String, _ paper: String, _ trains: String,
    _ rate: LearningRate = .lowRank,
    scale: Int = 2, more: [String] = []
  ) -> Self {
    Self(name, title, paper, trains, rate, sizes: 1...1024) { run in
      ranked(run.size, scale: scale) + allLinear + more
    }
  }

  /// The methods that words name, in the order of the table; all of them for nil.
  static func named(_ names: [String]?) throws(CommandError) -> [Self] {
    guard let names else { return all }
    for name in names where !all.contains(where: { $0.name == name }) {
      let nearest = nearestNames(to: name, among: all.map(\.name), count: 2)
      throw .invalidValue(
        option: "methods", value: name,
        expected: "names of \(all.map(\.name).joined(separator: ", "))"
          + (nearest.first.map { "; did you mean \($0)?" } ?? ""))
    }
    return all.filter { names.contains($0.name) }
  }
}
