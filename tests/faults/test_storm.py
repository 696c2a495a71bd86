#!/usr/bin/env python3
# prinex: the storm in its short form, and two controls that its ledger must catch
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# 20 kills over 2,000 messages (PX_LONG=1: 200 over 100,000; PX_KILLS, PX_MESSAGES). Times are shown, and asserted in the long form only.
import os
import queue
import threading

import storm  # it knows where the end-to-end tests keep their library
import bulk
import fake
import px
import raw

LONG = bool(os.environ.get("PX_LONG"))
KILLS = int(os.environ.get("PX_KILLS", "200" if LONG else "6" if px.SANITIZE else "20"))
MESSAGES = int(os.environ.get("PX_MESSAGES", "100000" if LONG else "300" if px.SANITIZE else "1500"))


class Front:
    """The wrong variant: it answers for BY at once, in BY's name, and hands over a little later; a crash takes what it holds."""

    def __init__(self, lab, by):
        self.by, self.authority = by, "BY"
        self.waiting, self.forgotten = queue.Queue(), 0
        node = os.path.join(lab.pki, "BY", "node")
        self.signer = bulk.System(lab, "BY", broker=by, sign=(os.path.join(node, "sign.pem"), os.path.join(node, "sign.key")))
        self.sender = bulk.System(lab, "BY", broker=by)
        self.server = fake.Server(self.signer, node, self.behave)
        self.port = self.server.port
        self.ending = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def behave(self, server, request):
        self.waiting.put(request.body)
        return fake.xml(201, self.signer.seal(raw.coa(request.body, "BY")))

    def run(self):
        while not self.ending.is_set():
            try:
                doc = self.waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            self.ending.wait(0.02)
            try:
                self.sender.post(doc)
            except bulk.FAULTS:
                self.forgotten += 1

    def forget_all(self):
        while not self.waiting.empty():
            self.waiting.get()
            self.forgotten += 1


with px.Lab("BY", "UA") as lab:
    verdict, report, load, brokers, receivers = storm.play(lab, KILLS, MESSAGES)
    inbox, back = receivers
    print("# " + storm.line(verdict, report))
    px.ok(report.kills == KILLS and not report.stuck, "%d kills, a new start each time" % KILLS, report.stuck)
    storm.hit_flushes(lab, report)
    px.ok(verdict.acked >= MESSAGES and not load.odd, "%d messages are acknowledged" % verdict.acked, "\n".join(load.odd[:10]))
    px.ok(not verdict.lost, "acknowledged and lost: 0", verdict.lost[:10])
    px.ok(not verdict.doubled, "double effects: 0", verdict.doubled[:10])
    px.ok(not verdict.disorder, "out of order: 0", verdict.disorder[:10])
    px.ok(not verdict.differing, "repeated sends are answered octet for octet", verdict.differing[:10])
    px.ok(not inbox.odd and not back.odd, "no confirmation was called wrong", "\n".join((inbox.odd + back.odd)[:10]))
    if LONG:
        px.ok(not report.slow, "ready within %.0f s after each new start" % storm.READY, report.slow)
    bad = storm.unproved(load, back)
    px.ok(not bad, "the sender got exactly one CoD for each", "%d: %s" % (len(bad), bad[:5]))
    for b in brokers:
        px.ok(px.wait_for(lambda b=b: not b.ctl("queue")["deliveries"], 20), "%s: nothing is left over" % b.name, b.ctl("queue"))
        for what in ("journal", "verify"), ("verify",):
            status, out = b.ctl(*what, parse=False)
            px.ok(status == 0, "%s: %s" % (b.name, " ".join(what)), out)

with px.Lab("BY", "UA") as lab:
    fronts = []

    def front(lab_, by):
        fronts.append(Front(lab_, by))
        return fronts[0]
    verdict, report, load, _, _ = storm.play(lab, 4, 100, front=front)
    fronts[0].ending.set()
    fronts[0].server.close()
    print("# answer before commit: " + storm.line(verdict, report))
    px.ok(verdict.lost and fronts[0].forgotten, "control: answering before the commit loses messages, and it is seen", verdict)

# Whether what was not answered had been accepted is chance: up to three storms.
for turn in range(3):
    with px.Lab("BY", "UA") as lab:
        verdict, report, load, _, _ = storm.play(lab, 6, 150, new_id=True)
    print("# retry with a new id: %s, %d times" % (storm.line(verdict, report), load.twins))
    if verdict.doubled:
        break
px.ok(verdict.doubled, "control: sending again under a new id takes effect twice, and it is seen", verdict)
px.done()
