# SPDX-License-Identifier: BSL-1.0
"""Large bodies by send(), MSG_ZEROCOPY and sendfile(), which keep the copy into the kernel away, or seem to."""
from harness.ways import Ways

scenario = Ways("ways", "ways to send a GiB in pieces of 64 KiB", names=("send", "zerocopy", "sendfile"), quick=False)
