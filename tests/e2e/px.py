# prinex: what the end-to-end tests share: PKI, brokers, the command line, a raw mTLS client, TAP
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""A test is a python3 program that prints TAP:

    import px
    with px.Lab("BY", "UA") as lab:          # PKI and a temporary folder, removed at the end unless it failed
        by, ua = lab.pair()                  # two brokers that know each other, started
        ...
        px.ok(status == 201, "what a user would miss")
    px.done()

Everything listens on loopback; processes are started by the lab and killed by pid."""
import atexit
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("PX_BUILD", "build"))
SANITIZE = bool(os.environ.get("PX_SANITIZE"))
SLOW = 4 if SANITIZE else 1
CORPUS = os.environ.get("PX_CORPUS") or os.path.join(ROOT, "..", "shared", "corpus")
EXAMPLES = os.path.join(ROOT, "schemas", "examples")
CATALOGUE = os.path.join(ROOT, "schemas", "catalogue", "*.conf")
NS = {"px": "urn:prinex:exchange:1", "ds": "http://www.w3.org/2000/09/xmldsig#"}

_n = 0
_failed = 0
_telling = threading.Lock()  # parts of a test may run at a time


def ok(condition, text, detail=""):
    global _n, _failed
    with _telling:
        _n += 1
        print("%sok %d - %s" % ("" if condition else "not ", _n, text), flush=True)
        if not condition:
            _failed += 1
            if detail != "":
                for line in str(detail).splitlines()[-40:]:
                    print("#   " + line, flush=True)
    return bool(condition)


def skip(text, why):
    global _n
    with _telling:
        _n += 1
        print("ok %d - %s # SKIP %s" % (_n, text, why), flush=True)


def done():
    print("1..%d" % _n)
    sys.exit(1 if _failed else 0)


def program(name):
    return os.path.join(BUILD, name)


def run(argv, timeout=120, **kw):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * SLOW,
                       stdin=kw.pop("stdin", subprocess.DEVNULL), **kw)
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")


_held = []  # sockets that keep ports for those who are to listen there


def free_port():
    """A port on the loopback that nobody else is given while we run: who listens there binds with SO_REUSEADDR too."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    _held.append(s)
    return s.getsockname()[1]


