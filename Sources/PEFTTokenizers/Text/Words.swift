/// A text cut into words: all their bytes in one array, and where each word ends.
struct Words: Sendable {
  /// The bytes of all words, valid UTF-8 in each.
  var bytes: [UInt8]
  /// The end of each word in `bytes`; a word begins where the one before ends.
  var ends: [Int]

  /// One word, or none where `bytes` is empty.
  init(whole bytes: [UInt8]) {
    self.bytes = bytes
    ends = bytes.isEmpty ? [] : [bytes.count]
  }
}
