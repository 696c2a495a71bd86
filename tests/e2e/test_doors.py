#!/usr/bin/env python3
# prinex: bad input at each door: the documented status, a signed exception where a partner is known, nobody else affected
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import shutil
import socket
import ssl

import px
import raw

if not shutil.which("xmlsec1"):
    px.skip("bad input at each door", "xmlsec1 is not installed")
    px.done()

with px.Lab("BY", "UA", wrong=True) as lab:
    by, ua = lab.pair()
    good = raw.System(lab, "BY", broker=by)
    payload = px.example("ExportDeclaration-small.xml")
    wrong = os.path.join(lab.pki, "wrong", "BY")

    def logged(text):
        return px.wait_for(lambda: text in by.tail(400), 5)

    def peer(case):
        return raw.System(lab, "BY", broker=by, tls=(os.path.join(wrong, "tls-%s.pem" % case), os.path.join(wrong, "tls-%s.key" % case)))

    # A connection that stays open through all of it.
    witness = raw.System(lab, "BY", broker=by)
    keep = px.http.client.HTTPSConnection("127.0.0.1", by.port, context=witness.context(), timeout=30)
    keep.request("GET", "/v1/ping")
    px.ok(keep.getresponse().read().startswith(b"<px:Node"), "a good partner is connected")

    # --- not TLS, no certificate, certificates of nobody
    with socket.create_connection(("127.0.0.1", by.port), 10) as s:
        s.sendall(b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        s.settimeout(10 * px.SLOW)
        data = s.recv(4096)
    px.ok(b"HTTP/1.1 200" not in data, "plain HTTP on the TLS port is closed")
    px.ok(logged("plain HTTP, but this port speaks TLS only"), "the log says that this was not TLS", by.tail(10))

    def refused(p):
        try:
            r = p.request("GET", "/v1/ping")
            return "answered %d" % r.status
        except (ssl.SSLError, ConnectionError, px.http.client.RemoteDisconnected, OSError):
            return ""

    none = raw.System(lab, "BY", broker=by)
    none.cert = None
    px.ok(refused(none) == "", "no certificate: no answer", refused(none))
    for case in sorted(f[4:-4] for f in os.listdir(wrong) if f.startswith("tls-") and f.endswith(".pem")):
        px.ok(refused(peer(case)) == "", "TLS certificate %s: no answer" % case, by.tail(5))
    stranger = raw.System(lab, "UA", broker=by)  # a good certificate of an authority whose system is no partner here
    px.ok(refused(stranger) == "", "a certificate of no partner: no answer")

    # --- HTTP
    def bare(octets):
        ctx = good.context()
        with socket.create_connection(("127.0.0.1", by.port), 10) as s, ctx.wrap_socket(s) as t:
            t.settimeout(15 * px.SLOW)
            t.sendall(octets)
            data = b""
            try:
                while True:
                    more = t.recv(65536)
                    if not more:
                        break
                    data += more
            except (OSError, ssl.SSLError):
                pass
            return data

    for text, octets in (
            ("not HTTP", b"\x00\x01\x02 hello\r\n\r\n"),
            ("two Content-Length", b"POST /v1/exchanges HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
            ("no Host", b"GET /v1/ping HTTP/1.1\r\n\r\n"),
            ("bare line feeds", b"GET /v1/ping HTTP/1.1\nHost: x\n\n"),
            ("length and chunked", b"POST /v1/exchanges HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")):
        answer = bare(octets)
        px.ok(answer.startswith(b"HTTP/1.1 400 "), "%s: 400 and close" % text, answer[:200])
    px.ok(bare(b"HEAD /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 405 "), "HEAD: 405")
    r = good.request("GET", "/v2/anything")
    px.ok(r.status == 404, "unknown resource: 404", r.status)
    r = good.request("POST", "/v1/exchanges", body=b"{}", headers={"Content-Type": "application/json"})
    px.ok(r.status == 415, "wrong content type: 415", r.status)
    r = good.request("GET", "/v1/exchanges")
    px.ok(r.status == 405, "GET where POST belongs: 405", r.status)
    answer = bare(b"POST /v1/exchanges HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nContent-Length: 99999999\r\n\r\n")
    px.ok(answer.startswith(b"HTTP/1.1 413 "), "oversize: 413 before the body is read", answer[:200])
    answer = bare(b"POST /v1/exchanges HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nContent-Length: 99999999\r\n"
                  b"Expect: 100-continue\r\n\r\n")
    px.ok(b"100 Continue" not in answer and b"HTTP/1.1 413 " in answer, "oversize with Expect: 413, never 100", answer[:200])

    # --- XML, envelope, type: 422 and a signed CoE
    anchors = os.path.join(lab.pki, "BY", "anchors.pem")

    def coe(r, code, text, status=422):
        fine = r.status == status and r.kind() == "CoE" and code in r.codes()
        px.ok(fine, "%s: %d, CoE %s" % (text, status, code), "%d %s" % (r.status, r.text()[:1500]))
        return r

    r = coe(good.post(b"this is no XML"), "PX-XML-SYNTAX", "not XML")
    verified, out = raw.verify(r.body, anchors, good.dir)
    px.ok(verified, "the exception is signed by the node (xmlsec1 verifies it)", out)
    coe(good.post(b'<!DOCTYPE a [<!ENTITY x "y">]><a/>'), "PX-SCAN-DOCTYPE", "document type declaration")
    coe(good.post(b"<a><b></a>"), "PX-XML-SYNTAX", "not well-formed")
    coe(good.post(b"<a/>"), "PX-ENV-ROOT", "wrong root")
    body = raw.payload_of(payload)
    coe(good.post(good.seal(raw.exchange(body, raw.fresh(), "ExportDeclaration").replace(b"exchange:1", b"exchange:2"))),
        "PX-ENV-VERSION", "unknown protocol version")
    coe(good.post(good.seal(raw.exchange(body, raw.fresh(), "ExportDeclaration", extra_header="<px:Colour>red</px:Colour>"))),
        "PX-ENV-HEADER", "unknown header element")
    coe(good.post(good.make(payload, "NoSuchType")), "PX-ENV-TYPE", "unknown type")
    coe(good.post(good.make(payload, "ExportDeclaration", version="99")), "PX-ENV-TYPE-VERSION", "unknown version of a type")
    coe(good.post(good.make(payload, "TransitDeclaration")), "PX-ENV-ROOT-TYPE", "root of another type")
    coe(good.post(good.make(payload, "ExportDeclaration", environment="production")), "PX-ENV-ENVIRONMENT", "another environment")
    many = good.post(good.make(px.example("invalid/ExportDeclaration-many.xml"), "ExportDeclaration"))
    px.ok(many.status == 422 and len(many.codes()) == 100 and "<px:ErrorsTotal>" in many.text(),
          "a payload with many errors: 100 errors and their total", "%d %d" % (many.status, len(many.codes())))

    # --- signature
    doc = good.make(payload, "ExportDeclaration")
    coe(good.post(raw.exchange(body, raw.fresh(), "ExportDeclaration").replace(b"@SIGNATURE@", b"")), "PX-SIG-MISSING", "not signed")
    coe(good.post(doc.replace(b"<px:Recipient>UA<", b"<px:Recipient>PL<")), "PX-SIG-DIGEST", "forged: changed after signing")
    other = raw.System(lab, "UA", broker=by)
    coe(good.post(raw.sign(raw.exchange(body, raw.fresh(), "ExportDeclaration"), other.sign_key, other.sign_cert, work=good.dir)),
        "PX-CERT-IDENTITY", "signed by another authority's system")
    for case, code in (("expired", "PX-CERT-EXPIRED"), ("not-yet", "PX-CERT-NOT-YET"), ("revoked", "PX-CERT-REVOKED"),
                       ("other-ca", "PX-CERT-CHAIN"), ("wrong-eku", "PX-CERT-USAGE"), ("small-key", "PX-CERT-KEY"),
                       ("wrong-authority", "PX-CERT-IDENTITY"), ("self-signed", "PX-CERT-CHAIN"), ("no-san", "PX-CERT-IDENTITY")):
        cert, key = (os.path.join(wrong, "sign-%s.%s" % (case, x)) for x in ("pem", "key"))
        bad = raw.sign(raw.exchange(body, raw.fresh(), "ExportDeclaration"), key, cert, work=good.dir, plain=True)
        coe(good.post(bad), code, "signing certificate %s" % case)

    # --- who and when
    coe(good.post(good.make(payload, "ExportDeclaration", created=raw.now(3600))), "PX-TIME-FUTURE", "created in the future")
    coe(good.post(good.make(payload, "ExportDeclaration", recipients=("PL",))), "PX-ROUTE", "a recipient nobody reaches")
    node = raw.System(lab, "UA", folder="node", broker=by)
    coe(node.post(doc), "PX-PEER-SENDER", "sent over another authority's connection", 403)

    # --- and nobody else noticed
    r = good.post(doc)
    px.ok(r.status == 201, "the good message is accepted after all that", r.text())
    keep.request("GET", "/v1/ping")
    px.ok(keep.getresponse().status == 200, "the connection that was open before still works")
    px.ok(by.metric("prinex_refused_total") > 20 and by.metric("prinex_accepted_total") == 1, "metrics count refusals and acceptance")
    px.ok("code=PX-SIG-DIGEST" in by.tail(400), "the log names code and partner of a refusal", by.tail(5))
px.done()
