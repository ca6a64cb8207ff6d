"""Dropping symbol tables from shared libraries of any architecture, where `strip` may not know the architecture.

The loader reads program headers and what they point at; names for debuggers lie behind that, at the file's end
(ELF-64, https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html). Arrow's are a fifth of its size.
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr
_SEGMENT = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr


def drop_symbols(library: Path) -> int:
    """Cut off what no segment loads, and return how many bytes that was; 0 for what is not a 64-bit library."""
    content = library.read_bytes()
    if content[:6] != b"\x7fELF\x02\x01":
        return 0
    header = list(_HEADER.unpack_from(content))
    segments, entry_size, entries = int(header[5]), header[9], header[10]
    end: int = segments + entry_size * entries
    for index in range(entries):
        _, _, offset, _, _, size, _, _ = _SEGMENT.unpack_from(content, segments + index * entry_size)
        end = max(end, offset + size)
    header[6] = header[11] = header[12] = header[13] = 0  # no section table any more
    shorter = library.with_name(library.name + ".shorter")
    shorter.write_bytes(_HEADER.pack(*header) + content[_HEADER.size : end])
    shorter.chmod(library.stat().st_mode)
    shorter.replace(library)  # never in place: the file may have other names, or be mapped by a process
    return len(content) - end
