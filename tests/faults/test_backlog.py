#!/usr/bin/env python3
# prinex: a large backlog for a partner that is down: memory, the others' share, restart, and order when it comes back
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# 20,000 deliveries of 1 KB, counts only; PX_LONG=1: 1,000,000, and what it may cost is asserted too.
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import solo
import bulk
import fake
import px

LONG = bool(os.environ.get("PX_LONG"))
N = int(os.environ.get("PX_BACKLOG", "1000000" if LONG else "20000"))
PER_MOVEMENT = 4
MB = 1 << 20


class Sink(fake.Server):
    """Takes whatever is posted with 200 and notes which it was; seen: each once."""

    def __init__(self, *args, **kw):
        self.seen = set()
        super().__init__(*args, **kw)

    def one(self, t, f):
        line = f.readline()
        length = 0
        while line not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
            line = f.readline()
        if not length:
            return False
        n = int(re.match(rb"BACKLOG-(\d+) ", f.read(length)[:40]).group(1))
        with self.lock:
            self.requests.append(n)
            self.seen.add(n)
        t.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        return True


def memory(broker):
    """Octets of the broker process that are its own, not the store's map."""
    with open("/proc/%d/status" % broker.broker_pid(), encoding="ascii") as f:
        return int(re.search(r"RssAnon:\s+(\d+) kB", f.read()).group(1)) * 1024


def rate(by, seconds, threads=4):
    """Messages a second that are accepted for another recipient."""
    sender = solo.Sender(by, by.lab.dir)
    sender.start(threads)
    time.sleep(seconds)
    sender.end()
    px.ok(not sender.odd and len(sender.book), "messages for another recipient are taken: %d" % len(sender.book), sender.odd[:5])
    return len(sender.book) / seconds


def verify_aloud(by):
    """@return what the daemon says of its progress, [(done, total)], and the result."""
    said = []
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(600 * px.SLOW)
        s.connect(by.broker.socket)
        s.sendall(b'{"jsonrpc":"2.0","id":7,"method":"verify","params":{"progress":true}}\n')
        for line in s.makefile("r", encoding="utf-8"):
            answer = json.loads(line)
            if "method" not in answer:
                return said, answer
            said.append((answer["params"]["done"], answer["params"]["total"]))
    return said, {}


def start(by):
    """@return seconds until it listens."""
    began = time.monotonic()
    by.broker.start(wait=False)
    by.broker.wait_listening(60)
    took = time.monotonic() - began
    by.broker.wait_ready(60)
    return took


def disorder(numbers):
    """Those that came after a later one of their movement, or again."""
    last, wrong = {}, []
    for n in numbers:
        movement, place = divmod(n - 1, PER_MOVEMENT)
        if last.get(movement, -1) >= place:
            wrong.append(n)
        last[movement] = max(place, last.get(movement, -1))
    return wrong


px.ok(disorder([1, 5, 2, 6, 3]) == [] and disorder([1, 6, 3, 5, 2]) == [5, 2], "control: disorder within a movement is seen, between movements it is none")
with px.Lab("BY", "XA", "XB") as lab:
    port = px.free_port()
    by = solo.Solo(lab, map_size="64G")
    with open(by.broker.conf, "a", encoding="ascii") as f:
        f.write(by.broker.trust("XB") + by.broker.partner("system-xb", "XB", "system", url="https://127.0.0.1:%d" % port,
                                                           more="confirmation = http\nin-flight = 32"))
    start(by)
    inbox = bulk.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=1)
    without, lean = rate(by, 20 if LONG else 3), memory(by.broker)
    by.broker.stop()
    sys.stdout.flush()
    status = subprocess.run([px.program("backlog"), by.store, str(N), "system-xb", "XB", "1024", str(PER_MOVEMENT)], timeout=3600, check=False)
    px.ok(status.returncode == 0, "a backlog of %d deliveries is made" % N)

    took = start(by)
    print("# restart to listening with it: %.2f s" % took)
    count = px.wait_for(lambda: by.broker.metric("prinex_backlog", partner="system-xb"), 30)
    px.ok(count == N, "after a restart it is there, each of them", count)
    with_it = rate(by, 20 if LONG else 3)
    grown = memory(by.broker) - lean
    print("# %.0f/s taken for another recipient without it, %.0f/s with it; memory grew by %.1f MB" % (without, with_it, grown / MB), flush=True)
    more = [rate(by, 20) for _ in range(2)] if LONG and with_it < 0.95 * without else []  # the machine may have had something else to do
    px.ok(px.wait_for(lambda: any(a["name"] == "partner-down" for a in by.broker.ctl("status")["alarms"]), 60), "the partner is down")
    px.ok(px.wait_for(lambda: not by.broker.ctl("queue", "system-xa")["deliveries"], 60), "what is for the other recipient is delivered meanwhile")
    if LONG:
        px.ok(grown <= 64 * MB, "memory grows by no more than 64 MB", grown)
        px.ok(max([with_it] + more) >= 0.95 * without, "others keep 95 % of their rate", (with_it, more, without))
        px.ok(took <= 2 * px.SLOW, "restart to listening within 2 s", took)

    said, answer = verify_aloud(by)
    px.ok(said and said == sorted(said) and all(0 < done <= total for done, total in said) and answer.get("result", {}).get("ok"),
          "verify says how far it is, and that the store is sound", (said, answer))

    sink = Sink(bulk.System(lab, "XB", broker=by.broker), os.path.join(lab.pki, "XB", "system"), None, port=port)
    by.broker.ctl("probe", "system-xb", parse=False)
    began = time.monotonic()
    killer = threading.Timer(2, by.broker.kill_broker)  # in the middle of it, too
    killer.start()
    while len(sink.seen) < N and time.monotonic() - began < (3600 if LONG else 240) * px.SLOW:
        px.wait_for(lambda: len(sink.seen) >= N, 10)
        print("# %d of %d have come after %d s" % (len(sink.seen), N, time.monotonic() - began), flush=True)
    wrong = disorder(list(sink.requests))
    print("# it came in %.1f s" % (time.monotonic() - began))
    px.ok(len(sink.seen) == N, "when the partner is back all of it comes, with a kill -9 in between", len(sink.seen))
    again = len(sink.requests) - N
    px.ok(again <= 32, "no more comes twice than was in flight at the kill", again)
    twice = {n for n in wrong if sink.requests.count(n) > 1}
    px.ok(set(wrong) <= twice, "order within each movement held", sorted(set(wrong) - twice)[:10])
    px.ok(px.wait_for(lambda: by.broker.metric("prinex_backlog", partner="system-xb") == 0, 60), "and nothing is left over",
          by.broker.metric("prinex_backlog", partner="system-xb"))
    px.ok(by.verifies() == "", "store and journal verify", by.verifies())
    inbox.stop()
    sink.close()
px.done()
