/// A reader of files that is given damaged ones.
struct FuzzedReader {
  /// What it is called on the command line.
  let name: String
  /// What is damaged: each seed is one file, or several that belong together.
  let seeds: [[[UInt8]]]
  /// How it is damaged.
  let structure: Mutator.Structure
  /// Words of the format, which are put anywhere.
  let words: [String]
  /// Reads an input, and tells whether it was taken.
  ///
  /// Refusing it with an error of the reader's own is as good; an error that this throws is a fault.
  let read: (_ parts: [[UInt8]]) throws -> Bool
}
