extension ReportPage {
  /// The curves over the steps.
  var plots: String {
    let loss = run.curve("loss")
    var mean: [(x: Double, y: Double)] = []
    for point in loss where point.y.isFinite {
      mean.append((point.x, mean.last.map { 0.9 * $0.y + 0.1 * point.y } ?? point.y))
    }
    let plots = [
      LinePlot(
        title: "Loss, nats a token",
        series: [
          .init(name: "training, each step", color: 1, points: loss, isFaint: true),
          .init(name: "training, running mean", color: 1, points: mean),
          .init(
            name: "held-out", color: 2, points: RunLog.curve(run.evaluations, "loss"),
            isMarked: true),
        ], isLogarithmic: loss.allSatisfy { !($0.y <= 0) }),
      LinePlot(
        title: "Learning rate",
        series: [.init(name: "learning rate", color: 1, points: run.curve("learning_rate"))]),
      LinePlot(
        title: "Norm of the gradients",
        series: [.init(name: "norm", color: 1, points: run.curve("gradient_norm"))],
        isLogarithmic: true),
      LinePlot(
        title: "Tokens a second",
        series: [.init(name: "tokens a second", color: 1, points: run.curve("tokens_per_s"))]),
      LinePlot(
        title: "Memory, MB",
        series: [
          .init(name: "process", color: 1, points: run.curve("resident_bytes", per: 1e6)),
          .init(
            name: "tensors after the step", color: 2, points: run.curve("pool_bytes", per: 1e6)),
        ]),
      LinePlot(
        title: "GFLOP/s", series: [.init(name: "GFLOP/s", color: 1, points: run.curve("gflops"))]),
    ]
    let figures = plots.compactMap { plot in
      plot.svg.map { figure(plot.title, $0, plot.series.filter { !$0.points.isEmpty }) }
    }
    return "<div class=\"grid\">\(figures.joined(separator: "\n"))</div>"
  }

  private func figure(_ title: String, _ svg: String, _ series: [LinePlot.Series]) -> String {
    let legend = series.map {
      "<span class=\"key k\($0.color)\(($0.isFaint ? " faint" : ""))\">\($0.name.escaped)</span>"
    }
    return "<figure><figcaption>\(title.escaped)</figcaption>\(svg)"
      + (series.count > 1 ? "<p class=\"legend\">\(legend.joined(separator: " "))</p>" : "")
      + "</figure>"
  }

  /// The ranks and singular values.
  var adapterPictures: String {
    var figures: [String] = []
    let map = HeatMap(run.ranks)
    if let svg = map.svg { figures.append(figure("Rank of each module", svg, [])) }
    let sums = LinePlot(
      title: "Ranks of all modules together",
      series: [.init(name: "sum of the ranks", color: 1, points: run.rankSums)])
    if let svg = sums.svg { figures.append(figure(sums.title, svg, [])) }
    let spectra = run.spectra
    if !spectra.isEmpty {
      var kinds: [String] = []
      let series = spectra.map { spectrum -> LinePlot.Series in
        let kind = HeatMap.place(spectrum.path).kind
        if !kinds.contains(kind) { kinds.append(kind) }
        // What is a millionth of the largest is rounding.
        let floor = 1e-6 * (spectrum.values.max() ?? 0)
        return .init(
          name: spectrum.path, color: (kinds.firstIndex(of: kind) ?? 0) % 8 + 1,
          points: spectrum.values.enumerated().filter { $1 > floor }
            .map { (Double($0 + 1), $1) }, isFaint: spectra.count > 4)
      }
      let plot = LinePlot(
        title: "Singular values of what was added",
        across: "number of the value, the largest first", series: series,
        isLogarithmic: true)
      let legend = kinds.enumerated().map {
        LinePlot.Series(name: $1, color: $0 % 8 + 1, points: [(0, 0)])
      }
      if let svg = plot.svg { figures.append(figure(plot.title, svg, legend)) }
    }
    return figures.isEmpty ? "" : "<div class=\"grid\">\(figures.joined(separator: "\n"))</div>"
  }
}
