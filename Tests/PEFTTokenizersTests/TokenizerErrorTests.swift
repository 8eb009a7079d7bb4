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
    (#"{"model":{"type":"WordPiece"}}"#, #"model.type is "WordPiece", which is not supported"#),
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
    (bpe(#""merges":[],"end_of_word_suffix":"</w>""#), "model.end_of_word_suffix is"),
    (bpe(#""merges":[],"continuing_subword_prefix":"+""#), "model.continuing_subword_prefix is"),
    (bpe(#""merges":[],"fuse_unk":1"#), "model.fuse_unk should be a boolean, found 1"),
    (bpe(#""merges":[],"odd":true"#), "model.odd is true, which is not supported"),
    (model(#","odd":[1]"#), "odd is [1], which is not supported"),
    (model(#","truncation":{"max_length":3}"#), #"truncation is {"max_length":3}"#),
    (model(#","padding":{}"#), "padding is {}, which is not supported; known: null"),
    (model(#","normalizer":{"type":"NFC"}"#), #"normalizer.type is "NFC""#),
    (
      model(#","normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"}]}"#),
      #"normalizer.normalizers[0].type is "Lowercase""#
    ),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"Regex":"x+"},"content":""}"#),
      #"normalizer.pattern.Regex is "x+", which is not supported"#
    ),
    (
      model(#","normalizer":{"type":"Replace","pattern":{"String":""},"content":""}"#),
      "normalizer.pattern.String is"
    ),
    (model(#","normalizer":{"type":"Prepend"}"#), "normalizer.prepend is missing"),
    (model(#","pre_tokenizer":{"type":"Split"}"#), #"pre_tokenizer.type is "Split""#),
    (model(#","pre_tokenizer":{"type":"ByteLevel"}"#), "pre_tokenizer.add_prefix_space is missing"),
    (model(#","post_processor":{"type":"Bert"}"#), #"post_processor.type is "Bert""#),
    (
      model(
        #","post_processor":{"type":"TemplateProcessing","special_tokens":{},"single":"#
          + #"[{"SpecialToken":{"id":"<s>","type_id":0}}]}"#),
      #"post_processor.single[0].SpecialToken.id names "<s>""#
    ),
    (
      model(
        #","post_processor":{"type":"TemplateProcessing","special_tokens":{},"single":"#
          + #"[{"Sequence":{"id":"B","type_id":0}}]}"#),
      #"post_processor.single[0].Sequence.id is "B""#
    ),
    (model(#","decoder":{"type":"Metaspace"}"#), #"decoder.type is "Metaspace""#),
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
