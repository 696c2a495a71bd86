#!/usr/bin/env python3
# prinex: a full disk: 503 before a commit fails, deliveries and control go on, and it takes messages again when there is room; a device that fails
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# The store is on an ext4 of 96 MB in a file, or a tmpfs of that size where loop devices are not for us. Without root all of it is run in
# a user namespace, whose root may mount a tmpfs. The controls: a broker that does not look how much room there is; and one that does
# not look whether it could write, either.
import json
import os
import socket
import subprocess
import sys
import time

import solo
import ledger
import bulk
import px

SIZE, WATERMARK = 96 << 20, 24 << 20


def as_root():
    """Who is not root becomes it in a user namespace, if that may be had."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        if os.getuid() != 0 and subprocess.run(unshare + ["true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.execvp(unshare[0], unshare + [sys.executable] + sys.argv)
    except OSError:
        pass


class Disk:
    def __init__(self, lab):
        self.image, self.at = os.path.join(lab.dir, "disk.img"), os.path.join(lab.dir, "disk")
        self.why = ""
        if os.getuid() != 0:
            self.why = "needs root, or user namespaces"
            return
        os.mkdir(self.at)
        with open(self.image, "wb") as f:
            f.truncate(SIZE)
        if not self.run("mkfs.ext4", "-q", "-m", "0", self.image) or not self.run("mount", "-o", "loop", self.image, self.at):
            print("# a tmpfs instead of an ext4: %s" % self.why)
            self.why = ""
            self.run("mount", "-t", "tmpfs", "-o", "size=%d" % SIZE, "none", self.at)

    def run(self, *argv):
        try:
            p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        except OSError as e:
            self.why = str(e)
            return False
        if p.returncode != 0:
            self.why = "%s: %s" % (argv[0], p.stdout.decode().strip())
        return p.returncode == 0

    def free(self):
        s = os.statvfs(self.at)
        return s.f_bavail * s.f_frsize

    def fill(self, leave):
        """Until only so much is free."""
        with open(os.path.join(self.at, "ballast"), "ab") as f:
            while self.free() > leave:
                try:
                    f.write(b"x" * min(1 << 20, max(4096, self.free() - leave)))
                    f.flush()
                    os.fsync(f.fileno())
                except OSError:
                    return

    def empty(self):
        if not os.path.exists(os.path.join(self.at, "ballast")):
            return
        os.unlink(os.path.join(self.at, "ballast"))
        subprocess.run(["sync", "-f", self.at], check=False)

    def unmount(self):
        if not self.why:
            subprocess.run(["umount", self.at], check=False)


def alarms(broker):
    return [a["name"] for a in broker.ctl("status")["alarms"]]


def ctl(by, *argv):
    """(status, output, seconds) of prinexctl."""
    started = time.monotonic()
    status, out = by.broker.ctl(*argv, parse=False)
    return status, out.strip(), time.monotonic() - started


def is_paused(by):
    return bool(by.broker.ctl("partner", "system-xa")["link"]["paused"])


def use_up(by):
    """The room that is left inside the store's file goes too, with the journal entries of commands. @return whether it is gone."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(by.broker.socket)
        answers = s.makefile("r", encoding="utf-8")
        for n in range(3000):
            method, params = ("resume", {}) if n % 2 else ("pause", {"reason": "x" * 60})
            s.sendall(json.dumps({"jsonrpc": "2.0", "id": n, "method": method, "params": dict(params, name="system-xa")}).encode() + b"\n")
            answers.readline()
            if n % 20 == 19 and "journal cannot be written" in by.broker.tail(100):
                return True
    return False


def readings(by):
    """Numbers of the latest entries of the journal that say who has read a message."""
    return [e["seq"] for e in by.broker.ctl("journal", "tail", "--limit", "20")["entries"] if e.get("code") == "message"]


