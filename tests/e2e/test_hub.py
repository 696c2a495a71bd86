#!/usr/bin/env python3
# prinex: two authorities with a hub between them: relays-for, relay-to, one proof back, nothing doubled
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os

import px
import raw
import bulk

with px.Lab("BY", "UA", "HU", "XX") as lab:
    by, ua, hu = lab.broker("BY"), lab.broker("UA"), lab.broker("HU")
    for me, far in ((by, ua), (ua, by)):
        me.write(me.head() + me.trust("BY", "UA", "HU", "XX") + me.partner("system-" + me.authority.lower(), me.authority, "system") +
                 me.partner("node-hu", "HU", "node", url=hu.url(), more='relays-for = "%s"' % far.authority) +
                 'route "over-the-hub" { recipients = "%s" via = "node-hu" }\n' % far.authority)
    # XX is a neighbour of the hub for which it relays nothing.
    hu.write(hu.head() + hu.trust("BY", "UA", "HU", "XX") +
             hu.partner("node-by", "BY", "node", url=by.url(), more='relay-to = "UA"') +
             hu.partner("node-ua", "UA", "node", url=ua.url(), more='relay-to = "BY"') +
             hu.partner("node-xx", "XX", "node"))
    for b in (by, ua, hu):
        b.start()
    sys_by, sys_ua = bulk.System(lab, "BY", broker=by), bulk.System(lab, "UA", broker=ua)
    anchors = {a: os.path.join(lab.pki, a, "anchors.pem") for a in ("BY", "UA", "HU", "XX")}

    def verified(doc, authority):
        return raw.verify(doc, anchors[authority], lab.dir)[0]

    # --- there and back
    docs = [sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", lrn="HUB-%d" % i) for i in range(20)]
    answers = [sys_by.post(d) for d in docs]
    px.ok(all(r.status == 201 and "<px:CodFollows>true" in r.text() for r in answers), "20 declarations for UA are accepted by BY",
          answers[0].text())
    px.ok("<px:Recipient>UA</px:Recipient>" in answers[0].text(), "the CoA names the recipient", answers[0].text())
    inbox = bulk.Receiver(sys_ua, threads=2, keep=True)
    back = bulk.Receiver(sys_by, threads=1, keep=True)
    px.wait_for(lambda: len(back.outcomes()) >= 20)
    px.time.sleep(1.5)  # a second proof, from the hub or from BY itself, would be gathered by now
    px.ok({k: v for k, v in inbox.bodies.items()} == {bulk.identity(d): d for d in docs}, "UA's system gets exactly these octets",
          "%d %s" % (len(inbox.bodies), hu.tail(20)))
    px.ok(max(inbox.seen.values(), default=0) == 1, "each once", inbox.seen)
    outcomes = back.outcomes()
    px.ok(set(outcomes) == {bulk.identity(d) for d in docs} and all([e.kind for e in v] == ["CoD"] for v in outcomes.values()),
          "and BY's system one CoD for each, not one from every broker on the way", {k: [e.kind for e in v] for k, v in outcomes.items()})
    px.ok(all(k[0] == "UA" and verified(b, "UA") for k, b in back.bodies.items()), "made and signed by UA's node", list(back.bodies))
    px.ok(all(e.issuer == "UA" and verified(e.evidence, "UA") for v in outcomes.values() for e in v), "with the CoA of UA's system inside")
    unchanged = []
    for (sender, mid), body in back.bodies.items():
        for b in (ua, hu, by):
            path = os.path.join(lab.dir, "%s-%s" % (b.name, mid))
            status, out = b.ctl("body", "%s/%s" % (sender, mid), "--out", path, parse=False)
            unchanged.append(status == 0 and open(path, "rb").read() == body)
    px.ok(unchanged and all(unchanged), "the Confirmations travelled unchanged from UA through the hub to BY", unchanged)
    px.ok(hu.metric("prinex_confirmations_total", kind="CoD", direction="made") == 0 and
          by.metric("prinex_confirmations_total", kind="CoD", direction="made") == 0, "neither hub nor BY made a CoD of its own")

    def counted():
        return [(b.metric("prinex_delivered_total", partner=p, type="ExportDeclaration"), b.metric("prinex_backlog"))
                for b, p in ((hu, "node-ua"), (by, "node-hu"))]
    px.wait_for(lambda: counted() == [(20, 0)] * 2)  # what was fetched is settled after its answer
    px.ok(counted() == [(20, 0)] * 2, "the hub and BY count them as delivered", counted())

    # --- the other way, and a refusal
    back.stop()
    inbox.stop()
    doc = sys_ua.make(px.example("PreArrivalNotice-small.xml"), "PreArrivalNotice", recipients=("BY",), lrn="HUB-BACK")
    px.ok(sys_ua.post(doc).status == 201, "a notice from UA to BY")
    got = sys_by.fetch(60)
    px.ok(got.status == 200 and got.body == doc, "arrives", got.text()[:300])
    r = sys_by.confirm(got, "CoE", '<px:Error code="X-NO-1">this office is closed</px:Error>')
    px.ok(r.status == 204, "BY's system refuses it", r.text())
    got = sys_ua.fetch(60)
    entries = bulk.confirmations(got.body) if got.status == 200 else []
    px.ok([e.kind for e in entries] == ["CoE"] and entries[0].issuer == "BY" and verified(got.body, "BY") and
          verified(entries[0].evidence, "BY") and b"X-NO-1" in entries[0].evidence, "UA's system gets BY's exception with BY's own words inside",
          got.text()[:2000])
    px.ok(sys_ua.confirm(got).status == 204 and sys_ua.fetch(2).status == 204, "once")
    ping = sys_by.make(px.example("Ping-small.xml"), "Ping")
    r = sys_by.post(ping)
    px.ok(r.status == 201, "a Ping through the hub", r.text())
    got = sys_by.fetch(60)
    entries = bulk.confirmations(got.body) if got.status == 200 else []
    px.ok([(e.kind, e.issuer, e.about) for e in entries] == [("CoD", "HU", bulk.identity(ping))] and
          verified(entries[0].evidence, "UA"), "is proved by UA's node: its CoA inside the hub's CoD", got.text()[:1000] + ua.tail(5))
    px.ok(sys_by.confirm(got).status == 204, "and confirmed")

    # --- who may not
    node_xx = bulk.System(lab, "XX", folder="node", broker=hu)
    sys_xx = bulk.System(lab, "XX", broker=hu)
    r = node_xx.post(sys_xx.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration"))
    px.ok(r.status == 422 and r.codes() == ["PX-ROUTE"] and verified(r.body, "HU"), "a node without relay-to cannot send to UA: PX-ROUTE", r.text())
    r = node_xx.post(sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration"))
    px.ok(r.status == 403 and r.codes() == ["PX-PEER-SENDER"] and verified(r.body, "HU"),
          "nor hand over what BY signed: PX-PEER-SENDER", r.text())
    hub_at_ua = bulk.System(lab, "HU", folder="node", broker=ua)
    r = hub_at_ua.post(sys_xx.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration"))
    px.ok(r.status == 403 and r.codes() == ["PX-PEER-SENDER"], "UA takes from the hub only what it relays for: PX-PEER-SENDER", r.text())

    for b in (by, ua, hu):
        left = b.ctl("queue")["deliveries"]
        px.ok(not left and b.ctl("journal", "verify", parse=False)[0] == 0, "%s: nothing left, the journal verifies" % b.name, left)
px.done()
