import PEFT

extension Readers {
  static func tokenizer(_ scratch: Scratch) throws -> FuzzedReader {
    let names = [
      "kinds/wordpiece", "kinds/unigram-bytes", "kinds/unigram-precompiled", "kinds/bpe-llama3",
      "kinds/bpe-prefix", "kinds/normal-nfkc", "kinds/normal-strip", "kinds/split-lazy",
      "kinds/split-removed", "byte-fallback", "byte-level",
    ]
    return FuzzedReader(
      name: "tokenizer", seeds: try names.map { [try fixture("Tokenizers/\($0).json")] },
      structure: .json,
      words: jsonWords + [
        "\"type\":\"Split\"", "\"Regex\":\"(\"", "(?:a|b)*", "\\\\p{L}+", "[^\\\\s]{2,9}", "(?!x)",
        "\"NFKC\"", "\"Metaspace\"", "\"ByteLevel\"", "\"Unigram\"", "\"WordPiece\"",
        "\"unk_id\":7",
        "\"vocab\":{\"a\":0}", "\"merges\":[\"a b\"]",
      ]
    ) { parts in
      let path = scratch.write("tokenizer.json", parts[0])
      do throws(TokenizerError) {
        let tokenizer = try Tokenizer(file: path)
        let text =
          " The caf\u{E9} e\u{301}\u{302} \u{1F468}\u{200D}\u{1F469} \u{65E5}\u{672C} 12\n\0\tx<s>"
        let ids = tokenizer.encode(text)
        _ = tokenizer.decode(ids)
        _ = tokenizer.encoding(of: text, pair: "b c")
        return true
      } catch { return false }
    }
  }

  static func template(_ scratch: Scratch) throws -> FuzzedReader {
    let seeds = [
      """
      {{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'].strip() \
      + ' [/INST]' }}{% elif message.role == "assistant" %}{% generation %}{{ message.content | trim }}{% endgeneration %}\
      {% else %}{{ raise_exception('no ' ~ message.role) }}{% endif %}{% endfor %}
      """,
      """
      {%- set ns = namespace(last=-1, n=0) -%}
      {%- macro row(name, value="x") -%}<{{ name|upper }}>{{ value }}{%- endmacro -%}
      {%- for m in messages[1:] if m.content is defined -%}
        {%- set ns.n = ns.n + loop.index0 * 2 // 3 -%}{{- row(m.role, value=m.content[-3:]) -}}
      {%- else -%}none{%- endfor -%}{{ [1, 2.5, none, {'a': (1, 'b')}] | tojson }}{{ messages | length }}
      {%- for i in range(3) -%}{{ 'a' if i % 2 else i * 2 }}{%- endfor -%}
      {{- messages | map(attribute='role') | join(', ') }}{{ 'a,b'.split(',') | first }}
      {# a remark #}{{ strftime_now('%d %b %Y') }}{% if add_generation_prompt %}{{ 'A:' }}{% endif %}
      """,
    ].map { [Array($0.utf8)] }
    let messages = [
      ChatMessage(role: "user", content: " Hello \u{1F600} "),
      ChatMessage(role: "assistant", content: "Yes."), ChatMessage(role: "user", content: ""),
    ]
    return FuzzedReader(
      name: "template", seeds: seeds, structure: .text,
      words: [
        "{{", "}}", "{%", "%}", "{#", "-%}", "{% for a in range(99999999) %}", "{% endfor %}",
        "{% if", "{% set x = x + x %}", "loop.", "messages", "'", "\"", "| ", " is ", " in ",
        " not ",
        "(", ")", "[", "]", "[::-1]", "**", "//", "%", "~", ".", "999999999999999999999", "-1", "0",
        " if ", " else ", "namespace(", "range(", "|tojson", "|join", ".split(", "recursive", "\\u",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      ]
    ) { parts in
      do throws(ChatTemplateError) {
        let template = try ChatTemplate(String(decoding: parts[0], as: UTF8.self))
        _ = try template.render(messages, variables: ["bos_token": "<s>"])
        // Where it cannot be told who speaks, the text is good all the same.
        _ = try? template.renderWithSpans(messages, variables: ["bos_token": "<s>"])
        return true
      } catch { return false }
    }
  }

  static func jsonLines(_ scratch: Scratch) throws -> FuzzedReader {
    let text = #"""
      {"prompt": "a", "completion": "b"}
      {"text": "\u00e9 \ud83d\ude00\n", "label": 1}

      {"instruction": "Add.", "input": "1 2", "output": "3"}
      {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
      """#
    return data(
      scratch, "jsonl", [text], .json, jsonWords + ["\"messages\":", "\r\n", "\"role\":"])
  }

  static func jsonArray(_ scratch: Scratch) throws -> FuzzedReader {
    let text = #"""
      [{"instruction": "Add.", "input": "", "output": "3"},
       {"prompt": "]},\"", "completion": "b", "more": [1, {"c": null}]}
      ]
      """#
    return data(scratch, "json-array", [text], .json, jsonWords + ["[]", ",,"], file: "rows.json")
  }

  static func csv(_ scratch: Scratch) throws -> FuzzedReader {
    let seeds = [
      "\u{FEFF}text,label\r\n\"a, \"\"b\"\"\nc\",1\r\n\r\n plain \"x\" ,0\n\"\",\"\u{E9}\"",
      "prompt,completion,id\na,b,1\n\"c\",,2\n",
    ]
    return data(
      scratch, "csv", seeds, .text,
      ["\"", "\"\"", ",", "\r", "\n", "\r\n", "\u{FEFF}", "\0", ",,,,"])
  }

  static func tsv(_ scratch: Scratch) throws -> FuzzedReader {
    data(
      scratch, "tsv", ["text\tlabel\n\"a\" b\t0\r\n\u{E9}\t1"], .text,
      ["\t", "\r", "\n", "\"", "\u{FEFF}", "\0"])
  }

  static func text(_ scratch: Scratch) throws -> FuzzedReader {
    data(
      scratch, "text", ["one\nline\n\n \t\n\n  two \n\n\u{E9}", "a\n\nb<|end|>\n<|end|> c<|end"],
      .text,
      ["\n", "\n\n", "<|end|>", "<|end", "\r\n", "\u{FEFF}", "\u{A0}", "\0"], file: "rows.txt")
  }

  /// A format of rows, read as those of a language model and of a classifier, bad ones passed over and not.
  private static func data(
    _ scratch: Scratch, _ name: String, _ seeds: [String], _ structure: Mutator.Structure,
    _ words: [String],
    file: String? = nil
  ) -> FuzzedReader {
    let file = file ?? "rows.\(name)"
    return FuzzedReader(
      name: name, seeds: seeds.map { [Array($0.utf8)] }, structure: structure, words: words
    ) { parts in
      let path = scratch.write(file, parts[0])
      for settings in [DataFormat.Settings(), DataFormat.Settings(separator: "<|end|>")] {
        let source = DataFormat.source(path, settings)
        do throws(DataError) {
          let reader = try RowReader<LabelledRow>(source, badRows: .skip)
          while try reader.next() != nil {}
          let shuffled = try RowReader<TrainingRow>(source, badRows: .skip)
          while try shuffled.next() != nil {}
        } catch { return false }
      }
      return true
    }
  }
}