def show(by, name):
    """Read a message until that is refused: pages that come free meanwhile may still take an entry, but nothing is shown without one.
    @return whether that is so, and what was said last."""
    for _ in range(20):
        before = readings(by)
        status, out, _ = ctl(by, "message", name)
        if status != 0:
            return status == 1 and "no space left" in out, out
        if max(readings(by), default=0) <= max(before, default=0):
            return False, out
        use_up(by)
    return False, "the journal takes entries again and again"


def operate(by, sender):
    """What administrators are told while nothing can be written."""
    name = "/".join(sorted(sender.docs)[-2])
    status, out, took = ctl(by, "cancel", name, "--reason", "lodged in error")
    px.ok(status == 1 and "no space left" in out and took < 30 * px.SLOW, "cancel says at once that it cannot be written", (status, out, took))
    waiting = [d["state"] for d in by.broker.ctl("queue")["deliveries"]]
    px.ok(waiting == ["queued"] * len(sender.book.answers), "and is not carried out", waiting)
    good, out = show(by, name)
    px.ok(good, "business data are not shown to who cannot be recorded", out)
    before = is_paused(by)
    status, out, _ = ctl(by, "pause", "system-xa", "--reason", "no room")
    px.ok(is_paused(by) == (before or status == 0) and (status == 0 or "no space left" in out), "pause is carried out or says why not", (status, out, before))
    status, out, _ = ctl(by, "resume", "system-xa")
    px.ok(not is_paused(by) or "no space left" in out, "resume too", (status, out))
    status, out, _ = ctl(by, "status")
    px.ok(status == 0 and " free" in out, "status shows what is free", out)
    return name


def run(lab, disk):
    by = solo.Solo(lab, store=os.path.join(disk.at, "store"), watermark="%d" % WATERMARK, map_size="64M")
    by.start()
    pid = by.broker.broker_pid()
    sender = solo.Sender(by, lab.dir)
    px.ok(all(sender.movement(m) for m in range(3)), "with room on the disk messages are taken")

    disk.fill(WATERMARK // 2)
    r = sender.system.post(sender.make(3, 0))
    px.ok(r.status == 503 and int(r.headers.get("retry-after", "0")) > 0, "below the watermark a message gets 503 with Retry-After", "%d %s" % (r.status, r.text()))
    px.ok(px.wait_for(lambda: "disk" in " ".join(alarms(by.broker))), "and an alarm says so", alarms(by.broker))
    disk.fill(0)
    px.ok(use_up(by), "the journal cannot be written any more", by.broker.tail(20))
    name = operate(by, sender)
    disk.empty()
    disk.fill(WATERMARK // 2)
    status, out, _ = ctl(by, "retry", name)
    px.ok(status == 0, "with a little room they are carried out again", out)
    ctl(by, "resume", "system-xa")
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=1)
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by.broker), threads=1, keep=True)
    px.ok(px.wait_for(lambda: len(inbox.confirmed) >= 9), "what waits is delivered all the same", len(inbox.confirmed))
    px.ok(px.wait_for(lambda: len(back.outcomes()) >= 9), "and its proof goes back to the sender", len(back.outcomes()))
    px.ok(sender.system.post(sender.docs[next(iter(sender.docs))]).status == 200, "a repeated message gets its answer")

    disk.fill(0)
    statuses = {sender.system.post(sender.make(3, 0)).status for _ in range(5)}
    px.ok(statuses == {503}, "with nothing left on the disk: 503", statuses)
    px.ok(by.broker.ctl("status") and by.broker.broker_pid() == pid, "the broker process and its control socket are the same as before")
    log = by.broker.tail(5000)
    px.ok("cannot be written any more" not in log, "the store was not given up", log[-2000:])

    disk.empty()
    started = time.monotonic()
    good = px.wait_for(lambda: sender.system.post(sender.docs[max(sender.docs)]).status in (200, 201))
    took = time.monotonic() - started
    print("# takes messages again %.1f s after there is room" % took)
    px.ok(good and took <= 10 * px.SLOW, "within 10 s after there is room messages are taken", took)
    px.ok(px.wait_for(lambda: "disk" not in " ".join(alarms(by.broker))), "and the alarm is gone", alarms(by.broker))
    for place in range(1, solo.LINE):
        sender.send(3, place)
    for key, doc in sender.docs.items():
        sender.book.acked(key, sender.system.post(doc).body)
    px.wait_for(lambda: all(k in inbox.got for k in list(sender.book.answers)) and by.is_idle())
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    px.ok(not any(verdict[1:]) and verdict.acked == 12 and not sender.odd, "the ledger is clean", (verdict, sender.odd))
    px.ok(by.verifies() == "", "store and journal verify", by.verifies())
    inbox.stop()
    back.stop()


