#!/usr/bin/env python3
# prinex: power cuts: what was written and not flushed is lost, all of it or by chance; what was acknowledged is not
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# And at each step of making a new store. The controls are disks that call things flushed and do not flush, or folders only: that must
# be seen.
import os
import random
import time

import solo
import ledger
import bulk
import px

LONG = bool(os.environ.get("PX_LONG"))
CUTS = int(os.environ.get("PX_CUTS", "50" if LONG else "4"))
# The power is cut just before the n-th such call on a new store. PX_LONG=1: each n that comes before it is ready.
STEPS = (("mkdir", ()), ("open", ()), ("pwrite", ()), ("fdatasync", (1,)), ("rename", (1,)), ("fsync", (1,)), ("unlink", ()))


def play(lab, cuts):
    """@return verdict, how many writes were lost, what was odd."""
    by = solo.Solo(lab, map_size="4G")
    by.start(PX_SHIM_UNDO=by.undo)
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=2)
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by.broker), threads=1)
    sender = solo.Sender(by, lab.dir)
    sender.start()
    taken, faults = 0, []
    for cut in range(cuts):
        wanted = len(sender.book) + 20
        px.wait_for(lambda w=wanted: len(sender.book) >= w or sender.odd, 30, every=0.01)
        chance = None if cut % 2 == 0 else random.Random(cut)
        with by.lock:
            taken += by.cut_power(chance)
            by.broker.start(wait=False, env=by.env)
        by.broker.wait_ready()
        faults.append(by.verifies())
    px.wait_for(lambda: len(sender.book) >= 20 * (cuts + 1) or sender.odd, 30)
    sender.ending = True
    for t in sender.threads:
        t.join(60)
    # What waits by then may be thousands, and what a fetcher lost is leased for two minutes.
    px.wait_for(lambda: all(k in inbox.got for k in list(sender.book.answers)), 400 if LONG else 60, every=0.2)
    time.sleep(0.5)
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    for sender_, mid in verdict.lost[:5]:
        faults.append("%s is not there: %s" % (mid, by.broker.ctl("message", "%s/%s" % (sender_, mid), parse=False)[1]))
    inbox.stop()
    back.stop()
    return verdict, taken, [f for f in faults if f] + sender.odd


def remembers(by, sender, **env):
    """Whether what is acknowledged now is known after a power cut that takes all it may. What is wrong, or \"\"."""
    sender.movement(sender.movements)
    sender.movements += 1
    by.cut_power()
    by.start(**env)
    sender.system.forget()
    for key, doc in sender.docs.items():
        sender.book.acked(key, sender.system.post(doc).body)
    forgotten = ["%s: accepted as new" % key[1] for key in sender.book.differing]
    return "\n".join(forgotten + sender.odd + ([by.verifies()] if by.verifies() else []))


def cut_while_making(by, folder, call, n, chance):
    """@return whether the power was cut, what went wrong."""
    by.wipe()
    by.start(wait=False, PX_SHIM_UNDO=by.undo, PX_SHIM_FAULT="%s:%d:kill" % (call, n), PX_SHIM_FLAG=by.flag)
    px.wait_for(lambda: by.fired() or by.broker.wait_ready(0), every=0.01)
    fired = by.fired() is not None
    by.cut_power(chance)
    if not fired:
        return False, ""
    os.unlink(by.flag)
    by.start(PX_SHIM_UNDO=by.undo)
    if not by.broker.wait_ready(20):
        return True, by.broker.tail(10)
    wrong = remembers(by, solo.Sender(by, folder), PX_SHIM_UNDO=by.undo)
    by.broker.kill_node()
    return True, wrong


def making(lab):
    by = solo.Solo(lab)
    for call, short in STEPS:
        came, wrong = 0, []
        for n in range(1, 100) if LONG else short:
            for chance in (None, random.Random(n)) if LONG else (None,):
                fired, bad = cut_while_making(by, lab.dir, call, n, chance)
                came += fired
                wrong += ["%s %d: %s" % (call, n, bad)] if bad else []
            if not fired:
                break
        if LONG or short:
            px.ok(not wrong and came >= len(short), "a power cut before %s, %d times, while a store is made: the next start makes it, and keeps it" % (call, came), "\n".join(wrong))
    by.wipe()
    by.start(PX_SHIM_UNDO=by.undo, PX_SHIM_LIE="folders")
    wrong = remembers(by, solo.Sender(by, lab.dir))
    by.broker.kill_node()
    px.ok("accepted as new" in wrong, "control: without a flush of its folder a new store is lost with all that is in it, and it is seen", wrong)


def lying(lab):
    """Nobody fetches before the cut: what is acknowledged is in the store and nowhere else, and the store was made by a disk that flushes."""
    by = solo.Solo(lab)
    by.start(PX_SHIM_UNDO=by.undo)
    by.cut_power()
    by.start(PX_SHIM_UNDO=by.undo, PX_SHIM_LIE="all")
    sender = solo.Sender(by, lab.dir)
    sender.movement(0)
    taken = by.cut_power()
    by.start(PX_SHIM_UNDO=by.undo)
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=1)
    idle = px.wait_for(by.is_idle, 60, every=0.1)
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    inbox.stop()
    by.broker.kill_node()
    print("# a lying disk: %d writes taken back, %d acknowledged, %d lost" % (taken, verdict.acked, len(verdict.lost)))
    px.ok(idle and verdict.acked == solo.LINE and len(verdict.lost) == solo.LINE,
          "control: without a flush a power cut loses messages, and it is seen", verdict)


if px.SANITIZE:
    px.skip("power cuts", "the shim and sanitizers do not go together")
    px.done()

with px.Lab("BY", "XA") as lab:
    verdict, taken, odd = play(lab, CUTS)
    print("# %d cuts, %d writes taken back, %d acknowledged" % (CUTS, taken, verdict.acked))
    px.ok(verdict.acked >= 20 * CUTS and not odd, "messages are acknowledged between %d power cuts, the store verifies after each" % CUTS, "\n".join(odd[:10]))
    px.ok(not verdict.lost, "acknowledged and lost: 0", verdict.lost[:10])
    px.ok(not verdict.doubled and not verdict.differing, "double effects: 0, the same answers", (verdict.doubled[:10], verdict.differing[:10]))
    px.ok(not verdict.disorder, "out of order: 0", verdict.disorder[:10])

with px.Lab("BY", "XA") as lab:
    making(lab)
    lab.brokers.clear()

with px.Lab("BY", "XA") as lab:
    lying(lab)
    lab.brokers.clear()
px.done()
