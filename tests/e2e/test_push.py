#!/usr/bin/env python3
# prinex: push recipients that refuse, fail, talk nonsense and go away: states, retries, alarms, nothing lost
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os

import px
import raw
import bulk
import fake

# One push partner for each kind of behaviour, all of authority XA; a route by message type leads to it.
CASES = (
    # name, message type, faults before a good answer, final state, what it shows
    ("good", "ExportDeclaration", (), "delivered", "a good CoA"),
    ("refuses", "TransitDeclaration", (fake.refusal,), "refused", "a permanent exception"),
    ("busy", "PreArrivalNotice", (fake.text(503, "draining", Retry_After="3"), fake.text(500, "oops")), "delivered", "503, 500, then good"),
    ("garbage", "Registration", (fake.xml(201, b"<garbage"), ), "delivered", "garbage with 201, then good"),
    ("unsigned", "Amendment", (fake.unsigned,), "delivered", "an unsigned CoA, then good"),
    ("impostor", "Cancellation", (
        lambda s, r: fake.good(s, r, signer=sys_by),
        lambda s, r: fake.xml(422, sys_by.seal(raw.coa(r.body, "XA", "CoE", '<px:Error code="X-1">no</px:Error>')))),
     "delivered", "CoA and CoE signed by somebody else, then good"),
    ("mistaken", "Rejection", (
        lambda s, r: fake.good(s, r, about=r.body.replace(b"Rejection", b"Rejektion")),
        lambda s, r: fake.refusal(s, r, about=r.body.replace(b"Rejection", b"Rejektion"))),
     "delivered", "CoA and CoE about other octets, then good"),
    ("proxy", "ArrivalNotice", (fake.text(404, "<html>no such page</html>"), fake.text(403, "who are you?")), "delivered", "404 and 403 by a proxy, then good"),
    ("cut", "ControlResult", (fake.CUT,), "delivered", "cut before and after reading, then good"),
    ("later", "Unavailability", (lambda s, r: fake.refusal(s, r, klass="temporary"),), "delivered", "a temporary exception, then good"),
)


def start(lab, name, behave, **kw):
    status, _, err = px.run([os.path.join(px.ROOT, "certs", "make-pki"), "--quiet", "--use", "tls", "--add-partner", lab.pki, "XA",
                             "system", name])
    if status != 0:
        raise RuntimeError(err)
    return fake.Server(sys_xa, os.path.join(lab.pki, "XA", name), behave, **kw)


def alarms(broker):
    return {(a["name"], a.get("about") or a.get("subject")) for a in broker.ctl("status")["alarms"]}


