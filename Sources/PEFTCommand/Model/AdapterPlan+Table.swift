import PEFTAdapters

extension AdapterPlan {
  /// The plan with one line for all modules of a name and size.
  var table: String {
    struct Kind: Hashable {
      var name: String
      var match: Match
    }
    var order: [Kind] = []
    var counts: [Kind: Int] = [:]
    for match in matches {
      var match = match
      let name = match.path.split(separator: ".").last.map(String.init) ?? match.path
      match.path = ""
      let kind = Kind(name: name, match: match)
      if counts[kind] == nil { order.append(kind) }
      counts[kind, default: 0] += 1
    }
    var lines = order.map { kind in
      let (match, count) = (kind.match, counts[kind] ?? 0)
      let sizes = match.inputs > 0 ? "\(match.inputs) -> \(match.outputs)" : ""
      return "  \(kind.name.padded(to: 12)) \(sizes.padded(to: 14))"
        + (match.rank.map { " rank \($0)" } ?? "") + (match.alpha.map { ", alpha \($0)" } ?? "")
        + "  x \(count)  "
        + "\((count * match.parameters).grouped) parameters"
    }
    lines += copies.map { "  \($0.path)  trained whole  \($0.parameters.grouped) parameters" }
    return lines.joined(separator: "\n")
  }
}
