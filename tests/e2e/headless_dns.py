"""A DNS server that answers like a headless Service with publishNotReadyAddresses: python3 headless_dns.py ADDRESS FILE.

FILE is read anew for each question: a JSON object of names with their IPv4 addresses. A name that is not in it, with or
without a search domain behind it, is NXDOMAIN; other types than A have no records.
"""

import json
import pathlib
import socket
import struct
import sys


def answer(question, records):
    """The answer to one datagram."""
    identity, = struct.unpack(">H", question[:2])
    at = 12
    labels = []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("ascii", "replace").lower())
        at += 1 + question[at]
    end = at + 5
    kind, = struct.unpack(">H", question[at + 1:at + 3])
    addresses = records.get(labels[0] if labels else "")
    code = 3 if addresses is None else 0
    found = addresses if addresses and kind == 1 else []
    head = struct.pack(">HHHHHH", identity, 0x8580 | code, 1, len(found), 0, 0)
    rows = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address) for address in found)
    return head + question[12:end] + rows


def main(address, path):
    """Answers for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            question, peer = server.recvfrom(4096)
            server.sendto(answer(question, json.loads(pathlib.Path(path).read_text())), peer)


if __name__ == "__main__":
    main(*sys.argv[1:])