with px.Lab("BY", "XA", "XB", "XC") as lab:
    by = lab.broker("BY")
    sys_by, sys_xa = bulk.System(lab, "BY", broker=by), bulk.System(lab, "XA", broker=by)
    sys_xb, sys_xc = bulk.System(lab, "XB", broker=by), bulk.System(lab, "XC", broker=by)
    servers = {}
    for name, type, faults, state, _ in CASES:
        behave = (lambda s, r: fake.refusal(s, r)) if state == "refused" else fake.then_good(*faults)
        servers[name] = start(lab, name, behave, cut_first=1 if name == "cut" else 0)
    silent = fake.Server(sys_xb, os.path.join(lab.pki, "XB", "system"), lambda s, r: fake.text(202, "thanks"))
    down_port = px.free_port()

    text = by.head() + by.trust("BY", "XA", "XB", "XC") + by.partner("system-by", "BY", "system")
    for name, type, _, _, _ in CASES:
        text += by.partner(name, "XA", "system", url=servers[name].url)
        text += 'route "%s" { types = "%s" recipients = "XA" via = "%s" }\n' % (name, type, name)
    text += by.partner("system-xb", "XB", "system", url=silent.url, more="confirmation = http")
    text += by.partner("system-xc", "XC", "system", url="https://127.0.0.1:%d" % down_port)
    by.write(text)
    by.start()
    back = bulk.Receiver(sys_by, threads=1, keep=True)

    sent = {}

    def send(name, type, recipient, n=0):
        doc = sys_by.make(px.example(type + "-small.xml"), type, recipients=(recipient,), lrn="PUSH-%s-%d" % (name.upper(), n),
                          mrn=px.mrn("26BY%013d" % len(sum(sent.values(), []))))
        r = sys_by.post(doc)
        sent.setdefault(name, []).append(doc)
        return r.status == 201 and r.kind() == "CoA" and "<px:CodFollows>true" in r.text()

    started = px.time.monotonic()
    px.ok(all([send(name, type, "XA") for name, type, _, _, _ in CASES]), "a message for each of %d recipients is taken into custody" % len(CASES))
    px.ok(send("http", "ExportDeclaration", "XB"), "and one for a system that cannot sign")
    px.ok(all([send("down", "ExportDeclaration", "XC", n) for n in range(4)]), "and four for a system that is not there")

    seen = set()

    def both():
        seen.update(alarms(by))
        return {("partner-misbehaves", "proxy"), ("partner-down", "system-xc")} <= seen
    px.ok(px.wait_for(both, 15), "alarms: a proxy's 404 is partner-misbehaves, nobody there is partner-down", seen)
    status, out = by.ctl("alarms", parse=False)
    px.ok(status == 1 and "partner-down" in out and "system-xc" in out, "prinexctl alarms shows them and exits 1", out)
    waiting = by.ctl("queue", "system-xc")["deliveries"]
    px.ok(len(waiting) == 4 and all("Connection refused" in d["why"] for d in waiting), "queue says why each waits", waiting)

    xc = fake.Server(sys_xc, os.path.join(lab.pki, "XC", "system"), fake.good, port=down_port)
    total = sum(len(docs) for docs in sent.values())
    px.wait_for(lambda: len(back.outcomes()) >= total, 50, every=0.25)
    outcomes = back.outcomes()
    back.stop()

    def state(doc):
        r = sys_by.request("GET", "/v1/exchanges/%s/%s" % bulk.identity(doc))
        m = raw.re.search("<px:DeliveryState>(.*?)<", r.text())
        return m.group(1) if m else r.text()

    anchors = {a: os.path.join(lab.pki, a, "anchors.pem") for a in ("XA", "XB", "XC")}
    for name, _, faults, final, text in CASES:
        doc, server = sent[name][0], servers[name]
        key = bulk.identity(doc)
        entries = outcomes.get(key, [])
        kind = "CoD" if final == "delivered" else "CoE"
        px.ok(state(doc) == final and [e.kind for e in entries] == [kind], "%s: %s, the sender gets one %s" % (text, final, kind),
              "%s %s, %d requests\n%s" % (state(doc), [(e.kind, e.codes) for e in entries], len(server.requests), by.ctl("queue", name)))
        wanted = len(faults) + (final == "delivered")
        px.ok(len(server.requests) == wanted and all(r.body == doc for r in server.requests) and server.requests[0].path == "/v1/exchanges",
              "%s: %d attempts, the same octets each time" % (name, wanted), len(server.requests))
        if entries:
            good, out = raw.verify(entries[0].evidence, anchors["XA"], lab.dir)
            px.ok(good, "%s: the evidence is XA's own confirmation and verifies" % name, out)
    refused = outcomes[bulk.identity(sent["refuses"][0])][0]
    px.ok(refused.codes == ["PX-REFUSED"] and b"X-TEST-1" in refused.evidence and "X-TEST-1" in refused.text,
          "the sender reads why it was refused, in our words and in theirs", refused.text)
    times = [r.at for r in servers["busy"].requests]
    px.ok(len(times) > 1 and times[1] - times[0] >= 2.9, "Retry-After is honoured", times)

    by_http = outcomes.get(bulk.identity(sent["http"][0]), [])
    px.ok([e.kind for e in by_http] == ["CoD"] and not by_http[0].evidence and '<px:Warning code="PX-UNSIGNED"' in by_http[0].text,
          "confirmation = http: a CoD that says so, without evidence", [e.text for e in by_http])
    px.ok(all([e.kind for e in outcomes.get(bulk.identity(d), [])] == ["CoD"] for d in sent["down"]) and
          set(xc.bodies()) == {bulk.identity(d) for d in sent["down"]}, "what waited for the absent system arrived when it came")
    px.ok(all(len(b) == 1 for s in list(servers.values()) + [xc, silent] for b in s.bodies().values()), "nobody ever saw other octets")
    left = by.ctl("queue")["deliveries"]
    px.ok(not left and not back.odd, "nothing is left over", left)
    px.ok(not alarms(by), "the alarms are gone", alarms(by))
    px.ok(by.ctl("journal", "verify", parse=False)[0] == 0, "the journal verifies", by.ctl("journal", "verify", parse=False)[1])
    print("# all settled after %.1f s" % (px.time.monotonic() - started))
    for s in list(servers.values()) + [xc, silent]:
        s.close()
px.done()
