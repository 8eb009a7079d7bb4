"""Makes small tokenizers of every kind and what the `tokenizers` library gives with them.

    python make_kinds.py

Writes kinds/*.json, trained on text this script makes up, and kinds.json: the texts, and for every
tokenizer hashes of the ids, offsets, types and decoded texts; Fixtures.swift has the same hash.
"""

import base64
import copy
import json
import pathlib
import platform
import random
import struct
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

SEED = 31
HERE = pathlib.Path(__file__).resolve().parent
MASK = (1 << 64) - 1
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return f"{value:016x}"


def hash_ids(ids):
    return fnv(b"".join((i & 0xFFFFFFFF).to_bytes(4, "little") for i in ids))


def made_up_text(rng):
    syllables = "ba ke li mo nu ra se ti vo zy en ar th st qu é ü ño ß да не 日 本".split()
    words = ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(300)]
    words = [w.capitalize() if rng.random() < 0.2 else w for w in words]
    lines = []
    for _ in range(500):
        line = " ".join(rng.choice(words[: rng.choice([20, 300])]) for _ in range(rng.randint(3, 12)))
        line += rng.choice([".", "!", "?", " 12", " 2024.", "'s", "'LL go", "  ", " 日本", " 😀", "\n"])
        lines.append(line)
    return lines


def texts(rng, lines):
    return [
        "", " ", "  ", "a", " a", "a ", "Hello, World!", "don't I'LL we'VE 's 'S x'ſ K'd", *lines[:6],
        "tabs\tand\nnew\r\nlines\r\rmixed\n\n\n  \n end  ", "   leading and trailing   ", "\n\n", "\r\n \r\n",
        "12345 1 12 123 1234567 3.14 ١٢٣ ½ Ⅷ 二", "naïve café Ångström É\u0301 e\u0301\u0327 a\u0327\u0301\u0315\u0334",
        "ÀÉÎÕÜ ñ İstanbul ΑΣ ΣΑΣ ǅ ß ẞ ﬁ ﬀ ½ ① ｆｕｌｌ Ｗｉｄｔｈ ㌀ ㎏ ™", "한국어 각 ㄱㅏㄱ \u1100\u1161\u11a8 가\u11a8", "日本語のテキスト、中文字符。漢字仮名",
        "שלום עולם مرحبا بالعالم \u0600١٢ \u200f\u202bx\u202c", "हिन्दी क्षि ไทย ที่นี่ தமிழ் বাংলা", "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ☕️ e\ufe0f 🏴\U000e0067\U000e0062\U000e007f",
        "nul\0inside \x01\x02\x7f\x85\xa0\xad\u200b\u200d\u2028\u2029\u3000\ufeff\ufffd\ufffe end", "\0", "a\u0300" * 12 + "a\u0344 \u0344",
        "Z" + "".join(chr(c) for c in range(0x300, 0x320)), "!?.,;:'\"()[]{}<>@#$%^&*-_=+\\|`~ ¿¡«»—…·§", "a_b __init__ x-y a.b.c http://x.y/z?q=1&r=2 <b>bold</b>",
        "it 's , they ' re . do not n't ! ?", "[CLS] mid [SEP] <mask> text[MASK] <s> </s> [UNK]", "new tok  newtok <a> <a><b> <b>  <b>x norm al NORM AL",
        "bakeli" * 40, "x" * 101, "é" * 100, "é" * 101, "y" * 300 + " z", "\U0010ffff \ue000 \U000f0000", "<0x41> <0x0A> ▁ ▁▁ ▁a ▁ a", "a▁b c",
        "".join(chr(rng.choice([rng.randint(0x20, 0x7E), rng.randint(0xA0, 0x37F), rng.randint(0x400, 0x5FF), rng.randint(0x900, 0x9FF),
                                rng.randint(0x1E00, 0x20FF), rng.randint(0x3000, 0x30FF), rng.randint(0x4E00, 0x4EFF), rng.randint(0xAC00, 0xACFF),
                                rng.randint(0xF900, 0xFB4F), rng.randint(0xFF00, 0xFF9F), rng.randint(0x1F600, 0x1F64F)])) for _ in range(1500)),
        "".join(rng.choice("aZ1 \n\r\t'.,é") for _ in range(400)),
    ]


