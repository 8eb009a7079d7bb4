internal import PEFTTensor

/// The text on which the built-in model is pre-trained: stories, and a note after every second of them.
public struct BaseText: Sendable {
  private var stories: StoryGenerator
  private var notes: NoteGenerator
  private var count = 0

  /// A text that depends on `seed` alone.
  public init(seed: UInt64) {
    stories = StoryGenerator(seed: seed)
    notes = NoteGenerator(seed: Generator.mix(seed))
  }

  /// The next story or note: one paragraph without line breaks.
  public mutating func next() -> String {
    count += 1
    return count.isMultiple(of: 3) ? notes.next() : stories.next()
  }
}
