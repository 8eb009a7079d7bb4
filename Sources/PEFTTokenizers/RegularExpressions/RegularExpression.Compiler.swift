extension RegularExpression {
  /// Turns the parts of a pattern into instructions.
  struct Compiler {
    /// How long a program may be.
    private static let longest = 4000

    private(set) var program: [Instruction] = []
    private(set) var sets: [CodeSet] = []
    private(set) var choices: [Choice] = []

    /// Appends an instruction.
    mutating func append(_ instruction: Instruction) throws(PatternError) {
      if program.count >= Self.longest { throw PatternError(text: "a pattern that is too long") }
      program.append(instruction)
    }

    private mutating func index(of set: CodeSet) -> Int {
      sets.append(set)
      return sets.count - 1
    }

    /// Appends the instructions of a part.
    mutating func add(_ node: Node) throws(PatternError) {
      switch node {
      case .set(let set): try append(.set(index(of: set)))
      case .sequence(let parts): for part in parts { try add(part) }
      case .alternatives(let parts): try add(alternatives: parts)
      case .repetition(.set(let set), let minimum, let maximum, let greed) where greed != .lazy:
        try append(
          .loop(
            index(of: set), minimum: minimum, maximum: maximum ?? .max,
            isPossessive: greed == .possessive))
      case .repetition(let part, let minimum, let maximum, .possessive):
        try add(.atomic(.repetition(part, minimum: minimum, maximum: maximum, .greedy)))
      case .repetition(let part, let minimum, let maximum, let greed):
        for _ in 0..<minimum { try add(part) }
        try add(part, atMost: maximum.map { $0 - minimum }, isLazy: greed == .lazy)
      case .look(let part, let isNegative):
        try add(part) { .look(end: $0, isNegative: isNegative) }
      case .atomic(let part): try add(part) { .atomic(end: $0) }
      case .lookBehind(let set, let isNegative):
        try append(.lookBehind(index(of: set), isNegative: isNegative))
      case .start: try append(.start)
      case .end: try append(.end)
      }
    }

    /// Appends a part that is matched by itself, behind the instruction that does so.
    private mutating func add(
      _ part: Node, _ instruction: (Int) -> Instruction
    ) throws(PatternError) {
      let place = program.count
      try append(.accept)
      try add(part)
      try append(.accept)
      program[place] = instruction(program.count)
    }

    private mutating func add(alternatives parts: [Node]) throws(PatternError) {
      let choice = choices.count
      choices.append(Choice(starts: [], places: []))
      try append(.choice(choice))
      var branches: [(place: Int, first: FirstBytes?)] = []
      var jumps: [Int] = []
      for (index, part) in parts.enumerated() {
        branches.append((program.count, FirstBytes(part)))
        try add(part)
        if index < parts.count - 1 {
          jumps.append(program.count)
          try append(.jump(0))
        }
      }
      for jump in jumps { program[jump] = .jump(program.count) }
      choices[choice] = Choice(branches)
    }

    /// Appends a part that may come so many times, any number of times for nil.
    private mutating func add(
      _ part: Node, atMost limit: Int?, isLazy: Bool
    ) throws(PatternError) {
      let first = FirstBytes(part)
      var open: [(choice: Int, body: Int)] = []
      for _ in 0..<(limit ?? 1) {
        let place = program.count
        open.append((choices.count, place + 1))
        choices.append(Choice(starts: [], places: []))
        try append(.choice(choices.count - 1))
        try add(part)
        if limit == nil { try append(.jump(place)) }
      }
      for (choice, body) in open {
        let inside: (Int, FirstBytes?) = (body, first)
        let outside: (Int, FirstBytes?) = (program.count, nil)
        choices[choice] = Choice(isLazy ? [outside, inside] : [inside, outside])
      }
    }
  }
}

extension RegularExpression.Choice {
  /// A choice between places, each of them with what a match there can begin with, nil for anything.
  init(_ branches: [(place: Int, first: RegularExpression.FirstBytes?)]) {
    self.init(starts: [], places: [])
    for symbol in 0...RegularExpression.FirstBytes.end {
      starts.append(Int32(places.count))
      for branch in branches where branch.first?.members[symbol] ?? true {
        places.append(Int32(branch.place))
      }
    }
    starts.append(Int32(places.count))
  }
}
