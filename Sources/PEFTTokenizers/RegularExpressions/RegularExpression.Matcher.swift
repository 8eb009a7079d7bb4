extension RegularExpression {
  /// Visits the matches in a range, from left to right, as if the range were all of the text.
  ///
  /// - Complexity: for each match within the product of the lengths of the pattern and the text; linear in
  ///   the text for the usual patterns.
  func forEachMatch(in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    var matcher = Matcher(expression: self, bytes: bytes, range: range)
    var position = range.lowerBound
    var last = -1
    while true {
      let end = matcher.match(from: position)
      if let end, end > position {
        body(position..<end)
        position = end
        last = end
        continue
      }
      // An empty match right behind another one does not count.
      if end != nil, position != last { body(position..<position) }
      if position >= range.upperBound { return }
      position += UTF8Reading.length(bytes[position])
    }
  }

  /// A match under way.
  private struct Matcher {
    /// After so many steps back what has failed is remembered.
    private static let patience = 4096

    let expression: RegularExpression
    let bytes: [UInt8]
    let range: Range<Int>
    /// Where to go on when the current way fails.
    private var stack: [Entry] = []

    /// A place to go on at; where `floor` is not negative, the text taken may shrink down to it.
    private struct Entry {
      var place: Int32
      var floor: Int
      var position: Int
    }

    init(expression: RegularExpression, bytes: [UInt8], range: Range<Int>) {
      self.expression = expression
      self.bytes = bytes
      self.range = range
    }

    /// The end of the match at `start`, nil where there is none.
    mutating func match(from start: Int) -> Int? { run(at: 0, from: start) }

    private mutating func run(at first: Int, from start: Int) -> Int? {
      let base = stack.count
      defer { stack.removeSubrange(base...) }
      var place = first
      var position = start
      var steps = 0
      var failed: Set<Int> = []
      while true {
        var next: Int?
        switch expression.program[place] {
        case .accept: return position
        case .jump(let target): next = target
        case .set(let index):
          if position < range.upperBound {
            let length = expression.sets[index].length(in: bytes, at: position)
            position += length
            if length > 0 { next = place + 1 }
          }
        case .loop(let index, let minimum, let maximum, let isPossessive):
          if let floor = take(index, minimum, maximum, &position) {
            next = place + 1
            if !isPossessive, position > floor {
              stack.append(Entry(place: Int32(place + 1), floor: floor, position: position))
            }
          }
        case .choice(let index): next = choose(index, at: position)
        case .look(let end, let isNegative):
          if (run(at: place + 1, from: position) == nil) == isNegative { next = end }
        case .atomic(let end):
          if let after = run(at: place + 1, from: position) {
            position = after
            next = end
          }
        case .lookBehind(let index, let isNegative):
          if isBehind(index, position) != isNegative { next = place + 1 }
        case .start: if position == range.lowerBound { next = place + 1 }
        case .end: if position == range.upperBound { next = place + 1 }
        }
        if let next {
          place = next
          continue
        }
        repeat {
          guard stack.count > base else { return nil }
          (place, position) = back()
          steps += 1
        } while steps > Self.patience
          && !failed.insert(position * expression.program.count + place).inserted
      }
    }

    /// Takes code points out of a set; returns the position after the least number, nil for too few.
    private func take(
      _ index: Int, _ minimum: Int, _ maximum: Int, _ position: inout Int
    ) -> Int? {
      var floor = position
      var count = 0
      while count < maximum, position < range.upperBound {
        let length = expression.sets[index].length(in: bytes, at: position)
        if length == 0 { break }
        position += length
        count += 1
        if count == minimum { floor = position }
      }
      return count < minimum ? nil : floor
    }

    /// The first place of a choice; the others go to the stack.
    private mutating func choose(_ index: Int, at position: Int) -> Int? {
      var symbol = FirstBytes.end
      if position < range.upperBound { symbol = min(Int(bytes[position]), FirstBytes.foreign) }
      let first = Int(expression.choices[index].starts[symbol])
      var last = Int(expression.choices[index].starts[symbol + 1])
      if first == last { return nil }
      while last > first + 1 {
        last -= 1
        let place = expression.choices[index].places[last]
        stack.append(Entry(place: place, floor: -1, position: position))
      }
      return Int(expression.choices[index].places[first])
    }

    private mutating func back() -> (place: Int, position: Int) {
      let top = stack.count - 1
      let entry = stack[top]
      if entry.floor < 0 {
        stack.removeLast()
        return (Int(entry.place), entry.position)
      }
      let position = UTF8Reading.start(in: bytes, before: entry.position)
      if position > entry.floor {
        stack[top].position = position
      } else {
        stack.removeLast()
      }
      return (Int(entry.place), position)
    }

    private func isBehind(_ index: Int, _ position: Int) -> Bool {
      if position == range.lowerBound { return false }
      let start = UTF8Reading.start(in: bytes, before: position)
      return expression.sets[index].length(in: bytes, at: start) > 0
    }
  }
}
