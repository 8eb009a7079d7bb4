import PEFTCheckpoints

extension ComparedMethod {
  /// Every method that is compared, in the order of the table.
  static let all: [Self] =
    [
      Self(name: "full", title: "full fine-tuning", paper: nil, trains: "every weight", rate: 3e-3)
    ] + family + others

  /// LoRA on all linear layers, and what differs from it in few things; alpha grows with the rank, so that the scale is the same at
  /// every size.
  private static let family: [Self] = [
    lora("lora", "LoRA", "2106.09685", "two factors of rank R beside each map"),
    lora("rslora", "rsLoRA", "2312.03732", "LoRA's, scaled by A / sqrt(R)", rate: 1e-2),
    lora(
      "lora-plus", "LoRA+", "2402.12354", "LoRA's, the second factor 16 times as fast", rate: 3e-3,
      reason:
        "the ratio of 16 that its authors advise is large for models this small; with 4 it ends where LoRA does"
    ),
    lora("lora-fa", "LoRA-FA", "2308.03303", "LoRA's second factor, of twice the rank"),
    lora("dora", "DoRA", "2402.09353", "LoRA's, and the norm of each output's weights"),
    lora("pissa", "PiSSA", "2404.02948", "LoRA's, from the largest singular values", scale: 1),
    lora(
      "olora", "OLoRA", "2406.01775", "LoRA's, from a QR decomposition", scale: 1,
      reason:
        "perhaps because it starts from columns in no order of importance, where PiSSA takes the largest singular values"
    ),
    lora("eva", "EVA", "2410.07170", "LoRA's, from the main directions of the inputs"),
    lora("lora-ga", "LoRA-GA", "2407.05000", "LoRA's, from the main directions of the gradients"),
    lora(
      "loftq", "LoftQ", "2310.08659", "LoRA's, from what is lost by keeping the base in NF4"),
    lora(
      "qlora", "QLoRA", "2305.14314", "LoRA's, beside a base in NF4",
      base: ["--precision", "nf4"]),
    lora(
      "adalora", "AdaLoRA", "2303.10512", "P, Lambda, Q; ranks move to where they matter",
      rate: 3e-2, scale: 4),
    lora(
      "dylora", "DyLoRA", "2210.07558", "LoRA's, usable at every rank up to R",
      more: ["--set", "scaling=fixed"],
      reason:
        "a step trains the first b of R components, b drawn evenly, so that the last learns in one step of R; "
        + "on the built-in task the gap halves with four times the steps. Every rank can be used"),
    lora(
      "delta-lora", "Delta-LoRA", "2309.02411", "LoRA's, whose steps also move the weights",
      rate: 1e-2,
      more: ["--set", "delta_lambda=2", "--set", "delta_delay=50", "--set", "completed_steps=0"]),
    Self(
      name: "longlora", title: "LongLoRA", paper: "2309.12307",
      trains: "LoRA's of attention within shifted groups, and the norms", rate: 1e-2,
      sizes: 1...1024,
      reason:
        "in training, attention stays within quarters of a row, and in rows this short what matters lies outside; "
        + "it is made for long ones. Only attention is adapted"
    ) { ranked($0.size) + ["--set", "train_embeddings=false"] },
  ]

