#!/usr/bin/env python3
# prinex: power cuts: what was written and not flushed is lost, all of it or by chance; what was acknowledged is not
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# The control is a disk that calls things flushed and does not flush: that must be seen.
import os
import random
import time

import solo
import ledger
import bulk
import px

CUTS = int(os.environ.get("PX_CUTS", "50" if os.environ.get("PX_LONG") else "4"))


def play(lab, cuts, lie):
    """@return verdict, how many writes were lost, what was odd."""
    by = solo.Solo(lab)
    env = dict(PX_SHIM_UNDO=by.undo, **({"PX_SHIM_LIE": 1} if lie else {}))
    by.start(**env)
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=2)
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by.broker), threads=1)
    sender = solo.Sender(by, lab.dir)
    sender.start()
    taken, faults = 0, []
    for cut in range(cuts):
        wanted = len(sender.book) + 20
        px.wait_for(lambda w=wanted: len(sender.book) >= w or sender.odd, 30, every=0.01)
        chance = None if lie or cut % 2 == 0 else random.Random(cut)
        with by.lock:
            taken += by.cut_power(chance)
            by.broker.start(wait=False, env=by.env)
        by.broker.wait_ready()
        if lie:
            break
        faults.append(by.verifies())
    if not lie:
        px.wait_for(lambda: len(sender.book) >= 20 * (cuts + 1) or sender.odd, 30)
    sender.ending = True
    for t in sender.threads:
        t.join(20 if lie else 60)
    px.wait_for(lambda: all(k in inbox.got for k in list(sender.book.answers)), 5 if lie else 60, every=0.2)
    time.sleep(0.5)
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    inbox.stop()
    back.stop()
    if lie:
        by.broker.kill_node()
    return verdict, taken, [f for f in faults if f] + sender.odd


if px.SANITIZE:
    px.skip("power cuts", "the shim and sanitizers do not go together")
    px.done()

with px.Lab("BY", "XA") as lab:
    verdict, taken, odd = play(lab, CUTS, lie=False)
    print("# %d cuts, %d writes taken back, %d acknowledged" % (CUTS, taken, verdict.acked))
    px.ok(verdict.acked >= 20 * CUTS and not odd, "messages are acknowledged between %d power cuts, the store verifies after each" % CUTS, "\n".join(odd[:10]))
    px.ok(not verdict.lost, "acknowledged and lost: 0", verdict.lost[:10])
    px.ok(not verdict.doubled and not verdict.differing, "double effects: 0, the same answers", (verdict.doubled[:10], verdict.differing[:10]))
    px.ok(not verdict.disorder, "out of order: 0", verdict.disorder[:10])

with px.Lab("BY", "XA") as lab:
    verdict, taken, _ = play(lab, 1, lie=True)
    print("# a lying disk: %d writes taken back, %d acknowledged, %d lost" % (taken, verdict.acked, len(verdict.lost)))
    px.ok(taken and (verdict.lost or verdict.doubled or verdict.differing), "control: without a flush a power cut loses messages, and it is seen", verdict)
    lab.brokers.clear()
px.done()
