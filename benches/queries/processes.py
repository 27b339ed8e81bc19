"""What runs beside the benchmark: a Postgres cluster of its own, and the server under test."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time


def bound(how: str) -> list[str]:
    """The kernel ends the process with us, however we end."""
    return ["setpriv", "--pdeathsig", how]


def free_port() -> int:
    """A port of this machine that nobody uses at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(name: str) -> str:
    """Of the newest Postgres that is installed: Debian keeps its programs off the path."""
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda at: -float(at.parts[4]))
    found = next((str(at) for at in versions), None) or shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed; `sudo apt install postgresql` brings it")
    return found


def unprivileged() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root: then whom to run it as."""
    users = [] if os.getuid() else [user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody")]
    return max(users, key=lambda user: user.pw_name, default=None)


def as_user() -> list[str]:
    user = unprivileged()
    return [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []


class Postgres:
    """A cluster in a folder, running while it is used as a context."""

    def __init__(self, folder: pathlib.Path, settings: dict[str, str]):
        self.folder, self.settings, self.port = folder, settings, free_port()

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "data").exists():
            if user := unprivileged():
                os.chown(self.folder, user.pw_uid, user.pw_gid)
            initdb = [program("initdb"), "-D", self.folder / "data", "--username=postgres", "--auth=trust",
                      "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
            initdb = ["setpriv", *as_user(), "--", *initdb]
            subprocess.run(initdb, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": ""} | self.settings
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [*bound("QUIT"), *as_user(), program("postgres"), "-D", self.folder / "data", *flags]
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        for _ in range(1200):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(subprocess.CalledProcessError):
                self.sql("SELECT 1", stderr=subprocess.DEVNULL)
                return self
            time.sleep(0.05)
        raise SystemExit(f"Postgres did not start:\n{(self.folder / 'log').read_text()[-4000:]}")

    def __exit__(self, *_):
        """In order: what is committed is in the files afterwards."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def psql(self) -> list[str]:
        return [program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url]

    def sql(self, text: str, **options) -> list[list[str]]:
        """The rows of one statement or the last of several, as texts."""
        done = subprocess.run([*self.psql(), "-F", "\t", "-c", text], check=True, text=True, stdout=subprocess.PIPE,
                              **options)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def number(self, text: str) -> int:
        return int(self.sql(text)[0][0] or 0)


class Server:
    """`event-analytics serve` on a database, running while it is used as a context."""

    def __init__(self, binary: pathlib.Path, database: str, folder: pathlib.Path, settings: dict = {}):
        self.binary, self.folder, self.port = binary, folder, free_port()
        self.variables = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database,
            "DATA_DIR": str(folder / "data"),
            "LISTEN_ADDR": f"127.0.0.1:{self.port}",
            "JWT_SECRET": "a benchmark has no secret to keep, one",
            "API_KEY_SECRET": "a benchmark has no secret to keep, two",
            "RATE_LIMIT_ANALYTICS_PER_MINUTE": "1000000",
            "RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE": "1000000000",
            "RATE_LIMIT_AUTH_PER_15_MINUTES": "1000000",
        } | settings

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        with open(self.folder / "server.log", "a") as log:
            self.process = subprocess.Popen([*bound("KILL"), self.binary, "serve"], env=self.variables, stdout=log,
                                            stderr=log, start_new_session=True)
        while self.process.poll() is None:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
                    connection.sendall(b"GET /ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
                    if connection.recv(64).startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")):
                        self.started = time.monotonic() - start
                        return self
            time.sleep(0.005)
        raise SystemExit(f"the server did not start:\n{(self.folder / 'server.log').read_text()[-4000:]}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def memory(self) -> tuple[float, float]:
        """Resident megabytes now, and at most so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (re.search(rf"^{name}:\s+(\d+) kB", status, re.M) for name in ("VmRSS", "VmHWM"))
        return int(now[1]) / 1024, int(most[1]) / 1024