def controls(lab, disk):
    """The wrong variants, each in the state in which the right one answers 503."""
    disk.empty()
    by = solo.Solo(lab, store=os.path.join(disk.at, "store"), watermark="%d" % WATERMARK, map_size="64M")
    for leave, text, env in ((WATERMARK // 2, "does not look how much room there is", {}),
                             (0, "does not look whether it could write, either,", {"PX_SHIM_DEAF": 1})):
        by.wipe()
        by.start(PX_SHIM_BLIND=1, **env)
        sender = solo.Sender(by, lab.dir)
        sender.movement(0)
        disk.fill(leave)
        if env:
            large(sender)  # more than there is room for inside the store's file
        statuses = {post(sender, sender.make(1, 0)) for _ in range(5)}
        px.ok(statuses & {200, 201}, "control: a broker that %s takes messages, and it is seen" % text, (statuses, by.broker.tail(20)))
        by.broker.kill_node()
        disk.empty()
    by.wipe()


class Device:
    """An ext4 on a loop device whose image is a file with holes on a tmpfs: when that is full, writes to blocks that were never
    written before fail with EIO, while the ext4 above believes that it has room."""

    def __init__(self, lab):
        self.below, self.at = os.path.join(lab.dir, "below"), os.path.join(lab.dir, "device")
        self.image, self.mounts, self.why = os.path.join(self.below, "image"), [], ""
        if os.getuid() != 0:
            self.why = "needs root"
            return
        os.mkdir(self.below)
        os.mkdir(self.at)
        if not self.run("mount", "-t", "tmpfs", "-o", "size=48m", "none", self.below):
            return
        self.mounts.append(self.below)
        with open(self.image, "wb") as f:
            f.truncate(256 << 20)
        if self.run("mkfs.ext4", "-q", "-m", "0", "-J", "size=8", "-E", "nodiscard", self.image):
            self.mount()

    run = Disk.run

    def mount(self):
        if self.run("mount", "-o", "loop,errors=remount-ro", self.image, self.at):
            self.mounts.append(self.at)

    def fail(self):
        with open(os.path.join(self.below, "ballast"), "wb", buffering=0) as f:
            try:
                while f.write(b"x" * (64 << 10)):
                    pass
            except OSError:
                pass

    def mend(self):
        """As people do: take it away, check it, put it back."""
        os.unlink(os.path.join(self.below, "ballast"))
        self.run("umount", self.mounts.pop())
        self.run("e2fsck", "-p", self.image)  # 1: mended
        self.why = ""
        self.mount()

    def unmount(self):
        while self.mounts:
            self.run("umount", self.mounts.pop())


def run_device(lab, device):
    by = solo.Solo(lab, store=os.path.join(device.at, "store"), map_size="128M")
    by.start()
    sender = solo.Sender(by, lab.dir)
    px.ok(all(sender.movement(m) for m in range(3)), "on a good device messages are taken")
    pid = by.broker.broker_pid()
    device.fail()
    docs, status = [], 201
    while status == 201 and len(docs) < 500:
        docs.append(sender.make(10 + len(docs), 0))
        try:
            r = sender.system.post(docs[-1])
        except bulk.FAULTS:
            status = 0
            break
        status = r.status
        if status == 201:
            sender.book.acked(bulk.identity(docs[-1]), r.body)
    print("# %d messages fitted into what the device had written before" % (len(docs) - 1))
    px.ok(status in (0, 503), "writes fail: no 2xx", status)
    px.ok(px.wait_for(lambda: by.broker.process.poll() is not None or by.broker.broker_pid() != pid), "the process that saw it ends", by.broker.tail(30))
    docs.append(sender.make(9, 0))
    again = {post(sender, doc) for doc in docs[-2:] * 3}
    px.ok(not again & {200, 201}, "nothing is taken while it lasts", again)
    by.broker.kill_node()
    device.mend()
    px.ok(not device.why, "it is mended", device.why)
    by.start()
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=1)
    for doc in docs:
        px.wait_for(lambda doc=doc: post(sender, doc) in (200, 201))
        sender.book.acked(bulk.identity(doc), sender.system.post(doc).body)
    px.wait_for(lambda: all(k in inbox.got for k in list(sender.book.answers)) and by.is_idle())
    verdict = ledger.judge(sender.book.answers, sender.book.differing, inbox.sightings.log)
    px.ok(not any(verdict[1:]) and verdict.acked == len(sender.book.answers), "the ledger is clean", verdict)
    px.ok(by.verifies() == "", "store and journal verify", by.verifies())
    inbox.stop()


