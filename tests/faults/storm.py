#!/usr/bin/env python3
# prinex: storm: kill -9 again and again under load: nothing acknowledged is lost, nothing takes effect twice, order holds
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""usage: storm.py [KILLS [MESSAGES]]

Two brokers, BY and UA, each with a pulling system. BY's sends movements of five messages, each when the one before it was
acknowledged, and again with the same octets until it is answered; each acknowledgement goes into an fsynced ledger first.
Meanwhile what the kinds of kill name ends by SIGKILL, in turn, the kills spread over all messages (500 a kill unless MESSAGES
says how many). Says every ten seconds how far it is and ends with
    storm: kills=.. acked=.. lost=0 doubled=0 disorder=0"""
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time

import ledger
import bulk
import px
import raw

LINE = 5
KINDS = ("ExportDeclaration", "Registration", "PreArrivalNotice", "ArrivalNotice", "Amendment")
READY = 2.0  # seconds
PER_KILL = 500
SAMPLE = 1000  # so many messages are kept, to be sent once more at the end


# --- whom to kill ----------------------------------------------------------------------------------------------------------

def by_role(broker, role):
    for pid in broker.pids():
        if b"--role\0" + role in px.cmdline(pid):
            return pid
    return None


def in_a_flush(pid, seconds=5.0):
    """Wait until the store's writer thread is in fdatasync: that is the moment between write and durable. Who may not see in which
    system call it is sees at least that it waits for the disk."""
    end = time.monotonic() + seconds * px.SLOW
    try:
        tasks = ["/proc/%d/task/%s" % (pid, t) for t in os.listdir("/proc/%d/task" % pid)]
        writer = next(t for t in tasks if open(t + "/comm", encoding="ascii").read().strip() == "store-writer")
        try:
            f, place, sign = open(writer + "/syscall", "rb", buffering=0), 0, b"75"
            f.read()
        except PermissionError:
            f, place, sign = open(writer + "/stat", "rb", buffering=0), 2, b"D"
        with f:
            while time.monotonic() < end:
                f.seek(0)
                if f.read().split()[place] == sign:
                    return True
    except (OSError, StopIteration, IndexError):
        pass
    return False


def flush_takes(folder):
    """Seconds, as a rule. Where it is nothing (a file system in memory) nobody can be hit in it."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as f:
        for _ in range(15):
            f.write(b"x" * 4096)
            started = time.monotonic()
            os.fdatasync(f.fileno())
            took.append(time.monotonic() - started)
    return sorted(took)[len(took) // 2]


def kill_broker(broker, report):
    os.kill(by_role(broker, b"broker"), signal.SIGKILL)


def kill_in_flush(broker, report):
    pid = by_role(broker, b"broker")
    report.flush_kills += 1
    report.in_flush += in_a_flush(pid)
    os.kill(pid, signal.SIGKILL)


def kill_inspectors(broker, report):
    os.kill(by_role(broker, b"inspect"), signal.SIGKILL)


def kill_node(broker, report):
    """Everything of it at once, as a power cut would, then a new start."""
    broker.kill_node()
    broker.start(wait=False)


HOW = (("broker", kill_broker), ("writer in a flush", kill_in_flush), ("inspectors' parent", kill_inspectors), ("whole node", kill_node))


class Report:
    def __init__(self):
        self.kills, self.flush_kills, self.in_flush, self.slowest, self.slow, self.stuck = 0, 0, 0, {}, [], []

    def ready(self, name, seconds):
        self.slowest[name] = max(self.slowest.get(name, 0), seconds)
        if seconds > READY:
            self.slow.append((name, round(seconds, 2)))


def announced_pause(broker, since):
    """The pause before the supervisor's last new start, in seconds: it grows when a broker dies often."""
    with open(broker.log, "rb") as f:
        f.seek(since)
        found = re.findall(rb"started anew in (\d+) ms", f.read())
    return int(found[-1]) / 1000 if found else 0


def kill_once(lab, broker, name, how, report):
    """@return seconds from the new start until it answers; None if it never does."""
    prober = bulk.System(lab, broker.authority, broker=broker)
    since = os.path.getsize(broker.log)
    inspectors = how is kill_inspectors
    old = by_role(broker, b"inspect" if inspectors else b"broker")
    how(broker, report)
    killed, answered = time.monotonic(), False
    while not answered and time.monotonic() - killed < 60 * px.SLOW:
        time.sleep(0.02)
        try:
            new = by_role(broker, b"inspect" if inspectors else b"broker")
            answered = new not in (None, old) and prober.request("GET", "/v1/ping", timeout=5).status == 200
        except bulk.FAULTS:
            prober.forget()
    took = time.monotonic() - killed - announced_pause(broker, since)
    prober.forget()
    report.kills += 1
    if answered:
        report.ready("%s %s" % (broker.authority, name), took)
    else:
        report.stuck.append("%s %s" % (broker.authority, name))


# --- the load ------------------------------------------------------------------------------------------------------------

class Load:
    """Sends movements until it has sent enough and is told to end. keys: all that it made; docs: a sample of them."""

    def __init__(self, system, book, least, new_id=False):
        self.system, self.book, self.least, self.new_id = system, book, least, new_id
        self.bodies = [raw.payload_of(px.example(k + "-small.xml")) for k in KINDS]
        self.bodies[4] = self.bodies[4].replace(b"290188426", b"190473818")  # one declarant: a movement is his
        self.run_id = raw.fresh()[:16]
        self.lock, self.movements, self.ending = threading.Lock(), 0, False
        self.keys, self.docs, self.again, self.twins, self.odd = [], {}, 0, 0, []

    def make(self, movement, place, suffix=""):
        doc = raw.exchange(raw.about(self.bodies[place], "STORM-%06d" % movement, "26BY%013d0" % movement),
                           "%s-%06d-%d%s" % (self.run_id, movement, place, suffix), KINDS[place])
        doc = self.system.seal(doc, ec=True)  # a tenth of the time of RSA
        with self.lock:
            if len(self.keys) % max(1, self.least // SAMPLE) == 0:
                self.docs[bulk.identity(doc)] = doc
            self.keys.append(bulk.identity(doc))
        return doc

    def send(self, movement, place):
        doc = self.make(movement, place)
        end = time.monotonic() + 60 * px.SLOW
        while time.monotonic() < end:
            try:
                r = self.system.post(doc)
            except bulk.FAULTS:
                r = None
            if r is not None and r.status in (200, 201):
                self.book.acked(bulk.identity(doc), r.body)
                return True
            if r is not None and r.status != 503:
                self.odd.append("%s: %d %s" % (bulk.identity(doc)[1], r.status, r.text()[:300]))
                return False
            with self.lock:
                self.again += 1
            time.sleep(0.02)
            if r is None and self.new_id:
                doc = self.make(movement, place, "r")
                self.twins += 1
        self.odd.append("%s: never answered" % bulk.identity(doc)[1])
        return False

    def run(self):
        while not self.ending or self.movements * LINE < self.least:
            with self.lock:
                movement = self.movements
                self.movements += 1
            if not all(self.send(movement, place) for place in range(LINE)):
                return

    def start(self, threads):
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def end(self):
        self.ending = True
        for t in self.threads:
            t.join()


class Proofs(bulk.Receiver):
    """Fetches what comes back to the sender. kinds: (Sender, MessageId) to the kinds of its outcomes, CoD or CoE."""

    def __init__(self, system, **kw):
        self.kinds = {}
        super().__init__(system, **kw)

    def take(self, r):
        if bulk.identity(r.body) not in self.got:  # one thread: nobody else takes it meanwhile
            for kind, sender, mid in re.findall(rb"<px:Kind>(\w+)<.*?<px:RefSender>(.*?)<.*?<px:RefMessageId>(.*?)<", r.body, re.S):
                self.kinds.setdefault((sender.decode(), mid.decode()), []).append(kind.decode())
        super().take(r)


# --- the storm -----------------------------------------------------------------------------------------------------------

class Progress:
    """Says every ten seconds how far it is."""

    def __init__(self, say, what):
        self.say, self.what, self.ending = say, what, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        began = time.monotonic()
        while not self.ending.wait(10):
            text, share = self.what()
            took = time.monotonic() - began
            left = ", about %d s left" % (took / share - took) if share > 0.01 else ""
            self.say("# %s after %d s%s" % (text, took, left))

    def end(self):
        self.ending.set()
        self.thread.join()


def rage(lab, brokers, load, kills, messages, report, on_kill):
    chance = random.Random(1)
    for k in range(kills):
        wanted = max(len(load.book) + 10, messages * (k + 1) // (kills + 1))
        px.wait_for(lambda w=wanted: len(load.book) >= w or load.odd, 60, every=0.01)
        time.sleep(chance.random() * 0.15)
        name, how = HOW[k // 2 % len(HOW)]
        on_kill()
        kill_once(lab, brokers[k % 2], name, how, report)
        if load.odd or report.stuck:
            return


def say_now(text):
    print(text, flush=True)


def play(lab, kills, messages, new_id=False, front=None, say=say_now):
    """@front(lab, by): what stands between the sender and BY, or None. @return verdict, report, load, brokers, receivers."""
    by, ua = lab.pair()
    at = front(lab, by) if front else None
    sender = bulk.System(lab, "BY", broker=at or by)
    inbox = ledger.Receiver(bulk.System(lab, "UA", broker=ua, ec=True), threads=4)
    back = Proofs(bulk.System(lab, "BY", broker=by, ec=True), threads=1)
    book, report = ledger.Ledger(os.path.join(lab.dir, "ledger")), Report()
    load = Load(sender, book, messages, new_id)
    started = time.monotonic()
    progress = Progress(say, lambda: ("%d of %d kills, %d of %d acknowledged, %d delivered, %d proofs" % (
        report.kills, kills, len(book), messages, len(inbox.got), len(back.kinds)), (len(book) + len(back.kinds)) / messages / 2))
    load.start(6)
    rage(lab, (by, ua), load, kills, messages, report, at.forget_all if at else lambda: None)
    load.end()
    say("# %d acknowledged in %.1f s over %d kills, %d of them in a flush; %d sent again" % (
        len(book), time.monotonic() - started, report.kills, report.in_flush, load.again))
    for name, seconds in sorted(report.slowest.items()):
        say("# ready %.2f s after a new start at most: %s" % (seconds, name))
    limit = 10 if front else 120 + messages // 50
    px.wait_for(lambda: all(k in inbox.got for k in list(book.answers)), limit, every=0.2)
    if not front and not new_id:
        px.wait_for(lambda: len(back.kinds) >= len(book), 60 + messages // 50, every=0.5)
    progress.end()
    time.sleep(1)  # whatever comes twice would come now
    for key, r in bulk.each(lambda k: (k, sender.post(load.docs[k])), list(load.docs), threads=4):
        if key in book.answers:
            book.acked(key, r.body)
    verdict = ledger.judge(ledger.read(os.path.join(lab.dir, "ledger")), book.differing, inbox.sightings.log)
    inbox.stop()
    back.stop()
    return verdict, report, load, (by, ua), (inbox, back)


def hit_flushes(lab, report):
    """Says whether the kills that were to hit a writer in its flush did."""
    text = "%d of %d kills meant for it hit a writer in its flush" % (report.in_flush, report.flush_kills)
    if not report.in_flush and flush_takes(lab.dir) < 50e-6:
        px.skip(text, "flushing takes no time here")
    elif report.flush_kills:
        px.ok(report.in_flush > 0, text)


def unproved(load, back):
    """What did not end with exactly one CoD."""
    return ["%s: its outcomes: %s" % (k[1], back.kinds.get(k)) for k in load.keys if back.kinds.get(k) != ["CoD"]]


def line(verdict, report):
    return "storm: kills=%d acked=%d lost=%d doubled=%d disorder=%d" % (
        report.kills, verdict.acked, len(verdict.lost), len(verdict.doubled), len(verdict.disorder))


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    messages = int(sys.argv[2]) if len(sys.argv) > 2 else PER_KILL * kills
    last = "storm: kills=0: it did not come to its end"
    with px.Lab("BY", "UA") as lab:
        verdict, report, load, _, receivers = play(lab, kills, messages)
        bad = load.odd + report.stuck + receivers[0].odd + receivers[1].odd
        bad += unproved(load, receivers[1])
        for text in bad[:20] + [str(s) for s in report.slow] + [str(v) for v in verdict[1:] if v]:
            print("# " + text)
        px.ok(not report.slow and not report.stuck, "ready within %.0f s after each new start" % READY)
        hit_flushes(lab, report)
        px.ok(not verdict.differing, "repeated sends are answered octet for octet")
        px.ok(not bad and not any(verdict[1:]) and report.kills == kills, "the ledger is clean")
        last = line(verdict, report)
    print(last)
    sys.exit(1 if px._failed else 0)  # pylint: disable=protected-access


if __name__ == "__main__":
    main()
