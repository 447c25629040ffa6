# SPDX-License-Identifier: BSL-1.0
"""Who is measured: servers, clients and proxies, each as a context in which it runs."""
import contextlib
import os
import pathlib
import tempfile

from .machine import BUILD, ROOT, program
from .process import free_port, running

SERVERS = (
    "bare",
    "sluice",
    "sluice_asio",
    "beast",
    "beast_uring",
    "beast_callback",
    "restinio",
    "httplib",
    "node",
    "nginx",
    "h2o",
)
CLIENTS = ("bare", "sluice", "beast", "curl", "node", "undici")
PROXIES = ("bare", "sluice", "nginx")
# The same answer of app_server.cpp, with ever more around it.
LAYERS = ("handler", "router", "middleware")
BENCH = ROOT / "bench"
# How often a run is tried to be heard from before it is given up, in seconds.
PATIENCE = 300
# Who tells what its heap holds.
MARKED = ("bare", "sluice", "sluice_asio", "beast", "beast_uring", "beast_callback", "restinio", *LAYERS)

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; tcp_nodelay on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream origin {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ {answer} }}
  }}
}}
"""
NGINX_PLAIN = 'return 200 "Hello, World!";'
NGINX_FILES = "sendfile on; root {folder};"
NGINX_GZIP = """
gzip on; gzip_comp_level {level}; gzip_types application/json; default_type application/json; root {folder};
"""
NGINX_PROXY = 'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";'
H2O = """
listen: {{host: 127.0.0.1, port: {port}}}
num-threads: 1
max-connections: 16384
http1-request-timeout: 600
pid-file: {folder}/pid
user: root
hosts:
  default:
    paths:
      /: {{file.dir: {folder}}}
"""


def available(kind, name):
    if name in ("nginx", "h2o"):
        return program(name) is not None
    if name == "uws":
        return "UWS" in os.environ
    if name in ("node", "undici"):
        return program("node") is not None and (name == "node" or (BUILD / "node/node_modules/undici").exists())
    return program(f"{name}_{kind}") is not None


def present(kind, names):
    return [name for name in names if available(kind, name)]


@contextlib.contextmanager
def configured(name, text, options):
    """A server that takes its port, and all else, from a file."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        pathlib.Path(folder, "index.html").write_text("Hello, World!")
        config = pathlib.Path(folder, "config")
        config.write_text(text.format(folder=folder, port=port))
        arguments = ["-p", folder, "-c", config] if name == "nginx" else ["-c", config]
        with running(program(name), *arguments, **options) as server:
            server.await_port(port)
            yield server


@contextlib.contextmanager
def serving_body(name, body, answer, command, **options):
    """These bytes at "/body": by nginx, which answers so, or by the command that is made for their file."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        file = pathlib.Path(folder, "body")
        file.write_bytes(body)
        if name == "nginx":
            text = NGINX.replace("{answer}", answer.replace("{folder}", folder)).replace("{upstream}", "1")
            with configured(name, text, options) as server:
                yield server
            return
        with running(*command(file), **options) as server:
            server.await_port(server.line()["port"])
            yield server


def serving_files(name, body, **options):
    """nginx, or "files" for staticFiles()."""
    command = lambda file: [program("app_server"), 0, "files", file.parent]
    return serving_body(name, body, NGINX_FILES, command, **options)


def serving_gzip(name, body, level, **options):
    """nginx, node, or "gzip" for compress::apply(), each for every request anew."""
    server = [program("node"), BENCH / "node_gzip.js"] if name == "node" else [program("app_server"), 0, "gzip"]
    answer = NGINX_GZIP.replace("{level}", str(level))
    return serving_body(name, body, answer, lambda file: [*server, file, level], **options)


@contextlib.contextmanager
def serving(name, bare=("13",), loops=1, **options):
    """`bare`: what the bare server is to answer, since it does not read what it is asked."""
    if name == "nginx":
        text = NGINX.replace("{answer}", NGINX_PLAIN.replace("{", "{{")).replace("{upstream}", "1")
        with configured(name, text, options) as server:
            yield server
    elif name == "h2o":
        with configured(name, H2O, options) as server:
            yield server
    elif name == "uws":
        port = free_port()
        with running(os.environ["UWS"], port, **options) as server:
            server.await_port(port)
            yield server
    else:
        if name == "node":
            command = [program("node"), BENCH / "node_server.js"]
        elif name in LAYERS:
            command = [program("app_server"), 0, name]
        else:
            command = [program(f"{name}_server"), 0]
            if name == "bare":
                command += bare if loops == 1 else (*bare, loops)
            elif loops > 1:
                command = [program("sluice_server"), free_port(), loops]
        with running(*command, **options) as server:
            # Some say the port once it is bound, which is before they listen.
            server.await_port(server.line()["port"])
            yield server


@contextlib.contextmanager
def asking(server, connections, warm, count, arguments=(), cpu=1, turns=False):
    """A load that has warmed the server up and stands still."""
    arguments = [*arguments, "--seconds", PATIENCE]
    with running(program("load"), server.port, connections, warm, count, *arguments, cpus=(cpu,), turns=turns) as load:
        load.line()
        yield load


@contextlib.contextmanager
def client_of(server, name, connections, warm, count, arguments=(), cpu=1, **options):
    if name in ("node", "undici"):
        command = [program("node"), BENCH / "node_client.js"]
        arguments = [*arguments, "--undici"] if name == "undici" else arguments
        options["env"] = {"NODE_PATH": str(BUILD / "node/node_modules")}
    else:
        command = [program(f"{name}_client")]
    with running(*command, server.port, connections, warm, count, *arguments, cpus=(cpu,), **options) as client:
        client.line()
        yield client


@contextlib.contextmanager
def proxying(server, name, **options):
    if name == "nginx":
        text = NGINX.replace("{answer}", NGINX_PROXY).replace("{upstream}", str(server.port))
        with configured(name, text, options) as proxy:
            yield proxy
        return
    with running(program(f"{name}_proxy"), server.port, **options) as proxy:
        proxy.port = proxy.line()["port"]
        yield proxy
