# SPDX-License-Identifier: BSL-1.0
from example import same
from origin import origin, program

with origin() as url:
    same(program(url + "/hi"), (0, b"200\n/hi \n", ""))
