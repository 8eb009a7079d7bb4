/// Seconds of the same work done again and again, after one run that is not counted.
struct Timing {
  let median: Double
  let least: Double

  /// Times work that needs nothing made before.
  init(_ body: () -> Void) { self.init(preparing: {}, body) }

  /// Times work on something that is made anew for each run, outside the time; at least five runs and a fifth of a second.
  init<Input>(preparing make: () -> Input, _ body: (Input) -> Void) {
    body(make())
    var times: [Double] = []
    while times.count < 5 || times.count < 1000 && times.reduce(0, +) < 0.2 {
      let input = make()
      times.append(seconds { body(input) })
    }
    times.sort()
    (median, least) = (times[times.count / 2], times[0])
  }
}
