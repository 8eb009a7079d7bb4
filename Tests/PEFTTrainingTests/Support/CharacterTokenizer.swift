import PEFTTraining

/// An encoder over a stand-in for a tokenizer: ASCII codes, where `th` is one token, between 1 and 2.
enum CharacterTokenizer {
  static let th: Int32 = 200

  static func ids(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    for byte in text.utf8 {
      if byte == UInt8(ascii: "h"), ids.last == Int32(UInt8(ascii: "t")) {
        ids[ids.count - 1] = th
      } else {
        ids.append(Int32(byte))
      }
    }
    return ids
  }

  static func encoder(
    beginning: Int32? = nil, end: Int32? = 2, addsSpecialTokens: Bool = true,
    maximumLength: Int = 100
  ) -> ExampleEncoder {
    ExampleEncoder(
      beginning: beginning, end: end, addsSpecialTokens: addsSpecialTokens,
      maximumLength: maximumLength
    ) { text, addSpecialTokens in
      addSpecialTokens ? [1] + ids(text) + [2] : ids(text)
    }
  }
}
