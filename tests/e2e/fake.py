# prinex: a pushed-to system that behaves as a test wants: mTLS server, real or faulty answers
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""fake.Server(system, folder_of_tls, behave) listens on loopback. behave(server, request) is called for each POST read whole and
returns what to answer: an Answer of fake.good(...) and friends, or CUT to close without one. A server that should cut before
reading anything gets cut_first = N: that many connections end after the TLS handshake."""
import hashlib
import os
import socket
import ssl
import threading
import time

import bulk
import px
import raw

CUT = object()


class Request:
    def __init__(self, path, headers, body, number, peer):
        self.path, self.headers, self.body, self.number, self.peer = path, headers, body, number, peer
        self.at = time.monotonic()


class Server:
    def __init__(self, system, tls, behave, cut_first=0, port=None):
        self.system, self.behave, self.cut_first = system, behave, cut_first
        self.requests, self.tries, self.cuts, self.lock = [], {}, 0, threading.Lock()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.set_ciphers("DEFAULT@SECLEVEL=0")  # a test may show a key that is too small
        self.context.load_cert_chain(os.path.join(tls, "tls.pem"), os.path.join(tls, "tls.key"))
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(os.path.join(system.lab.pki, system.broker.authority, "tls-ca.pem"))
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port or 0))
        self.port = self.socket.getsockname()[1]
        self.url = "https://127.0.0.1:%d" % self.port
        self.socket.listen(64)
        self.open = True
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while self.open:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            s.settimeout(60)
            with self.context.wrap_socket(s, server_side=True) as t:
                with self.lock:
                    cut = self.cuts < self.cut_first
                    self.cuts += cut
                if cut:
                    return
                f = t.makefile("rb")
                while self.open and self.one(t, f):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            s.close()

    def one(self, t, f):
        line = f.readline().decode("latin-1").split()
        if len(line) != 3:
            return False
        headers = {}
        while True:
            h = f.readline().decode("latin-1").rstrip("\r\n")
            if not h:
                break
            headers[h.split(":", 1)[0].lower()] = h.split(":", 1)[1].strip()
        if line[0] != "POST":  # a client that also fetches, with nothing to be fetched here
            t.sendall(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
            return True
        body = f.read(int(headers.get("content-length", 0)))
        key = bulk.identity(body)
        with self.lock:
            number = self.tries[key] = self.tries.get(key, 0) + 1
            request = Request(line[1], headers, body, number, t.getpeercert())
            self.requests.append(request)
        answer = self.behave(self, request)
        if answer is CUT:
            return False
        text = "HTTP/1.1 %d X\r\nContent-Length: %d\r\n" % (answer.status, len(answer.body))
        text += "".join("%s: %s\r\n" % h for h in answer.headers.items())
        t.sendall(text.encode() + b"\r\n" + answer.body)
        return True

    def bodies(self):
        """Octets received, by (Sender, MessageId): each must be one."""
        found = {}
        for r in self.requests:
            found.setdefault(bulk.identity(r.body), set()).add(hashlib.sha256(r.body).hexdigest())
        return found

    def close(self):
        self.open = False
        # shutdown() wakes accept(), close() alone does not.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def xml(status, doc):
    return px.Answer(status, {"Content-Type": "application/xml"}, doc)


def text(status, line, **headers):
    return px.Answer(status, dict({"Content-Type": "text/plain"}, **{k.replace("_", "-"): v for k, v in headers.items()}), line.encode())


def good(server, request, signer=None, about=None):
    """201 and a CoA. @signer: another system that signs; @about: other octets that it is about."""
    system = signer or server.system
    return xml(201, system.seal(raw.coa(about or request.body, system.authority)))


def refusal(server, request, klass="permanent", signer=None, about=None):
    """422 and a CoE."""
    system = signer or server.system
    error = '<px:Error code="X-TEST-1" pointer="/x" value="42">the tariff number is unknown here</px:Error>'
    doc = raw.coa(about or request.body, system.authority, "CoE", error)
    return xml(422, system.seal(doc.replace(b"<px:Class>permanent<", b"<px:Class>%s<" % klass.encode())))


def unsigned(server, request):
    doc = raw.coa(request.body, server.system.authority)
    return xml(201, doc.replace(b"@SIGNATURE@", b""))


def then_good(*faults):
    """A behaviour: for each message the faults in turn, then a good CoA. A fault is an Answer, CUT, or a function like good()."""
    def behave(server, request):
        if request.number > len(faults):
            return good(server, request)
        fault = faults[request.number - 1]
        return fault(server, request) if callable(fault) else fault
    return behave
