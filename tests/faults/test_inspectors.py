#!/usr/bin/env python3
# prinex: inspectors killed at random under load: nothing is lost, refused or doubled
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import random
import signal
import time

import solo
import ledger
import bulk
import px

LONG = bool(os.environ.get("PX_LONG"))
KILLS = int(os.environ.get("PX_KILLS", "1000" if LONG else "25"))


def inspectors(broker):
    """Processes of the clean parent: it has forked them."""
    parents = [p for p in broker.pids() if b"--role\0inspect" in px.cmdline(p)]
    return [c for p in parents for c in px.children(p)]


def play(lab, kills, pause, calm=True):
    """@return the verdict, what was odd, how many were killed. @calm: none dies twice of the same message."""
    by = solo.Solo(lab, map_size="4G")  # 256 MB would be full after 10,000 messages
    by.start()
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=2)
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by.broker), threads=1)
    sender = solo.Sender(by, lab.dir)
    sender.start(4)
    chance, killed = random.Random(1), 0
    end = time.monotonic() + 120 * px.SLOW + kills
    while killed < kills and time.monotonic() < end and not sender.odd:
        there = inspectors(by.broker)
        if there:
            victim = chance.choice(there)
            try:
                os.kill(victim, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
            if calm:  # until it is gone, and that was seen, it is still given messages, which count as hit too
                px.wait_for(lambda gone=victim: gone not in inspectors(by.broker), every=0.02)
                time.sleep(0.05 * px.SLOW)
            hit = [k for k in list(sender.docs) if k not in sender.book.answers] if calm else []
            while any(k not in sender.book.answers for k in hit) and time.monotonic() < end and not sender.odd:
                time.sleep(0.02)
        time.sleep(pause * chance.uniform(0.5, 1.5))
    sender.end()
    px.wait_for(lambda: all(k in inbox.got for k in list(sender.book.answers)) and by.is_idle(), 400 if LONG and calm else 60, every=0.1)
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    inbox.stop()
    back.stop()
    return verdict, sender.odd, killed, by


with px.Lab("BY", "XA") as lab:
    verdict, odd, killed, by = play(lab, KILLS, 0.25)
    print("# %d inspectors killed, %d messages acknowledged" % (killed, verdict.acked))
    px.ok(killed == KILLS and verdict.acked > killed, "%d inspectors are killed under load" % KILLS, (killed, verdict.acked))
    px.ok(not odd, "nothing is refused", "\n".join(odd[:10]))
    px.ok(not any(verdict[1:]), "nothing is lost, doubled or out of order", (verdict.acked, [v[:5] for v in verdict[1:]]))
    px.ok(len(px.children(by.broker.process.pid)) == 1 and not by.restarts, "the broker itself went on", by.broker.tail(20))

with px.Lab("BY", "XA") as lab:
    # The control: whoever is killed without a pause looks like a message that kills, and is refused; or nothing is examined at all where they start slowly.
    verdict, odd, killed, _ = play(lab, 4000, 0.0005, calm=False)
    print("# control: %d killed, %d acknowledged, %d refused" % (killed, verdict.acked, len(odd)))
    px.ok(odd, "control: a message whose inspectors all die is refused, or never answered, and that is seen", (killed, verdict.acked))
px.done()
