# prinex: one broker under faults of its machine: BY's system sends, XA's fetches; a power cut; the shim
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import shutil
import threading
import time

import ledger
import bulk
import power
import px
import raw

KIND = "ExportDeclaration"
LINE = 3


class Sender:
    """Movements of LINE messages in threads, each message again with the same octets until it is answered."""

    def __init__(self, solo, folder):
        self.solo, self.system = solo, bulk.System(solo.lab, "BY", broker=solo.broker)
        self.book = ledger.Ledger(os.path.join(folder, "ledger-%d" % time.monotonic_ns()))
        self.payload, self.run_id = raw.payload_of(px.example(KIND + "-small.xml")), raw.fresh()[:16]
        self.docs, self.posts, self.odd = {}, [], []
        self.movements, self.lock, self.ending = 0, threading.Lock(), False

    def make(self, movement, place):
        mid = "%s-%06d-%d" % (self.run_id, movement, place)
        doc = raw.exchange(raw.about(self.payload, "S%s-%d" % (self.run_id[-6:], movement), px.mrn("26BY%013d" % movement)), mid, KIND, recipients=("XA",))
        doc = self.system.seal(doc)
        self.docs[bulk.identity(doc)] = doc
        return doc

    def send(self, movement, place, seconds=30):
        doc = self.make(movement, place)
        end = time.monotonic() + seconds * px.SLOW
        while time.monotonic() < end:
            started = time.monotonic_ns()
            try:
                r = self.system.post(doc)
            except bulk.FAULTS:
                r = None
            status = r.status if r else 0
            if status in (200, 201):
                self.solo.answered(started)
                self.book.acked(bulk.identity(doc), r.body)
            with self.lock:
                self.posts.append(status)
            if status in (200, 201):
                return True
            if status not in (0, 503):
                self.odd.append("%s: %d %s" % (bulk.identity(doc)[1], status, r.text()[:300]))
                return False
            self.solo.keep_running()
            time.sleep(0.05)
        self.odd.append("%s: never answered" % bulk.identity(doc)[1])
        return False

    def movement(self, m):
        return all(self.send(m, place) for place in range(LINE))

    def run(self):
        while not self.ending:
            with self.lock:
                m, self.movements = self.movements, self.movements + 1
            if not self.movement(m):
                return

    def start(self, threads=3):
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def end(self):
        self.ending = True
        for t in self.threads:
            t.join()


class Solo:
    """The broker, its store, and the shim's files."""

    def __init__(self, lab, store=None, extra="", xa_url=None, watermark="1M", map_size="256M"):
        self.lab, self.broker = lab, lab.broker("BY")
        self.store = store or os.path.join(self.broker.dir, "store")
        self.flag, self.undo = os.path.join(self.broker.dir, "fired"), os.path.join(self.broker.dir, "undo")
        by = self.broker
        head = by.head().replace('path = "%s/store"' % by.dir, 'path = "%s"' % self.store)
        head = head.replace('map-size = "4G" watermark = "1M"', 'map-size = "%s" watermark = "%s"' % (map_size, watermark))
        # Our own message types only: it starts in a fraction of the time.
        head = head.replace(px.CATALOGUE, os.path.join(px.ROOT, "schemas", "catalogue", "prinex.conf"))
        by.write(head + by.trust("BY", "XA") + by.partner("system-by", "BY", "system") +
                 by.partner("system-xa", "XA", "system", url=xa_url) + extra)
        self.env, self.restarts, self.broken_promises, self.lock = {}, 0, [], threading.Lock()

    def start(self, wait=True, **env):
        self.env = {k: str(v) for k, v in env.items()}
        if "PX_SHIM_UNDO" in env:
            os.makedirs(self.undo, exist_ok=True)
        if env:
            self.env.update(LD_PRELOAD=os.path.join(px.BUILD, "shim.so"), PX_SHIM_FOLDER=self.store)
        self.broker.start(wait=False, env=self.env)
        if wait:
            px.wait_for(lambda: self.broker.process.poll() is not None or self.broker.wait_ready(1), 20)
        self.keep_running()
        return self

    def keep_running(self):
        """A fault while it starts may end prinexd: whoever runs it starts it again."""
        with self.lock:
            if self.broker.process.poll() is not None:
                self.restarts += 1
                self.broker.start(wait=False, env=self.env)
                time.sleep(0.2)

    def fired(self):
        """(pid, monotonic nanoseconds) of the fault; None: it has not come."""
        try:
            with open(self.flag, encoding="ascii") as f:
                pid, at = f.read().split()
                return int(pid), int(at)
        except (OSError, ValueError):
            return None

    hard = False  # the fault that is played means that nothing can be written any more

    def answered(self, started):
        """A 2xx came to what was sent at @started: did the process whose disk had failed before answer it?"""
        fault = self.fired() if self.hard else None
        if fault and started > fault[1] and b"--role\0broker" in px.cmdline(fault[0]) and state(fault[0]) not in "ZX":
            self.broken_promises.append(started)

    def cut_power(self, chance=None):
        """kill -9, and what was not flushed is lost: all of it, or what @chance says."""
        self.broker.kill_node()
        taken = power.take_back(self.undo, self.store, chance)
        os.mkdir(self.undo)
        return taken

    def is_idle(self):
        try:
            return not self.broker.ctl("queue")["deliveries"]
        except RuntimeError:
            return False  # it is being started

    def wipe(self):
        shutil.rmtree(self.store, ignore_errors=True)
        shutil.rmtree(self.undo, ignore_errors=True)
        if os.path.exists(self.flag):
            os.unlink(self.flag)

    def verifies(self):
        """"" or what is wrong with store and journal."""
        for command in (("verify",), ("journal", "verify")):
            status, out = self.broker.ctl(*command, parse=False)
            if status != 0:
                return "%s: %s" % (" ".join(command), out)
        return ""


def state(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"
