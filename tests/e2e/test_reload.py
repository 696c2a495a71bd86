#!/usr/bin/env python3
# prinex: a new configuration while the broker works: partners, keys, revocation lists; refused ones; prinexd -t and -T
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import shutil
import signal
import threading
import time

import px
import raw
import bulk
import fake


def make_pki(*args):
    status, _, err = px.run([os.path.join(px.ROOT, "certs", "make-pki"), "--quiet"] + list(args))
    if status != 0:
        raise RuntimeError("make-pki %s: %s" % (" ".join(args), err))


def reload_by_signal(broker):
    """SIGHUP, and wait for what the log says about it."""
    def count():
        text = broker.tail(10000)
        return text.count(" is in force, ") + text.count("refused, the old configuration stays in force")
    before = count()
    broker.reload()
    px.wait_for(lambda: count() > before)
    return broker.tail(3)


def reload_by_command(broker):
    return broker.ctl("reload", parse=False)


def alarms(broker):
    return {a["name"] for a in broker.ctl("status")["alarms"]}


def works(system):
    """Pings on a connection of its own: 200, or the fault's name."""
    try:
        return px.Peer.request(system, "GET", "/v1/ping").status
    except bulk.FAULTS as e:
        return type(e).__name__


def ended(system):
    """Whether the connection that the system holds is closed by the other side."""
    s = system.local.connection.sock
    s.settimeout(5 * px.SLOW)
    try:
        return s.recv(1) == b""
    except OSError as e:
        return "timed out" not in str(e)


class Late:
    """A message whose inspection is held up until the configuration was loaded anew."""

    def __init__(self, broker, system, doc):
        def pids(role):
            return [p["pid"] for p in broker.ctl("status")["processes"] if p["role"] == role]
        px.wait_for(lambda: len(pids("inspect")) == 1)  # those of the generation before have gone
        self.inspectors = pids("inspector")
        self.answer = None
        for pid in self.inspectors:
            os.kill(pid, signal.SIGSTOP)
        self.thread = threading.Thread(target=self.post, args=(system, doc), daemon=True)
        self.thread.start()
        time.sleep(0.3 * px.SLOW)

    def post(self, system, doc):
        try:
            self.answer = system.post(doc)
        except bulk.FAULTS as e:
            self.answer = e

    def go_on(self):
        for pid in self.inspectors:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass  # had no message: it ended with its generation
        self.thread.join(30)
        return self.answer


class Load(threading.Thread):
    """Messages and new connections all the time; every failure is kept."""

    def __init__(self, system, recipient):
        super().__init__(daemon=True)
        self.system, self.recipient, self.ending, self.sent, self.faults = system, recipient, False, 0, []
        self.start()

    def run(self):
        while not self.ending:
            try:
                doc = self.system.make(px.example("PreArrivalNotice-small.xml"), "PreArrivalNotice", recipients=(self.recipient,),
                                       lrn="LOAD-%d" % self.sent, mrn=px.mrn("26BY%013d" % self.sent))
                r = self.system.post(doc)
                if r.status != 201:
                    self.faults.append("%d %s" % (r.status, r.text()[:200]))
                if self.sent % 5 == 0 and works(self.system) != 200:
                    self.faults.append("a new connection was refused")
                self.sent += 1
            except bulk.FAULTS as e:
                self.faults.append(repr(e))

    def stop(self):
        self.ending = True
        self.join(60)


