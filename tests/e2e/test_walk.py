#!/usr/bin/env python3
# prinex: one declaration from system to system through two brokers, and its proof back; only xmlsec1 and HTTPS
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import shutil

import px
import raw

if not shutil.which("xmlsec1"):
    px.skip("the walk with independent tools", "xmlsec1 is not installed")
    px.done()

with px.Lab("BY", "UA") as lab:
    by, ua = lab.pair()
    sys_by, sys_ua = raw.System(lab, "BY", broker=by), raw.System(lab, "UA", broker=ua)

    r = sys_by.request("GET", "/v1/ping")
    px.ok(r.status == 200 and "<px:Node" in r.text(), "ping answers who we are there", r.text())
    good, out = raw.verify(r.body, os.path.join(lab.pki, "BY", "anchors.pem"), sys_by.dir)
    px.ok(good, "xmlsec1 verifies the node's answer", out)

    doc = sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration")
    r = sys_by.post(doc)
    px.ok(r.status == 201 and r.kind() == "CoA", "a declaration signed by xmlsec1 is accepted: 201 and CoA", r.text())
    px.ok("<px:CodFollows>true" in r.text(), "the CoA says that a CoD follows", r.text())
    good, out = raw.verify(r.body, os.path.join(lab.pki, "BY", "anchors.pem"), sys_by.dir)
    px.ok(good, "xmlsec1 verifies the CoA", out)
    first = r.body
    r = sys_by.post(doc)
    px.ok(r.status == 200 and r.body == first, "the same octets again: 200 and the same CoA", r.text())

    got = sys_ua.fetch(60)
    px.ok(got.status == 200 and got.body == doc, "the recipient gets exactly these octets", got.text()[:500])
    r = sys_ua.confirm(got)
    px.ok(r.status == 204, "its confirmation settles the delivery", r.text())

    proof = sys_by.fetch(60)
    px.ok(proof.status == 200 and proof.kind() == "CoD", "the sender gets a CoD", proof.text()[:1000])
    good, out = raw.verify(proof.body, os.path.join(lab.pki, "UA", "anchors.pem"), sys_by.dir)
    px.ok(good, "xmlsec1 verifies the exchange that carries it, signed by UA's node", out)
    inner = raw.evidence_of(proof.body)
    px.ok(inner is not None and raw.verify(inner, os.path.join(lab.pki, "UA", "anchors.pem"), sys_by.dir)[0],
          "the recipient's own CoA is inside and verifies")
    px.ok(sys_by.confirm(proof).status == 204, "the sender confirms it")
    px.ok(sys_by.fetch(2).status == 204 and sys_ua.fetch(0).status == 204, "nothing is confirmed about confirmations")

    ec = sys_by.make(px.example("PreArrivalNotice-small.xml"), "PreArrivalNotice", ec=True)
    r = sys_by.post(ec)
    px.ok(r.status == 201, "a P-256 signature by xmlsec1 is accepted", r.text())

    sender, mid = "BY", raw.re.search(rb"<px:MessageId>(.*?)<", doc).group(1).decode()
    r = sys_by.request("GET", "/v1/exchanges/%s/%s" % (sender, mid))
    px.ok(r.status == 200 and "<px:DeliveryState>delivered" in r.text(), "its state says delivered", r.text())

    # What curl can do: everything, with nothing but files.
    curl = ["curl", "-sS", "--tlsv1.3", "--cacert", os.path.join(lab.pki, "BY", "tls-ca.pem"), "--cert", sys_by.cert, "--key",
            sys_by.key]
    if shutil.which("curl"):
        status, out, err = px.run(curl + [by.url() + "/v1/ping"])
        px.ok(status == 0 and "<px:Node" in out, "curl pings", err)
        path = os.path.join(lab.dir, "curl.xml")
        with open(path, "wb") as f:
            f.write(sys_by.make(px.example("Ping-small.xml"), "Ping"))
        status, out, err = px.run(curl + ["-H", "Content-Type: application/xml", "--data-binary", "@" + path,
                                          by.url() + "/v1/exchanges"])
        px.ok(status == 0 and "<px:Kind>CoA" in out, "curl sends", out + err)
        got = sys_ua.fetch(60)  # the PreArrivalNotice
        headers = os.path.join(lab.dir, "headers")
        px.ok(sys_ua.confirm(got).status == 204, "the notice is confirmed")
        status, out, err = px.run(curl + ["-D", headers, by.url() + "/v1/inbox?wait=30"], timeout=60)
        with open(headers, encoding="ascii") as f:
            px.ok("prinex-delivery:" in f.read().lower() and "Confirmations" in out, "curl fetches", out[:300] + err)
    else:
        px.skip("curl does it all", "curl is not installed")
    px.ok(by.stop() == 0 and ua.stop() == 0, "both brokers end cleanly on SIGTERM", by.tail(20))
px.done()
