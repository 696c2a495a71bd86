#!/usr/bin/env python3
# prinex: end-to-end tests of the command line client against a fake broker that misbehaves on request
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""The fake speaks TLS by Python's ssl, so that what the client says on the wire is read by other code than ours.
Confirmations are signed with `prinex sign` and the keys of the test PKI."""
import concurrent.futures
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import px  # noqa: E402

PRINEX = px.program("prinex")
CATALOGUE = ["--catalogue", px.CATALOGUE]
NODE = "urn:prinex:BY:node:node-by"


class Fake:
    """A broker. `answer(request)` gives (status, headers, body), or None: hang up without answering."""

    def __init__(self, cert, key, client_ca, tls12=False, host="127.0.0.1"):
        self.requests, self.lock = [], threading.Lock()
        self.answer = lambda r: (404, {}, b"nothing here\n")
        self.active, self.most = 0, 0
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tls12:
            ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.load_cert_chain(cert, key)
        if client_ca:
            ctx.verify_mode = ssl.CERT_REQUIRED
            ctx.load_verify_locations(client_ca)
            ctx.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                self.request.settimeout(20)
                self.request = ctx.wrap_socket(self.request, server_side=True)
                super().setup()

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                r = {"method": self.command, "path": self.path, "body": body,
                     "headers": {k.lower(): v for k, v in self.headers.items()}}
                with fake.lock:
                    fake.requests.append(r)
                    fake.active += 1
                    fake.most = max(fake.most, fake.active)
                try:
                    a = fake.answer(r)
                finally:
                    with fake.lock:
                        fake.active -= 1
                if a is None:
                    self.close_connection = True
                    return
                status, headers, data = a
                self.send_response_only(status)
                for k, v in headers.items():
                    self.send_header(k, v)
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any

            def log_message(self, *args):
                pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, address):
                pass

        self.server = Server((host, 0), Handler)
        self.port = self.server.server_address[1]
        self.url = "https://%s:%d" % (host, self.port)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def posts(self, path="/v1/exchanges"):
        return [r for r in self.requests if r["method"] == "POST" and r["path"] == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Test:
    def __init__(self, lab):
        self.lab, self.pki = lab, lab.pki

    def p(self, *parts):
        return os.path.join(self.pki, *parts)

    def folder(self):
        return tempfile.mkdtemp(dir=self.lab.dir)

    def fake(self, cert=None, client_ca=None, **kw):
        base = cert or self.p("BY", "node", "tls")
        return Fake(base + ".pem", base + ".key", client_ca or self.p("BY", "tls-ca.pem"), **kw)

    def options(self, url, uri=NODE, cert=None, anchors=None):
        base = cert or self.p("BY", "system", "tls")
        return ["--url", url, "--cert", base + ".pem", "--key", base + ".key", "--anchors",
                anchors or self.p("BY", "tls-ca.pem"), "--server-uri", uri]

    def signing(self):
        base = self.p("BY", "system", "sign")
        return ["--sign-cert", base + ".pem", "--sign-key", base + ".key", "--trust", self.p("BY", "anchors.pem")]

    def sign(self, text, authority="BY", who="node"):
        base = self.p(authority, who, "sign")
        out = subprocess.run([PRINEX, "sign", "--sign-cert", base + ".pem", "--sign-key", base + ".key"],
                             input=text.encode(), stdout=subprocess.PIPE, check=True, timeout=60)
        return out.stdout

    def confirmation(self, body, kind="CoA", errors="", authority="BY", who="node", digest=None, cls="permanent"):
        head = re.search(rb"<px:MessageId>([^<]*)</px:MessageId>.*<px:Sender>([^<]*)</px:Sender>", body, re.S)
        mid, sender = head.group(1).decode(), head.group(2).decode()
        text = ("<px:Confirmation xmlns:px=\"urn:prinex:exchange:1\"><px:Kind>%s</px:Kind>%s"
                "<px:ConfirmationId>PX-%d</px:ConfirmationId><px:Issuer>%s</px:Issuer><px:RefSender>%s</px:RefSender>"
                "<px:RefMessageId>%s</px:RefMessageId><px:RefDigest>%s</px:RefDigest><px:At>%s</px:At>%s"
                "</px:Confirmation>") % (
                    kind, "<px:Class>%s</px:Class>" % cls if kind == "CoE" else "", time.time_ns() % 10**15, authority,
                    sender, mid, digest or hashlib.sha256(body).hexdigest(),
                    time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), errors)
        return self.sign(text, authority, who)

    def send(self, fake, *args, **kw):
        return px.run([PRINEX, "send"] + CATALOGUE + self.options(fake.url) + self.signing() +
                      ["--environment", "test", "--recipient", "UA"] + list(args), **kw)

    def fetch(self, fake, *args, **kw):
        return px.run([PRINEX, "fetch"] + CATALOGUE + self.options(fake.url) + self.signing() + list(args), **kw)


def payload(folder, name, lrn, source="ExportDeclaration-small.xml"):
    with open(px.example(source), encoding="utf-8") as f:
        text = re.sub(r"<LRN>[^<]*</LRN>", "<LRN>%s</LRN>" % lrn, f.read(), count=1)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def root_octets(data):
    start = re.search(rb"<(?![?!])", data).start()
    return data[start:data.rindex(b">") + 1]


# --- offline ---------------------------------------------------------------------------------------------------------

def offline(t):
    d = t.folder()
    with open(px.example("ExportDeclaration-small.xml"), encoding="utf-8") as f:
        text = f.read()
    # letters that windows-1251 has, and a prolog as an old system writes it
    old = re.sub(r"^<\?xml.*?\?>", "", text, flags=re.S)
    old = "<?xml version=\"1.0\" encoding=\"windows-1251\"?>\r\n<!-- old -->\r\n" + old
    try:
        octets = old.encode("cp1251")
    except UnicodeEncodeError as e:
        octets = old.replace(old[e.start], "?").encode("cp1251", "replace")
    a = os.path.join(d, "old.xml")
    with open(a, "wb") as f:
        f.write(octets)
    unsigned, signed = os.path.join(d, "u.xml"), os.path.join(d, "s.xml")
    head = ["--sender", "BY", "--environment", "test", "--recipient", "UA", "--recipient", "RO"]
    rc, out, err = px.run([PRINEX, "wrap"] + CATALOGUE + head + [a])
    px.ok(rc == 1 and "say --from-encoding windows-1251" in err, "another encoding is named, not guessed", err)
    rc, out, err = px.run([PRINEX, "wrap"] + CATALOGUE + head + ["--from-encoding", "windows-1251", "--out", unsigned, a])
    wrapped = read(unsigned) if rc == 0 else b""
    px.ok(rc == 0 and root_octets(octets.decode("cp1251").encode()) in wrapped and b"<!-- old -->" not in wrapped,
          "wrap converts windows-1251, drops the prolog, keeps the root element", out + err)
    px.ok(b"<px:Recipient>UA</px:Recipient><px:Recipient>RO</px:Recipient><px:MessageType>ExportDeclaration<" in wrapped,
          "the message type is told by the root element")
    rc, out, err = px.run([PRINEX, "check"] + CATALOGUE + [unsigned])
    px.ok(rc == 0 and ": ok" in out, "check takes an exchange that is not signed yet", out + err)
    base = t.p("BY", "system", "sign")
    rc, out, err = px.run([PRINEX, "sign", "--sign-cert", base + ".pem", "--sign-key", base + ".key", "--out", signed, unsigned])
    px.ok(rc == 0 and read(signed).startswith(wrapped[:-len(b"</px:Exchange>")]), "sign changes no other octet", err)
    before = read(unsigned)
    os.symlink(unsigned, os.path.join(d, "link.xml"))
    for command, name in (("wrap", a), ("sign", os.path.join(d, "link.xml"))):
        source = unsigned if command == "sign" else a
        held = read(source)
        rc, out, err = px.run([PRINEX, command] + CATALOGUE + head[:4] + ["--sign-cert", base + ".pem", "--sign-key", base + ".key"][:4] +
                              ["--out", name, source])
        px.ok(rc == 2 and "--out names the input itself" in err and read(source) == held, "%s does not write over its own input" % command, err)
    px.ok(read(unsigned) == before, "and leaves it as it was")
    trust = ["--trust", "BY:system=" + t.p("BY", "anchors.pem")]
    rc, out, err = px.run([PRINEX, "verify"] + CATALOGUE + trust + [signed])
    px.ok(rc == 0 and "signed by BY system system-by" in out, "verify names the signer", out + err)
    if shutil.which("xmlsec1"):
        rc, out, err = px.run(["xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", t.p("BY", "sign-ca.pem"), signed])
        px.ok(rc == 0, "xmlsec1 verifies it too", out + err)
    else:
        px.skip("xmlsec1 verifies it too", "xmlsec1 is not installed")
    rc, out, err = px.run([PRINEX, "verify"] + CATALOGUE + ["--trust", "BY:system=" + t.p("UA", "anchors.pem"), signed])
    px.ok(rc == 1 and "PX-CERT-CHAIN" in out, "another authority's anchors do not verify it", out + err)
    octets = read(signed)
    with open(signed, "wb") as f:
        f.write(octets.replace(b"<px:Recipient>RO", b"<px:Recipient>PL"))
    rc, out, err = px.run([PRINEX, "verify"] + CATALOGUE + trust + [signed])
    px.ok(rc == 1 and "PX-SIG-DIGEST" in out, "a changed octet is found", out + err)


def checking(t):
    d = t.folder()
    a = payload(d, "bad.xml", "A" * 30)
    text = read(a).replace(b"<invoiceCurrency>EUR<", b"<invoiceCurrency>BYR<")
    with open(a, "wb") as f:
        f.write(b"<?xml version=\"1.0\"?>\n\n" + root_octets(text))
    lines = read(a).decode().split("\n")
    lrn = [i for i, s in enumerate(lines, 1) if "<LRN>" in s][0]
    currency = [i for i, s in enumerate(lines, 1) if "<invoiceCurrency>" in s][0]
    rc, out, err = px.run([PRINEX, "check"] + CATALOGUE + [a])
    shown = out.splitlines()
    px.ok(rc == 1 and len(shown) == 2 and
          shown[0].startswith("%s: PX-SCHEMA-PATTERN line %d /n:ExportDeclaration/LRN \"%s\": " % (a, lrn, "A" * 30)) and
          shown[1].startswith("%s: PX-SCHEMA-ENUM line %d /n:ExportDeclaration/invoiceCurrency \"BYR\": " % (a, currency)),
          "check prints all errors: code, line of the file, pointer, value, text", out + err)
    rc, out, err = px.run([PRINEX, "check", "--json"] + CATALOGUE + [a])
    doc = json.loads(out)
    px.ok(rc == 1 and doc["ok"] is False and doc["stage"] == "schema" and
          [e["code"] for e in doc["errors"]] == ["PX-SCHEMA-PATTERN", "PX-SCHEMA-ENUM"] and doc["errors"][1]["value"] == "BYR",
          "and as JSON", out + err)
    broken = os.path.join(d, "broken.xml")
    with open(broken, "w") as f:
        f.write("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    rc, out, err = px.run([PRINEX, "check"] + CATALOGUE + [broken])
    px.ok(rc == 1 and "PX-SCAN-DOCTYPE line 1" in out, "what cannot be read has the broker's code", out + err)
    rc, out, err = px.run([PRINEX, "check"] + CATALOGUE + [os.path.join(d, "none.xml")])
    px.ok(rc == 2 and "No such file" in err, "a file that is not there is a usage error", out + err)


def usage(t):
    cases = [
        (["snd"], "snd: no such command; did you mean send?"),
        (["help", "fecth"], "fecth: no such command; did you mean fetch?"),
        (["send", "--retyr-for", "3"], "--retyr-for: no such option; did you mean --retry-for?"),
        (["ping", "--wait", "3"], "--wait is not an option of ping"),
        (["status", "BY"], "usage: prinex status [OPTION...] SENDER ID (prinex help status explains it)"),
        (["lookup", "--mrn", "26BY006713000451B8"], "--mrn: no such option; lookup takes mrn=VALUE, without dashes"),
        (["arrive", "UA205020", "vehicle=AE47125/BY", "event=IN"], "event=IN: expected BOR"),
        (["arrive", "UA205020", "vehicle=AE47125/BY", "seals=yes"], "seals=yes: expected 1"),
        (["ping"], "--url is missing: give it here, or client { url = ... } in the file that --conf or the environment variable PRINEX_CONF names"),
        (["ping", "--url", "http://x"], "--url \"http://x\""),
        (["send", "--timeout"], "--timeout needs TIME"),
        (["ping", "--conf", "/none.conf"], "/none.conf"),
    ]
    for args, expected in cases:
        rc, out, err = px.run([PRINEX] + args)
        px.ok(rc == 2 and expected in err, "usage: " + " ".join(args), out + err)
    args = t.options("https://127.0.0.1:1")
    rc, out, err = px.run([PRINEX, "ping"] + args[:args.index("--server-uri")])
    px.ok(rc == 2 and "--server-uri is missing (or --pin; without it any machine with a certificate of that CA could pass for the broker)" in err,
          "nobody is taken for the broker unless told who it is", err)
    rc, out, err = px.run([PRINEX, "--version"])
    px.ok(rc == 0 and out.startswith("prinex "), "--version", out)
    rc, out, err = px.run([PRINEX, "help", "--markdown"])
    page = read(os.path.join(px.ROOT, "docs", "prinex.md")).decode()
    px.ok(rc == 0 and out == page, "docs/prinex.md says what the tables say (make docs)")
    rc, out, err = px.run([PRINEX, "help", "--man"])
    px.ok(rc == 0 and ".TH PRINEX 1" in out and "\n.B \\-\\-recipient AUTHORITY\n" in out and "\n.B send FILE|FOLDER|\\-...\n" in out,
          "the manual page has commands and options", out[:2000])
    script = os.path.join(t.folder(), "completion")
    with open(script, "w") as f:
        f.write(px.run([PRINEX, "completion"])[1] + """
            try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _prinex 2>/dev/null; echo "${COMPREPLY[*]}"; }
            try prinex se; try prinex send --rec; try prinex fetch --rec; try prinex help ver
        """)
    rc, out, err = px.run(["bash", script])
    px.ok(out.split("\n") == ["send", "--recipient", "", "verify", ""], "bash completes commands and the options of each", out + err)


# --- connections -----------------------------------------------------------------------------------------------------

def ping(t, url, expected, text, env=None, status=4, **kw):
    rc, out, err = px.run([PRINEX, "ping"] + t.options(url, **kw) + ["--timeout", "3s"],
                          env=dict(os.environ, **env) if env else None)
    expected = (expected,) if isinstance(expected, str) else expected
    return px.ok(rc == status and all(e in err for e in expected) and len(err.splitlines()) == 1, text,
                 "expected: %d %s\nstatus %d\n%s" % (status, expected, rc, out + err))


NODE_XML = ("<px:Node xmlns:px=\"urn:prinex:exchange:1\"><px:Environment>test</px:Environment><px:Authority>BY</px:Authority>"
            "<px:Peer><px:Authority>BY</px:Authority><px:Role>system</px:Role><px:Name>by</px:Name></px:Peer>"
            "<px:ProtocolVersion>1</px:ProtocolVersion><px:SignatureProfile>1</px:SignatureProfile>"
            "<px:Type><px:Name>Ping</px:Name><px:Version>1</px:Version></px:Type><px:Limit name=\"body\">4194304</px:Limit>"
            "<px:At>2026-11-20T06:00:00Z</px:At></px:Node>")


def server_certificates(t):
    # the wrong certificates are those of a system, so that is what we expect to meet
    uri = "urn:prinex:BY:system:system-by"
    good = t.fake(cert=t.p("BY", "system", "tls"))
    good.answer = lambda r: (200, {}, NODE_XML.encode())
    rc, out, err = px.run([PRINEX, "ping"] + t.options(good.url, uri=uri), env=dict(os.environ, https_proxy="http://127.0.0.1:1"))
    px.ok(rc == 0 and "Authority: BY" in out and "Limit body: 4194304" in out, "a good certificate; the environment's proxy is not used", out + err)
    rc, out, err = px.run([PRINEX, "ping", "--json"] + t.options(good.url, uri=uri))
    px.ok(rc == 0 and json.loads(out)["Type"][0]["Version"] == ["1"], "ping as JSON", out + err)
    trust = ["--trust", "BY:system=" + t.p("BY", "anchors.pem")] + CATALOGUE
    sealed = t.sign(NODE_XML, "BY", "system")
    good.answer = lambda r: (200, {}, sealed)
    rc, out, err = px.run([PRINEX, "ping"] + t.options(good.url, uri=uri) + trust)
    px.ok(rc == 0 and "Authority: BY" in out and err == "", "the signature of the answer is verified with --trust", out + err)
    good.answer = lambda r: (200, {}, sealed.replace(b"4194304", b"4194305"))
    rc, out, err = px.run([PRINEX, "ping"] + t.options(good.url, uri=uri) + trust)
    px.ok(rc == 4 and "cannot be believed: PX-SIG-DIGEST" in err and out == "", "and a changed one is not shown", out + err)
    good.answer = lambda r: (200, {}, t.sign(NODE_XML, "UA", "system"))
    rc, out, err = px.run([PRINEX, "ping"] + t.options(good.url, uri=uri) + trust + ["--trust", "UA:system=" + t.p("UA", "anchors.pem")])
    px.ok(rc == 4 and "cannot be believed: PX-CERT" in err, "nor one that another authority signed", out + err)
    good.answer = lambda r: (200, {}, sealed)
    pin = px.run([os.path.join(px.ROOT, "certs", "spki-pin"), t.p("BY", "system", "tls.pem")])[1].strip().split()[-1]
    args = t.options(good.url)
    args = args[:args.index("--server-uri")]
    rc, out, err = px.run([PRINEX, "ping"] + args + ["--pin", pin])
    px.ok(rc == 0, "a pin stands for the URI", out + err)
    rc, out, err = px.run([PRINEX, "ping"] + args + ["--pin", "0" * 64])
    px.ok(rc == 4 and "we refuse the certificate" in err and "nor one of its pins" in err, "another pin does not", out + err)
    ping(t, good.url, "has neither this partner's URI (%s)" % NODE, "another machine of the same CA")
    good.close()
    elsewhere = t.fake(cert=t.p("BY", "system", "tls"), host="127.0.0.2")
    ping(t, elsewhere.url, "not for the address in the partner's url", "a good certificate at an address that it does not name", uri=uri)
    elsewhere.close()
    cases = [
        ("expired", "certificate has expired"),
        ("not-yet", "certificate is not yet valid"),
        ("other-ca", "its root is no anchor"),
        ("self-signed", "self-signed"),
        ("no-chain", "its chain does not lead to an anchor"),
        ("wrong-name", "has neither this partner's URI"),
        ("no-san", "has neither this partner's URI"),
        ("wrong-authority", "has neither this partner's URI"),
        ("wrong-eku", "not meant for this side of TLS"),
    ]
    for case, expected in cases:
        fake = t.fake(cert=t.p("wrong", "BY", "tls-" + case))
        ping(t, fake.url, ("we refuse the certificate of %s" % fake.url, expected), "server certificate: %s, refused, and why" % case, uri=uri)
        px.ok(not fake.requests, "server certificate: %s: nothing was sent" % case)
        fake.close()
    fake = t.fake(cert=t.p("wrong", "BY", "tls-revoked"))
    rc, out, err = px.run([PRINEX, "ping"] + t.options(fake.url, uri=uri) + ["--crl", t.p("BY", "tls-ca.crl")])
    px.ok(rc == 4 and "certificate revoked" in err, "server certificate: revoked, with --crl", out + err)
    fake.close()
    # a CA that the machine trusts is nobody here
    fake = t.fake(cert=t.p("wrong", "BY", "tls-other-ca"))
    other = t.p("wrong", "BY", "ca-other", "tls-ca.pem")
    env = {"SSL_CERT_FILE": other, "SSL_CERT_DIR": os.path.dirname(other), "CURL_CA_BUNDLE": other}
    px.ok(os.path.exists(other), "the other CA's certificate is there")
    ping(t, fake.url, "its root is no anchor", "a CA of the system's store is not believed", env=env, uri=uri)
    fake.close()


def client_certificates(t):
    for cert, ca, expected, text in [
            (t.p("wrong", "BY", "tls-other-ca"), None, "refuses us: it does not know the CA of our certificate", "unknown CA"),
            (t.p("wrong", "BY", "tls-expired"), None, "refuses us: it says that our certificate has expired", "expired"),
            (t.p("wrong", "BY", "tls-wrong-eku"), None, "refuses us: our certificate is not one for TLS clients", "wrong usage"),
    ]:
        fake = t.fake(client_ca=ca)
        ping(t, fake.url, expected, "our certificate refused: " + text, cert=cert)
        d = t.folder()
        a = payload(d, "a.xml", "L1")
        base = t.p("BY", "system", "sign")
        started = time.monotonic()
        rc, out, err = px.run([PRINEX, "send"] + CATALOGUE + t.options(fake.url, cert=cert) + t.signing() + [a])
        px.ok(rc == 4 and expected in out and time.monotonic() - started < 20 * px.SLOW,
              "our certificate refused: %s: send says so and does not try on" % text, out + err)
        fake.close()


def plain_server(reply):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(8)

    def serve():
        while True:
            try:
                c, _ = s.accept()
            except OSError:
                return
            try:
                c.recv(4096)
                if reply is None:
                    time.sleep(5)
                c.sendall(reply or b"")
                c.close()
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    return s, "https://127.0.0.1:%d" % s.getsockname()[1]


def no_connection(t):
    ping(t, "https://127.0.0.1:%d" % px.free_port(), "cannot be reached: Connection refused", "nobody listens", status=3)
    try:
        socket.getaddrinfo("no-such-host.invalid", 8443)
        known = "a name server that knows everything"
    except socket.gaierror as e:
        known = "does not exist" if e.errno == socket.EAI_NONAME else "cannot be resolved"
    ping(t, "https://no-such-host.invalid:8443", "the host name no-such-host.invalid " + known, "no such host",
         status=4 if known == "does not exist" else 3)
    s, url = plain_server(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    ping(t, url, "does not speak TLS", "not TLS")
    s.close()
    s, url = plain_server(b"")
    ping(t, url, "closed the connection during the TLS handshake", "hangs up in the handshake", status=3)
    s.close()
    s, url = plain_server(None)
    ping(t, url, "no connection in time", "says nothing at all", status=3)
    s.close()
    fake = t.fake(tls12=True)
    ping(t, fake.url, "refuses us: it does not speak the version of TLS we offer", "only TLS 1.2")
    fake.close()
    fake = t.fake()
    fake.answer = lambda r: time.sleep(6)
    ping(t, fake.url, "did not answer within", "no answer", status=3)
    fake.answer = lambda r: None
    ping(t, fake.url, "was lost before the answer", "hangs up instead of answering", status=3)
    fake.answer = lambda r: (200, {}, b"x" * 2000000)
    ping(t, fake.url, "is longer than", "an endless answer", status=3)
    fake.answer = lambda r: (503, {"Retry-After": "1"}, b"draining\n")
    ping(t, fake.url, "answered 503: draining", "busy", status=3)
    fake.close()


# --- send ------------------------------------------------------------------------------------------------------------

def accepting(t, delay=0):
    def answer(r):
        if delay:
            time.sleep(delay)
        return 201, {}, t.confirmation(r["body"])
    return answer


def send_one(t):
    fake = t.fake()
    d = t.folder()
    a = payload(d, "a.xml", "L1")
    kept = []

    def answer(r):
        kept.append(os.path.exists(a + ".px") and read(a + ".px"))
        return 201, {}, t.confirmation(r["body"])
    fake.answer = answer
    rc, out, err = t.send(fake, a)
    sent = fake.posts()
    px.ok(rc == 0 and "accepted by BY as BY" in out, "send: accepted", out + err)
    px.ok(len(sent) == 1 and kept == [sent[0]["body"]], "what is sent lies on the disk before it is sent")
    px.ok(sent and sent[0]["headers"].get("content-type") == "application/xml" and "expect" not in sent[0]["headers"],
          "content type, no Expect")
    px.ok(sent and root_octets(read(a)) in sent[0]["body"], "the payload travels octet for octet")
    trust = ["--trust", "BY=" + t.p("BY", "anchors.pem")]
    rc, out, err = px.run([PRINEX, "verify"] + CATALOGUE + trust + [a + ".coa"])
    px.ok(rc == 0 and "CoA about BY" in out and "fits %s.px" % a in out, "the kept CoA verifies, against what was sent", out + err)
    fake.answer = lambda r: (200, {}, read(a + ".coa"))
    rc, out, err = t.send(fake, "--json", a)
    doc = json.loads(out)
    px.ok(rc == 0 and doc["result"] == "duplicate" and fake.posts()[1]["body"] == sent[0]["body"],
          "a second run sends the same octets, and gets the same CoA", out + err)
    fake.close()


def traced(argv, trace):
    """Names of the system calls that matter, in order, with what they are about; None: cannot be traced here."""
    if not shutil.which("strace"):
        return None
    rc, out, err = px.run(["strace", "-f", "-y", "-e", "trace=fsync,rename,connect,sendto,write", "-s", "0", "-o", trace] + argv)
    if rc != 0:
        return None
    return read(trace).decode("utf-8", "replace").splitlines()


def flushing(t):
    fake = t.fake()
    fake.answer = accepting(t)
    d = t.folder()
    a = payload(d, "a.xml", "L1")
    calls = traced([PRINEX, "send"] + CATALOGUE + t.options(fake.url) + t.signing() + ["--environment", "test", a], os.path.join(d, "trace"))
    if calls is None:
        px.skip("send: file and folder flushed before the first attempt", "strace cannot be used here")
        px.skip("fetch: file and folder flushed before the confirmation", "strace cannot be used here")
        return

    def first(pattern, after=0):
        for i, line in enumerate(calls[after:], after):
            if re.search(pattern, line):
                return i
        return len(calls)
    file_flushed = first(r"fsync\(\d+<[^>]*a\.xml\.px\.[^>]*>\) = 0")
    renamed = first(r"rename\(.*\) = 0", file_flushed)
    folder_flushed = first(r"fsync\(\d+<%s>\) = 0" % re.escape(d), renamed)
    connected = first(r"connect\(.*%d" % fake.port if any(str(fake.port) in c for c in calls) else r"connect\(")
    px.ok(file_flushed < renamed < folder_flushed < connected < len(calls), "send: file and folder flushed before the first attempt",
          "\n".join(calls))

    out = t.folder()
    Inbox(t, fake, [("d1", exchange(t, mid="UA1"))], out)
    calls = traced([PRINEX, "fetch"] + t.options(fake.url) + t.signing() + ["--confirm", "--out", out], os.path.join(d, "trace"))
    file_flushed = first(r"fsync\(\d+<[^>]*UA_UA1\.xml\.[^>]*>\) = 0")
    renamed = first(r"rename\(.*\) = 0", file_flushed)
    folder_flushed = first(r"fsync\(\d+<%s>\) = 0" % re.escape(out), renamed)
    between = [c for c in calls[file_flushed:folder_flushed] if re.search(r"(sendto|write)\(\d+<(TCP|socket)", c)]
    then = first(r"(sendto|write)\(\d+<(TCP|socket)", folder_flushed)
    px.ok(file_flushed < renamed < folder_flushed < then < len(calls) and not between,
          "fetch: file and folder flushed before the confirmation", "\n".join(calls))
    fake.close()


def send_lost_answer(t):
    fake = t.fake()
    d = t.folder()
    a = payload(d, "a.xml", "L1")
    turn = []

    def answer(r):
        turn.append(r["body"])
        if len(turn) == 1:
            return None
        if len(turn) == 2:
            return 503, {"Retry-After": "1"}, b"overloaded\n"
        return 201, {}, t.confirmation(r["body"])
    fake.answer = answer
    rc, out, err = t.send(fake, a)
    px.ok(rc == 0 and len(turn) == 3 and len(set(turn)) == 1, "answer lost, then 503, then accepted: always the same octets", out + err)
    px.ok("a.xml: no final answer, trying again in" in err and "answered 503: overloaded" in err, "what is waited for is said", err)
    b = payload(d, "b.xml", "L2")
    fake.answer = lambda r: None
    rc, out, err = t.send(fake, "--retry-for", "0s", b)
    px.ok(rc == 3 and "not sent" in out and not os.path.exists(b + ".coa"), "no answer at all: status 3", out + err)
    fake.answer = accepting(t)
    rc, out, err = t.send(fake, b)
    posts = [r["body"] for r in fake.posts() if b"<LRN>L2<" in r["body"]]
    px.ok(rc == 0 and len(posts) == 2 and len(set(posts)) == 1, "the next run sends the same octets again", out + err)

    c = payload(d, "c.xml", "L3")
    got = threading.Event()

    def stall(r):
        got.set()
        time.sleep(3)
        return None
    fake.answer = stall
    p = subprocess.Popen([PRINEX, "send"] + CATALOGUE + t.options(fake.url) + t.signing() +
                         ["--environment", "test", "--recipient", "UA", c], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    got.wait(20 * px.SLOW)
    p.send_signal(signal.SIGKILL)
    p.wait()
    fake.answer = accepting(t)
    rc, out, err = t.send(fake, c)
    posts = [r["body"] for r in fake.posts() if b"<LRN>L3<" in r["body"]]
    px.ok(rc == 0 and len(posts) == 2 and len(set(posts)) == 1, "killed while sending: the same octets again", out + err)
    fake.close()


def send_refused(t):
    fake = t.fake()
    d = t.folder()
    a = payload(d, "a.xml", "L1")
    errors = ("<px:Error code=\"PX-SCHEMA-ENUM\" ncts=\"12\" line=\"41\" pointer=\"/n:A/b\" value=\"BYR\">not of the list</px:Error>"
              "<px:Error code=\"PX-SCHEMA-LONG\" line=\"7\">too long</px:Error><px:ErrorsTotal>2</px:ErrorsTotal>")
    fake.answer = lambda r: (422, {}, t.confirmation(r["body"], "CoE", errors))
    rc, out, err = t.send(fake, a)
    px.ok(rc == 1 and "refused by BY" in out and "  PX-SCHEMA-ENUM line 42 (41 of a.xml.px) /n:A/b \"BYR\": not of the list\n" in out and
          "  PX-SCHEMA-LONG line 8 (7 of a.xml.px): too long\n" in out and os.path.exists(a + ".coe"), "refused: every error shown, CoE kept, status 1", out + err)
    first = fake.posts()[-1]["body"]
    payload(d, "a.xml", "L1-corrected")
    fake.answer = accepting(t)
    rc, out, err = t.send(fake, a)
    last = fake.posts()[-1]["body"]
    px.ok(rc == 0 and last != first and b"L1-corrected" in last and not os.path.exists(a + ".coe"), "corrected: a new exchange", out + err)
    payload(d, "a.xml", "L1-again")
    rc, out, err = t.send(fake, a)
    px.ok(rc == 1 and "it was accepted as BY" in out and fake.posts()[-1]["body"] == last, "changed after acceptance: not sent", out + err)
    b = payload(d, "b.xml", "L2")
    fake.answer = lambda r: (413, {}, b"longer than 10 octets\n")
    rc, out, err = t.send(fake, b)
    px.ok(rc == 1 and "the broker takes none of" in out and "answered 413: longer than 10 octets" in out,
          "too large for the broker: that is about this file, status 1", out + err)
    fake.answer = lambda r: (404, {}, b"nothing here\n")
    rc, out, err = t.send(fake, b)
    px.ok(rc == 4 and "answered 404: nothing here" in out, "nothing was judged, and never will be: status 4", out + err)
    px.ok(len([r for r in fake.posts() if b"<LRN>L2<" in r["body"]]) == 2, "neither is tried again")
    c = payload(d, "c.xml", "L3")
    turn = []

    def answer(r):
        turn.append(1)
        if len(turn) == 1:
            return 422, {}, t.confirmation(r["body"], "CoE", "<px:Error code=\"PX-LIMIT\">later</px:Error>", cls="temporary")
        return 201, {}, t.confirmation(r["body"])
    fake.answer = answer
    rc, out, err = t.send(fake, c)
    px.ok(rc == 0 and len(turn) == 2, "a temporary exception is tried again", out + err)
    fake.close()


def send_otherwise(t):
    """FILE.px is sent again only when it is what is asked for."""
    fake = t.fake()
    d = t.folder()
    a = payload(d, "a.xml", "L1")
    fake.answer = lambda r: None
    t.send(fake, "--retry-for", "0s", a)
    first = read(a + ".px")
    rc, out, err = t.send(fake, "--recipient", "RO", "--retry-for", "0s", a)
    px.ok(rc == 1 and "recipients UA then, UA, RO now" in out and "--anew" in out and len(fake.posts()) == 1 and read(a + ".px") == first,
          "another recipient while no answer is known: not sent, and what differs is said", out + err)
    refusal = "<px:Error code=\"PX-ENV-ENVIRONMENT\" line=\"1\" pointer=\"/px:Exchange/px:Header/px:Environment\">for another</px:Error>"
    fake.answer = lambda r: (422, {}, t.confirmation(r["body"], "CoE", refusal))
    rc, out, err = t.send(fake, a)
    px.ok(rc == 1 and fake.posts()[-1]["body"] == first and "PX-ENV-ENVIRONMENT line 1 of a.xml.px /px:Exchange" in out,
          "a refusal of the envelope names the line of the exchange", out + err)
    fake.answer = accepting(t)
    rc, out, err = t.send(fake, "--environment", "live", "--json", a)
    doc = json.loads(out)
    last = fake.posts()[-1]["body"]
    px.ok(rc == 0 and b"<px:Environment>live<" in last and "was refused (environment test then, live now): sent as a new exchange" in
          doc.get("remark", ""), "after a refusal: a new exchange as asked for now, and it is said", out + err)
    before = len(fake.posts())
    rc, out, err = t.send(fake, "--recipient", "RO", "--environment", "live", a)
    px.ok(rc == 1 and "it was accepted as BY" in out and len(fake.posts()) == before, "accepted, asked for otherwise: not sent", out + err)
    rc, out, err = t.send(fake, d)
    px.ok(rc == 0 and len(fake.posts()) == before and "accepted in an earlier run" in out and "environment live then, test now" in out,
          "in a folder: left alone, and said", out + err)
    rc, out, err = t.send(fake, "--anew", a)
    px.ok(rc == 0 and len(fake.posts()) == before + 1 and fake.posts()[-1]["body"] != last and
          sorted(n for n in os.listdir(d) if n.endswith(".coa")) == sorted(["a.xml.coa", "a.xml.%s.coa" % doc["id"]]),
          "--anew: another exchange, the earlier one is kept", (out + err, os.listdir(d)))
    rc, out, err = t.send(fake, "--anew", d)
    px.ok(rc == 2 and "not for folders" in err, "--anew is not for folders", err)
    fake.close()


def send_untrusted(t):
    fake = t.fake()
    d = t.folder()
    forged = t.confirmation
    cases = [
        ("signed by another authority", lambda b: forged(b, authority="UA"), "PX-CERT"),
        ("signed by a system, not the node", lambda b: forged(b, who="system"), "PX-CERT"),
        ("about other octets", lambda b: forged(b, digest="0" * 64), "PX-CONF-DIGEST"),
        ("changed after signing", lambda b: forged(b).replace(b"<px:ConfirmationId>PX-", b"<px:ConfirmationId>PX-9", 1), "PX-SIG-DIGEST"),
        ("a CoE under status 201", lambda b: forged(b, "CoE", "<px:Error code=\"PX-LIMIT\">x</px:Error>"), "makes no sense"),
    ]
    for i, (text, make, expected) in enumerate(cases):
        a = payload(d, "a%d.xml" % i, "L%d" % i)
        fake.answer = lambda r, make=make: (201, {}, make(r["body"]))
        rc, out, err = t.send(fake, a)
        px.ok(rc == 4 and expected in out and os.path.exists(a + ".untrusted") and not os.path.exists(a + ".coa"),
              "an answer " + text + " is not believed", out + err)
    fake.close()


def send_many(t):
    fake = t.fake()
    d = t.folder()
    order = [("01.xml", "M1"), ("02.xml", "M2"), ("03.xml", "M1"), ("04.xml", "M3"), ("05.xml", "M1"), ("06.xml", "M2")]
    for name, lrn in order:
        payload(d, name, lrn)
    with open(os.path.join(d, "note.txt"), "w") as f:
        f.write("not XML")
    open_now, overlap, seen, lock = {}, [], [], threading.Lock()

    def answer(r):
        lrn = re.search(rb"<LRN>([^<]*)<", r["body"]).group(1).decode()
        with lock:
            seen.append((lrn, r["body"]))
            overlap.append(open_now.get(lrn, 0))
            open_now[lrn] = open_now.get(lrn, 0) + 1
        time.sleep(0.3)
        doc = t.confirmation(r["body"])
        with lock:
            open_now[lrn] -= 1
        return 201, {}, doc
    fake.answer = answer
    rc, out, err = t.send(fake, "--parallel", "3", d)
    px.ok(rc == 0 and "6 files: 6 accepted (0 of them earlier), 0 refused, 0 not sent" in out, "a folder: all *.xml", out + err)
    px.ok(max(overlap) == 0 and fake.most >= 2, "one at a time per movement, several movements at a time", (overlap, fake.most))
    first = [b for lrn, b in seen if lrn == "M1"]
    px.ok(len(first) == 3 and first == [read(os.path.join(d, n + ".px")) for n in ("01.xml", "03.xml", "05.xml")],
          "a movement's messages go in the order of their names")
    before = len(fake.posts())
    rc, out, err = t.send(fake, d)
    px.ok(rc == 0 and len(fake.posts()) == before and "6 accepted (6 of them earlier)" in out, "run again: nothing is sent twice", out + err)
    rc, out, err = t.send(fake, "--again", d)
    px.ok(rc == 0 and len(fake.posts()) == before + 6 and {r["body"] for r in fake.posts()[before:]} == {b for _, b in seen},
          "--again: the same octets", out + err)

    d = t.folder()
    for name, lrn in order:
        payload(d, name, lrn)
    fake.answer = lambda r: None if b"<LRN>M1<" in r["body"] else (201, {}, t.confirmation(r["body"]))
    rc, out, err = t.send(fake, "--retry-for", "0s", d)
    px.ok(rc == 3 and "01.xml: not sent" in out and "03.xml: held" in out and "05.xml: held" in out and
          "6 files: 3 accepted (0 of them earlier), 0 refused, 3 not sent" in out,
          "a movement stops at what cannot be sent; others go on", out + err)
    px.ok(not os.path.exists(os.path.join(d, "03.xml.px")), "what is held has not been touched")
    fake.answer = accepting(t)
    rc, out, err = t.send(fake, d)
    px.ok(rc == 0 and "6 accepted (3 of them earlier)" in out, "and goes on there the next time", out + err)

    d = t.folder()
    payload(d, "a.xml", "M9")
    with open(os.path.join(d, "b.xml"), "w") as f:
        f.write("<broken>")
    rc, out, err = t.send(fake, d)
    px.ok(rc == 1 and "b.xml: not sent: line 1: not well-formed" in out and "1 accepted" in out, "one broken file does not stop the others", out + err)
    rc, out, err = px.run([PRINEX, "send"] + CATALOGUE + t.options(fake.url) + t.signing() + ["--environment", "test", "--keep", d, "-"],
                          stdin=open(payload(t.folder(), "x.xml", "M10"), "rb"))
    names = [n for n in os.listdir(d) if n.startswith("BY_BY") and n.endswith(".xml.px")]
    px.ok(rc == 0 and len(names) == 1 and os.path.exists(os.path.join(d, names[0][:-3] + ".coa")), "standard input is kept too", out + err)
    fake.close()


def conf_file(t):
    fake = t.fake()
    fake.answer = accepting(t)
    d = t.folder()
    conf = os.path.join(d, "prinex.conf")
    s = t.p("BY", "system")
    with open(conf, "w") as f:
        f.write("client {\n  url = \"%s\"\n  server-uri = \"%s\"\n  anchors = { \"%s\" }\n  crl = { \"%s\" }\n"
                "  cert = \"%s/tls.pem\" key = \"%s/tls.key\"\n  sign-cert = \"%s/sign-ec.pem\" sign-key = \"%s/sign-ec.key\"\n"
                "  environment = \"test\"\n  recipient = { \"UA\" }\n  catalogue = { \"%s\" }\n}\n"
                "authority \"BY\" { node { anchors = { \"%s\" } crls = { \"%s\" } } }\n"
                % (fake.url, NODE, t.p("BY", "tls-ca.pem"), t.p("BY", "tls-ca.crl"), s, s, s, s, px.CATALOGUE,
                   t.p("BY", "anchors.pem"), t.p("BY", "sign-crl.pem")))
    a = payload(d, "a.xml", "L1")
    rc, out, err = px.run([PRINEX, "send", a], env=dict(os.environ, PRINEX_CONF=conf))
    px.ok(rc == 0 and b"ecdsa-sha256" in fake.posts()[0]["body"], "settings from the file that PRINEX_CONF names", out + err)
    rc, out, err = px.run([PRINEX, "send", "--conf", conf, "--recipient", "RO", payload(d, "b.xml", "L2")])
    px.ok(rc == 0 and b"<px:Recipient>RO</px:Recipient>" in fake.posts()[1]["body"] and b"<px:Recipient>UA<" not in fake.posts()[1]["body"],
          "the command line wins", out + err)
    fake.close()


# --- fetch -----------------------------------------------------------------------------------------------------------

class Inbox:
    def __init__(self, t, fake, exchanges, out):
        self.t, self.queue, self.out = t, list(exchanges), out
        self.confirmed, self.on_disk = {}, []
        self.confirm_status = 204
        fake.answer = self.answer

    def answer(self, r):
        if r["method"] == "GET" and r["path"].startswith("/v1/inbox"):
            if not self.queue:
                return 204, {}, b""
            name, body = self.queue.pop(0)
            return 200, {"Prinex-Delivery": name, "Content-Type": "application/xml"}, body
        if r["method"] == "POST" and r["path"].startswith("/v1/inbox/"):
            self.confirmed[r["path"][len("/v1/inbox/"):]] = r["body"]
            self.on_disk.append(sorted(os.listdir(self.out)))
            return self.confirm_status, {}, b"" if self.confirm_status == 204 else b"the lease has passed on\n"
        return 404, {}, b"no\n"


def exchange(t, name="Ping-small.xml", sender="UA", mid="UA1"):
    base = t.p(sender, "system", "sign")
    rc, out, err = px.run([PRINEX, "sign"] + CATALOGUE + ["--sign-cert", base + ".pem", "--sign-key", base + ".key", "--recipient", "BY",
                          "--environment", "test", "--id", mid, px.example(name)])
    assert rc == 0, err
    return out.encode()


def fetching(t):
    fake = t.fake()
    d = t.folder()
    one, two = exchange(t, mid="UA1"), exchange(t, mid="UA2")
    box = Inbox(t, fake, [("d1", one), ("d2", two)], d)
    rc, out, err = t.fetch(fake, "--confirm", "--out", d + "/", "--wait", "1")
    px.ok(out.startswith(os.path.join(d, "UA_UA1.xml: new")), "files are named without double slashes", out)
    px.ok(rc == 0 and sorted(os.listdir(d)) == ["UA_UA1.xml", "UA_UA2.xml"] and read(os.path.join(d, "UA_UA1.xml")) == one,
          "fetch: files SENDER_ID.xml with the octets that came", out + err)
    px.ok(sorted(box.confirmed) == ["d1", "d2"] and box.on_disk[0] == ["UA_UA1.xml"], "each confirmed once it is on disk", box.on_disk)
    px.ok(any(r["path"] == "/v1/inbox?wait=1" for r in fake.requests), "a long poll")
    coa = os.path.join(t.folder(), "x.coa")
    with open(coa, "wb") as f:
        f.write(box.confirmed["d1"])
    with open(coa[:-4] + ".px", "wb") as f:
        f.write(one)
    rc, out, err = px.run([PRINEX, "verify"] + CATALOGUE + ["--trust", "BY:system=" + t.p("BY", "anchors.pem"), coa])
    px.ok(rc == 0 and "CoA about UA1 of UA" in out and "signed by BY system" in out and "fits" in out, "the confirmation is a CoA signed by us", out + err)

    stamp = os.stat(os.path.join(d, "UA_UA1.xml")).st_mtime_ns
    box = Inbox(t, fake, [("d3", one)], d)
    rc, out, err = t.fetch(fake, "--confirm", "--out", d)
    px.ok(rc == 0 and "known" in out and list(box.confirmed) == ["d3"] and os.stat(os.path.join(d, "UA_UA1.xml")).st_mtime_ns == stamp,
          "known: same name, same octets: only confirmed", out + err)
    other = exchange(t, name="ArrivalNotice-small.xml", mid="UA1")
    box = Inbox(t, fake, [("d4", other)], d)
    rc, out, err = t.fetch(fake, "--confirm", "--out", d)
    aside = [n for n in os.listdir(d) if n.endswith(".conflict")]
    px.ok(rc == 1 and not box.confirmed and len(aside) == 1 and read(os.path.join(d, aside[0])) == other and
          read(os.path.join(d, "UA_UA1.xml")) == one, "other octets under a known name: kept aside, not confirmed, status 1", out + err)

    d = t.folder()
    box = Inbox(t, fake, [("d5", one), ("d6", two)], d)
    rc, out, err = t.fetch(fake, "--out", d, "--max", "1", "--json")
    px.ok(rc == 0 and len(box.queue) == 1 and not box.confirmed and json.loads(out.splitlines()[0])["result"] == "new",
          "--max, and without --confirm nothing is confirmed", out + err)
    box = Inbox(t, fake, [("d7", one)], d)
    rc, out, err = t.fetch(fake, "--out", d, "--refuse", "PX-ROUTE", "not for us")
    body = box.confirmed.get("d7", b"")
    px.ok(rc == 0 and b"<px:Kind>CoE</px:Kind><px:Class>permanent</px:Class>" in body and b"code=\"PX-ROUTE\"" in body and b">not for us<" in body,
          "--refuse answers a CoE", out + err)
    box = Inbox(t, fake, [("d8", one)], d)
    box.confirm_status = 409
    rc, out, err = t.fetch(fake, "--confirm", "--out", d)
    px.ok(rc == 3 and "answered 409: the lease has passed on" in out, "a confirmation not taken: status 3, and said", out + err)


def fetching_hostile(t):
    fake = t.fake()
    d = t.folder()
    good = exchange(t, mid="UA1")
    evil = good.replace(b"<px:MessageId>UA1<", b"<px:MessageId>../../evil<")
    forged = good.replace(b"<px:Recipient>BY<", b"<px:Recipient>PL<")
    box = Inbox(t, fake, [("d1", evil), ("d2", b"not XML at all"), ("../../v1/exchanges", good)], d)
    rc, out, err = t.fetch(fake, "--confirm", "--out", d)
    names = sorted(os.listdir(d))
    px.ok(not box.confirmed and len([n for n in names if n.startswith("unknown_") and n.endswith(".bad")]) == 2 and
          not os.path.exists(os.path.join(d, "..", "evil.xml")) and rc == 3,
          "a header cannot lead out of the folder; a delivery cannot lead to another path", (rc, names, out + err))
    d = t.folder()
    box = Inbox(t, fake, [("d1", forged), ("d2", good)], d)
    rc, out, err = t.fetch(fake, "--confirm", "--verify", "--trust", "UA:system=" + t.p("UA", "anchors.pem"), "--out", d)
    px.ok(rc == 1 and list(box.confirmed) == ["d2"] and sorted(os.listdir(d)) == ["UA_UA1.xml", "UA_UA1.xml.bad"] and "PX-SIG-DIGEST" in out,
          "--verify: what does not verify is set aside and not confirmed", out + err)
    rc, out, err = t.fetch(fake, "--confirm", "--out", os.path.join(d, "none"))
    px.ok(rc == 2 and "no such folder" in err, "no folder: nothing is fetched", err)
    if os.geteuid() != 0:
        os.chmod(d, 0o500)
        box = Inbox(t, fake, [("d3", exchange(t, mid="UA3"))], d)
        rc, out, err = t.fetch(fake, "--confirm", "--out", d)
        px.ok(rc == 3 and not box.confirmed, "what cannot be written is not confirmed", out + err)
        os.chmod(d, 0o700)
    else:
        px.skip("what cannot be written is not confirmed", "root may write everywhere")
    fake.close()


def fetching_forever(t):
    fake = t.fake()
    d = t.folder()
    state = {"n": 0}
    one = exchange(t, mid="UA1")

    def answer(r):
        if r["method"] == "POST":
            return 204, {}, b""
        state["n"] += 1
        if state["n"] == 1:
            return 503, {}, b"starting\n"
        if state["n"] == 2:
            return 200, {"Prinex-Delivery": "d1"}, one
        time.sleep(0.2)
        return 204, {}, b""
    fake.answer = answer
    p = subprocess.Popen([PRINEX, "fetch"] + t.options(fake.url) + t.signing() + ["--forever", "--confirm", "--wait", "1", "--out", d],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    there = px.wait_for(lambda: os.path.exists(os.path.join(d, "UA_UA1.xml")) and state["n"] > 3)
    p.send_signal(signal.SIGTERM)
    try:
        out, err = p.communicate(timeout=60 * px.SLOW)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
    px.ok(there and p.returncode == 0 and b"answered 503: starting" in err and b"1 confirmed" in out,
          "--forever survives a broker that starts, and ends by a signal", out.decode() + err.decode())
    fake.close()


# --- prinex-spool: killed before each of its renames ---------------------------------------------------------------------

def spool(t, fake, folder, kill=0):
    """One run of prinex-spool --once, killed at its kill-th rename; whether it was killed."""
    conf = os.path.join(folder, "spool.conf")
    s, spool_folder = t.p("BY", "system"), os.path.join(folder, "spool")
    with open(conf, "w") as f:
        f.write("client {\n  url = \"%s\"  server-uri = \"%s\"  anchors = { \"%s\" }  cert = \"%s/tls.pem\"  key = \"%s/tls.key\"\n"
                "  sign-cert = \"%s/sign.pem\"  sign-key = \"%s/sign.key\"  environment = \"test\"  recipient = { \"UA\" }\n"
                "  catalogue = { \"%s\" }  spool-folder = \"%s\"\n}\nauthority \"BY\" { node { anchors = { \"%s\" } crl-required = false } }\n"
                % (fake.url, NODE, t.p("BY", "tls-ca.pem"), s, s, s, s, px.CATALOGUE, spool_folder, t.p("BY", "anchors.pem")))
    argv = [px.program("prinex-spool"), "--conf", conf, "--once"]
    if kill:
        argv = ["strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "-e", "inject=rename:signal=SIGKILL:when=%d" % kill] + argv
    rc, out, err = px.run(argv, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if kill else None)
    return rc not in (0, 1), rc, out + err


def spool_crashes(t):
    if not shutil.which("strace") or px.run(["strace", "-o", "/dev/null", "true"])[0] != 0:
        px.skip("prinex-spool killed before each rename", "strace cannot be used here")
        return
    spool_killed_sending(t)
    spool_killed_fetching(t)


def killed_at_each(t, fake, prepare, judge):
    """Kill at the first rename, the second, ... until none is left to kill at. strace counts for each thread by itself."""
    wrong = []
    for n in range(1, 30):
        d = t.folder()
        prepare(d)
        killed = spool(t, fake, d, n)[0]
        judge(d, [])
        said = spool(t, fake, d)
        judge(d, wrong)
        if wrong:
            wrong.append((n, said))
        if not killed:
            return n - 1, wrong
    return 0, ["never came through"]


def spool_killed_sending(t):
    fake = t.fake()
    posted = set()

    def answer(r):
        if r["path"] != "/v1/exchanges":
            return 204, {}, b""
        posted.add(r["body"])
        return 201, {}, t.confirmation(r["body"])
    fake.answer = answer

    def prepare(d):
        posted.clear()
        os.makedirs(os.path.join(d, "spool", "out"))
        payload(os.path.join(d, "spool", "out"), "a.xml", "K1")

    def judge(d, wrong):
        there = {p: sorted(os.listdir(os.path.join(d, "spool", p))) for p in ("out", "work", "sent")}
        if len(posted) != 1 or there != {"out": [], "work": [], "sent": ["a.xml", "a.xml.coa", "a.xml.px", "a.xml.txt"]}:
            wrong.append((len(posted), there))
    points, wrong = killed_at_each(t, fake, prepare, judge)
    px.ok(points >= 7 and not wrong, "prinex-spool killed before each of its %d renames: sent once, all in sent/" % points, wrong)
    fake.close()


def spool_killed_fetching(t):
    fake = t.fake()
    one = exchange(t, mid="UA1")
    came, confirmed = [], []

    def answer(r):
        if r["method"] == "GET":
            return (204, {}, b"") if confirmed else (200, {"Prinex-Delivery": "d1"}, one)
        confirmed.append(r["path"])
        return 204, {}, b""

    def prepare(d):
        came.clear()
        confirmed.clear()

    def judge(d, wrong):
        """A customs system that takes away what it sees."""
        folder = os.path.join(d, "spool", "in")
        for name in [n for n in os.listdir(folder) if n.endswith(".xml")]:
            came.append(read(os.path.join(folder, name)))
            os.remove(os.path.join(folder, name))
        if came != [one] or not confirmed:
            wrong.append((len(came), confirmed))
    fake.answer = answer
    points, wrong = killed_at_each(t, fake, prepare, judge)
    px.ok(points >= 3 and not wrong, "killed before each of its %d renames: fetched into in/ once" % points, wrong)
    # the confirmation is lost after the file was taken away
    d = t.folder()
    prepare(d)
    fake.answer = lambda r: answer(r) if r["method"] == "GET" else (503, {}, b"no\n") if not came else answer(r)
    spool(t, fake, d)
    judge(d, [])
    spool(t, fake, d)
    wrong = []
    judge(d, wrong)
    px.ok(not wrong, "offered again after it was taken away: confirmed, and not delivered a second time", wrong)
    fake.close()


def status(t):
    fake = t.fake()
    state = ("<px:State xmlns:px=\"urn:prinex:exchange:1\"><px:Sender>BY</px:Sender><px:MessageId>BY1</px:MessageId>"
             "<px:MessageState>accepted</px:MessageState><px:Delivery><px:Recipient>UA</px:Recipient>"
             "<px:DeliveryState>queued</px:DeliveryState><px:Attempts>3</px:Attempts>"
             "<px:LastError code=\"PX-LIMIT\">busy</px:LastError></px:Delivery></px:State>")
    fake.answer = lambda r: (200, {}, state.encode()) if r["path"] == "/v1/exchanges/BY/BY1" else (404, {}, b"unknown\n")
    rc, out, err = px.run([PRINEX, "status"] + t.options(fake.url) + ["BY", "BY1"])
    px.ok(rc == 0 and "MessageState: accepted" in out and "  DeliveryState: queued" in out and "LastError PX-LIMIT: busy" in out,
          "status", out + err)
    rc, out, err = px.run([PRINEX, "status", "--json"] + t.options(fake.url) + ["BY", "BY1"])
    px.ok(rc == 0 and json.loads(out)["Delivery"][0]["LastError"]["code"] == "PX-LIMIT", "status as JSON", out + err)
    rc, out, err = px.run([PRINEX, "status"] + t.options(fake.url) + ["BY", "BY2"])
    px.ok(rc == 1 and "knows no such exchange of ours" in err, "status of what the broker does not know", out + err)
    fake.close()


def main():
    with px.Lab("BY", "UA", wrong=True) as lab:
        t = Test(lab)
        parts = [spool_crashes, server_certificates, no_connection, send_many, offline, checking, usage, client_certificates, send_one, flushing,
                 send_lost_answer, send_refused, send_otherwise, send_untrusted, conf_file, fetching, fetching_hostile, fetching_forever, status]
        wanted = sys.argv[1:]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # each has its own broker; they mostly wait
            running = [pool.submit(part, t) for part in parts if not wanted or part.__name__ in wanted]
        for part in running:
            part.result()
    px.done()


main()
