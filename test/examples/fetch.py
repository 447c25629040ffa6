# SPDX-License-Identifier: BSL-1.0
import pathlib
import tempfile

from example import same
from origin import origin, program

with origin() as url, tempfile.TemporaryDirectory() as folder:
    same(program("-H", "X-Asked: yes", url + "/path?query"), (0, b"/path?query yes\n", ""))
    same(program("-d", "a=b", url), (0, b"POST a=b", ""))
    same(program("-X", "PUT", "-d", "a=b", url), (0, b"PUT a=b", ""))
    file = pathlib.Path(folder) / "large"
    same(program("-o", str(file), url + "/large"), (0, b"", ""))
    same(file.read_bytes(), bytes(range(256)) * 4096)
    same(program(url + "/missing"), (0, b"not here\n", "404 Not Found\n"))
    status, _, errors = program("-t", "1", url + "/hang")
    same((status, "ETIMEDOUT" in errors), (1, True))
    status, _, errors = program("http://127.0.0.1:1/")
    same((status, errors), (1, "fetch: connect ECONNREFUSED 127.0.0.1:1 (ECONNREFUSED)\n"))
    status, _, errors = program("nonsense")
    same((status, "ERR_INVALID_URL" in errors), (1, True))
