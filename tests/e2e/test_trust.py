#!/usr/bin/env python3
# prinex: what the machine trusts (SSL_CERT_FILE, SSL_CERT_DIR) and its proxy settings mean nothing to broker and client
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import ssl

import px
import bulk
import fake


def served_by(server, context):
    """Whether a client with this context takes the server's certificate: how ordinary software would judge it."""
    try:
        with px.socket.create_connection(("127.0.0.1", server.port), 10) as s, context.wrap_socket(s, server_hostname="127.0.0.1") as t:
            return bool(t.getpeercert())
    except (OSError, ssl.SSLError):
        return False


with px.Lab("BY", "XA", "XB", "XC", wrong=True) as lab:
    by = lab.broker("BY")
    sys_by, sys_xa = bulk.System(lab, "BY", broker=by), bulk.System(lab, "XA", broker=by)
    sys_xb, sys_xc = bulk.System(lab, "XB", broker=by), bulk.System(lab, "XC", broker=by)

    # What a careless machine trusts: the strange CAs, as a file and as a hashed folder. And a proxy that is not there.
    store = os.path.join(lab.dir, "system-store")
    os.mkdir(store)
    bundle = ""
    for a in ("BY", "XA"):
        with open(os.path.join(lab.pki, "wrong", a, "ca-other", "tls-ca.pem"), encoding="ascii") as f:
            pem = f.read()
        bundle += pem
        with open(os.path.join(store, a + ".pem"), "w", encoding="ascii") as f:
            f.write(pem)
    bundle_file = os.path.join(lab.dir, "bundle.pem")
    with open(bundle_file, "w", encoding="ascii") as f:
        f.write(bundle)
    px.run(["openssl", "rehash", store])
    nowhere = "http://127.0.0.1:%d" % px.free_port()
    env = {"SSL_CERT_FILE": bundle_file, "SSL_CERT_DIR": store, "CURL_CA_BUNDLE": bundle_file, "https_proxy": nowhere,
           "HTTPS_PROXY": nowhere, "ALL_PROXY": nowhere, "all_proxy": nowhere}

    def wrong_folder(authority, case):
        """A folder with tls.pem and tls.key, as a server wants it."""
        folder = os.path.join(lab.dir, "as-%s-%s" % (authority, case))
        os.makedirs(folder)
        for x in ("pem", "key"):
            os.symlink(os.path.join(lab.pki, "wrong", authority, "tls-%s.%s" % (case, x)), os.path.join(folder, "tls." + x))
        return folder

    false_server = fake.Server(sys_xa, wrong_folder("XA", "other-ca"), fake.good)
    stranger = fake.Server(sys_xb, os.path.join(lab.pki, "XB", "node"), fake.good)  # XB's own CA, but not who it should be
    honest = fake.Server(sys_xc, os.path.join(lab.pki, "XC", "system"), fake.good)
    by.write(by.head() + by.trust("BY", "XA", "XB", "XC") + by.partner("system-by", "BY", "system") +
             by.partner("system-xa", "XA", "system", url=false_server.url) + by.partner("system-xb", "XB", "system", url=stranger.url) +
             by.partner("system-xc", "XC", "system", url=honest.url))
    by.start(env=env)

    # --- these settings are what they should be: ordinary software follows them
    wrong_client = os.path.join(lab.pki, "wrong", "BY", "tls-other-ca.pem")
    status, out, _ = px.run(["openssl", "verify", "-purpose", "sslclient", wrong_client], env=dict(os.environ, **env))
    px.ok(status == 0, "openssl's default trust accepts the strange CA's client certificate", out)
    usual = ssl.create_default_context(cafile=bundle_file)
    usual.load_cert_chain(os.path.join(lab.pki, "BY", "node", "tls.pem"), os.path.join(lab.pki, "BY", "node", "tls.key"))
    px.ok(served_by(false_server, usual), "and its server certificate")

    # --- clients
    def ping(tls):
        try:
            return px.Peer(lab, "BY", broker=by, tls=tls).request("GET", "/v1/ping").status
        except bulk.FAULTS as e:
            return type(e).__name__
    px.ok(ping(None) == 200, "the broker serves the partner's own certificate")
    got = ping((wrong_client, wrong_client.replace(".pem", ".key")))
    px.ok(got != 200, "and refuses the one from the machine's trust store", got)
    px.ok(px.wait_for(lambda: "its root is no anchor of this partner" in by.tail()), "the log says why", by.tail(5))

    # --- servers
    docs = {a: sys_by.make(px.example("PreArrivalNotice-small.xml"), "PreArrivalNotice", recipients=(a,), lrn="TRUST-" + a, mrn=px.mrn("26BY%013d" % i))
            for i, a in enumerate(("XA", "XB", "XC"))}
    px.ok(all(sys_by.post(d).status == 201 for d in docs.values()), "three messages to push")
    px.ok(px.wait_for(lambda: len(honest.requests) == 1) and honest.requests[0].body == docs["XC"],
          "the honest system gets its own, straight, whatever the proxy variables say", by.tail(10))

    def waiting(partner):
        left = by.ctl("queue", partner)["deliveries"]
        return left[0] if left and left[0]["attempts"] > 0 else None
    for partner, server, what, words in (("system-xa", false_server, "a server certificate from the machine's trust store", "certificate"),
                                         ("system-xb", stranger, "a server certificate of somebody else of the same CA", "urn:prinex:XB:")):
        d = px.wait_for(lambda p=partner: waiting(p))
        px.ok(d and words in d["why"] and not d["body_sent"], "%s is refused by the broker, and queue says why" % what, d)
        px.ok(not server.requests, "%s never saw a request" % partner, server.requests)
        if d:
            print("# %s: %s" % (partner, d["why"]))

    # --- the client program
    def prinex(server_url, authority, uri):
        p = os.path.join(lab.pki, authority)
        return px.run([px.program("prinex"), "ping", "--catalogue", px.CATALOGUE, "--url", server_url, "--cert", sys_by.cert, "--key", sys_by.key,
                       "--anchors", p + "/tls-ca.pem", "--crl", p + "/tls-ca.crl", "--server-uri", uri, "--trust", p + "/anchors.pem"],
                      env=dict(os.environ, **env))
    status, out, err = prinex(by.url(), "BY", "urn:prinex:BY:node:node-by")
    px.ok(status == 0, "prinex ping takes the broker's certificate, straight", out + err)
    wrong = os.path.join(lab.pki, "wrong", "XA")
    for case in sorted(f[4:-4] for f in os.listdir(wrong) if f.startswith("tls-") and f.endswith(".pem")):
        server = false_server if case == "other-ca" else fake.Server(sys_xa, wrong_folder("XA", case), fake.good)
        status, out, err = prinex(server.url, "XA", "urn:prinex:XA:system:system-xa")
        px.ok(status == 4 and "certificate" in err and not server.requests, "prinex refuses the server certificate %s, says why and sends nothing" % case,
              "%d %s" % (status, out + err))
        if case != "other-ca":
            server.close()

    # --- signature profiles
    def profiles():
        return re.findall(r"SignatureProfile>(\d+)<", sys_by.request("GET", "/v1/ping").text())
    px.ok(profiles() == ["1"], "ping lists the signature profile in force", profiles())
    with open(by.conf, encoding="utf-8") as f:
        text = f.read()
    by.write(text.replace('partner "system-by" {\n', 'partner "system-by" {\n  signature-profiles = { "1 until 2025-12-31" }\n'))
    status, out, err = px.run([px.program("prinexd"), "-t", "-c", by.conf])
    px.ok(status == 0 and "warning" in err and "system-by" in err and "signature profile" in err, "prinexd -t warns when none is in force", out + err)
    status, out = by.ctl("reload", parse=False)
    px.ok(status == 0, "its time is over: reload", out)
    r = sys_by.post(sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XC",)))
    px.ok(r.status == 422 and r.codes() == ["PX-SIG-PROFILE"], "an exchange in a profile whose time has passed is PX-SIG-PROFILE", r.text())
    px.ok(profiles() == [], "ping lists none", profiles())
    r = sys_by.post(docs["XC"])
    px.ok(r.status == 200, "what was accepted before keeps its CoA", r.text())
    for s in (false_server, stranger, honest):
        s.close()
px.done()
