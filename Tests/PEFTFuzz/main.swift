import Foundation
import PEFT

// Gives damaged files to a reader, which may take or refuse them, but neither crash, hang nor grow.
// usage: PEFTFuzz READER SEED CASES [ONLY]     with ONLY that case alone, whose input is written to standard output

let words = CommandLine.arguments
guard words.count >= 4, let seed = UInt64(words[2]), let count = UInt64(words[3]) else {
  print("usage: PEFTFuzz \(Readers.names.joined(separator: "|")) SEED CASES [ONLY]")
  exit(2)
}
let scratch = try Scratch()
defer { scratch.remove() }
guard let reader = try Readers.make(words[1], scratch) else {
  print("unknown reader \(words[1]): one of \(Readers.names.joined(separator: ", "))")
  exit(2)
}

func input(_ number: UInt64) -> [[UInt8]] {
  var mutator = Mutator(
    seed: seed, number: number, reader.structure, words: reader.words)
  return mutator.damage(mutator.choose(reader.seeds))
}

let only = words.count > 4 ? UInt64(words[4]) : nil
if let only {
  for part in input(only) { FileHandle.standardOutput.write(Data(part)) }
}
for (place, parts) in reader.seeds.enumerated() where try !reader.read(parts) {
  print("seed \(place) of \(reader.name) is refused")
  exit(1)
}
// Tensors reserve their addresses before these are limited.
_ = ProcessMemory.current
Guard.start()
let clock = ContinuousClock()
let start = clock.now
var taken = 0
for number in only.map({ $0..<$0 + 1 }) ?? 0..<count {
  Guard.begin(number)
  do {
    if try reader.read(input(number)) { taken += 1 }
  } catch {
    print("case \(number) throws another kind of error: \(error)")
    exit(1)
  }
}
Guard.end()
let time = (clock.now - start) / .seconds(1)
print(
  "\(reader.name): \(count) cases of seed \(seed), \(taken) taken, \(count - UInt64(taken)) refused, "
    + "\(Int(time)) s, peak \((ProcessMemory.current?.peak ?? 0) / 1_000_000) MB")
