# SPDX-License-Identifier: BSL-1.0
import hashlib

from example import same
from origin import origin, program

with origin() as url:
    text = "größer"
    status, output, errors = program(url, text)
    lines = output.decode().splitlines()
    body = f"{len(text.encode())} {hashlib.sha256(text.encode()).hexdigest()}(the end)"
    same((status, lines[0], lines[-1], errors), (0, "200 OK", body, ""))
    same(f"content-length: {len(body) - len('(the end)')}" in lines, True)

status, output, errors = program("http://127.0.0.1:1/")
same((status, output, errors), (0, b"", "connect ECONNREFUSED 127.0.0.1:1\n"))
