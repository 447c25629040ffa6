# SPDX-License-Identifier: BSL-1.0
import gzip
import pathlib
import shutil
import ssl
import subprocess
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
    status, _, errors = program("-m", "1", url + "/hang")
    same((status, "ETIMEDOUT" in errors), (1, True))
    same(program(url + "/to/path"), (0, b"elsewhere\n", ""))
    same(program("-L", "-H", "X-Asked: yes", url + "/to/path"), (0, b"/path yes\n", ""))
    same(program("-x", url, "http://example.test/through"), (0, b"http://example.test/through \n", ""))
    jar = str(pathlib.Path(folder) / "cookies.txt")
    same(program("-b", "a=1; b=2", url + "/cookies"), (0, b"a=1; b=2", ""))
    same(program("-L", "-c", jar, url + "/to/cookies"), (0, b"seen=yes", ""))
    same(program("-b", jar, url + "/cookies"), (0, b"seen=yes", ""))
    if shutil.which("curl") is not None:
        curl = subprocess.run(["curl", "-s", "-b", jar, url + "/cookies"], capture_output=True)
        same(curl.stdout, b"seen=yes")
    status, output, errors = program("--compressed", url + "/gzip")
    same((status, output.startswith(b"gzip, deflate"), errors), (0, True, ""))
    status, output, _ = program(url + "/gzip")
    same((status, gzip.decompress(output)), (0, b""))
    same(program("--retry", "1", url + "/flaky"), (0, b"busy\n", "503 Service Unavailable\n"))
    same(program("--retry", "1", url + "/flaky"), (0, b"/flaky \n", ""))
    status, _, errors = program("http://127.0.0.1:1/")
    same((status, errors), (1, "fetch: connect ECONNREFUSED 127.0.0.1:1 (ECONNREFUSED)\n"))
    status, _, errors = program("nonsense")
    same((status, "ERR_INVALID_URL" in errors), (1, True))

if shutil.which("openssl") is not None:
    with tempfile.TemporaryDirectory() as folder:
        key, cert = folder + "/key.pem", folder + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert,
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        with origin(tls) as url:
            same(program("--cacert", cert, url + "/safe"), (0, b"/safe \n", ""))
            same(program("--cacert", cert, url.replace("127.0.0.1", "localhost") + "/name"), (0, b"/name \n", ""))
            same(program("-k", url + "/any"), (0, b"/any \n", ""))
            same(program("--insecure", "-d", "a=b", url), (0, b"POST a=b", ""))
            status, output, errors = program(url)
            same((status, output, "DEPTH_ZERO_SELF_SIGNED_CERT" in errors), (1, b"", True))
            status, _, errors = program("--cacert", folder + "/none.pem", url)
            same((status, "ENOENT" in errors), (1, True))
            status, _, errors = program(url.replace("https:", "http:"))
            same((status, "ECONNRESET" in errors or "HPE_" in errors), (1, True))
        with origin() as url:
            status, _, errors = program(url.replace("http:", "https:"))
            same((status, "EPROTO" in errors), (1, True))
