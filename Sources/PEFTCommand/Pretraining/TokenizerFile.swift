import PEFTJSON

/// Spells a byte-level vocabulary as Hugging Face's tokenizer.json.
enum TokenizerFile {
  /// The token between texts; its id is 0.
  static let separator = "<|endoftext|>"

  /// The file's value for merges that were learnt from a text.
  static func json(_ trainer: BytePairTrainer) -> JSON {
    let spelled = trainer.tokens.map { token in
      String(String.UnicodeScalarView(token.map { spelling[Int($0)] }))
    }
    let vocabulary =
      [JSON.Member(separator, .integer(0))]
      + spelled.enumerated().map { JSON.Member($1, .integer($0 + 1)) }
    let byteLevel = JSON.object([
      .init("type", .string("ByteLevel")), .init("add_prefix_space", .bool(false)),
      .init("trim_offsets", .bool(true)), .init("use_regex", .bool(true)),
    ])
    let model = JSON.object([
      .init("type", .string("BPE")), .init("dropout", .null), .init("unk_token", .null),
      .init("continuing_subword_prefix", .null), .init("end_of_word_suffix", .null),
      .init("fuse_unk", .bool(false)), .init("byte_fallback", .bool(false)),
      .init("ignore_merges", .bool(false)), .init("vocab", .object(vocabulary)),
      .init(
        "merges",
        .array(trainer.merges.map { .string("\(spelled[$0.left]) \(spelled[$0.right])") })),
    ])
    let special = JSON.object([
      .init("id", .integer(0)), .init("content", .string(separator)),
      .init("single_word", .bool(false)), .init("lstrip", .bool(false)),
      .init("rstrip", .bool(false)), .init("normalized", .bool(false)),
      .init("special", .bool(true)),
    ])
    return .object([
      .init("version", .string("1.0")), .init("truncation", .null), .init("padding", .null),
      .init("added_tokens", .array([special])), .init("normalizer", .null),
      .init("pre_tokenizer", byteLevel), .init("post_processor", .null),
      .init("decoder", byteLevel), .init("model", model),
    ])
  }

  /// The printable character by which byte-level vocabularies spell each byte, as in GPT-2.
  private static let spelling: [Unicode.Scalar] = {
    var next: UInt16 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? Unicode.Scalar(byte)
      }
    }
  }()
}