with px.Lab("BY", "XA", "XB") as lab:
    by = lab.broker("BY")
    sys_by, sys_xa, sys_xb = (bulk.System(lab, a, broker=by) for a in ("BY", "XA", "XB"))
    pushed = fake.Server(sys_xb, os.path.join(lab.pki, "XB", "system"), fake.good)
    head = by.head() + by.trust("BY", "XA", "XB") + by.partner("system-by", "BY", "system")
    xa, xb = by.partner("system-xa", "XA", "system"), by.partner("system-xb", "XB", "system", url=pushed.url)

    # --- before it runs: -t and -T
    def prinexd(option):
        status, out, err = px.run([px.program("prinexd"), option, "-c", by.conf])
        return status, out + err
    by.write(head + xb)
    status, out = prinexd("-t")
    px.ok(status == 0, "prinexd -t: a good file, exit 0", out)
    status, out = prinexd("-T")
    px.ok(status == 0 and "maximum-age" in out and 'partner "system-xb"' in out, "prinexd -T prints what is in force, defaults included", out)
    by.write(out)
    px.ok(prinexd("-t")[0] == 0 and prinexd("-T")[1] == out, "which is a file itself that means the same", prinexd("-t")[1])
    by.write(head + xb + 'partner "twice" {\n  authority = "BY"\n  role = sistem\n}\n')
    line = (head + xb).count("\n") + 3
    status, out = prinexd("-t")
    px.ok(status == 2 and "%s:%d:" % (by.conf, line) in out and "sistem" in out, "prinexd -t: a wrong word, exit 2, with file and line", out)
    node = os.path.join(lab.pki, "BY", "node")
    by.write((head + xb).replace(node + "/tls.key", node + "/sign.key"))
    status, out = prinexd("-t")
    px.ok(status == 2 and by.conf + ":" in out and "sign.key" in out, "prinexd -t: a key of another certificate, exit 2", out)
    by.write((head + xb).replace(px.CATALOGUE, "/nowhere/*.conf"))
    status, out = prinexd("-t")
    px.ok(status == 2 and "/nowhere" in out, "prinexd -t: no catalogue, exit 2", out)

    for part in ("catalogue", "xsd", "rules"):
        shutil.copytree(os.path.join(px.ROOT, "schemas", part), os.path.join(lab.dir, "schemas", part))
    rules = os.path.join(lab.dir, "schemas", "rules", "prinex.sch")
    with open(rules, encoding="utf-8") as f:
        sound = f.read()
    where = (head + xb).replace(os.path.join(px.ROOT, "schemas"), os.path.join(lab.dir, "schemas"))
    by.write(where)
    px.ok(prinexd("-t")[0] == 0, "prinexd -t: rules of one's own", prinexd("-t")[1])
    for what, old, new in (("a test that is no XPath", 'test="px:mrn-check(.)"', 'test="px:mrn-check(."'),
                           ("a function that is none", 'test="px:mrn-check(.)"', 'test="px:mrn-chekc(.)"'),
                           ("an element that is none", "<sch:assert id=\"R-MRN-CHECK\"", "<sch:asert id=\"R-MRN-CHECK\"")):
        with open(rules, "w", encoding="utf-8") as f:
            f.write(sound.replace(old, new, 1))
        status, out = prinexd("-t")
        line = sound[:sound.index(old)].count("\n") + 1
        px.ok(status == 2 and re.search(r"rules/prinex\.sch:%d: " % line, out), "prinexd -t: %s in a file of rules, with file and line" % what, out)

    # --- a partner is added
    by.write(head + xb)
    by.start()
    px.ok(works(sys_xa) != 200, "XA is no partner yet", works(sys_xa))
    by.write(head + xb + xa)
    status, out = reload_by_command(by)
    px.ok(status == 0, "prinexctl reload", out)
    px.ok(works(sys_xa) == 200, "a partner that was added is served at once", works(sys_xa))

    # --- a partner is removed, with a connection and a delivery
    doc = sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XA",))
    px.ok(sys_by.post(doc).status == 201, "a declaration for XA")
    px.ok(sys_xa.request("GET", "/v1/ping").status == 200, "XA is connected")
    by.write(head + xb)
    out = reload_by_signal(by)
    px.ok("is in force" in out, "SIGHUP loads it too", out)
    px.ok(ended(sys_xa), "the connection of a partner that was removed is closed")
    px.ok(sys_by.request("GET", "/v1/ping").status == 200, "that of another is not")
    px.ok(works(sys_xa) != 200, "it is refused now", works(sys_xa))
    held = by.ctl("queue")["deliveries"]
    px.ok([d["partner"] for d in held] == ["system-xa"] and "configured" in held[0]["why"], "its delivery is held, and queue says why", held)
    px.ok(px.wait_for(lambda: "partner-gone" in alarms(by)), "alarm partner-gone", alarms(by))
    by.write(head + xb + xa)
    reload_by_signal(by)
    sys_xa.forget()
    got = sys_xa.fetch(60)
    px.ok(got.status == 200 and got.body == doc and sys_xa.confirm(got).status == 204, "it is back: it gets its delivery", got.text()[:300])

    # --- a broken file
    def refused(text, wanted, what):
        by.write(text)
        status, out = reload_by_command(by)
        px.ok(status == 1 and wanted in out, "prinexctl reload: %s is refused, exit 1" % what, "%d %s" % (status, out))
        px.ok(works(sys_xa) == 200 and "reload-failed" in alarms(by), "the old one stays in force; alarm reload-failed", alarms(by))
    line = (head + xb + xa).count("\n") + 1
    refused(head + xb + xa + "partner {\n", "%s:%d" % (by.conf, line), "a file that ends too soon")
    refused(head + xb + xa.replace("tls-ca.pem", "no-such.pem"), by.conf + ":", "a file that names a missing file")
    refused((head + xb + xa).replace(node + "/sign.key", node + "/tls.key"), by.conf + ":", "a key of another certificate")
    bad = os.path.join(lab.dir, "bad.conf")
    with open(bad, "w", encoding="utf-8") as f:
        f.write('type "X" {\n  title = "no root"\n}\n')
    refused((head + xb + xa).replace('catalogue = "%s"' % px.CATALOGUE, 'catalogue = { "%s", "%s" }' % (px.CATALOGUE, bad)), bad + ":", "a catalogue with a fault")
    by.write(head + xb + xa.replace("role = system", "role = sistem\n  mode = pul"))
    status, out = reload_by_command(by)
    detail = [a["detail"] for a in by.ctl("status")["alarms"] if a["name"] == "reload-failed"]
    px.ok(status == 1 and len(detail) == 1 and "sistem" in detail[0] and "; " in detail[0] and "pul" in detail[0] and "\\x0a" not in detail[0],
          "the alarm tells several problems on one line", detail)
    by.write("garbage")
    out = reload_by_signal(by)
    px.ok("%s:1:" % by.conf in out and "stays in force" in out, "SIGHUP: the log says what is wrong, and where", out)
    by.write(head + xb + xa)
    px.ok(reload_by_command(by)[0] == 0 and "reload-failed" not in alarms(by), "a good file clears the alarm", alarms(by))

    px.ok(px.wait_for(lambda: "partner-gone" not in alarms(by)), "alarm partner-gone went when the partner was back", alarms(by))

    # --- options that need a restart
    other = (head + xb + xa).replace('environment = "test"', 'environment = "rehearsal"').replace(
        "127.0.0.1:%d" % by.port, "127.0.0.1:%d" % px.free_port())
    for n in ("once", "and again"):
        by.write(other)
        status, out = reload_by_command(by)
        px.ok(status == 0 and "node.environment" in out and "listen.addresses" in out, "options that need a restart are named, %s" % n, out)
    doc = sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XB",))
    r = sys_by.post(doc)
    px.ok(r.status == 201, "and keep their old value: the environment is still test", r.text())
    status, out = by.ctl("config", "dump", parse=False)
    px.ok('"test"' in out and str(by.port) in out and "rehearsal" not in out, "config dump shows what is in force", out[:600])
    by.write(head + xb + xa)
    status, out = reload_by_command(by)
    px.ok(status == 0 and "environment" not in out, "put back, there is nothing to name", out)

    # --- new keys under load
    back = bulk.Receiver(sys_by, threads=1)
    loads = [Load(bulk.System(lab, "BY", broker=by), "XB") for _ in range(2)]
    for n in range(3):
        time.sleep(0.7)
        make_pki("--reissue", lab.pki, "BY", "node")
        if n == 1:
            status, out = reload_by_command(by)
            px.ok(status == 0, "new keys by prinexctl reload", out)
        else:
            reload_by_signal(by)
        r = px.Peer.request(sys_by, "GET", "/v1/ping")
        good, out = raw.verify(r.body, os.path.join(lab.pki, "BY", "anchors.pem"), lab.dir)
        px.ok(good, "the node's new signature verifies", out)
    time.sleep(0.7)
    for load in loads:
        load.stop()
    sent = sum(load.sent for load in loads)
    faults = sum((load.faults for load in loads), [])
    px.ok(sent > 20 and not faults, "three rotations of the node's keys under load: no failed request", "%d sent\n%s" % (sent, "\n".join(faults[:10])))
    print("# %d messages during the rotations" % sent)
    px.wait_for(lambda: not by.ctl("queue")["deliveries"])
    seen = {r.peer["serialNumber"] for r in pushed.requests}
    status, out, _ = px.run(["openssl", "x509", "-in", os.path.join(node, "tls.pem"), "-noout", "-serial"])
    px.ok(out.strip().split("=")[1] in seen and len(seen) == 4, "pushes went out under each of the node's certificates in turn", seen)
    px.ok(len(pushed.requests) == len(pushed.bodies()) == sent + 1, "and each message once", (len(pushed.requests), sent))
    back.stop()

    # --- revocation
    doc = [sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XB",), lrn="CRL-%d" % n) for n in range(3)]
    late_doc = sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XB",), lrn="CRL-LATE")
    make_pki("--revoke", lab.pki, sys_by.sign_cert)
    px.ok(sys_by.post(doc[0]).status == 201, "a revoked signing certificate is accepted until the list is loaded")
    late = Late(by, bulk.System(lab, "BY", broker=by), late_doc)
    reload_by_signal(by)
    r = late.go_on()
    px.ok(getattr(r, "status", 0) == 422 and r.codes() == ["PX-CERT-REVOKED"],
          "a message that was being inspected while only the list changed is judged by the new list", getattr(r, "status", r))
    r = sys_by.post(doc[1])
    px.ok(r.status == 422 and r.codes() == ["PX-CERT-REVOKED"], "after reload it is PX-CERT-REVOKED", r.text())
    r = sys_by.post(doc[0])
    px.ok(r.status == 200, "what was accepted stays accepted: a repeat gets its CoA", r.text())
    make_pki("--reissue", "--use", "sign", lab.pki, "BY", "system")
    sys_by.signer = bulk.Signer(sys_by.sign_cert, sys_by.sign_key)
    r = sys_by.post(sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XB",), lrn="CRL-9"))
    px.ok(r.status == 201, "a new certificate of the system needs no reload", r.text())

    px.ok(sys_xa.request("GET", "/v1/ping").status == 200, "XA is connected")
    late_doc = sys_xa.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XB",), lrn="TLS-LATE")
    poller, polled = bulk.System(lab, "XA", broker=by), []
    px.ok(px.Peer.request(poller, "GET", "/v1/ping").status == 200, "it has another connection")

    def poll():
        try:
            polled.append(poller.request("GET", "/v1/inbox?wait=20").status)
        except bulk.FAULTS as e:
            polled.append(type(e).__name__)
    polling = threading.Thread(target=poll, daemon=True)
    polling.start()
    make_pki("--revoke", lab.pki, os.path.join(lab.pki, "XA", "system", "tls.pem"))
    px.ok(works(sys_xa) == 200, "its TLS certificate is revoked, the list not yet loaded")
    late = Late(by, bulk.System(lab, "XA", broker=by), late_doc)
    reload_by_command(by)
    px.ok(ended(sys_xa), "after reload its connection is closed")
    polling.join(10 * px.SLOW)
    px.ok(polled == [403], "a long poll ends at once and gets nothing", polled)
    r = late.go_on()
    px.ok(getattr(r, "status", 0) == 403, "a message it had handed over before is not accepted", getattr(r, "status", r))
    px.ok(by.ctl("messages", "--sender", "XA")["messages"] == [], "and not kept", by.ctl("messages", "--sender", "XA"))
    sys_xa.forget()
    px.ok(works(sys_xa) != 200, "and no new one is let in", works(sys_xa))
    px.ok(works(sys_by) == 200, "others are")
    status, out = by.ctl("journal", "verify", parse=False)
    px.ok(status == 0, "the journal verifies, across the node's old and new keys", out)
    pushed.close()
px.done()
