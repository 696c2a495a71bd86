#!/usr/bin/env python3
# prinex: reports find what was announced; what does not come, and what nobody announced, makes one Alarm for each concerned
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import json
import re
import time

import px
import raw
import bulk

with px.Lab("BY", "UA") as lab:
    by, ua = lab.pair(start=False)
    with open(ua.conf, encoding="utf-8") as f:
        text = f.read().replace("limits {", "limits { arrival-wait = 1s").replace('rules = { "warn" }', "")
    ua.write(text + ua.partner("officer-ua", "UA", "officer"))
    by.start()
    ua.start()
    sys_by, sys_ua = bulk.System(lab, "BY", broker=by), bulk.System(lab, "UA", broker=ua)
    post = px.Peer(lab, "UA", "officer", broker=ua)

    def notice(lrn, plate, expected, mrn=None):
        p = raw.payload_of(px.example("PreArrivalNotice-small.xml"))
        p = re.sub(rb"\s*<MRN>[^<]*</MRN>", b"", p) if mrn is None else p
        p = re.sub(rb"<LRN>.*?</LRN>", b"<LRN>%s</LRN>" % lrn.encode(), p)
        p = re.sub(rb"<arrivalDateAndTimeEstimated>.*?<", b"<arrivalDateAndTimeEstimated>%s<" % expected.encode(), p)
        return p.replace(b"AE47125", plate.encode()).replace(b"A3318E5", plate.encode() + b"T")

    def arrival(plate, lrn=None):
        p = raw.payload_of(px.example("ArrivalNotice-small.xml"))
        p = re.sub(rb"\s*<MRN>[^<]*</MRN>", b"", p)
        if lrn:
            p = re.sub(rb"<LRN>.*?</LRN>", b"<LRN>%s</LRN>" % lrn.encode(), p)
        else:
            p = re.sub(rb"\s*<LRN>.*</Declarant>", b"", p, flags=re.S)
        return p.replace(b"AE47125", plate.encode()).replace(b"A3318E5", plate.encode() + b"T")

    def send(system, type, payload, to):
        mid = system.authority + raw.fresh("A")
        doc = system.seal(raw.exchange(payload, mid, type, sender=system.authority, recipients=(to,)))
        return mid, system.post(doc)

    def state(plate):
        r = post.request("GET", "/v1/movements?vehicle=" + plate, headers={"Prinex-User": "post", "Accept": "application/json"})
        return [m["movement_state"] for m in json.loads(r.body)["movements"] if m["declarations"]]

    def alarms(broker):
        return [m["message_id"] for m in broker.ctl("messages", "--type", "Alarm")["messages"]]

    def both(n, seconds=30):
        return px.wait_for(lambda: len(alarms(ua)) >= n and len(alarms(by)) >= n, seconds)

    def traced(broker, value):
        return [[e["type"] for e in m["events"] if e["event"] == "accepted"] for m in broker.ctl("trace", value)["movements"]]

    FUTURE = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))

    # --- announced, and it comes
    _, r = send(sys_by, "PreArrivalNotice", notice("COMES-1", "AA1111", FUTURE), "UA")
    px.wait_for(lambda: state("AA1111"), 20)
    px.ok(r.status == 201 and state("AA1111") == ["expected"], "announced: expected", r.text())
    _, r = send(sys_ua, "ArrivalNotice", arrival("AA1111", "COMES-1"), "BY")
    px.ok(r.status == 201 and b"R-S-PARTY" not in r.body, "a report that names the declarant's LRN finds it", r.text())
    px.ok(state("AA1111") == ["arrived"], "it has arrived", state("AA1111"))
    px.ok(px.wait_for(lambda: traced(by, "COMES-1") == [["PreArrivalNotice", "ArrivalNotice"]], 20), "and its sender sees it in one movement", traced(by, "COMES-1"))
    _, r = send(sys_by, "PreArrivalNotice", notice("COMES-2", "BB2222", FUTURE), "UA")
    px.wait_for(lambda: state("BB2222"), 20)
    _, r = send(sys_ua, "ArrivalNotice", arrival("ВВ2222"), "BY")
    px.ok(r.status == 201 and b"R-S-PARTY" not in r.body and state("BB2222") == ["arrived"],
          "so does one that knows the plate only, in Cyrillic letters", (r.text(), state("BB2222")))
    px.ok(px.wait_for(lambda: traced(by, "COMES-2") == [["PreArrivalNotice", "ArrivalNotice"]], 20), "at its sender's side too", traced(by, "COMES-2"))
    closing = raw.payload_of(px.example("ControlResult-small.xml"))
    closing = re.sub(rb"\s*<MRN>[^<]*</MRN>", b"", re.sub(rb"<LRN>.*?</LRN>", b"<LRN>COMES-1</LRN>", closing))
    closing = re.sub(rb"<movementClosed>.</movementClosed>", b"<movementClosed>1</movementClosed>", closing)
    _, r = send(sys_ua, "ControlResult", closing, "BY")
    px.ok(r.status == 201 and state("AA1111") == ["closed"], "a control result closes it", (r.text(), state("AA1111")))
    px.ok(px.wait_for(lambda: by.ctl("trace", "COMES-1")["movements"][0]["ended"], 20), "its sender sees that it has ended")

    # --- announced, and it does not come
    mid, _ = send(sys_by, "PreArrivalNotice", notice("LATE-1", "CC3333", "2026-11-21T12:45:00Z"), "UA")
    px.ok(both(1) and len(alarms(ua)) == 1, "announced and not arrived: one alarm, at both brokers", (alarms(ua), alarms(by)))
    px.ok(state("CC3333") == ["late"], "it is late", state("CC3333"))
    doc = by.ctl("body", "UA/" + alarms(by)[0], parse=False)[1] if alarms(by) else ""
    px.ok("<alarmCode>NAR</alarmCode>" in doc and "<LRN>LATE-1</LRN>" in doc and "<identificationNumber>CC3333<" in doc and
          "<referenceNumber>UA205020<" in doc and "<px:CorrelationId>%s<" % mid in doc, "it says what did not come, where", doc)
    px.ok(px.wait_for(lambda: traced(by, "LATE-1") == [["PreArrivalNotice", "Alarm"]], 10), "and belongs to the movement", traced(by, "LATE-1"))

    def received(system, type, n=12):
        for _ in range(n):
            r = system.fetch(10)
            if r.status != 200:
                return None
            system.confirm(r)
            if b"<px:MessageType>%s<" % type.encode() in r.body:
                return r
        return None
    px.ok(received(sys_by, "Alarm") and received(sys_ua, "Alarm"), "the systems of both authorities get it")
    first = "UA/" + alarms(ua)[-1]
    px.ok(px.wait_for(lambda: [d["state"] for d in ua.ctl("message", first)["deliveries"]] == ["delivered"] * 2, 20),
          "and this node learns that both have", ua.ctl("message", first))

    # --- nobody announced it
    _, r = send(sys_ua, "ArrivalNotice", arrival("DD4444"), "BY")
    px.ok(r.status == 201 and b'code="R-S-PARTY"' in r.body, "a vehicle that nobody announced: its arrival is kept, with a warning", r.text())
    px.ok(both(2) and len(alarms(ua)) == 2, "and makes one alarm, at both brokers", (alarms(ua), alarms(by)))
    doc = by.ctl("body", "UA/" + alarms(by)[0], parse=False)[1]
    px.ok("<alarmCode>UNA</alarmCode>" in doc and "<identificationNumber>DD4444<" in doc and "<referenceNumber>UA205020<" in doc, "which says what stands where", doc)
    _, r = send(sys_ua, "ArrivalNotice", arrival("EE5555", "NOT-KNOWN"), "BY")
    px.ok(r.status == 422 and r.codes() == ["R-S-PARTY"], "a report that names a movement that is not known is refused", r.text())
    px.ok(both(3), "and those concerned are told all the same", (alarms(ua), alarms(by)))
    _, r = send(sys_ua, "ArrivalNotice", arrival("EE5555", "NOT-KNOWN"), "BY")
    px.ok(r.status == 422 and r.codes() == ["R-S-PARTY"], "and again, for the alarm about it announces nothing", r.text())

    # --- once each, whatever happens
    ua.kill_node()
    ua.start()
    sys_ua = bulk.System(lab, "UA", broker=ua)
    _, r = send(sys_ua, "ArrivalNotice", arrival("DD4444"), "BY")
    px.ok(r.status == 201, "another report about the same vehicle is taken", r.text())
    _, r = send(sys_by, "PreArrivalNotice", notice("LATE-2", "FF6666", "2026-11-21T12:45:00Z"), "UA")
    px.ok(both(4), "after a restart the watch goes on", (alarms(ua), alarms(by)))
    time.sleep(3)
    px.ok(len(alarms(ua)) == 4 and len(set(alarms(ua))) == 4 and set(alarms(by)) == set(alarms(ua)), "and no alarm was sent twice", (alarms(ua), alarms(by)))
    verify = ua.ctl("journal", "verify", parse=False)
    px.ok(verify[0] == 0, "the store is sound", verify[1])
px.done()
