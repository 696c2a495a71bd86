#!/usr/bin/env python3
# prinex: movements: keys that come in any order, merges, order within and independence between, priority, trace
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import re
import time

import px
import raw
import bulk

with px.Lab("BY", "UA") as lab:
    by, ua = lab.pair()
    sys_by, sys_ua = bulk.System(lab, "BY", broker=by), bulk.System(lab, "UA", broker=ua)
    names = {}  # MessageId to what the test calls it
    count = [0]

    def send(name, type, lrn=None, mrn=None, correlation=None, system=sys_by, to="UA", declarant=None, vehicle=None):
        """Post a small example about (lrn, mrn); None: the document has no such key."""
        payload = raw.payload_of(px.example(type + "-small.xml"))
        if type == "Rejection" and lrn is None:
            payload = re.sub(rb"<LRN>.*?</Declarant>", b"<MRN>x</MRN>" if mrn else b"", payload, flags=re.S)
        elif mrn is None:
            payload = re.sub(rb"\s*<MRN>[^<]*</MRN>", b"", payload)
        if declarant:
            payload = payload.replace(b"190473818", declarant)
        if vehicle:
            payload = re.sub(rb"(<identificationNumber>)[^<]*(<)", rb"\g<1>" + vehicle + rb"\2", payload)
        count[0] += 1
        extra = "<px:CorrelationId>%s</px:CorrelationId>" % correlation if correlation else ""
        mid = "%s%s" % (system.authority, raw.fresh("X"))
        doc = system.seal(raw.exchange(raw.about(payload, lrn, mrn), mid, type, sender=system.authority, recipients=(to,), extra_header=extra))
        r = system.post(doc)
        if r.status != 201:
            raise RuntimeError("%s: %d %s" % (name, r.status, r.text()))
        names[mid] = name
        return mid

    def arrived(n, broker=ua, partner="system-ua"):
        """Wait until n deliveries wait for the partner there."""
        return px.wait_for(lambda: len(broker.ctl("queue", partner)["deliveries"]) >= n)

    def take(wait=5, system=sys_ua):
        """Fetch one: (name, answer)."""
        r = system.fetch(wait)
        return (names.get(bulk.identity(r.body)[1], bulk.identity(r.body)[1]) if r.status == 200 else None, r)

    def drain(n, system=sys_ua):
        """Fetch and confirm n: their names in order."""
        found = []
        for _ in range(n):
            name, r = take(system=system)
            found.append(name)
            if name is None or system.confirm(r).status != 204:
                break
        return found

    # --- priority: what waits for a system that does not fetch. On the way one movement may overtake another, so each has arrived before the next.
    for i in range(3):
        for priority, type in (("C", "ArrivalNotice"), ("B", "ExportDeclaration"), ("A", "PreArrivalNotice")):
            send("%s%d" % (priority, i), type, "PRIO-%s%d" % (priority, i))
            arrived(len(names))
    got = drain(9)
    px.ok(got == ["A0", "A1", "A2", "B0", "B1", "B2", "C0", "C1", "C2"], "class A first, then B, then C; by age within a class", got)
    send("other", "ExportDeclaration", "PRIO-OTHER")
    send("slow", "ArrivalNotice", "PRIO-MIXED")
    send("urgent", "PreArrivalNotice", "PRIO-MIXED")
    arrived(3)
    got = drain(3)
    px.ok(got == ["slow", "urgent", "other"], "what stands before something urgent in its movement is as urgent", got)
    send("patient", "ArrivalNotice", "PRIO-PATIENT")
    for i in range(12):
        send("A%d" % i, "PreArrivalNotice", "PRIO-CROWD-%d" % i)
    arrived(13)
    got = drain(13)
    px.ok("patient" in got[:8] and got.count("patient") == 1, "class C is not starved by a stream of A", got)

    # --- LRN first, MRN later
    send("declared", "ExportDeclaration", "LRN-FIRST")
    send("registered", "Registration", "LRN-FIRST", px.mrn("26BY0000000000001"))
    send("rejected", "Rejection", None, px.mrn("26BY0000000000001"))
    send("noticed", "PreArrivalNotice", "LRN-FIRST", px.mrn("26BY0000000000001"), vehicle=b"AB12347")
    arrived(4)
    got = drain(4)
    px.ok(got == ["declared", "registered", "rejected", "noticed"], "LRN first, MRN later: one movement, in order of commitment, whatever the class", got)

    def traced(broker, *what):
        """Names of accepted messages of each movement found, in order."""
        shown = broker.ctl("trace", *what)
        return [[names.get(e["message_id"]) for e in m["events"] if e["event"] == "accepted"] for m in shown["movements"]]

    for b in (by, ua):
        whole = [["declared", "registered", "rejected", "noticed"]]
        px.ok(traced(b, "mrn", px.mrn("26BY0000000000001")) == whole and traced(b, "LRN-FIRST") == whole and traced(b, "vehicle", "AB12347") == whole,
              "trace by MRN, LRN and vehicle shows all four as one movement on %s's side" % b.authority,
              (traced(b, px.mrn("26BY0000000000001")), traced(b, "LRN-FIRST"), traced(b, "AB12347")))

    def ended():
        events = by.ctl("trace", "LRN-FIRST")["movements"][0]["events"]
        return [e["event"] for e in events].count("delivered") == 4
    px.ok(px.wait_for(ended), "the sender's side shows each delivered, once UA has said so", by.ctl("trace", "LRN-FIRST"))
    status, out = ua.ctl("trace", px.mrn("26BY0000000000001"), parse=False)
    px.ok(status == 0 and "ExportDeclaration" in out and "delivered" in out, "prinexctl trace prints it", out)

    # --- MRN before LRN, joined by a later message
    send("by-mrn", "Rejection", None, px.mrn("26BY0000000000002"))
    send("by-lrn", "ExportDeclaration", "LRN-LATER")
    arrived(2)
    first, r1 = take()
    second, r2 = take()
    px.ok({first, second} == {"by-mrn", "by-lrn"}, "an MRN and an LRN that nothing links are two movements: both in flight at once", (first, second))
    send("joins", "Registration", "LRN-LATER", px.mrn("26BY0000000000002"))
    send("after", "ArrivalNotice", "LRN-LATER", px.mrn("26BY0000000000002"))
    arrived(4)
    px.ok(take(1)[0] is None, "a message that joins them waits while deliveries of both are in flight")
    px.ok(sys_ua.confirm(r1).status == 204 and take(1)[0] is None, "and when one of them is settled")
    px.ok(sys_ua.confirm(r2).status == 204, "the other is settled")
    got = drain(2)
    px.ok(got == ["joins", "after"], "then it comes, and what follows it", got)
    for b in (by, ua):
        one = traced(b, px.mrn("26BY0000000000002"))
        px.ok(len(one) == 1 and sorted(one[0]) == ["after", "by-lrn", "by-mrn", "joins"] and traced(b, "LRN-LATER") == one,
              "trace shows one movement on %s's side, by either key" % b.authority, (one, traced(b, "LRN-LATER")))

    # --- order within, independence between
    for i in range(4):
        send("stuck%d" % i, "ExportDeclaration", "STUCK")
    send("free", "ExportDeclaration", "FREE")
    arrived(5)
    name, held = take()
    px.ok(name == "stuck0", "the first of a movement is fetched and not confirmed", name)
    name, r = take()
    px.ok(name == "free" and sys_ua.confirm(r).status == 204, "another movement is not delayed", name)
    px.ok(take(1)[0] is None, "the next of the same one is not handed out")
    queue = ua.ctl("queue", "system-ua")["deliveries"]
    px.ok([d["head"] for d in queue] == [True, False, False, False] and all(d["behind"] for d in queue[1:]), "queue says what each waits behind", queue)
    px.ok(sys_ua.confirm(held).status == 204, "the first is confirmed")
    got = drain(3)
    px.ok(got == ["stuck1", "stuck2", "stuck3"], "the others follow in order", got)

    # --- CorrelationId
    first = send("asked", "ExportDeclaration", "CORRELATED")
    second = send("answered", "Unavailability", correlation=first)
    arrived(2)
    name, r = take()
    px.ok(name == "asked" and take(1)[0] is None, "what names another message's id waits for it", name)
    px.ok(sys_ua.confirm(r).status == 204 and drain(1) == ["answered"], "and follows it")

    # --- somebody else's key
    send("owner", "Registration", "OWNED", px.mrn("26BY0000000000003"))
    send("other owner", "Registration", "OWNED-2", px.mrn("26BY0000000000003"), declarant=b"290188426")
    arrived(2)
    names_now = {take()[0], take()[0]}
    px.ok(names_now == {"owner", "other owner"}, "an MRN used by two declarants ties nothing together", names_now)
    raised = {a["name"] for a in by.ctl("status")["alarms"]}
    px.ok("key-owner" in raised, "and raises alarm key-owner", raised)

    # --- the way back belongs to the same movement
    send("back", "ControlResult", "LRN-FIRST", px.mrn("26BY0000000000001"), system=sys_ua, to="BY")
    end = time.monotonic() + 20 * px.SLOW
    name = None
    while name != "back" and time.monotonic() < end:  # among the CoDs of all above
        name, r = take(system=sys_by)
        if name:
            sys_by.confirm(r)
    px.ok(name == "back", "a control result comes back from UA")
    for b in (by, ua):
        whole = traced(b, px.mrn("26BY0000000000001"))
        px.ok(len(whole) == 1 and whole[0][-1] == "back" and len(whole[0]) == 5, "and stands in the same movement on %s's side" % b.authority, whole)
    for b in (by, ua):
        status, out = b.ctl("verify", parse=False)
        px.ok(status == 0, "%s: the store verifies" % b.name, out)
px.done()
