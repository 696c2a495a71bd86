#!/usr/bin/env python3
# prinex: kill -9 of each broker under load: what was acknowledged arrives once in effect, in order, and is proved
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# 1,500 messages; with PX_LONG=1 10,000. Each broker is killed once, or PX_KILLS times. Each movement is a line of messages; a message is sent when the one before it in its
# movement was acknowledged, and again with the same octets until it is answered.
import hashlib
import os
import re
import threading
import time

import px
import raw
import bulk

N = int(os.environ.get("PX_MESSAGES", "10000" if os.environ.get("PX_LONG") else "500" if px.SANITIZE else "1500"))
KILLS = int(os.environ.get("PX_KILLS", "1"))
LINE = 5
KINDS = ("ExportDeclaration", "Registration", "PreArrivalNotice", "ArrivalNotice", "Amendment")


class Ledger:
    """What the sender's system knows: the answer to each message that was acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers, self.odd, self.again = {}, [], 0

    def send(self, system, doc):
        key = bulk.identity(doc)
        end = time.monotonic() + 60 * px.SLOW
        while time.monotonic() < end:
            try:
                r = system.post(doc)
            except bulk.FAULTS:
                r = None
            if r is not None and r.status in (200, 201):
                with self.lock:
                    self.answers[key] = r.body
                return
            with self.lock:
                self.again += 1
                if r is not None and r.status != 503:
                    self.odd.append("%s: %d %s" % (key[1], r.status, r.text()[:300]))
                    return
            time.sleep(0.02)
        self.odd.append("%s: never answered" % key[1])


def make_lines(system):
    """Movements: lists of signed messages, the last character of whose id counts within the movement."""
    bodies = [raw.payload_of(px.example(k + "-small.xml")) for k in KINDS]
    bodies[4] = bodies[4].replace(b"290188426", b"190473818")  # one declarant: a movement is his
    run = raw.fresh()[:20]

    def line(m):
        lrn, mrn = "KILL-%08d" % m, px.mrn("26BY%013d" % m)
        return [system.seal(raw.exchange(raw.about(bodies[i], lrn, mrn), "%s-%05d-%d" % (run, m, i), KINDS[i]), ec=m % 2 == 0)
                for i in range(LINE)]
    return [line(m) for m in range(N // LINE)]


def kill(broker, ledger, moments, report):
    """Kill the broker process when so many messages are acknowledged; the longest time until it answers again."""
    for at in moments:
        report[broker.name] = max(report.get(broker.name, 0), kill_once(broker, ledger, at))


def kill_once(broker, ledger, at):
    while len(ledger.answers) < at and not ledger.odd:
        time.sleep(0.005)
    prober = bulk.System(lab, broker.authority, broker=broker)
    old = broker.kill_broker()
    killed = time.monotonic()
    while time.monotonic() - killed < 60 * px.SLOW:
        try:
            if prober.request("GET", "/v1/ping", timeout=5).status == 200 and broker.broker_pid() != old:
                break
        except bulk.FAULTS:
            pass
        time.sleep(0.02)
    prober.forget()
    return time.monotonic() - killed


def waiting(broker):
    return sum(p["deliveries"]["queued"] + p["deliveries"]["handed_over"] for p in broker.ctl("partners")["partners"])


with px.Lab("BY", "UA") as lab:
    by, ua = lab.pair()
    sys_by, sys_ua = bulk.System(lab, "BY", broker=by), bulk.System(lab, "UA", broker=ua)
    started = time.monotonic()
    lines = make_lines(sys_by)
    docs = {bulk.identity(d): d for line in lines for d in line}
    print("# %d messages in %d movements made in %.1f s" % (len(docs), len(lines), time.monotonic() - started))

    inbox, back = bulk.Receiver(sys_ua, threads=4), bulk.Receiver(sys_by, threads=1, keep=True)
    ledger, ready = Ledger(), {}
    step = len(docs) // (2 * KILLS + 1)
    killers = [threading.Thread(target=kill, args=(b, ledger, range((i + 1) * step, len(docs), 2 * step)[:KILLS], ready)) for i, b in enumerate((by, ua))]
    for t in killers:
        t.start()
    started = time.monotonic()
    bulk.each(lambda line: [ledger.send(sys_by, d) for d in line], lines, threads=6)
    took = time.monotonic() - started
    for t in killers:
        t.join()
    print("# sent in %.1f s (%.0f/s), %d sent again" % (took, len(docs) / took, ledger.again))
    px.ok(len(ledger.answers) == len(docs) and not ledger.odd, "all %d messages are acknowledged, over %d kills" % (len(docs), 2 * KILLS),
          "%d\n%s" % (len(ledger.answers), "\n".join(ledger.odd[:20])))
    for b in (by, ua):
        px.ok(ready.get(b.name, 1e9) <= 10 * px.SLOW, "%s: killed, and ready again" % b.name, ready)
        print("# %s answered again %.2f s after kill -9" % (b.name, ready.get(b.name, -1)))

    px.wait_for(lambda: len(inbox.got) >= len(docs), 120, every=0.2)
    lost = [k for k in docs if k not in inbox.got]
    px.ok(not lost, "every acknowledged message arrived", "%d lost, such as %s\n%s" % (len(lost), lost[:5], str(by.ctl("queue"))[:1500]))
    px.wait_for(lambda: len(back.outcomes()) >= len(docs), 60, every=0.5)
    print("# all delivered and proved after %.1f s" % (time.monotonic() - started))
    time.sleep(2)  # whatever comes twice would come now
    inbox.stop()
    back.stop()

    px.ok(set(inbox.got) == set(docs), "and nothing else", sorted(set(inbox.got) - set(docs))[:5])
    other = [k for k, seen in inbox.got.items() if seen != {hashlib.sha256(docs[k]).hexdigest()}]
    px.ok(not other, "the same octets", other[:5])
    px.ok(not inbox.repeats_after_confirmation, "nothing came again after its confirmation was answered", inbox.repeats_after_confirmation[:5])
    print("# %d seen twice before their confirmation was durable" % sum(n > 1 for n in inbox.seen.values()))
    last, wrong = {}, []
    for _, mid in inbox.order:
        _, movement, i = mid.rsplit("-", 2)
        if last.get(movement, -1) >= int(i):
            wrong.append(mid)
        last[movement] = int(i)
    px.ok(not wrong, "order within each movement held", wrong[:10])
    px.ok(not inbox.odd and not back.odd, "no confirmation was called wrong", "\n".join((inbox.odd + back.odd)[:10]))
    proofs = back.outcomes()
    bad = [(k, [e.kind for e in proofs.get(k, [])]) for k in docs if [e.kind for e in proofs.get(k, [])] != ["CoD"]]
    px.ok(not bad, "the sender got exactly one CoD for each", "%d: %s" % (len(bad), bad[:5]))

    again = bulk.each(lambda k: (k, sys_by.post(docs[k])), list(docs)[::max(1, N // 1500)], threads=4)
    differ = [(k[1], r.status) for k, r in again if r.status != 200 or r.body != ledger.answers[k]]
    px.ok(not differ, "%d sent once more: 200 and the same answer, octet for octet" % len(again), differ[:5])
    for b in (by, ua):
        px.ok(px.wait_for(lambda b=b: waiting(b) == 0), "%s: backlog 0" % b.name, b.ctl("queue", parse=False)[1])
        status, out = b.ctl("journal", "verify", parse=False)
        px.ok(status == 0, "%s: the journal verifies" % b.name, out)
        status, out = b.ctl("verify", parse=False)
        px.ok(status == 0, "%s: the store verifies" % b.name, out)
        text = b.tail(100000)
        px.ok(len(re.findall("broker ready", text)) == KILLS + 1, "%s: the supervisor started another broker after each kill" % b.name)
    px.ok(by.stop() == 0 and ua.stop() == 0, "both end cleanly", by.tail(10))
px.done()