  private static let others: [Self] = [
    Self(
      name: "loha", title: "LoHa", paper: "2108.06098",
      trains: "the elementwise product of two low-rank maps", rate: 3e-2, sizes: 1...1024,
      reason: "perhaps because three of its four factors have no gradient at first"
    ) { ranked($0.size) + allLinear },
    // With the largest possible factor there would be too little to train.
    Self(
      name: "lokr", title: "LoKr", paper: "2309.14859",
      trains: "a Kronecker product with a low-rank factor", rate: 3e-2, sizes: 1...1024
    ) { ranked($0.size) + allLinear + ["--set", "decompose_factor=4"] },
    // Its count hardly grows with the rank, its time does.
    Self(
      name: "vera", title: "VeRA", paper: "2310.11454",
      trains: "two vectors beside shared random projections", rate: 1e-1, sizes: 1...64
    ) { ["--rank", "\($0.size)", "--set", "save_projection=false"] + allLinear },
    Self(
      name: "shira", title: "SHiRA", paper: "2406.13175", trains: "a random few of the weights",
      rate: 1e-1, sizes: 1...1024
    ) { ["--rank", "\($0.size)"] + allLinear },
    Self(
      name: "fish-mask", title: "FISH mask", paper: "2111.09839",
      trains: "the weights with the largest squared gradients", rate: 3e-2,
      reason:
        "perhaps because the largest gradients of all layers together crowd into few outputs; GPS spreads them over all"
    ) { ["--set", "count=\($0.budget)"] + allLinear },
    Self(
      name: "gps", title: "GPS", paper: "2312.10136",
      trains: "the weights with the largest gradients of each output", rate: 1e-1, sizes: 1...64
    ) { ["--set", "count=\($0.size)"] + allLinear },
    Self(
      name: "random-subspace", title: "ROSA", paper: "2407.07802",
      trains: "LoRA's, for another random part of W after a while", rate: 3e-2, sizes: 1...1024
    ) { ["--rank", "\($0.size)", "--set", "interval=\(max(1, $0.steps / 2))"] + allLinear },
    Self(
      name: "quantum-pauli", title: "Quantum-PEFT, Pauli", paper: "2503.05431",
      trains: "angles of circuits, for rank 8", rate: 1e-1, sizes: 1...4, method: "quantum-peft"
    ) { ["--rank", "8", "--set", "frame=pauli", "--set", "layers=\($0.size)"] + allLinear },
    Self(
      name: "quantum-taylor", title: "Quantum-PEFT, Taylor", paper: "2503.05431",
      trains: "skew matrices of frames", rate: 3e-2, sizes: 1...1024, method: "quantum-peft",
      reason: "perhaps because the columns of its frames stay orthonormal"
    ) { ["--rank", "\($0.size)", "--set", "frame=taylor"] + allLinear },
    // Half of what LoRA trains, and coordinates for the rest.
    Self(
      name: "rosa", title: "RoSA", paper: "2401.04679",
      trains: "LoRA's, and the weights with the largest gradients", rate: 3e-2, sizes: 1...9999
    ) { ranked(max(1, $0.rank / 2)) + allLinear + ["--set", "d=\(Double($0.size) / 10_000)"] },
    Self(
      name: "houlsby", title: "Houlsby adapters", paper: "1902.00751",
      trains: "two bottlenecks a layer, and the norms", rate: 3e-2, sizes: 1...4096
    ) { ["--rank", "\($0.size)"] },
    Self(
      name: "pfeiffer", title: "Pfeiffer adapters", paper: "2005.00247",
      trains: "one bottleneck a layer, and the norms", rate: 3e-2, sizes: 1...4096,
      reason: "perhaps because attention stays as it is"
    ) { ["--rank", "\($0.size)"] },
    Self(
      name: "prefix-tuning", title: "prefix tuning", paper: "2101.00190",
      trains: "keys and values before those of the text", rate: 3e-1, sizes: 1...64,
      reason:
        "perhaps because no weight is changed, and virtual tokens steer a frozen model this small only so far in so few steps"
    ) { ["--set", "num_virtual_tokens=\($0.size)"] },
    // Each virtual token makes every row longer.
    Self(
      name: "prompt-tuning", title: "prompt tuning", paper: "2104.08691",
      trains: "embeddings before those of the text", rate: 3e-1, sizes: 1...32,
      reason:
        "perhaps because no weight is changed, and virtual tokens steer a frozen model this small only so far in so few steps"
    ) {
      ["--set", "num_virtual_tokens=\($0.size)", "--set", "prompt_tuning_init=SAMPLE_VOCAB"]
    },
    Self(
      name: "p-tuning", title: "P-tuning", paper: "2103.10385",
      trains: "a network that makes embeddings before those of the text", rate: 1e-2,
      sizes: 1...4096,
      reason:
        "perhaps because no weight is changed, and virtual tokens steer a frozen model this small only so far in so few steps"
    ) {
      ["--set", "num_virtual_tokens=16", "--set", "encoder_hidden_size=\($0.size)"]
    },
    Self(
      name: "ia3", title: "IA3", paper: "2205.05638",
      trains: "scales of keys, values and inner units", rate: 3e-1),
    Self(name: "bitfit", title: "BitFit", paper: "2106.10199", trains: "the biases", rate: 1e-1),
    Self(
      name: "ln-tuning", title: "LN tuning", paper: "2312.11420",
      trains: "the weights of the norms",
      rate: 3e-1),
  ]

  private static let allLinear = ["--targets", "all-linear"]

  private static func ranked(_ rank: Int, scale: Int = 2) -> [String] {
    ["--rank", "\(rank)", "--alpha", "\(scale * rank)"]
  }

  private static func lora(
    _ name: String, _ title: String, _ paper: String, _ trains: String, rate: Double = 3e-2,
    scale: Int = 2, more: [String] = [], reason: String? = nil, base: [String] = []
  ) -> Self {
    Self(
      name: name, title: title, paper: paper, trains: trains, rate: rate, sizes: 1...1024,
      reason: reason, base: base
    ) { ranked($0.size, scale: scale) + allLinear + more }
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
