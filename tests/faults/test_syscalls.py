#!/usr/bin/env python3
# prinex: the n-th system call on the store fails: no 2xx for what is not kept, and everything acknowledged is there afterwards
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# Short: one n of the main kinds. PX_LONG=1: n = 1, 2, ... until the fault does not come any more. A broker starts, takes two movements
# of three messages, delivers, is killed and started once more without faults. The controls: a disk that drops what it says it wrote,
# and a broker that goes on when a flush failed.
import os
import time

import solo
import ledger
import bulk
import px

LONG = bool(os.environ.get("PX_LONG"))
MOVEMENTS = 2
# call, how, the n of the short form. Hard: the disk can't be relied on any more, so that broker process must not answer 2xx again.
FAULTS = (
    ("fdatasync", "EIO", (3, 9), True),
    ("fdatasync", "EIO:on", (5,), True),
    ("pwrite", "EIO", (2, 9), True),
    ("pwrite", "ENOSPC", (12,), False),
    ("pwrite", "short", (1, 7), False),
    ("pwrite", "EINTR", (), False),
    ("writev", "EIO", (1,), True),
    ("writev", "ENOSPC", (), False),
    ("writev", "short", (), False),
    ("write", "EIO", (), False),
    ("fsync", "EIO", (), False),
    ("msync", "EIO", (), False),
    ("open", "EIO", (2,), False),
    ("open", "ENOSPC", (), False),
    ("mkdir", "ENOSPC", (), False),
    ("rename", "EIO", (1,), False),
    ("unlink", "EIO", (), False),
    ("ftruncate", "ENOSPC", (), False),
    ("mmap", "ENOMEM", (), False),
    ("malloc", "ENOMEM", (5,), False),
)
MOST = 400


def one(lab, by, call, how, n, hard, patience=40):
    """Play one fault. @patience: seconds until all is delivered. @return whether it came, what went wrong."""
    by.wipe()
    by.hard, by.broken_promises = hard, []
    by.start(PX_SHIM_FAULT="%s:%d:%s" % (call, n, how), PX_SHIM_FLAG=by.flag)
    sender = solo.Sender(by, lab.dir)
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=1)
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by.broker), threads=1)
    bulk.each(sender.movement, range(MOVEMENTS), threads=2)
    fired = by.fired() is not None
    if fired:
        by.broker.kill_node()
        by.start()
        by.broker.wait_ready()
    px.wait_for(lambda: all(k in inbox.got for k in list(sender.book.answers)) and by.is_idle(), patience, every=0.05)
    wrong = list(sender.odd)
    if fired:
        time.sleep(0.3)
        wrong += [w for w in (by.verifies(),) if w]
        try:
            for key, doc in sender.docs.items():
                r = sender.system.post(doc)
                if r.status in (200, 201):
                    sender.book.acked(key, r.body)
        except bulk.FAULTS as e:
            wrong.append("the broker does not answer after a new start: %s" % e)
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    inbox.ending = back.ending = True
    by.broker.kill_node()  # which also ends their long polls
    inbox.stop()
    back.stop()
    if any(verdict[1:]) or verdict.acked != MOVEMENTS * solo.LINE:
        wrong.append(str(verdict))
    if by.broken_promises:
        wrong.append("%d answers 2xx by the process whose disk had failed" % len(by.broken_promises))
    return fired, wrong


def play(lab, by, call, how, short, hard):
    fired, wrong, played = 0, [], 0
    for n in range(1, MOST) if LONG else short:
        came, bad = one(lab, by, call, how, n, hard)
        played += 1
        if LONG and played % 10 == 0:
            print("# %s %s: n=%d" % (call, how, n), flush=True)
        wrong += ["n=%d: %s" % (n, b) for b in bad]
        fired += came
        if not came:
            break
    text = "%s %s: %d of %d came; nothing acknowledged is lost, nothing doubled, the store verifies" % (call, how, fired, played)
    px.ok(not wrong and (LONG or fired == played) and played < MOST - 1, text, "\n".join(wrong[:10]) + by.broker.tail(20) if wrong else "")


if px.SANITIZE:
    px.skip("failing system calls", "the shim and sanitizers do not go together")
    px.done()

with px.Lab("BY", "XA") as lab:
    by = solo.Solo(lab)
    for call, how, short, hard in FAULTS:
        if short or LONG:
            play(lab, by, call, how, short, hard)
    fired, wrong = one(lab, by, "pwrite", "drop:on", 12, False, patience=3)
    px.ok(fired and wrong, "control: a disk that drops what it says it wrote is seen", wrong)
    fired, wrong = one(lab, by, "fdatasync", "drop:on", 5, True, patience=3)
    px.ok(fired and any("answers 2xx" in w for w in wrong), "control: a broker that does not look whether a flush failed answers 2xx, and it is seen", wrong)
    lab.brokers.clear()
px.done()
