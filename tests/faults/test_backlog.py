#!/usr/bin/env python3
# prinex: a large backlog for a partner that is down: memory, the others' share, restart, and order when it comes back
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# 20,000 deliveries of 1 KB, counts only; PX_LONG=1: 1,000,000, and what it may cost is asserted too.
#
# Two brokers stand side by side, one with the backlog and one without, and take the same load at the same time: what else the
# machine does meanwhile it does to both. Compared are messages a second and the CPU time of all of a broker's processes for a
# message.
import collections
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import stage  # noqa: E402  pylint: disable=wrong-import-position
import bulk  # noqa: E402  pylint: disable=wrong-import-position
import fake  # noqa: E402  pylint: disable=wrong-import-position
import px  # noqa: E402  pylint: disable=wrong-import-position

LONG = bool(os.environ.get("PX_LONG"))
N = int(os.environ.get("PX_BACKLOG", "1000000" if LONG else "20000"))
WINDOWS, COUNT, SECONDS = (60, 8000, 5) if LONG else (1, 150, 120)
PER_MOVEMENT, CONTROL = 4, 400
MB = 1 << 20
KEEP = 0.95  # of their rate is what others keep


class Sink(fake.Server):
    """Takes whatever is posted with 200 and notes which it was; seen: each once. One in a hundred it refuses at first: what
    comes behind that in its movement must wait."""

    def __init__(self, *args, **kw):
        self.seen, self.refused = set(), set()
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
            take = n % 97 or n in self.refused
            if take:
                self.requests.append(n)
                self.seen.add(n)
            else:
                self.refused.add(n)
        t.sendall(b"HTTP/1.1 %s\r\nContent-Length: 3\r\n\r\nok\n" % (b"200 OK" if take else b"503 Later"))
        return True


def memory(broker):
    """Octets of the broker process that are its own, not the store's map."""
    with open("/proc/%d/status" % broker.broker_pid(), encoding="ascii") as f:
        return int(re.search(r"RssAnon:\s+(\d+) kB", f.read()).group(1)) * 1024