def wordpiece(lines, lowercase=True, **settings):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **settings)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False,
                                                           initial_alphabet=list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'")))
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    return json.loads(t.to_str())


def added(t):
    t.add_tokens([AddedToken("new tok", normalized=False), AddedToken("<a>", lstrip=True, rstrip=True, normalized=False),
                  AddedToken("<b>", single_word=True, normalized=False), AddedToken("norm al", normalized=True),
                  AddedToken("newtok", rstrip=True, normalized=True, single_word=True)])


def changed(base, **members):
    d = copy.deepcopy(base)
    for name, value in members.items():
        if name == "model":
            d["model"].update(value)
        else:
            d[name] = value
    return d


def with_added(d):
    t = Tokenizer.from_str(json.dumps(d))
    added(t)
    return json.loads(t.to_str())


def level(lines, pattern, **settings):
    """Byte-level BPE with a pattern of a large model."""
    t = Tokenizer(models.BPE(**settings))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=450, special_tokens=["<|begin|>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return json.loads(t.to_str())


def words(lines, suffix=None, prefix=None, **settings):
    """BPE of characters, with marks at the ends of words or inside of them."""
    extra = {"end_of_word_suffix": suffix} if suffix else {"continuing_subword_prefix": prefix} if prefix else {}
    t = Tokenizer(models.BPE(unk_token="<unk>", **extra, **settings))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False, **extra))
    t.decoder = decoders.BPEDecoder(suffix=suffix) if suffix else decoders.WordPiece(prefix=prefix or "##", cleanup=False)
    return json.loads(t.to_str())


def unigram(lines, **settings):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.NFKC()
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256) if settings.get("bytes")]
    t.train_from_iterator(lines, trainers.UnigramTrainer(
        vocab_size=350 + len(special), special_tokens=special, unk_token="<unk>", show_progress=False))
    t.decoder = decoders.Metaspace()
    d = json.loads(t.to_str())
    for token, place in zip(d["added_tokens"], range(len(d["added_tokens"]))):
        token["normalized"] = False
    d["added_tokens"] = d["added_tokens"][:3]
    d["model"]["byte_fallback"] = bool(settings.get("bytes"))
    return d


def charsmap(table):
    """A table as SentencePiece compiles it: a double array of the keys, and the values."""
    keys = sorted((key.encode(), value) for key, value in table.items())
    text, places = bytearray(), {}
    for key, value in keys:
        places[key] = len(text)
        text += value.encode() + b"\0"
    trie = {}
    for key, _ in keys:
        node = trie
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = places[key]
    units, used = [0] * 1024, {0}

    def place(node, at, label):
        nonlocal units
        labels = sorted(0 if byte is None else byte for byte in node)
        base = 1
        while any((base ^ byte) in used for byte in labels) or (at ^ base) >= 1 << 21 or base % 256 == 0:
            base += 1
        while len(units) <= base + 512:
            units += [0] * 1024
        used.update(base ^ byte for byte in labels)
        units[at] = (at ^ base) << 10 | (256 if None in node else 0) | label
        for byte, child in node.items():
            if byte is None:
                units[base] = 1 << 31 | child
            else:
                place(child, base ^ byte, byte)

    place(trie, 0, 0)
    used.clear()
    data = struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + bytes(text)
    return base64.b64encode(data).decode()


def normal(lines, normalizer, pre=None):
    """Characters alone behind a normaliser or a pre-tokeniser, so that the ids show what these do."""
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    alphabet = sorted({c for c in "".join(lines) if ord(c) > 32})
    tokens = ["<unk>"] + [f"<0x{b:02X}>" for b in range(256)] + alphabet
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    d = json.loads(t.to_str())
    d["model"]["vocab"] = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return d


