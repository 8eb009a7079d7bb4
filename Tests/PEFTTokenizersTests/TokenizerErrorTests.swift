import Foundation
import PEFTTestSupport
import PEFTTokenizers
import XCTest

final class TokenizerErrorTests: XCTestCase {
  private static let vocabulary = #"{"a":0,"b":1,"ab":2}"#

  private static func model(_ more: String) -> String {
    #"{"model":{"type":"BPE","vocab":\#(vocabulary),"merges":[["a","b"]]}\#(more)}"#
  }

  private static func bpe(_ more: String, vocabulary: String = vocabulary) -> String {
    #"{"model":{"type":"BPE","vocab":\#(vocabulary),\#(more)}}"#
  }

  private static func added(_ more: String) -> String {
    let flags =
      #""single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true"#
    return model(#","added_tokens":[{\#(flags),\#(more)}]"#)
  }

  /// The text of a file, and the beginning of the description after the path.
  private static let table: [(text: String, description: String)] = [
    ("", "not valid JSON: the text ends inside a value at byte 0"),
    (#"{"model":{"type":"BPE","vocab":{"a":0"#, "not valid JSON: the text ends inside a value"),
    ("[]", "the file should be an object, found an array"),
    ("{}", "model is missing"),
    (#"{"model":null}"#, "model is missing"),
    (#"{"model":{"type":"WordLevel"}}"#, #"model.type is "WordLevel", which is not supported"#),
    (#"{"model":{"type":"WordPiece"}}"#, "model.vocab is missing"),
    (
      #"{"model":{"type":"WordPiece","vocab":{"a":0},"unk_token":"?"}}"#,
      #"model.unk_token names "?""#
    ),
    (#"{"model":{"type":"WordPiece","vocab":{"a":0}}}"#, "model.unk_token is missing"),
    (
      #"{"model":{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","#
        + #""max_input_chars_per_word":-1}}"#,
      "model.max_input_chars_per_word should be an integer from 0"
    ),
    (#"{"model":{"type":"Unigram","vocab":[]}}"#, "model.vocab should be at least one token"),
    (#"{"model":{"type":"Unigram","vocab":[["a"]]}}"#, "model.vocab[0] should be a token and"),
    (#"{"model":{"type":"Unigram","vocab":[["a","b"]]}}"#, "model.vocab[0][1] should be a finite"),
    (
      #"{"model":{"type":"Unigram","vocab":[["a",0],["a",1]]}}"#,
      "model.vocab[1] should be a token other than that of model.vocab[0]"
    ),
    (
      #"{"model":{"type":"Unigram","vocab":[["a",0]],"unk_id":1}}"#,
      "model.unk_id should be an id below 1"
    ),
    (#"{"model":{"vocab":{}}}"#, "model.type is missing"),
    (bpe(#""x":null"#), "model.merges is missing"),
    (#"{"model":{"type":"BPE","merges":[]}}"#, "model.vocab is missing"),
    (bpe(#""merges":[["a","c"]]"#), #"model.merges[0] names "c", which is not in the vocabulary"#),
    (bpe(#""merges":["a b","b a"]"#), #"model.merges[1] names "ba""#),
    (bpe(#""merges":["ab"]"#), "model.merges[0] should be two tokens"),
    (bpe(#""merges":["a b c"]"#), "model.merges[0] should be two tokens"),
    (bpe(#""merges":[["a"]]"#), "model.merges[0] should be two tokens"),
    (bpe(#""merges":[["a",1]]"#), "model.merges[0][1] should be a string, found 1"),
    (bpe(#""merges":[]"#, vocabulary: "[]"), "model.vocab should be an object"),
    (bpe(#""merges":[]"#, vocabulary: #"{"a":0,"b":0}"#), #"id 0 belongs to "a" and to "b""#),
    (
      bpe(#""merges":[]"#, vocabulary: #"{"a":-1}"#),
      #"model.vocab["a"] should be an integer from 0 to 2147483647, found -1"#
    ),
    (bpe(#""merges":[]"#, vocabulary: #"{"a":0.5}"#), #"model.vocab["a"] should be an integer"#),
    (bpe(#""merges":[]"#, vocabulary: #"{"a":3000000000}"#), #"model.vocab["a"] should be"#),
    (bpe(#""merges":[]"#, vocabulary: #"{"a":2000000000}"#), #"model.vocab["a"] should be an id"#),
    (bpe(#""merges":[],"unk_token":"?""#), #"model.unk_token names "?""#),
    (bpe(#""merges":[],"dropout":0.1"#), "model.dropout is 0.1, which is not supported"),
    (bpe(#""merges":[],"end_of_word_suffix":1"#), "model.end_of_word_suffix should be a string"),
    (
      bpe(#""merges":[["b","ab"]],"continuing_subword_prefix":"a""#),
      #"model.merges[0] names "bb""#
    ),
    (bpe(#""merges":[],"fuse_unk":1"#), "model.fuse_unk should be a boolean, found 1"),
    (bpe(#""merges":[],"odd":true"#), "model.odd is true, which is not supported"),
    (model(#","odd":[1]"#), "odd is [1], which is not supported"),
    (model(#","truncation":{"max_length":-3}"#), "truncation.max_length should be an integer"),
    (
      model(#","truncation":{"max_length":3,"strategy":"Odd"}"#),
      #"truncation.strategy is "Odd", which is not supported; known: LongestFirst"#
    ),
    (
      model(#","truncation":{"max_length":3,"direction":"Up"}"#),
      #"truncation.direction is "Up", which is not supported; known: Right, Left"#
    ),
    (model(#","padding":{}"#), "padding.pad_id is missing"),
    (
      model(
        #","padding":{"pad_id":0,"pad_token":"","pad_type_id":0,"strategy":{"Fixed":2000000000}}"#),
      "padding.strategy.Fixed should be at most"
    ),
    (
      model(#","padding":{"pad_id":0,"pad_token":"","pad_type_id":0,"strategy":"Odd"}"#),
      #"padding.strategy is "Odd""#
    ),
    (model(#","normalizer":{"type":"Nmt"}"#), #"normalizer.type is "Nmt""#),
    (
      model(#","normalizer":{"type":"Sequence","normalizers":[{"type":"Odd"}]}"#),
      #"normalizer.normalizers[0].type is "Odd""#
    ),
    (model(#","normalizer":{"type":"BertNormalizer"}"#), "normalizer.lowercase is missing"),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"Regex":"x+("},"content":""}"#),
      "normalizer.pattern.Regex should be a regular expression as known here, found a group"
    ),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"String":""},"content":""}"#),
      "normalizer.pattern.String is"
    ),
    (
      model(#","normalizer":{"type":"Precompiled","precompiled_charsmap":"?"}"#),
      "normalizer.precompiled_charsmap should be text in Base64"
    ),
    (
      model(#","normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}"#),
      "normalizer.precompiled_charsmap should be a table of SentencePiece"
    ),
    (
      model(#","normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="}"#),
      "normalizer.precompiled_charsmap should be a table with a trie of the size it states"
    ),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"Regex":"(a*)*"},"content":""}"#),
      "normalizer.pattern.Regex should be a regular expression as known here, found a repetition"
    ),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"Regex":"(?<n>a)"},"content":""}"#),
      "normalizer.pattern.Regex should be a regular expression as known here, found a group of"
    ),
    (
      model(
        #","normalizer":{"type":"Replace","pattern":{"Regex":"((a{900}){900}){9}"},"content":""}"#),
      "normalizer.pattern.Regex should be a regular expression as known here, found a pattern"
    ),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"Regex":"\\p{Xx}"},"content":""}"#),
      "normalizer.pattern.Regex should be a regular expression as known here, found the property"
    ),
    (model(#","normalizer":{"type":"Prepend"}"#), "normalizer.prepend is missing"),
    (model(#","pre_tokenizer":{"type":"Odd"}"#), #"pre_tokenizer.type is "Odd""#),
    (model(#","pre_tokenizer":{"type":"Split"}"#), "pre_tokenizer.pattern is missing"),
    (
      model(
        #","pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Odd","#
          + #""invert":false}"#),
      #"pre_tokenizer.behavior is "Odd""#
    ),
    (
      model(#","pre_tokenizer":{"type":"Metaspace","replacement":"ab"}"#),
      "pre_tokenizer.replacement should be one character"
    ),
    (
      model(
        #","pre_tokenizer":{"type":"Metaspace","replacement":"_","prepend_scheme":"never","#
          + #""add_prefix_space":true}"#),
      "pre_tokenizer.add_prefix_space is true"
    ),
    (model(#","pre_tokenizer":{"type":"ByteLevel"}"#), "pre_tokenizer.add_prefix_space is missing"),
    (model(#","post_processor":{"type":"Bert"}"#), #"post_processor.type is "Bert""#),
    (
      model(
        #","post_processor":{"type":"TemplateProcessing","special_tokens":{},"single":"#
          + #"[{"SpecialToken":{"id":"<s>","type_id":0}}]}"#),
      #"post_processor.single[0].SpecialToken.id names "<s>""#
    ),
    (
      model(#","post_processor":{"type":"BertProcessing","sep":["a"],"cls":["b",1]}"#),
      "post_processor.sep should be a token and its id"
    ),
    (
      model(
        #","post_processor":{"type":"TemplateProcessing","special_tokens":{},"single":"#
          + #"[{"Sequence":{"id":"B","type_id":0}}]}"#),
      #"post_processor.single[0].Sequence.id is "B""#
    ),
    (model(#","decoder":{"type":"CTC"}"#), #"decoder.type is "CTC""#),
    (model(#","decoder":{"type":"Metaspace"}"#), "decoder.replacement is missing"),
    (
      model(#","decoder":{"type":"Strip","content":"ab","start":0,"stop":0}"#),
      "decoder.content should be one character"
    ),
    (added(#""id":7,"content":"<s>""#), #"added token "<s>" has id 7, expected 3"#),
    (added(#""id":1,"content":"a""#), #"added token "a" has id 1, expected 0"#),
    (added(#""id":-3,"content":"<s>""#), "added_tokens[0].id should be an integer from 0"),
    (added(#""id":3,"content":"<s>","odd":1"#), "added_tokens[0].odd is 1"),
  ]

  func testMalformedFiles() throws {
    try Files.withTemporaryFolder { folder in
      for (text, description) in Self.table {
        let path = try write(text, to: "tokenizer.json", in: folder)
        XCTAssertThrowsError(try Tokenizer(folder: folder.path), text) { error in
          let found = (error as? TokenizerError)?.description ?? "\(error)"
          XCTAssert(
            found.hasPrefix("\(path): \(description)"), "\(text): \(found), not \(description)")
        }
      }
    }
  }

  func testWellFormedFile() throws {
    try Files.withTemporaryFolder { folder in
      let path = try write(Self.added(#""id":3,"content":"<s>""#), to: "any.json", in: folder)
      XCTAssertEqual(try Tokenizer(file: path).encode("ab<s>ba?"), [2, 3, 1, 0])
    }
  }

  func testVocabularyAndMerges() throws {
    try Files.withTemporaryFolder { folder in
      XCTAssertThrowsError(try Tokenizer(folder: folder.path)) {
        guard case .nothingFound? = $0 as? TokenizerError else { return XCTFail("\($0)") }
      }
      try write(Self.vocabulary, to: "vocab.json", in: folder)
      XCTAssertThrowsError(try Tokenizer(folder: folder.path))
      let merges = try write("#version: 0.2\r\na b\r\n", to: "merges.txt", in: folder)
      XCTAssertEqual(try Tokenizer(folder: folder.path).encode("abba"), [2, 1, 0])
      for (text, expected) in [
        ("a b\n\n", "line 2 should be two tokens"), ("a b\nb c", #"line 2 names "c""#),
        ("a  b\n", "line 1 should be two tokens"),
      ] {
        try write(text, to: "merges.txt", in: folder)
        XCTAssertThrowsError(try Tokenizer(folder: folder.path)) {
          let found = "\($0)"
          XCTAssert(found.hasPrefix("\(merges): \(expected)"), found)
        }
      }
      try write(Data([0xFF]), to: "merges.txt", in: folder)
      XCTAssertThrowsError(try Tokenizer(folder: folder.path))
      try write("a b\n", to: "merges.txt", in: folder)
      try write("{}", to: "added_tokens.json", in: folder)
      XCTAssertThrowsError(try Tokenizer(folder: folder.path)) {
        guard case .unsupported? = $0 as? TokenizerError else { return XCTFail("\($0)") }
      }
    }
  }

  /// Where bytes stand for an unknown character, a suffix of words has bytes as well, which are not in the text.
  func testBytesOfASuffixStandForNothing() throws {
    try Files.withTemporaryFolder { folder in
      let text =
        #"{"version":"1.0","model":{"type":"BPE","end_of_word_suffix":"xy","byte_fallback":true,"#
        + #""vocab":{"<0x61>":0,"<0x78>":1,"<0x79>":2},"merges":[]}}"#
      let tokenizer = try Tokenizer(file: try write(text, to: "tokenizer.json", in: folder))
      let encoding = tokenizer.encoding(of: "aa")
      XCTAssertEqual(encoding.ids, [0, 0, 1, 2])
      XCTAssertEqual(encoding.byteOffsets.prefix(2), [0..<1, 1..<2])
      XCTAssertTrue(encoding.byteOffsets.allSatisfy { $0.upperBound <= 2 })
    }
  }

  func testMissingFile() {
    XCTAssertThrowsError(try Tokenizer(file: "/nonexistent/tokenizer.json")) {
      guard case .unreadable(let path, _)? = $0 as? TokenizerError else { return XCTFail("\($0)") }
      XCTAssertEqual(path, "/nonexistent/tokenizer.json")
    }
  }

  /// Writes a file and returns its path.
  @discardableResult
  private func write(_ text: String, to name: String, in folder: URL) throws -> String {
    try write(Data(text.utf8), to: name, in: folder)
  }

  @discardableResult
  private func write(_ data: Data, to name: String, in folder: URL) throws -> String {
    let file = folder.appendingPathComponent(name)
    try data.write(to: file)
    return file.path
  }
}
