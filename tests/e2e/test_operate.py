#!/usr/bin/env python3
# prinex: what operators do on a live node: pause, resume, probe, retry, cancel, and what a restart keeps of it
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os

import bulk
import fake
import px
import raw

LATER = fake.text(503, "maintenance", Retry_After="600")

with px.Lab("BY", "XA", "XB") as lab:
    by = lab.broker("BY")
    sys_by, sys_xa, sys_xb = (bulk.System(lab, a, broker=by) for a in ("BY", "XA", "XB"))
    answer = {"with": fake.good}
    xa = fake.Server(sys_xa, os.path.join(lab.pki, "XA", "system"),
                     lambda s, r: answer["with"](s, r) if callable(answer["with"]) else answer["with"])
    by.write(by.head() + by.trust("BY", "XA", "XB") + by.partner("system-by", "BY", "system") +
             by.partner("system-xa", "XA", "system", url=xa.url) + by.partner("system-xb", "XB", "system", more="rate = 3"))
    by.start()
    back = bulk.Receiver(sys_by, threads=1, keep=True)
    serial = [0]

    def send(system=None, recipient="XA"):
        serial[0] += 1
        system = system or sys_by
        doc = system.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=(recipient,),
                          lrn="OPERATE-%d" % serial[0], mrn=px.mrn("26BY%013d" % serial[0]))
        return system.post(doc), doc

    def name(doc):
        return "%s/%s" % bulk.identity(doc)

    def outcome(doc, seconds=60):
        px.wait_for(lambda: bulk.identity(doc) in back.outcomes(), seconds)
        return back.outcomes().get(bulk.identity(doc), [None])[0]

    def reason(doc):
        rows = [d for d in by.ctl("queue", "system-xa")["deliveries"]]
        return [(d["reason"], d["why"]) for d in rows]

    def ctl(*args):
        return by.ctl(*args, parse=False)

    # --- pause and resume, over a restart
    status, out = ctl("pause", "system-xa", "--reason", "the line is being repaired")
    px.ok(status == 0 and out.startswith("paused"), "pause", out)
    r, doc = send()
    px.ok(r.status == 201, "what is sent meanwhile is accepted")
    px.time.sleep(1.5)
    why = reason(doc)
    px.ok(not xa.requests and len(why) == 1 and why[0][0] == "paused" and "the line is being repaired" in why[0][1],
          "nothing goes out, and queue says why", why)
    back.stop()
    by.stop()
    by.start()
    sys_by = bulk.System(lab, "BY", broker=by)  # its connections have ended
    back = bulk.Receiver(sys_by, threads=1, keep=True)
    px.time.sleep(1.5)
    px.ok(not xa.requests and reason(doc)[0][0] == "paused", "a restart does not end the pause", reason(doc))
    partner = by.ctl("partner", "system-xa")["link"]
    px.ok(partner["state"] == "paused" and partner["paused"]["reason"] == "the line is being repaired", "partner shows it", partner)
    px.ok(any(a["name"] == "partner-paused" for a in by.ctl("status")["alarms"]), "an alarm reminds of it")
    px.ok(ctl("probe", "system-xa")[0] == 1 and not xa.requests, "probe does not break a pause")
    status, out = ctl("resume", "system-xa")
    px.ok(status == 0 and (outcome(doc) is not None) and outcome(doc).kind == "CoD", "resume: it is delivered", out)
    px.ok(not any(a["name"] == "partner-paused" for a in by.ctl("status")["alarms"]), "the alarm is gone")
    px.ok(ctl("resume", "system-xa")[0] == 1, "there is nothing to resume any more")

    # --- probe and retry
    answer["with"] = LATER
    r, doc = send()
    px.ok(px.wait_for(lambda: len(xa.requests) == 2 and reason(doc) and reason(doc)[0][0] == "retry"), "told to come back in ten minutes",
          reason(doc))
    status, out = ctl("probe", "system-xa")
    px.ok(status == 1 and "HTTP 503" in out and len(xa.requests) == 3, "probe: an attempt at once, and how it failed", out)
    answer["with"] = fake.good
    status, out = ctl("retry", name(doc))
    px.ok(status == 0 and "1 delivery due now" in out, "retry of a message", out)
    px.ok(outcome(doc) is not None and outcome(doc).kind == "CoD", "it is delivered without waiting")
    status, out = ctl("probe", "system-xa")
    px.ok(status == 1 and "nothing waits" in out, "nothing waits, nothing to probe with", out)
    answer["with"] = LATER
    docs = [send()[1] for _ in range(3)]
    # Not before none is in flight any more: an attempt that began earlier is still told to come back.
    px.ok(px.wait_for(lambda: [w[0] for w in reason(doc)] == ["retry"] * 3), "one is told to come back, so the others wait, too", reason(doc))
    answer["with"] = fake.good
    status, out = ctl("retry", "system-xa")
    px.ok(status == 0 and all(outcome(d) is not None and outcome(d).kind == "CoD" for d in docs), "retry of a partner: all of it goes", out)

    # --- cancel
    answer["with"] = LATER
    r, doc = send()
    px.ok(px.wait_for(lambda: [w[0] for w in reason(doc)] == ["retry"]), "the next is told to come back, too", reason(doc))
    status, out = ctl("cancel", name(doc))
    px.ok(status == 2 and "reason" in out, "cancel wants a reason", out)
    before = len(xa.requests)
    status, out = ctl("cancel", name(doc), "--reason", "lodged twice by mistake")
    px.ok(status == 0 and "1 delivery cancelled" in out, "cancel", out)
    entry = outcome(doc)
    px.ok(entry is not None and entry.kind == "CoE" and entry.codes == ["PX-CANCELLED"] and "lodged twice by mistake" in entry.text,
          "the sender gets an exception with the reason", entry and entry.text)
    px.ok("may have arrived" in entry.text, "which says that it had been sent before")
    answer["with"] = fake.good
    ctl("retry", "system-xa")
    px.time.sleep(1)
    px.ok(len(xa.requests) == before, "and it is never sent again")
    px.ok(ctl("cancel", name(doc), "--reason", "x")[0] == 1, "what has ended cannot be cancelled")

    # --- the rate of a partner
    results = [send(sys_xb, "XA")[0] for _ in range(4)]
    px.ok([r.status for r in results] == [201, 201, 201, 429], "the fourth message within a minute of a partner with rate = 3",
          [r.status for r in results])
    px.ok(1 <= int(results[3].headers.get("retry-after", 0)) <= 21, "Retry-After says when the next one may come", results[3].headers)
    px.ok(send()[0].status == 201, "others are not affected")

    # --- everything is on record
    entries = by.ctl("journal", "tail", "--limit", "200")["entries"]
    acts = {e.get("code") for e in entries if e.get("kind") == "admin" and e.get("actor")}
    px.ok({"pause", "resume", "probe", "retry", "cancel"} <= acts, "who did what is in the journal", acts)
    px.ok(ctl("journal", "verify")[0] == 0, "the journal verifies")
    px.ok(by.ctl("quarantine")["records"] == [] and ctl("quarantine", "release", "messages/1")[0] != 0, "quarantine is empty")
    back.stop()
    xa.close()
px.done()