def build(lines):
    made = {}
    wp = wordpiece(lines)
    made["wordpiece"] = with_added(wp)
    made["wordpiece-cased"] = changed(
        wordpiece(lines, lowercase=False, handle_chinese_chars=False, clean_text=False),
        post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": False},
        model={"max_input_chars_per_word": 7})
    made["wordpiece-accents"] = changed(wp, normalizer={
        "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": False, "lowercase": True})

    made["bpe-llama3"] = with_added(changed(level(lines, LLAMA3), model={"ignore_merges": True}, post_processor={
        "type": "Sequence", "processors": [
            {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                      {"SpecialToken": {"id": "<|begin|>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [0], "tokens": ["<|begin|>"]}}}]}))
    made["bpe-qwen2"] = changed(level(lines, QWEN2), normalizer={"type": "NFC"})
    made["bpe-o200k"] = level(lines, O200K)
    roberta = level(lines, QWEN2)
    roberta["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    roberta["post_processor"] = {"type": "RobertaProcessing", "sep": ["<|end|>", 1], "cls": ["<|begin|>", 0],
                                 "trim_offsets": True, "add_prefix_space": False}
    made["bpe-roberta"] = roberta
    made["bpe-roberta-prefix"] = changed(
        roberta, pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        post_processor={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True})
    made["bpe-suffix"] = words(lines, suffix="</w>")
    made["bpe-prefix"] = words(lines, prefix="##", fuse_unk=True)
    made["bpe-words"] = with_added(words(lines))

    uni = unigram(lines)
    made["unigram"] = with_added(uni)
    made["unigram-bytes"] = changed(unigram(lines, bytes=True), normalizer=None, pre_tokenizer={
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
        decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                                                  {"type": "ByteFallback"}, {"type": "Fuse"}]})
    table = {chr(c): chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F)}
    table |= {"e\u0301": "é", "É": "E", "\r": " ", "\n": " ", "\t": " ", "\0": " ", "™": "TM", "½": "1⁄2", "ﬁ": "fi", "日本": "JP", "\u200b": "",
              "\u200d": "", "각": "각", "👍": ":+1:", "\u3000": " ", "ab": "B", "ß": "ss", "㎏": "kg"}
    made["unigram-precompiled"] = changed(uni, normalizer={"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": charsmap(table)},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}]},
        pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                       {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]})

    for form in ["NFC", "NFD", "NFKC", "NFKD"]:
        made[f"normal-{form.lower()}"] = normal(lines, getattr(normalizers, form)())
    made["normal-strip"] = normal(lines, normalizers.Sequence([
        normalizers.Strip(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Replace(Regex(r"[\r\n]+|é"), "E!"),
        normalizers.Prepend("_x_"), normalizers.Replace("a", "")]))
    made["normal-bytes"] = normal(lines, normalizers.ByteLevel())
    split = pre_tokenizers.Split
    for name, pre in {
        "digits": pre_tokenizers.Digits(), "digits-single": pre_tokenizers.Digits(individual_digits=True),
        "punctuation": pre_tokenizers.Punctuation("merged_with_previous"),
        "punctuation-next": pre_tokenizers.Punctuation("merged_with_next"),
        "punctuation-contiguous": pre_tokenizers.Punctuation("contiguous"),
        "whitespace": pre_tokenizers.Whitespace(), "delimiter": pre_tokenizers.CharDelimiterSplit("a"),
        "split-removed": split(Regex(r"\s+|(?<=\d)(?=\D)"), "removed"), "split-inverted": split(Regex(r"[\w&&[^\d_]]+"), "removed", invert=True),
        "split-string": split("a", "merged_with_next"), "split-lazy": split(Regex(r"(?:a|\s)+?.|[^(\s|[.,!?…。，、।۔،])]{2,5}|\p{^L}?+x"), "isolated"),
    }.items():
        made["split-" + name.removeprefix("split-")] = normal(lines, None, pre)
    return made


def encode(t, text, pair=None, special=True):
    e = t.encode(text, pair, add_special_tokens=special) if pair is not None else t.encode(text, add_special_tokens=special)
    return e


def results(t, strings):
    cases = []
    t.no_truncation()
    t.no_padding()
    for index, text in enumerate(strings):
        e, bare = encode(t, text), encode(t, text, special=False)
        other = strings[(index * 7 + 3) % len(strings)]
        pair, bare_pair = encode(t, text, other), encode(t, text, other, special=False)
        flat = [x for o in e.offsets for x in o] + [-1 if w is None else w for w in e.word_ids]
        both = [x for p in (pair, bare_pair) for x in [*p.ids, *p.type_ids, *p.special_tokens_mask,
                                                        *[y for o in p.offsets for y in o]]]
        cases.append([hash_ids(e.ids), hash_ids(bare.ids), hash_ids(flat), hash_ids(both),
                      fnv(t.decode(e.ids, skip_special_tokens=True).encode()), fnv(t.decode(e.ids, skip_special_tokens=False).encode())])
    return cases


def truncations(t, strings):
    """What is kept and what overflows, and how it is padded, for settings of all kinds."""
    cases, rng = [], random.Random(SEED)
    for number in range(80):
        size = rng.choice([4, 5, 7, 10, 16])
        settings = {"max_length": size, "stride": rng.choice([0, 0, 1, 2, 3]), "strategy": rng.choice(["longest_first", "only_first", "only_second"]),
                    "direction": rng.choice(["right", "right", "left"])}
        pair = rng.random() < 0.6
        text, other = (" ".join(rng.choices("bake li monu rase ti vozy".split(), k=rng.choice([1, 3, 6, 12]))) for _ in range(2))
        pad = {"length": rng.choice([None, 12]), "direction": rng.choice(["right", "left"]), "pad_to_multiple_of": rng.choice([None, 8])}
        t.enable_padding(pad_id=0, pad_token="[PAD]", pad_type_id=1, **pad)
        case = {"text": text, "pair": other if pair else None, **settings, "padLength": pad["length"], "padDirection": pad["direction"],
                "multiple": pad["pad_to_multiple_of"]}
        try:
            t.enable_truncation(**settings)
            e = t.encode(text, other) if pair else t.encode(text)
            case["rows"] = [[o.ids, o.type_ids, o.attention_mask, o.special_tokens_mask] for o in [e, *e.overflowing]]
        except BaseException as error:
            case["error"] = str(error)[:80]
        cases.append(case)
    t.no_truncation()
    t.no_padding()
    return cases


def folders(made, strings):
    """Folders without a tokenizer.json, and the ids that Transformers gives with them."""
    from transformers import AutoTokenizer

    out = {}
    specials = {"bos_token": "<|begin|>", "eos_token": "<|end|>", "cls_token": "<|begin|>", "sep_token": "<|end|>"}
    for name, source, config in [
        ("bert", "wordpiece", {"tokenizer_class": "BertTokenizer"}),
        ("bert-cased", "wordpiece-cased", {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "tokenize_chinese_chars": False}),
        ("gpt2", "bpe-roberta", {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|end|>", "bos_token": "<|end|>", "unk_token": "<|end|>"}),
        ("roberta", "bpe-roberta", {"tokenizer_class": "RobertaTokenizer", **specials, "unk_token": "<|end|>", "pad_token": "<|end|>", "mask_token": "<|begin|>"}),
        ("qwen2", "bpe-qwen2", {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|end|>", "unk_token": "<|end|>", "pad_token": "<|end|>", "added_tokens_decoder": {
            "0": {"content": "<|begin|>", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False},
            "1": {"content": "<|end|>", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}}}),
    ]:
        folder = HERE / "folders" / name
        folder.mkdir(parents=True, exist_ok=True)
        model = made[source]["model"]
        vocab = sorted(model["vocab"], key=model["vocab"].get)
        if model["type"] == "WordPiece":
            (folder / "vocab.txt").write_text("\n".join(vocab) + "\n")
        else:
            (folder / "vocab.json").write_text(json.dumps(model["vocab"]) + "\n")
            (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in model["merges"]))
        (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
        t = AutoTokenizer.from_pretrained(str(folder))
        out[name] = [hash_ids(t.encode(text)) for text in strings]
    return out


def main():
    rng = random.Random(SEED)
    lines = made_up_text(rng)
    strings = texts(rng, lines)
    (HERE / "kinds").mkdir(exist_ok=True)
    out = {}
    made = build(lines)
    for name, description in made.items():
        text = json.dumps(description, ensure_ascii=True, separators=(",", ":"))
        (HERE / "kinds" / f"{name}.json").write_text(text + "\n")
        out[name] = results(Tokenizer.from_str(text), strings)
    versions = {"tokenizers": tokenizers.__version__, "python": platform.python_version(), "seed": SEED}
    value = {"versions": versions, "texts": strings, "tokenizers": out, "folders": folders(made, strings)}
    cut = truncations(Tokenizer.from_str(json.dumps(made["wordpiece"])), strings)
    (HERE / "truncations.json").write_text(json.dumps(cut, separators=(",", ":")) + "\n")
    (HERE / "kinds.json").write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