class Peak(threading.Thread):
    """The most memory that a broker has until it ends, restarts included."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.broker, self.most, self.ending = broker, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ending.wait(0.2):
            try:
                self.most = max(self.most, memory(self.broker))
            except (OSError, AttributeError):
                pass  # it is being restarted

    def end(self):
        self.ending.set()
        self.join()
        return self.most


def verify_aloud(broker):
    """@return what the daemon says of its progress, [(done, total)], and the result."""
    said = []
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(600 * px.SLOW)
        s.connect(broker.socket)
        s.sendall(b'{"jsonrpc":"2.0","id":7,"method":"verify","params":{"progress":true}}\n')
        for line in s.makefile("r", encoding="utf-8"):
            answer = json.loads(line)
            if "method" not in answer:
                return said, answer
            said.append((answer["params"]["done"], answer["params"]["total"]))
    return said, {}


def start(broker):
    """@return seconds until it listens."""
    began = time.monotonic()
    broker.start(wait=False)
    broker.wait_listening(60)
    took = time.monotonic() - began
    broker.wait_ready(60)
    return took


def restarts(node):
    """@return seconds until it listens: after a stop, with nothing of the store in memory; after all of it was killed."""
    took = [start(node.broker)]
    node.broker.kill_node()
    stage.forget(node.store)
    took.append(start(node.broker))
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


def twice(numbers):
    """Those that came more than once."""
    return {n for n, times in collections.Counter(numbers).items() if times > 1}


def make(lab, folder, inspect=""):
    """A broker with a partner that is down, and where that will be."""
    port = px.free_port()
    node = stage.Node(lab, False, folder)
    by = node.broker
    with open(by.conf, encoding="utf-8") as f:
        text = f.read().replace(px.CATALOGUE, os.path.join(px.ROOT, "schemas", "catalogue", "prinex.conf"))
    by.write(text.replace("inspect {", "inspect { " + inspect) + by.trust("XB") + by.partner(
        "system-xb", "XB", "system", url="https://127.0.0.1:%d" % port, more="confirmation = http\nin-flight = 32"))
    return node, port


def fill(node, n, per_movement):
    """Deliveries that wait, made while the broker is down."""
    node.broker.stop()
    sys.stdout.flush()
    argv = [px.program("backlog"), node.store, str(n), "system-xb", "XB", "1024", str(per_movement)]
    status = subprocess.run(argv, timeout=3600, check=False)
    px.ok(status.returncode == 0, "a backlog of %d deliveries is made" % n)
    stage.forget(node.store)


def others(lab, payloads, lean, laden):
    """What others notice of the backlog. In the long form also a control: a broker that verifies signatures the dear way."""
    nodes = [lean, laden]
    if LONG:
        nodes.append(make(lab, "dear", "verify = xmlsec")[0])
        start(nodes[2].broker)
    c = stage.Comparison(nodes, ["%s:1000:%s" % (payloads.type, payloads.file(6000))], SECONDS * px.SLOW, COUNT, WINDOWS, key="sign-ec", warm=50)
    for i, node in enumerate(nodes):
        print("# %s: %.0f a second, %.0f us of CPU for a message (%.3f and %.3f of what the first has, give or take %.3f and %.3f)" % (
            (os.path.basename(node.broker.dir), c.median(i, "rate"), c.median(i, "broker_cpu_us"), c.ratio(i, "rate"),
             c.ratio(i, "broker_cpu_us"), c.error(i, "rate"), c.error(i, "broker_cpu_us"))), flush=True)
    px.ok(px.wait_for(lambda: any(a["name"] == "partner-down" for a in laden.broker.ctl("status")["alarms"]), 60), "the partner is down")
    if not LONG:
        return
    px.ok(c.ratio(1, "rate") >= KEEP, "others keep 95 % of their rate", c.ratio(1, "rate"))
    px.ok(c.ratio(1, "broker_cpu_us") <= 1 / KEEP, "and their messages cost no more than that", c.ratio(1, "broker_cpu_us"))
    px.ok(c.ratio(2, "broker_cpu_us") > 1 / KEEP and c.ratio(2, "rate") < KEEP, "control: a broker whose inspections are dearer is seen")
    nodes[2].broker.stop()


def drain(lab, node, port, n, kill):
    """The partner is back. @return numbers in the order of their coming."""
    broker = node.broker
    peak = Peak(broker)
    sink = Sink(bulk.System(lab, "XB", broker=broker), os.path.join(lab.pki, "XB", "system"), None, port=port)
    broker.ctl("probe", "system-xb", parse=False)
    began = time.monotonic()
    if kill:
        threading.Timer(2, broker.kill_broker).start()
    while len(sink.seen) < n and time.monotonic() - began < (3600 if LONG else 240) * px.SLOW:
        px.wait_for(lambda: len(sink.seen) >= n, 10)
        print("# %d of %d have come after %d s" % (len(sink.seen), n, time.monotonic() - began), flush=True)
    print("# it came in %.1f s" % (time.monotonic() - began))
    px.ok(len(sink.seen) == n, "when the partner is back all of it comes" + (", with a kill -9 in between" if kill else ""), len(sink.seen))
    sink.close()
    return list(sink.requests), peak.end()


def main():
    with px.Lab("BY", "UA", "XB") as lab:
        payloads = stage.Payloads(lab.dir, own=True)
        (lean, lean_port), (laden, port) = make(lab, "lean"), make(lab, "laden")
        fill(laden, N, PER_MOVEMENT)
        took = restarts(laden)
        print("# restart to listening with it, nothing of it in memory: %.2f s after a stop, %.2f s after a kill" % tuple(took))
        count = px.wait_for(lambda: laden.broker.metric("prinex_backlog", partner="system-xb"), 30)
        px.ok(count == N, "after restarts it is there, each of them", count)
        start(lean.broker)
        others(lab, payloads, lean, laden)
        lean_memory = memory(lean.broker)
        print("# memory has grown by %.1f MB" % ((memory(laden.broker) - lean_memory) / MB), flush=True)
        said, answer = verify_aloud(laden.broker)
        px.ok(said and said == sorted(said) and all(0 < done <= total for done, total in said) and answer.get("result", {}).get("ok"),
              "verify says how far it is, and that the store is sound", (said, answer))

        came, peak = drain(lab, laden, port, N, kill=True)
        print("# at most %.1f MB more than without it" % ((peak - lean_memory) / MB))
        if LONG:
            px.ok(peak - lean_memory <= 64 * MB, "memory never was 64 MB more than without it", (peak, lean_memory))
            px.ok(max(took) <= 2 * px.SLOW, "restart to listening within 2 s", took)
        px.ok(px.wait_for(lambda: laden.broker.metric("prinex_backlog", partner="system-xb") == 0, 60), "and nothing is left over",
              laden.broker.metric("prinex_backlog", partner="system-xb"))
        px.ok(len(came) - N <= 32, "no more comes twice than was in flight at the kill", len(came) - N)
        wrong = set(disorder(came)) - twice(came)
        px.ok(not wrong, "order within each movement held", sorted(wrong)[:10])
        status, out = laden.broker.ctl("verify", parse=False)
        px.ok(status == 0, "the store verifies", out)
        status, out = laden.broker.ctl("journal", "verify", parse=False)
        px.ok(status == 0, "the journal verifies", out)

        fill(lean, CONTROL, 1)
        start(lean.broker)
        came, _ = drain(lab, lean, lean_port, CONTROL, kill=False)
        px.ok(disorder(came), "control: deliveries that no movement holds together come in disorder, and that is seen")
    px.done()


main()
