"""Writes Sources/PEFTTokenizers/Text/CharacterClasses+Table.swift.

Which class a code point has for the byte-level pre-tokeniser (letter, number, space, other) and for
added tokens that match single words only is asked of the `tokenizers` library itself, one code point
at a time, so that the answers stay the reference's whatever Unicode version a platform ships.

    python make_classes.py
"""

import itertools
import pathlib
import tokenizers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
word = Tokenizer(models.BPE({"a": 0}, []))
word.add_tokens([AddedToken("zq", single_word=True, normalized=False)])


def joins(before, character):
    return len(byte_level.pre_tokenize_str(before + character)) == 1


def code(point):
    if 0xD800 <= point < 0xE000:
        return "O"
    character = chr(point)
    ids = word.encode(character + "zq").ids
    in_word = not ids or ids[-1] != 1
    if joins("a", character):
        assert in_word
        return "L"
    if joins("1", character):
        return "D" if in_word else "N"
    if joins("!", character):
        return "W" if in_word else "O"
    assert not in_word
    return "S"


def digits(value):
    text = ""
    while value:
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36] + text
        value //= 36
    return text


runs = []
for letter, group in itertools.groupby(range(0x110000), key=code):
    count = len(list(group))
    runs.append((digits(count) if count > 1 else "") + letter)

lines, line = [], ""
for run in runs:
    if len(line) + len(run) > 92:
        lines.append(line)
        line = ""
    line += run
lines.append(line)

root = pathlib.Path(__file__).resolve().parents[3]
target = root / "Sources" / "PEFTTokenizers" / "Text" / "CharacterClasses+Table.swift"
target.write_text(
    "extension CharacterClasses {\n"
    "  /// The runs of code points of one class from U+0000 to U+10FFFF: the length in base 36 (nothing\n"
    "  /// for 1) and the letter of the class.\n"
    "  ///\n"
    f"  /// Written by `make_classes.py` with tokenizers {tokenizers.__version__}.\n"
    '  static let runs: StaticString = """\n'
    + "\\\n".join("    " + line for line in lines)
    + '\n    """\n}\n'
)
print(len(runs), "runs")
