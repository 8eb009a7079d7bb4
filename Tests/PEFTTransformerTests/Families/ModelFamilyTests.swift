import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class ModelFamilyTests: XCTestCase {
  private let llama = """
    "model_type": "llama", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 12, \
    "num_hidden_layers": 2, "num_attention_heads": 2
    """
  private let gemma = """
    "model_type": "gemma", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 12, \
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4
    """
  private let phi3 = """
    "model_type": "phi3", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 12, \
    "num_hidden_layers": 2, "num_attention_heads": 2
    """
  private let bert = """
    "model_type": "bert", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 12, \
    "num_hidden_layers": 2, "num_attention_heads": 2
    """
  private let gpt2 = """
    "model_type": "gpt2", "vocab_size": 10, "n_embd": 8, "n_layer": 2, "n_head": 2
    """

  /// The configuration of a file with these fields.
  private func read(
    _ fields: String, _ loading: ModelLoading = .strict
  ) throws -> TransformerConfiguration {
    try Files.withTemporaryFolder { folder in
      try "{\(fields)}".write(
        to: folder.appendingPathComponent("config.json"), atomically: false, encoding: .utf8)
      return try TransformerConfiguration(directory: folder.path, loading)
    }
  }

  /// Fails where the fields are read, or the message does not end with this.
  private func expectRefused(
    _ fields: String, _ message: String, _ loading: ModelLoading = .strict,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertThrowsError(try read(fields, loading), fields, file: file, line: line) { error in
      XCTAssertTrue(
        "\(error)".hasSuffix("/config.json: \(message)"), "\(error)", file: file, line: line)
    }
  }

  func testValuesThatAreNotSupportedAreNamed() {
    let roPE = "supported are default, linear, dynamic, llama3"
    let table: [(String, String)] = [
      ("\"a\": 1", "has no field \"model_type\""),
      (
        "\"model_type\": \"mamba\"",
        "field \"model_type\" with value \"mamba\" is not supported; supported are bert, distilbert, "
          + "gemma, gpt2, llama, mistral, phi3, qwen2, qwen3, roberta, vit"
      ),
      (
        llama + ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 2}",
        "field \"rope_scaling.rope_type\" with value \"yarn\" is not supported; \(roPE)"
      ),
      (
        llama + ", \"rope_parameters\": {\"rope_type\": \"longrope\"}",
        "field \"rope_parameters.rope_type\" with value \"longrope\" is not supported; \(roPE)"
      ),
      (
        gemma + ", \"hidden_activation\": \"gelu\"",
        "field \"hidden_activation\" with value \"gelu\" is not supported; only "
          + "gelu_pytorch_tanh is supported"
      ),
      (
        gemma + ", \"use_bidirectional_attention\": true",
        "field \"use_bidirectional_attention\" with value true is not supported; only false is "
          + "supported"
      ),
      (
        phi3 + ", \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1]}",
        "field \"rope_scaling.type\" with value \"longrope\" is not supported; \(roPE)"
      ),
      (
        phi3 + ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}",
        "field \"rope_scaling\" with value {\"type\":\"linear\",\"factor\":2} is not supported; "
          + "positions of phi3 cannot be scaled"
      ),
      (
        phi3 + ", \"partial_rotary_factor\": 0.75",
        "field \"partial_rotary_factor\" with value 0.75 is not supported; only 1 is supported"
      ),
      (
        phi3 + ", \"attention_bias\": true",
        "field \"attention_bias\" with value true is not supported; only false is supported"
      ),
      (
        llama + ", \"rope_scaling\": {\"type\": \"su\"}",
        "field \"rope_scaling.type\" with value \"su\" is not supported; \(roPE)"
      ),
      (
        llama + ", \"rope_parameters\": {\"partial_rotary_factor\": 0.5}",
        "field \"rope_parameters.partial_rotary_factor\" with value 0.5 is not supported; only 1 "
          + "is supported"
      ),
      (
        llama + ", \"hidden_act\": \"mish\"",
        "field \"hidden_act\" with value \"mish\" is not supported; supported are gelu, gelu_new, "
          + "gelu_pytorch_tanh, silu, relu, tanh"
      ),
      (
        llama + ", \"rope_interleaved\": true",
        "field \"rope_interleaved\" with value true is not supported; only false is supported"
      ),
      (
        llama + ", \"pruned_heads\": {\"0\": [1]}",
        "field \"pruned_heads\" with value {\"0\":[1]} is not supported; pruned heads are not "
          + "supported"
      ),
      (
        bert + ", \"is_decoder\": true",
        "field \"is_decoder\" with value true is not supported; only false is supported"
      ),
      (
        bert + ", \"position_embedding_type\": \"relative_key\"",
        "field \"position_embedding_type\" with value \"relative_key\" is not supported; only "
          + "absolute is supported"
      ),
      (
        gpt2 + ", \"scale_attn_by_inverse_layer_idx\": true",
        "field \"scale_attn_by_inverse_layer_idx\" with value true is not supported; only false "
          + "is supported"
      ),
      (
        gpt2 + ", \"scale_attn_weights\": false",
        "field \"scale_attn_weights\" with value false is not supported; only true is supported"
      ),
      (
        gpt2 + ", \"add_cross_attention\": true",
        "field \"add_cross_attention\" with value true is not supported; only false is supported"
      ),
      (
        llama.replacingOccurrences(of: "llama", with: "mistral")
          + ", \"num_key_value_heads\": 1, \"attention_bias\": true",
        "field \"attention_bias\" with value true is not supported; only false is supported"
      ),
      (
        llama.replacingOccurrences(of: "llama", with: "qwen2")
          + ", \"num_key_value_heads\": 1, \"use_mrope\": true",
        "field \"use_mrope\" with value true is not supported; only false is supported"
      ),
    ]
    for (fields, message) in table {
      expectRefused(fields, message)
      expectRefused(fields, message, .ignoringUnknownFields)
    }
  }

  func testValuesThatMakeNoSenseAreRefused() {
    let positive = "expected a number from 1 to 2147483647"
    let table: [(String, String)] = [
      (
        llama + ", \"num_key_value_heads\": 3",
        "\"num_key_value_heads\" is 3, expected a divisor of num_attention_heads (2)"
      ),
      (
        bert + ", \"id2label\": {\"0\": \"a\", \"2\": \"b\"}",
        "\"id2label\" is none for 1, expected a name for every number from 0 to 1"
      ),
      (
        bert.replacingOccurrences(of: "bert", with: "roberta")
          + ", \"max_position_embeddings\": 2, \"pad_token_id\": 1",
        "\"pad_token_id\" is 1, expected a number that leaves positions after it"
      ),
      (
        bert.replacingOccurrences(of: "bert", with: "roberta") + ", \"pad_token_id\": \(Int.max)",
        "\"pad_token_id\" is \(Int.max), expected a number that leaves positions after it"
      ),
      (llama + ", \"num_key_value_heads\": 0", "\"num_key_value_heads\" is 0, \(positive)"),
      (llama + ", \"head_dim\": 3", "\"head_dim\" is 3, expected an even number"),
      (llama + ", \"head_dim\": -2", "\"head_dim\" is -2, \(positive)"),
      (llama + ", \"max_position_embeddings\": 0", "\"max_position_embeddings\" is 0, \(positive)"),
      (
        llama + ", \"rms_norm_eps\": -1",
        "\"rms_norm_eps\" is -1.0, expected a number that is not negative"
      ),
      (
        llama + ", \"attention_dropout\": 1",
        "\"attention_dropout\" is 1.0, expected a probability below 1"
      ),
      (llama + ", \"rope_theta\": 0", "\"rope_theta\" is 0.0, expected a positive number"),
      (
        llama + ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": -1}",
        "\"rope_scaling.factor\" is -1.0, expected a positive number"
      ),
      (
        llama + ", \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 0.5}",
        "\"rope_scaling.factor\" is 0.5, expected at least 1"
      ),
      (
        llama
          + ", \"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}",
        "\"rope_scaling.high_freq_factor\" is 4.0, expected more than low_freq_factor (4.0)"
      ),
      (llama + ", \"tie_word_embeddings\": 1", "\"tie_word_embeddings\" is 1, expected a boolean"),
      (gpt2 + ", \"n_inner\": -1", "\"n_inner\" is -1, \(positive)"),
      (gpt2 + ", \"resid_pdrop\": -0.5", "\"resid_pdrop\" is -0.5, expected a probability below 1"),
      (
        gpt2.replacingOccurrences(of: "\"n_head\": 2", with: "\"n_head\": 3"),
        "\"n_embd\" is 8, expected a multiple of n_head (3)"
      ),
      (
        gpt2.replacingOccurrences(of: "\"n_layer\": 2", with: "\"n_layer\": 2000000000"),
        "\"n_layer\" is 2000000000, expected a number from 1 to 99999"
      ),
      (
        gpt2.replacingOccurrences(of: "\"n_embd\": 8", with: "\"n_embd\": -8"),
        "\"n_embd\" is -8, \(positive)"
      ),
      (
        gpt2.replacingOccurrences(of: "\"vocab_size\": 10", with: "\"vocab_size\": \"10\""),
        "\"vocab_size\" is \"10\", expected an integer"
      ),
      (
        llama.replacingOccurrences(of: "\"hidden_size\": 8", with: "\"hidden_size\": 9"),
        "\"hidden_size\" is 9, expected a multiple of num_attention_heads (2), or head_dim beside it"
      ),
      (
        llama.replacingOccurrences(of: "llama", with: "mistral")
          + ", \"sliding_window\": 0, \"num_key_value_heads\": 2",
        "\"sliding_window\" is 0, \(positive)"
      ),
      (
        llama.replacingOccurrences(of: "llama", with: "qwen2")
          + ", \"num_key_value_heads\": 2, \"layer_types\": [\"full_attention\"]",
        "\"layer_types\" is [\"full_attention\"], expected 2 of sliding_attention and full_attention"
      ),
      (
        llama.replacingOccurrences(of: "llama", with: "qwen2")
          + ", \"num_key_value_heads\": 2, \"layer_types\": [\"full_attention\", \"chunked\"]",
        "\"layer_types\" is [\"full_attention\", \"chunked\"], expected 2 of sliding_attention and full_attention"
      ),
    ]
    for (fields, message) in table {
      expectRefused(fields, "field \(message)", .ignoringUnknownFields)
    }
    expectRefused(
      llama + ", \"rope_scaling\": {\"type\": \"linear\"}", "has no field \"rope_scaling.factor\"")
  }

  func testUnknownFieldsAreErrorsUnlessTheyAreToBeIgnored() throws {
    let fields = llama + ", \"logit_scale\": 0.5, \"embedding_multiplier\": 2"
    expectRefused(
      fields, "has fields that would be ignored: \"logit_scale\", \"embedding_multiplier\"")
    XCTAssertEqual(try read(fields, .ignoringUnknownFields), try read(llama))
    // Inside the scaling of positions nothing is ignored in any mode.
    expectRefused(
      llama + ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"beta_fast\": 1}",
      "has fields that would be ignored: \"rope_scaling.beta_fast\"", .ignoringUnknownFields)
    // Of two spellings at once one would be ignored.
    expectRefused(
      llama + ", \"rope_scaling\": {\"type\": \"default\"}, \"rope_parameters\": {\"a\": 1}",
      "has fields that would be ignored: \"rope_parameters\"")
  }

  func testFieldsOfWellKnownCheckpointsAreKnown() throws {
    XCTAssertNoThrow(
      try read(
        llama + """
          , "architectures": ["LlamaForCausalLM"], "pretraining_tp": 1, "torch_dtype": "float16",
          "use_cache": true, "bos_token_id": 1, "eos_token_id": [2, 3], "pad_token_id": null,
          "rope_scaling": null, "transformers_version": "4.40.0", "is_llama_config": true,
          "rope_interleaved": false, "transformers.js_config": {"dtype": "q4"}, "head_dim": null
          """))
    XCTAssertNoThrow(
      try read(
        gpt2
          + """
          , "n_ctx": 1024, "summary_type": "cls_index", "_num_labels": 1, "n_inner": null,
          "task_specific_params": {"text-generation": {"do_sample": true}}, "pruned_heads": {},
          "gradient_checkpointing": false
          """))
    XCTAssertNoThrow(
      try read(
        llama.replacingOccurrences(of: "llama", with: "qwen2") + """
          , "max_window_layers": 21, "num_key_value_heads": 2, "sliding_window": 32768,
          "use_mrope": false, "use_sliding_window": false, "attention_dropout": 0.0
          """))
  }

  func testBothSpellingsOfScalingMeanTheSame() throws {
    let older = [
      "\"rope_theta\": 500.0, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 4}",
      "\"rope_theta\": 500, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}",
    ]
    let newer = """
      "rope_parameters": {"rope_theta": 500.0, "rope_type": "linear", "factor": 4.0}
      """
    for fields in older {
      XCTAssertEqual(try read("\(llama), \(fields)"), try read("\(llama), \(newer)"))
    }
    XCTAssertEqual(
      try read(llama + ", \"rope_theta\": 7").positions,
      .rotary(RotaryScaling(base: 7)))
    // What the scaling says itself counts before what stands outside.
    XCTAssertEqual(
      try read(llama + ", \"rope_theta\": 7, \"rope_parameters\": {\"rope_theta\": 9}").positions,
      .rotary(RotaryScaling(base: 9)))
    let llama3 = """
      , "max_position_embeddings": 64, "rope_scaling": {"rope_type": "llama3", "factor": 8,
      "low_freq_factor": 1, "high_freq_factor": 4}
      """
    XCTAssertEqual(
      try read(llama + llama3).positions,
      .rotary(
        RotaryScaling(
          base: 10_000,
          kind: .llama3(factor: 8, lowFactor: 1, highFactor: 4, trainedPositions: 64))))
  }

  func testDefaultsAreThoseOfTransformers() throws {
    let gpt2 = try read("\"model_type\": \"gpt2\"")
    XCTAssertEqual(gpt2.vocabularySize, 50257)
    XCTAssertEqual([gpt2.width, gpt2.layers, gpt2.heads, gpt2.headWidth], [768, 12, 12, 64])
    XCTAssertEqual([gpt2.feedForwardWidth, gpt2.maximumPositions], [3072, 1024])
    XCTAssertEqual(
      [gpt2.dropout.embedding, gpt2.dropout.attention, gpt2.dropout.residual], [0.1, 0.1, 0.1])
    XCTAssertEqual(gpt2.activation, .geluTanh)
    XCTAssertTrue(gpt2.hasTiedHead)
    let llama = try read("\"model_type\": \"llama\"")
    XCTAssertEqual([llama.width, llama.feedForwardWidth, llama.headWidth], [4096, 11008, 128])
    XCTAssertEqual([llama.keyValueHeads, llama.maximumPositions], [32, 2048])
    XCTAssertFalse(llama.hasTiedHead || llama.hasQueryKeyValueBias || llama.hasFeedForwardBias)
    let mistral = try read("\"model_type\": \"mistral\"")
    XCTAssertEqual([mistral.keyValueHeads, mistral.feedForwardWidth], [8, 14336])
    XCTAssertEqual(mistral.slidingWindows, Array(repeating: 4096, count: 32))
    let wide = try read("\"model_type\": \"mistral\", \"sliding_window\": null")
    XCTAssertEqual(wide.slidingWindows, Array(repeating: nil, count: 32))
    let even = try read("\"model_type\": \"mistral\", \"num_key_value_heads\": null")
    XCTAssertEqual(even.keyValueHeads, 32)
    let qwen2 = try read("\"model_type\": \"qwen2\"")
    XCTAssertEqual([qwen2.vocabularySize, qwen2.maximumPositions], [151_936, 32_768])
    XCTAssertTrue(qwen2.hasQueryKeyValueBias && !qwen2.hasAttentionOutputBias)
    XCTAssertEqual(qwen2.slidingWindows, Array(repeating: nil, count: 32))
    let qwen3 = try read("\"model_type\": \"qwen3\"")
    XCTAssertEqual([qwen3.width, qwen3.headWidth, qwen3.keyValueHeads], [4096, 128, 32])
    XCTAssertTrue(qwen3.hasQueryKeyNorm && !qwen3.hasQueryKeyValueBias)
    let gemma = try read("\"model_type\": \"gemma\"")
    XCTAssertEqual([gemma.width, gemma.feedForwardWidth, gemma.headWidth], [3072, 24_576, 256])
    XCTAssertEqual([gemma.layers, gemma.heads, gemma.maximumPositions], [28, 16, 8192])
    XCTAssertEqual(gemma.activation, .geluTanh)
    XCTAssertEqual(gemma.classifier?.pooling, .lastToken(padding: 0))
    let phi3 = try read("\"model_type\": \"phi3\"")
    XCTAssertEqual([phi3.vocabularySize, phi3.width, phi3.keyValueHeads], [32_064, 3072, 32])
    XCTAssertEqual([phi3.normEpsilon], [1e-5])
    XCTAssertEqual(phi3.classifier?.pooling, .lastToken(padding: 32_000))
    let unpadded = try read("\"model_type\": \"phi3\", \"pad_token_id\": null")
    XCTAssertEqual(unpadded.classifier?.pooling, .lastToken(padding: nil))
    let sliding = try read("\"model_type\": \"qwen2\", \"use_sliding_window\": true")
    XCTAssertEqual(
      sliding.slidingWindows, Array(repeating: nil, count: 28) + [4096, 4096, 4096, 4096])
  }
}
