"""Puts files into the program: embed.py OUTPUT.cpp FILE...

Writes OUTPUT.cpp, which includes each file byte for byte (.incbin) as it is and packed with gzip, and lists them for
http/assets.cpp. The packed forms are written beside OUTPUT.cpp. The tag of a file is made of its bytes alone, so that
two builds of the same files agree.
"""

import gzip
import hashlib
import pathlib
import sys

TYPES = {".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml"}

HEAD = '''// Made by embed.py.
#include "http/assets.hpp"

namespace hogwild::http {
namespace {

extern "C" {
'''


def quoted(path):
    text = str(path.resolve())
    if any(c in text for c in '"\\\n'):
        sys.exit(f"{text}: a path with such characters cannot be embedded")
    return text


def main():
    output, *files = map(pathlib.Path, sys.argv[1:])
    symbols, declarations, rows = [], [], []
    for number, file in enumerate(files):
        content = file.read_bytes()
        packed = output.with_name(f"{file.name}.gz")
        packed.write_bytes(gzip.compress(content, 9, mtime=0))
        for form, path in [("plain", file), ("packed", packed)]:
            name = f"hogwild_asset_{number}_{form}"
            symbols.append(f'asm(".pushsection .rodata\\n.global {name}, {name}_end\\n{name}:\\n'
                           f'.incbin \\"{quoted(path)}\\"\\n{name}_end:\\n.byte 0\\n.popsection");')
            declarations.append(f"extern const char {name}[], {name}_end[];")
        plain, packed_name = f"hogwild_asset_{number}_plain", f"hogwild_asset_{number}_packed"
        tag = hashlib.sha256(content).hexdigest()[:16]
        rows.append(f'    {{"{file.name}", "{TYPES[file.suffix]}", "{tag}", {{{plain}, {plain}_end}}, '
                    f"{{{packed_name}, {packed_name}_end}}}},")
    output.write_text("\n".join([*symbols, HEAD + "\n".join(declarations), "}", "",
                                 "const EmbeddedFile kFiles[] = {", *rows, "};", "", "}  // namespace", "",
                                 "std::span<const EmbeddedFile> embedded_files() { return kFiles; }", "",
                                 "}  // namespace hogwild::http", ""]))


main()