def wait_for(condition, seconds=60, every=0.05):
    """Poll until condition() is true; its last value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


class Broker:
    """One prinexd with its configuration, in a folder of its own."""

    def __init__(self, lab, authority, name=None, folder=None):
        self.lab, self.authority = lab, authority
        self.name = name or "node-" + authority.lower()
        self.dir = os.path.join(lab.dir, folder or self.name)
        os.makedirs(self.dir, exist_ok=True)
        self.port = free_port()
        self.metrics_port = free_port()
        self.conf = os.path.join(self.dir, "prinex.conf")
        self.socket = os.path.join(self.dir, "control.sock")
        self.log = os.path.join(self.dir, "log")
        self.process, self.log_start = None, 0
        self.environment = "test"

    def url(self):
        return "https://127.0.0.1:%d" % self.port

    def head(self, extra_inspect="", extra_limits="", listen=""):
        node = os.path.join(self.lab.pki, self.authority, "node")
        return """node {
  authority = "%s"
  name = "%s"
  environment = "%s"
  tls-certificate = "%s/tls.pem"
  tls-key = "%s/tls.key"
  sign-certificate = "%s/sign.pem"
  sign-key = "%s/sign.key"
}
listen { addresses = "127.0.0.1:%d" %s }
store { path = "%s/store" map-size = "4G" watermark = "1M" }
inspect { workers = 2 catalogue = "%s" %s }
limits { %s }
metrics { listen = "127.0.0.1:%d" }
control { socket = "%s" }
""" % (self.authority, self.name, self.environment, node, node, node, node, self.port, listen, self.dir, CATALOGUE,
       extra_inspect, extra_limits, self.metrics_port, self.socket)

    def trust(self, *authorities):
        text = ""
        for a in authorities:
            p = os.path.join(self.lab.pki, a)
            text += 'authority "%s" {\n' % a
            for role in ("system", "node"):
                text += '  %s { anchors = "%s/anchors.pem" crls = "%s/sign-crl.pem" }\n' % (role, p, p)
            text += "}\n"
        return text

    def partner(self, name, authority, role, url=None, more=""):
        """Most tests send one example many times, which rules refuse: @more may say otherwise."""
        p = os.path.join(self.lab.pki, authority)
        mode = "mode = push\n  url = \"%s\"" % url if url else ("mode = none" if role == "officer" else "mode = pull")
        return """partner "%s" {
  authority = "%s"
  role = %s
  %s
  anchors = "%s/tls-ca.pem"
  crls = "%s/tls-ca.crl"
  %s
  %s
}
""" % (name, authority, role, mode, p, p, "" if "rules =" in more else "rules = { \"warn\" }", more)

    def write(self, text):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, wait=True, env=None):
        self.out = open(self.log, "ab")
        self.log_start = self.out.tell()
        self.process = subprocess.Popen([program("prinexd"), "-c", self.conf, "--allow-root"], stdout=self.out,
                                        stderr=self.out, stdin=subprocess.DEVNULL, env=dict(os.environ, **env) if env else None)
        self.lab.processes.append(self.process)
        if wait and not self.wait_ready():
            raise RuntimeError("%s did not get ready:\n%s" % (self.name, self.tail()))
        return self

    def listens(self):
        """None: it has ended."""
        if self.process.poll() is not None:
            return None
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1), socket.socket(socket.AF_UNIX) as control:
                control.connect(self.socket)  # one that was killed leaves the file behind
                return True
        except OSError:
            return False

    def wait_listening(self, seconds=60):
        return wait_for(self.listens, seconds, every=0.02)

    def wait_ready(self, seconds=60):
        """Until it listens and its inspectors have started once."""
        def warm():
            with open(self.log, "rb") as f:
                f.seek(self.log_start)
                return b" ready: node" in f.read()
        return wait_for(lambda: self.process.poll() is None and self.listens() and warm(), seconds)

    def broker_pid(self):
        """The broker process below the supervisor."""
        for pid in children(self.process.pid):
            if b"--role\0broker" in cmdline(pid):
                return pid
        return None

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children(pid)
        return found

    def kill_broker(self):
        pid = self.broker_pid()
        if pid:
            self.log_start = os.path.getsize(self.log)
            os.kill(pid, signal.SIGKILL)
        return pid

    def kill_node(self):
        """All of its processes at once, as a power cut; returns when they have gone."""
        pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(60)
        wait_for(lambda: not any(cmdline(pid) for pid in pids), 60, every=0.005)

    def stop(self, seconds=60):
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            for pid in reversed(self.pids()):
                os.kill(pid, signal.SIGKILL)
            self.process.wait(60)
            return None

    def tail(self, n=60):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-n:])

    def ctl(self, *args, parse=True):
        """prinexctl --json ARGS: the result, or (status, output) with parse=False."""
        argv = [program("prinexctl"), "--socket", self.socket] + (["--json"] if parse else []) + list(args)
        status, out, err = run(argv)
        if not parse:
            return status, out + err
        if status != 0:
            raise RuntimeError("prinexctl %s: status %d: %s%s" % (" ".join(args), status, out, err))
        return json.loads(out) if out.strip() else None

    def metric(self, name, **labels):
        """Sum of all series of a metric that have these labels."""
        c = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=60)
        c.request("GET", "/metrics")
        text = c.getresponse().read().decode()
        c.close()
        total = 0.0
        for line in text.splitlines():
            m = re.match(r"^(\w+)(?:\{(.*)\})? (\S+)$", line)
            if not m or m.group(1) != name:
                continue
            have = dict(re.findall(r'(\w+)="([^"]*)"', m.group(2) or ""))
            if all(have.get(k) == v for k, v in labels.items()):
                total += float(m.group(3))
        return total

    def backlog(self):
        return self.metric("prinex_backlog")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def text(self):
        return self.body.decode("utf-8", "replace")

    def codes(self):
        return re.findall(r'<px:Error [^>]*code="([^"]+)"', self.text())

    def kind(self):
        m = re.search(r"<px:Kind>(\w+)</px:Kind>", self.text())
        return m.group(1) if m else None


class Peer:
    """A partner's machine: its certificates, the prinex command, and raw HTTPS."""

    def __init__(self, lab, authority, folder="system", broker=None, tls=None, sign=None):
        self.lab, self.authority, self.broker = lab, authority, broker
        base = os.path.join(lab.pki, authority, folder)
        self.cert, self.key = tls or (os.path.join(base, "tls.pem"), os.path.join(base, "tls.key"))
        self.sign_cert, self.sign_key = sign or (os.path.join(base, "sign.pem"), os.path.join(base, "sign.key"))
        self.dir = os.path.join(lab.dir, "peer-%s-%s" % (authority, folder))
        os.makedirs(self.dir, exist_ok=True)

    def context(self):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        ctx.load_verify_locations(os.path.join(self.lab.pki, self.broker.authority, "tls-ca.pem"))
        if self.cert:
            ctx.load_cert_chain(self.cert, self.key)
        return ctx

    def request(self, method, path, body=None, headers=None, timeout=60):
        c = http.client.HTTPSConnection("127.0.0.1", self.broker.port, context=self.context(), timeout=timeout * SLOW)
        try:
            h = dict(headers or {})
            if body is not None:
                h.setdefault("Content-Type", "application/xml")
            c.request(method, path, body=body, headers=h)
            r = c.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
        finally:
            c.close()

    def post(self, data, **kw):
        return self.request("POST", "/v1/exchanges", body=data, **kw)

    def options(self):
        p = os.path.join(self.lab.pki, self.broker.authority)
        return ["--url", self.broker.url(), "--cert", self.cert, "--key", self.key, "--anchors", p + "/tls-ca.pem",
                "--server-uri", "urn:prinex:%s:node:%s" % (self.broker.authority, self.broker.name),
                "--sign-cert", self.sign_cert, "--sign-key", self.sign_key, "--trust", p + "/anchors.pem"]

    def prinex(self, command, *args, timeout=120, **kw):
        return run([program("prinex"), command] + self.options() + list(args), timeout=timeout, **kw)

    def wrap(self, payload, recipients=("UA",), type=None, **header):
        """A signed exchange around the payload file: octets."""
        unsigned = os.path.join(self.dir, "wrap.xml")
        signed = os.path.join(self.dir, "signed.xml")
        argv = [program("prinex"), "wrap", "--catalogue", CATALOGUE, "--sender", header.pop("sender", self.authority),
                "--environment", header.pop("environment", "test"), "--out", unsigned]
        for r in recipients:
            argv += ["--recipient", r]
        if type:
            argv += ["--type", type]
        for k, v in header.items():
            argv += ["--" + k.replace("_", "-"), v]
        status, out, err = run(argv + [payload])
        if status != 0:
            raise RuntimeError("wrap: " + out + err)
        return self.sign(unsigned, signed)

    def sign(self, unsigned, signed):
        status, out, err = run([program("prinex"), "sign", "--sign-cert", self.sign_cert, "--sign-key", self.sign_key, "--out",
                                signed, unsigned])
        if status != 0:
            raise RuntimeError("sign: " + out + err)
        with open(signed, "rb") as f:
            return f.read()


