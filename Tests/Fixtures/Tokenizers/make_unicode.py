"""Writes the Unicode tables of Sources/PEFTTokenizers/Text.

What a code point is to a normaliser, to a pre-tokeniser and to a regular expression, how it is written
in lower case and how it decomposes is asked of the `tokenizers` library itself, so that the answers stay
the reference's whatever Unicode version a platform ships. Python's own database gives only the
combining classes, of those code points that the library reorders.

    python make_unicode.py
"""

import itertools
import pathlib
import unicodedata
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

TEXT = pathlib.Path(__file__).resolve().parents[3] / "Sources" / "PEFTTokenizers" / "Text"
POINTS = [p for p in range(0x110000) if not 0xD800 <= p < 0xE000]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,-./:;<=>?@[]^_"
CATEGORIES = (
    "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()
)


def digits(value):
    text = "" if value else "0"
    while value:
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36] + text
        value //= 36
    return text


def lines_of(parts):
    lines, line = [], ""
    for part in parts:
        if len(line) + len(part) > 92:
            lines.append(line)
            line = ""
        line += part
    lines.append(line)
    return "\\\n".join("    " + line for line in lines)


def write(name, type, members):
    text = f"extension {type} {{\n"
    for doc, member, parts in members:
        text += (
            "".join(f"  /// {line}\n" for line in doc)
            + f"  ///\n  /// Written by `make_unicode.py` with tokenizers {tokenizers.__version__}.\n"
            + f'  static let {member}: StaticString = """\n{lines_of(parts)}\n    """\n\n'
        )
    (TEXT / name).write_text(text.rstrip() + "\n}\n")
    print(name, sum(len(p) for _, _, parts in members for p in parts))


def runs(values):
    """The runs of equal values, and the values in the order of their letters."""
    order = sorted(set(values))
    assert len(order) <= len(LETTERS), len(order)
    letter = {value: LETTERS[i] for i, value in enumerate(order)}
    parts = []
    for value, group in itertools.groupby(values):
        count = len(list(group))
        parts.append((digits(count) if count > 1 else "") + letter[value])
    return parts, order


def matched(pattern):
    """The code points a pattern matches."""
    remove = normalizers.Replace(Regex(pattern), "")
    kept = set()
    for start in range(0, len(POINTS), 4096):
        kept |= set(remove.normalize_str("".join(map(chr, POINTS[start : start + 4096]))))
    return {p for p in POINTS if chr(p) not in kept}


def categories():
    value = [CATEGORIES.index("Cs")] * 0x110000
    for index, name in enumerate(CATEGORIES):
        if name != "Cs":
            for point in matched(r"\p{" + name + "}"):
                value[point] = index
    for pattern, bit in [(r"\w", 32), (r"\s", 64)]:
        for point in matched(pattern):
            value[point] |= bit
    return value


def classes():
    clean = normalizers.BertNormalizer(True, False, False, False)
    chinese = normalizers.BertNormalizer(False, True, False, False)
    strip = normalizers.BertNormalizer(False, False, True, False)
    accents = normalizers.StripAccents()
    bert, digit = pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(individual_digits=True)
    split, words = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Whitespace()
    value = [0] * 0x110000
    for point in POINTS:
        c = chr(point)
        text = "a" + c + "a"
        cleaned = clean.normalize_str(text)
        bits = 1 if cleaned == "aa" else 2 if cleaned == "a a" else 0
        if len(chinese.normalize_str(text)) == 5:
            bits |= 4
        if strip.normalize_str(c) == "":
            bits |= 8
        if accents.normalize_str(c) == "":
            bits |= 16
        pieces = len(bert.pre_tokenize_str(text))
        bits |= {1: 0, 2: 32, 3: 64}[pieces]
        if len(digit.pre_tokenize_str(text)) == 3:
            bits |= 128
        if len(split.pre_tokenize_str(text)) == 2:
            bits |= 256
        pieces = [piece for piece, _ in words.pre_tokenize_str("a" + c + "!")]
        bits |= {("a" + c, "!"): 512, ("a", "!"): 1024, ("a", c + "!"): 0}[tuple(pieces)]
        value[point] = bits
    assert all(bool(v & 32) == bool(v & 256) for v in value)
    return value


def mapping(function, changed):
    """The code points that change and what they become: each the distance from the last one."""
    parts, last = [], 0
    for point in POINTS:
        result = function(chr(point))
        if changed(chr(point), result):
            parts.append(digits(point - last) + "".join(" " + digits(ord(c)) for c in result) + ",")
            last = point
    return parts


def combining():
    nfd = normalizers.NFD().normalize_str
    value = [0] * 0x110000
    for point in POINTS:
        c = chr(point)
        low, high = nfd("a\u0315" + c), nfd("a" + c + "\u0334")
        if low != "a\u0315" + nfd(c) or high != "a" + nfd(c) + "\u0334":
            value[point] = unicodedata.combining(c)
        elif unicodedata.combining(c) in (1, 232) and nfd(c) == c:
            value[point] = unicodedata.combining(c)
    return value


values = categories()
parts, order = runs(values)
write("UnicodeCategories+Table.swift", "UnicodeCategories", [
    (["The runs of code points of one kind: the length in base 36 (nothing for 1) and the letter of",
      "the kind."], "runs", parts),
    (["What the letters stand for, in base 36: the category, 32 for `\\w`, 64 for `\\s`."], "kinds",
     [digits(v) + "," for v in order]),
])
parts, order = runs(classes())
write("TextClasses+Table.swift", "TextClasses", [
    (["The runs of code points of one kind: the length in base 36 (nothing for 1) and the letter of",
      "the kind."], "runs", parts),
    (["The bits that the letters stand for, in base 36."], "kinds", [digits(v) + "," for v in order]),
])
lower = normalizers.Lowercase().normalize_str
write("LowerCase+Table.swift", "LowerCase", [
    (["The code points that change: how far from the last one, and what each becomes, in base 36."],
     "mappings", mapping(lower, lambda a, b: a != b)),
])
nfd, nfc, nfkd = (getattr(normalizers, n)().normalize_str for n in ["NFD", "NFC", "NFKD"])
hangul = range(0xAC00, 0xD7A4)
canonical = mapping(nfd, lambda a, b: a != b and ord(a) not in hangul)
write("Decompositions+Canonical.swift", "Decompositions", [
    (["The code points that decompose, Hangul syllables apart: how far from the last one, and into",
      "what, in base 36."], "canonical", canonical),
    (["Those of them that composing never makes: how far from the last one."], "excluded",
     mapping(lambda c: "", lambda a, b: nfd(a) != a and nfc(nfd(a)) != a)),
])
write("Decompositions+Compatibility.swift", "Decompositions", [
    (["The code points whose compatibility decomposition differs from the canonical one: how far from",
      "the last one, and into what, in base 36."], "compatibility",
     mapping(nfkd, lambda a, b: b != nfd(a))),
])
parts, last = [], 0
for point, value in enumerate(combining()):
    if value:
        parts.append(digits(point - last) + " " + digits(value) + ",")
        last = point
write("Decompositions+Combining.swift", "Decompositions", [
    (["The code points with a combining class: how far from the last one, and the class, in base 36."],
     "combining", parts),
])
