#!/usr/bin/env python3
# prinex: bad networks between sender, brokers and each other: delays, drips, resets, black holes, answers cut off after the commit
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import time

import ledger
import storm
import bulk
import fake
import proxy
import px

LONG = bool(os.environ.get("PX_LONG"))
SECONDS = int(os.environ.get("PX_SECONDS", "600" if LONG else "12"))


class Through:
    """A broker as seen through a proxy."""

    def __init__(self, broker, port):
        self.authority, self.name, self.port = broker.authority, broker.name, port


def pair(lab, proxied, more="timeout = 3s"):
    """Two brokers; @proxied(broker): the URL at which the other one finds it."""
    by, ua = lab.broker("BY"), lab.broker("UA")
    for me, you in ((by, ua), (ua, by)):
        me.write(me.head() + me.trust("BY", "UA") + me.partner("system-" + me.authority.lower(), me.authority, "system") +
                 me.partner(you.name, you.authority, "node", url=proxied(you), more=more))
    by.start()
    ua.start()
    return by, ua


with px.Lab("BY", "UA") as lab:
    proxies = {}

    def through(broker):
        proxies[broker.name] = proxy.Proxy(broker.port, seed=len(proxies) + 1)
        return proxies[broker.name].url
    by, ua = pair(lab, through)
    proxies["sender"] = proxy.Proxy(by.port, seed=7, moods=("fine", "fine", "delay", "drip", "reset", "cut"))
    if LONG:  # what it fetched and did not get is offered again after two minutes
        proxies["recipient"] = proxy.Proxy(ua.port, seed=8, moods=("fine", "fine", "delay", "drip", "reset", "cut"))
    sender = bulk.System(lab, "BY", broker=Through(by, proxies["sender"].port))
    inbox = ledger.Receiver(bulk.System(lab, "UA", broker=Through(ua, proxies["recipient"].port) if LONG else ua), threads=3)
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by), threads=1, keep=True)
    book = ledger.Ledger(os.path.join(lab.dir, "ledger"))
    load = storm.Load(sender, book, 0)
    load.start(4)
    end = time.monotonic() + SECONDS

    def hurry():
        """Backoff would make most of the time idle: an administrator who thinks that all is well again."""
        for b, partner in ((by, ua.name), (ua, by.name)):
            b.ctl("retry", partner, parse=False)
            b.ctl("probe", partner, parse=False)
        return False
    while time.monotonic() < end and not load.odd:
        hurry()
        time.sleep(0.5)
    for p in proxies.values():
        p.calm()
    load.end()
    px.wait_for(lambda: all(k in inbox.got for k in list(book.answers)) or hurry(), 300 if LONG else 60, every=0.5)
    px.wait_for(lambda: len(back.outcomes()) >= len(book) or hurry(), 60, every=0.5)
    time.sleep(1)
    moods = {}
    for p in proxies.values():
        for mood, n in p.had.items():
            moods[mood] = moods.get(mood, 0) + n
    cuts = sum(p.cuts for p in proxies.values())
    verdict = ledger.judge(book.answers, book.differing, inbox.sightings.log)
    print("# %d acknowledged, %d sent again, connections %s, %d answers cut off" % (verdict.acked, load.again, moods, cuts))
    px.ok(verdict.acked > 20 and len(moods) == len(proxy.MOODS) and cuts, "messages are acknowledged over connections in each mood", moods)
    px.ok(not load.odd, "none is refused", "\n".join(load.odd[:10]))
    px.ok(not verdict.lost, "acknowledged and lost: 0", verdict.lost[:10])
    px.ok(not verdict.doubled and not verdict.differing, "double effects: 0, the same answers", (verdict.doubled[:10], verdict.differing[:10]))
    px.ok(not verdict.disorder, "out of order: 0", verdict.disorder[:10])
    proofs = back.outcomes()
    bad = [(k, [e.kind for e in proofs.get(k, [])]) for k in book.answers if [e.kind for e in proofs.get(k, [])] != ["CoD"]]
    px.ok(not bad, "the sender got exactly one CoD for each", "%d: %s" % (len(bad), bad[:5]))
    inbox.stop()
    back.stop()
    for p in proxies.values():
        p.close()

# The control: somebody on the way says that all is well and keeps it, and BY was told to believe such answers.
with px.Lab("BY", "UA") as lab:
    liars = []

    def lied_to(broker):
        if broker.authority == "BY":
            return broker.url()
        ua_node = bulk.System(lab, "UA", broker=broker)
        ua_node.broker = lab.brokers[0]
        liars.append(fake.Server(ua_node, os.path.join(lab.pki, "UA", "node"), lambda s, r: fake.text(200, "thank you")))
        return liars[0].url
    by, ua = pair(lab, lied_to, more="confirmation = http")
    inbox = ledger.Receiver(bulk.System(lab, "UA", broker=ua), threads=1)
    book = ledger.Ledger()
    load = storm.Load(bulk.System(lab, "BY", broker=by), book, 0)
    load.ending = True
    for place in range(storm.LINE):
        load.send(0, place)
    px.wait_for(lambda: len(liars[0].requests) >= storm.LINE, 10)
    time.sleep(0.5)
    verdict = ledger.judge(book.answers, book.differing, inbox.sightings.log)
    px.ok(len(verdict.lost) == storm.LINE, "control: what a liar on the way keeps is seen as lost", verdict)
    inbox.stop()
    liars[0].close()
px.done()