def post(sender, doc):
    try:
        return sender.system.post(doc).status
    except bulk.FAULTS:
        return 0


def large(sender):
    """Messages of half a MB from now on."""
    end = sender.payload.rindex(b"</")
    sender.payload = sender.payload[:end] + b"<!--" + b"x" * (512 << 10) + b"-->" + sender.payload[end:]


def run_purge(lab):
    """A store that is full of itself: what its retention removes makes room, and messages are taken again by themselves."""
    by = solo.Solo(lab, map_size="16M", extra='retention "short" { keep = "1min" }\n')
    by.start()
    sender = solo.Sender(by, lab.dir)
    large(sender)
    taken, movement = [], 0
    while len(taken) < 60:
        doc = sender.make(movement, 0)
        movement += 1
        r = sender.system.post(doc)
        if r.status != 201:
            break
        taken.append(bulk.identity(doc))
    px.ok(r.status == 503 and len(taken) > 5, "a full map: 503", (r.status, len(taken), r.text()))
    inbox = ledger.Receiver(bulk.System(lab, "XA", broker=by.broker), threads=1)
    px.ok(px.wait_for(lambda: len(inbox.confirmed) >= len(taken)), "what waits is delivered all the same", len(inbox.confirmed))
    back = bulk.Receiver(bulk.System(lab, "BY", broker=by.broker), threads=1)
    started = time.monotonic()
    px.ok(px.wait_for(lambda: sender.system.post(doc).status == 201, 300), "when they are purged the next one is taken", by.broker.tail(20))
    print("# takes messages again %.0f s later" % (time.monotonic() - started))
    px.ok(sender.system.post(sender.docs[taken[0]]).status == 200, "what was purged is known all the same")
    px.ok(by.verifies() == "", "store and journal verify", by.verifies())
    inbox.stop()
    back.stop()


as_root()
with px.Lab("BY", "XA") as lab:
    disk = Disk(lab)
    try:
        if disk.why:
            px.skip("a full disk", disk.why)
        else:
            run(lab, disk)
            lab.brokers.pop().stop()
            if not px.SANITIZE:  # the shim and sanitizers do not go together
                controls(lab, disk)
                lab.brokers.clear()
    finally:
        for b in lab.brokers:
            b.stop()
        disk.unmount()
if os.environ.get("PX_LONG"):
    with px.Lab("BY", "XA") as lab:
        run_purge(lab)
with px.Lab("BY", "XA") as lab:
    device = Device(lab)
    try:
        if device.why:
            px.skip("a block device that fails", device.why)
        else:
            run_device(lab, device)
    finally:
        for b in lab.brokers:
            b.stop()
        device.unmount()
px.done()