class Lab:
    """A temporary folder with a PKI and the brokers started in it."""

    def __init__(self, *authorities, wrong=False, keep=False):
        self.dir = tempfile.mkdtemp(prefix="prinex-e2e-")
        self.pki = os.path.join(self.dir, "pki")
        self.processes = []
        self.brokers = []
        argv = [os.path.join(ROOT, "certs", "make-pki"), "--quiet"] + (["--wrong"] if wrong else []) + [self.pki] + list(authorities)
        status, out, err = run(argv)
        if status != 0:
            raise RuntimeError("make-pki: " + out + err)
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        if kind is not None and kind is not SystemExit:
            ok(False, "the test ended by %s: %s" % (kind.__name__, value), "\n".join(
                "== %s\n%s" % (b.name, b.tail()) for b in self.brokers if os.path.exists(b.log)))
        else:
            self.end_brokers()
        self.close()
        return kind is not None and kind is not SystemExit

    def broker(self, authority, name=None, folder=None):
        b = Broker(self, authority, name, folder)
        self.brokers.append(b)
        return b

    def pair(self, a="BY", b="UA", more="", extra_inspect="", start=True):
        """Two brokers that push to each other, each with a pulling system."""
        x, y = self.broker(a), self.broker(b)
        for me, you in ((x, y), (y, x)):
            me.write(me.head(extra_inspect) + me.trust(a, b) +
                     me.partner("system-" + me.authority.lower(), me.authority, "system") +
                     me.partner(you.name, you.authority, "node", url=you.url()) + more)
        if start:
            x.start()
            y.start()
        return x, y

    def stop_brokers(self):
        """Stop those that run. @return what was not clean: an exit status other than 0, a sanitizer's report in a log."""
        bad = []
        for b in self.brokers:
            status = b.stop() if b.process is not None and b.process.poll() is None else 0
            if status != 0:
                bad.append("%s: exit status %s\n%s" % (b.name, status, b.tail(30)))
            if os.path.exists(b.log):
                with open(b.log, encoding="utf-8", errors="replace") as f:
                    lines = f.readlines()
                at = next((i for i, line in enumerate(lines) if "Sanitizer" in line or "runtime error:" in line), None)
                if at is not None:
                    bad.append("%s: %s" % (b.name, "".join(lines[at:at + 25])))
        return bad

    def end_brokers(self):
        """The same as a test."""
        bad = self.stop_brokers()
        if self.brokers:
            ok(not bad, "%s end cleanly" % ", ".join(b.name for b in self.brokers), "\n".join(bad))

    def close(self):
        for b in self.brokers:
            b.stop()
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait(5)
        self.brokers = []
        if os.path.isdir(self.dir):
            if _failed and os.environ.get("PX_KEEP"):
                print("# kept: " + self.dir)
            else:
                shutil.rmtree(self.dir, ignore_errors=True)


def cmdline(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read()
    except OSError:
        return b""


def children(pid):
    found = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        try:
            with open(path, encoding="ascii") as f:
                found += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return found


def mrn(start):
    """The movement reference number that begins with these 17 characters: with its check digit."""
    values = {c: n for n, c in enumerate("0123456789A?BCDEFGHIJK?LMNOPQRSTU?VWXYZ")}
    digit = sum(values[c] << i for i, c in enumerate(start)) % 11 % 10
    return "%s%d" % (start, digit)


def example(name):
    return os.path.join(EXAMPLES, name)


def corpus(*parts):
    """Files of the corpus that match, [] where it is absent."""
    return sorted(glob.glob(os.path.join(CORPUS, *parts)))
