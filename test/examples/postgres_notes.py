# SPDX-License-Identifier: BSL-1.0
import glob
import os
import pwd
import signal
import subprocess
import sys
import tempfile

from example import Example, run, same
from peer import free_port, program, running


def pg(name):
    """One of PostgreSQL's programs; Debian keeps those of each version apart."""
    return max(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), default=None) or program(name)


def check(first, database, postgres):
    process = subprocess.Popen([sys.argv[1], "0", database], stdout=subprocess.PIPE, text=True)
    try:
        second = Example(process)
        stream = second.open(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        stream.read(b"\r\n\r\n")
        # What one process keeps, the other one tells and shows.
        same(first.ask("POST", "/notes", "buy milk")[0], 201)
        same(b"data: buy milk" in stream.read(b"buy milk"), True)
        hostile = "'); DROP TABLE notes; --"
        same(second.ask("POST", "/notes", hostile)[0], 201)
        status, _, body = first.ask("GET", "/notes")
        same((status, body), (200, f"{hostile}\nbuy milk\n".encode()))
        same(first.ask("POST", "/notes", b"a\0b")[0], 422)
        same(first.ask("POST", "/notes", b"\xff")[0], 500)  # no UTF-8, says the database
        same(first.ask("GET", "/notes")[0], 200)
        # Without a database nothing hangs, and nobody else hears why.
        postgres.send_signal(signal.SIGQUIT)  # without a farewell, its own children first
        postgres.wait()
        same([server.ask("GET", "/notes")[0] for server in (first, second)], [500, 500])
    finally:
        process.kill()
        process.wait()


initdb, server, psql = pg("initdb"), pg("postgres"), program("psql")
if initdb is None or server is None or psql is None:
    print("not run: there is no PostgreSQL")
    raise SystemExit(77)
# It refuses to run as root.
user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
as_user = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if os.getuid() == 0 else []
port = free_port()
with tempfile.TemporaryDirectory() as folder:
    if as_user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder + "/data"
    subprocess.run([*as_user, initdb, "-D", data, "-A", "trust", "-E", "UTF8", "--no-sync"],
                   check=True, stdout=subprocess.DEVNULL)
    command = [*as_user, server, "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
    database = f"host=127.0.0.1 port={port} user={user} dbname=postgres"

    def answers(_):
        """Whether it takes statements; it accepts connections before."""
        table = "CREATE TABLE notes (id serial PRIMARY KEY, text text NOT NULL)"
        return subprocess.run([psql, database, "-qc", table], stderr=subprocess.DEVNULL).returncode == 0

    with running(port, *command, answers=answers) as postgres:
        run(lambda first: check(first, database, postgres), database)
