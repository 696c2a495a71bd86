#!/usr/bin/env python3
# prinex: prinex-spool between two customs systems that know files only
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""A spool of BY's system and one of UA's, each with its broker. PX_LONG=1: the storm with 10,000 files."""
import ctypes
import json
import os
import random
import re
import shutil
import select
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bulk  # noqa: E402
import fake  # noqa: E402
import px  # noqa: E402

N = 10000 if os.environ.get("PX_LONG") else 300
KILLS = 60 if os.environ.get("PX_LONG") else 12


STRACE = ["strace", "-f", "-o", "/dev/null"]
if not shutil.which("strace") or px.run(STRACE + ["true"])[0] != 0:
    STRACE = None


class Spool:
    def __init__(self, lab, broker, more=""):
        self.dir = os.path.join(lab.dir, "spool-" + broker.authority.lower())
        self.conf, self.process, self.log = self.dir + ".conf", None, self.dir + ".log"
        self.lab = lab
        a, pki = broker.authority, lab.pki
        os.makedirs(self.dir, exist_ok=True)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write('client {\n  url = "%s"  server-uri = "urn:prinex:%s:node:%s"  anchors = { "%s/%s/tls-ca.pem" }\n'
                    % (broker.url(), a, broker.name, pki, a))
            s = os.path.join(pki, a, "system")
            f.write('  cert = "%s/tls.pem"  key = "%s/tls.key"  sign-cert = "%s/sign.pem"  sign-key = "%s/sign.key"\n' % (s, s, s, s))
            f.write('  environment = "test"  catalogue = { "%s" }  spool-folder = "%s"\n  %s\n}\n' % (px.CATALOGUE, self.dir, more))
            f.write('authority "%s" { node { anchors = { "%s/%s/anchors.pem" } crl-required = false } }\n' % (a, pki, a))

    def start(self, kill_at=0):
        """@kill_at: killed at the rename of that number of one of its threads, where strace can be used."""
        argv, env = [px.program("prinex-spool"), "--conf", self.conf], None
        if kill_at and STRACE:
            argv = STRACE + ["-e", "trace=rename", "-e", "inject=rename:signal=SIGKILL:when=%d" % kill_at] + argv
            env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        self.out = open(self.log, "ab")
        self.process = subprocess.Popen(argv, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL, env=env)
        self.lab.processes.append(self.process)
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None and self.process.args[0] == "strace":
            for pid in px.children(self.process.pid):  # strace ends after it
                os.kill(pid, how)
        else:
            self.process.send_signal(how)
        return self.process.wait(60 * px.SLOW)

    def once(self):
        return px.run([px.program("prinex-spool"), "--conf", self.conf, "--once"])

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def names(self, part, suffix=".xml"):
        try:
            return sorted(n for n in os.listdir(self.path(part)) if n.endswith(suffix) and not n.startswith("."))
        except FileNotFoundError:
            return []

    def status(self):
        try:
            with open(self.path("status.json"), encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-20:])


class Watch:
    """What the kernel tells about names in folders: a file may only appear by being renamed to its name, whole, and is never written
    to under it. Hidden names are nobody's business."""
    CREATE, MODIFY, MOVED_TO, OVERFLOW = 0x100, 0x2, 0x80, 0x4000

    def __init__(self, *folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd, self.folders, self.came, self.wrong = libc.inotify_init1(os.O_CLOEXEC), {}, [], []
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
            number = libc.inotify_add_watch(self.fd, folder.encode(), self.CREATE | self.MODIFY | self.MOVED_TO)
            if number < 0:
                raise OSError(ctypes.get_errno(), "inotify")
            self.folders[number] = os.path.basename(folder)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while select.select([self.fd], [], [], 0 if self.over.is_set() else 0.2)[0] or not self.over.is_set():
            if select.select([self.fd], [], [], 0)[0]:
                self.take(os.read(self.fd, 1 << 16))

    def take(self, events):
        at = 0
        while at < len(events):
            number, mask, _, size = struct.unpack_from("iIII", events, at)
            name = events[at + 16:at + 16 + size].rstrip(b"\0").decode()
            at += 16 + size
            if mask & self.OVERFLOW:
                self.wrong.append("events were lost")
            elif name.startswith("."):
                continue
            elif mask & self.MOVED_TO:
                self.came.append((self.folders[number], name))
            else:
                self.wrong.append("%s/%s %s" % (self.folders[number], name, "made" if mask & self.CREATE else "written to"))

    def stop(self):
        """@return what was seen that must not be."""
        self.over.set()
        self.thread.join()
        os.close(self.fd)
        return self.wrong


def read(path):
    with open(path, "rb") as f:
        return f.read()


with open(px.example("ExportDeclaration-small.xml"), encoding="utf-8") as example:
    EXPORT = example.read()


def drop(spool, name, text, final=True):
    """As a customs system should: under another name, then renamed."""
    os.makedirs(spool.path("out"), exist_ok=True)
    part = spool.path("out", name + ".tmp")
    with open(part, "w", encoding="utf-8") as f:
        f.write(text)
    if final:
        os.rename(part, spool.path("out", name))


def export(lrn):
    return re.sub(r"<LRN>[^<]*</LRN>", "<LRN>%s</LRN>" % lrn, EXPORT, count=1)


def folders(lab, by, ua):
    a, b = Spool(lab, by, 'recipient = { "UA" }'), Spool(lab, ua)
    drop(a, "good.xml", export("S1"))
    drop(a, "half.xml", "<half", final=False)
    os.rename(a.path("out", "half.xml.tmp"), a.path("out", ".half.xml.part"))
    drop(a, "half.xml", "<half", final=False)
    drop(a, "bad.xml", export("A" * 30))
    drop(a, "broken.xml", "<broken>")
    rc, out, err = a.once()
    px.ok(rc == 0 and a.names("sent", "") == ["good.xml", "good.xml.coa", "good.xml.px", "good.xml.txt"],
          "accepted: document, exchange, CoA and words are in sent/", (rc, err, a.names("sent", "")))
    px.ok(a.names("refused", "") == ["bad.xml", "bad.xml.coe", "bad.xml.px", "bad.xml.txt", "broken.xml", "broken.xml.txt"] and
          "PX-SCHEMA-PATTERN line" in read(a.path("refused", "bad.xml.txt")).decode() and
          b"not well-formed" in read(a.path("refused", "broken.xml.txt")),
          "refused, and not fit to be sent: in refused/, with the errors in words", a.names("refused", ""))
    px.ok(sorted(os.listdir(a.path("out"))) == [".half.xml.part", "half.xml.tmp"] and a.names("work", "") == [],
          "what is not complete is left alone, also what is hidden and named like a part of ours", os.listdir(a.path("out")))
    s = a.status()
    px.ok(s.get("sent") == 1 and s.get("refused") == 2 and s.get("running") is False and s.get("sending") is None, "status.json counts", s)
    drop(a, "good.xml", export("S2"))
    rc, out, err = a.once()
    px.ok(rc == 0 and a.names("sent") == ["good.1.xml", "good.xml"] and b"<LRN>S1<" in read(a.path("sent", "good.xml")),
          "a name that was there before is kept apart", a.names("sent"))
    if os.environ.get("PX_LONG") and not os.environ.get("PX_SANITIZE"):  # what is not confirmed comes again after the lease only
        px.wait_for(lambda: len(ua.ctl("queue", "system-ua")["deliveries"]) >= 2)
        shim = {"LD_PRELOAD": os.path.join(px.BUILD, "shim.so"), "PX_SHIM_ANY": "1", "PX_SHIM_FOLDER": b.path(".spool", "seen"),
                "PX_SHIM_FLAG": a.path("fired"), "PX_SHIM_FAULT": "write:1:ENOSPC:on"}
        rc, out, err = px.run([px.program("prinex-spool"), "--conf", b.conf, "--once"], env=dict(os.environ, **shim))
        px.ok(rc == 1 and "No space left" in err and b.names("in", "") == [] and os.listdir(b.path(".spool", "tmp")) == [],
              "a full disk: what cannot be kept whole takes no room", (rc, err, os.listdir(b.path(".spool", "tmp"))))
    got = px.wait_for(lambda: b.once()[0] == 0 and len(b.names("in")) >= 2 and b.names("in"))
    sent = {read(a.path("sent", n + ".px")) for n in a.names("sent")}
    px.ok(got and {read(b.path("in", n)) for n in got} == sent, "at the other side: the octets that were sent", got)
    first = b.names("in")[0]
    rc, out, err = px.run([px.program("prinex-spool"), "--conf", b.conf + "-none"])
    px.ok(rc == 2 and "cannot open" in err, "no settings: status 2", err)
    a.start()
    b.start()
    proofs = px.wait_for(lambda: [n for n in a.names("in") if b"<px:Kind>CoD<" in read(a.path("in", n))])
    px.ok(proofs, "the proof of delivery comes into in/", a.tail())
    rc, out, err = a.once()
    px.ok(rc == 2 and "another prinex-spool works in this folder" in err, "one spool a folder", err)
    os.rename(a.path("sent"), a.path("sent-before"))
    drop(a, "away.xml", export("S5"))
    px.ok(px.wait_for(lambda: "away.xml.coa" in a.names("sent", "")), "sent/ is taken away as a whole: it is made again", a.tail())
    for n in os.listdir(a.path("sent")):
        os.remove(a.path("sent", n))
    os.rmdir(a.path("sent"))
    os.rename(a.path("sent-before"), a.path("sent"))
    drop(a, "live.xml", export("S3"))
    px.ok(px.wait_for(lambda: "live.xml" in a.names("sent")), "a running spool takes up what is renamed into out/", a.tail())
    by.stop()
    drop(a, "later.xml", export("S4"))
    px.ok(px.wait_for(lambda: "cannot be reached" in (a.status().get("sending") or "")) and a.names("sent") == ["good.1.xml", "good.xml", "live.xml"],
          "the broker is away: said in status.json, nothing is lost", a.status())
    by.start()
    px.ok(px.wait_for(lambda: "later.xml" in a.names("sent") and "sending" in a.status() and a.status()["sending"] is None, 60), "and sent when it is back", a.tail())
    while not os.path.isdir(a.path("status.json")):
        os.remove(a.path("status.json"))
        try:
            os.mkdir(a.path("status.json"))
        except FileExistsError:
            pass  # it was written in between
    for n in "a", "b", "c":
        drop(a, "silent-%s.xml" % n, export("S6" + n))
        px.ok(px.wait_for(lambda n=n: "silent-%s.xml.coa" % n in a.names("sent", "")), "status.json cannot be written: it goes on", a.tail())
    px.ok(read(a.log).count(b"status: cannot rename to") == 1, "which is said once", a.tail())
    os.rmdir(a.path("status.json"))
    px.ok(px.wait_for(lambda: b"status: all is well again" in read(a.log)) and px.wait_for(lambda: a.status().get("running")), "and that it is over", a.tail())
    px.ok(a.stop() == 0 and b.stop() == 0 and a.status().get("running") is False, "ended by a signal: status 0")
    os.remove(b.path("in", first))


def modes(lab, by):
    c = Spool(lab, by, 'recipient = { "UA" }  spool-marker = ".done"  spool-sign = false')
    shutil.rmtree(c.dir)
    drop(c, "m.xml", export("M1"))
    rc, out, err = c.once()
    px.ok(rc == 0 and c.names("out") == ["m.xml"], "without its marker a file is not complete", err)
    open(c.path("out", "m.xml.done"), "w").close()
    rc, out, err = c.once()
    px.ok(rc == 0 and c.names("out", "") == [] and c.names("refused") == ["m.xml"] and
          b"spool-sign is false" in read(c.path("refused", "m.xml.txt")), "with it it is; what is not signed is not sent when told so",
          (err, c.names("out", ""), c.names("refused")))


def settings(lab, by):
    """What is wrong in the file is said in the file's words: prinex-spool has no options to give it by."""
    f = Spool(lab, by, 'recipient = { "UA" }')
    shutil.rmtree(f.dir)
    with open(f.conf, encoding="utf-8") as file:
        good = file.read()
    for drop_it, more, says in ((r'  url = "[^"]*"', "", "url is missing: give client { url = ... } in "),
                                (r'  server-uri = "[^"]*"', "", "server-uri is missing (or pin;"),
                                (r'sign-key = "[^"]*"', "", "sign-cert and sign-key are needed to sign"),
                                (r"authority .*", "", "anchors are missing (without CA certificates for the signatures of BY (node)"),
                                (r'catalogue = [^}]*}', 'catalogue = { "none/*.conf" }', "catalogue names others"),
                                ("spool-folder", "spool-marker = \".xml\"  spool-folder", "spool-marker: it ends in .xml")):
        with open(f.conf, "w", encoding="utf-8") as file:
            file.write(re.sub(drop_it, more, good, flags=re.S))
        drop(f, "kept.xml", export("K1"))
        rc, out, err = f.once()
        px.ok(rc == 2 and says in err and "--" not in err and f.names("out") == ["kept.xml"], "settings: " + says, (rc, err))
    with open(f.conf, "w", encoding="utf-8") as file:
        file.write(good.replace("spool-folder", 'keep = "%s"  spool-folder' % lab.dir))
    drop(f, "kept.xml", "<unknown/>")
    rc, out, err = f.once()
    words = read(f.path("refused", "kept.xml.txt")).decode()
    px.ok(rc == 0 and "prinex wrap --type" in words and "known with official only" in words, "a document of no type: said what to do, without options", words)
    for lrn in "K2", "K3":
        drop(f, "again.xml", export(lrn))
        rc, out, err = f.once()
        px.ok(rc == 0 and f.names("sent", "") == ["again.xml" + e for e in ("", ".coa", ".px", ".txt")],
              "keep, which is for prinex, changes nothing: %s is sent under a name that was used before" % lrn, (rc, err, f.names("sent", ""), f.names("refused", "")))
        shutil.rmtree(f.path("sent"))
    shutil.rmtree(f.dir)


def misfits(lab, by):
    """One file that cannot be sent holds up nobody: what will never be goes to refused/ with the reason, what may stays and is said."""
    d = Spool(lab, by, 'recipient = { "UA" }  parallel = 1')
    shutil.rmtree(d.dir)
    huge = export("H1").replace("</n:ExportDeclaration>", " " * (4 << 20) + "</n:ExportDeclaration>")
    drop(d, "huge.xml", huge)
    drop(d, "n" * 240 + ".xml", export("H2"))
    drop(d, "empty.xml", "")
    os.mkdir(d.path("out", "folder.xml"))
    os.symlink(lab.dir + "/nowhere", d.path("out", "link.xml"))
    closed = os.geteuid() != 0
    if closed:
        drop(d, "closed.xml", export("H3"))
        os.chmod(d.path("out", "closed.xml"), 0)
    drop(d, "good.xml", export("H4"))
    rc, out, err = px.wait_for(lambda: r if (r := d.once())[0] == 0 else None) or d.once()
    words = {n: read(d.path("refused", n)).decode() for n in d.names("refused", ".txt")}
    wanted = {"huge.xml": "answered 413", "n" * 196 + ".xml": "name is too long", "empty.xml": "not sent", "folder.xml": "a folder", "link.xml": "a symbolic link"}
    if closed:
        wanted["closed.xml"] = "Permission denied"
    px.ok(rc == 0 and d.names("sent") == ["good.xml"] and sorted(words) == sorted(n + ".txt" for n in wanted) and all(w in words[n + ".txt"] for n, w in wanted.items()),
          "too large for the broker, too long a name, empty, a folder, a link%s: each in refused/ with the reason, the good one is sent"
          % (", not readable" if closed else ""), (rc, err, d.names("sent"), words))
    px.ok(d.names("out", "") == d.names("work", "") == [] and not set(wanted) - set(d.names("refused", "")),
          "nothing of them is left behind", (d.names("out", ""), d.names("work", ""), d.names("refused", "")))

    if os.environ.get("PX_SANITIZE"):
        px.skip("a disk that fails", "the shim and sanitizers do not go together")
        return
    for n in ("broken", "e", "f"):
        drop(d, n + ".xml", export("H" + n))
    shim = {"LD_PRELOAD": os.path.join(px.BUILD, "shim.so"), "PX_SHIM_ANY": "1", "PX_SHIM_FOLDER": d.path("work", "broken.xml"),
            "PX_SHIM_FLAG": d.path("fired"), "PX_SHIM_FAULT": "open:1:EIO:on"}
    rc, out, err = px.run([px.program("prinex-spool"), "--conf", d.conf, "--once"], env=dict(os.environ, **shim))
    px.ok(rc == 1 and "broken.xml: cannot open" in err and "Input/output error" in err and d.names("sent") == ["e.xml", "f.xml", "good.xml"] and
          d.names("work", "") == ["broken.xml"] and "broken.xml" not in d.names("refused"),
          "a disk that fails: said, and the file is kept; the others are sent", (rc, err, d.names("work", ""), d.names("sent")))
    rc, out, err = d.once()
    px.ok(rc == 0 and "broken.xml" in d.names("sent") and d.names("work", "") == [], "and it is sent when the disk works again", (rc, err))


def stubborn(lab, ua):
    """A broker that fails for some messages, always: the others pass, by and by."""
    def behave(server, request):
        return fake.text(503, "not this one") if b"<LRN>P" in request.body else fake.good(server, request)
    taken = fake.Server(bulk.System(lab, "UA", broker=ua), os.path.join(lab.pki, "UA", "system"), behave)
    e = Spool(lab, ua, 'recipient = { "BY" }  parallel = 1')
    with open(e.conf, encoding="utf-8") as f:
        conf = f.read()
    with open(e.conf, "w", encoding="utf-8") as f:
        f.write(re.sub(r'url = "[^"]*"  server-uri = "[^"]*"', 'url = "%s"  server-uri = "urn:prinex:UA:system:system-ua"' % taken.url, conf)
                .replace("node { anchors", "system { anchors"))
    shutil.rmtree(e.dir, ignore_errors=True)
    for i in range(3):
        drop(e, "a%d.xml" % i, export("P%d" % i))
    for i in range(3):
        drop(e, "b%d.xml" % i, export("G%d" % i))
    e.start()
    sent = px.wait_for(lambda: e.names("sent") == ["b0.xml", "b1.xml", "b2.xml"], 90)
    px.ok(sent and "not this one" in (px.wait_for(lambda: e.status().get("sending")) or ""), "three that the broker fails for: what stands behind them is sent all the same", e.tail())
    drop(e, "c.xml", export("G9"))
    px.ok(px.wait_for(lambda: "c.xml" in e.names("sent"), 90) and e.names("work") == ["a%d.xml" % i for i in range(3)] and e.names("refused", "") == [],
          "and what comes later; those three stay and are tried again", e.tail())
    e.stop()
    taken.close()


def watching(lab):
    """The control: a spool that wrote in place, or went on writing behind its rename, would be seen."""
    folder = os.path.join(lab.dir, "control")
    watch = Watch(folder)

    def write(name, text, how="w"):
        with open(os.path.join(folder, name), how, encoding="utf-8") as f:
            f.write(text)
    write("in-place.xml", "<a/>")
    for name in ("late.xml", "good.xml"):
        write("." + name, "<a>")
        os.rename(os.path.join(folder, "." + name), os.path.join(folder, name))
    write("late.xml", "</a>", "a")
    wrong = watch.stop()
    px.ok(set(wrong) == {"control/in-place.xml made", "control/in-place.xml written to", "control/late.xml written to"} and
          watch.came == [("control", "late.xml"), ("control", "good.xml")], "a file that is written under its own name is noticed (control)",
          (wrong, watch.came))


def storm(lab, by, ua):
    """Both spools are killed again and again while files come in and a consumer takes files away: at a rename, so that each step
    that might stand in the wrong order is a place to die at, and where that cannot be had, whenever it is."""
    if STRACE is None:
        px.skip("storm: kills exactly at renames", "strace cannot be used here")
    a, b = Spool(lab, by, 'recipient = { "UA" }'), Spool(lab, ua)
    for s in (a, b):
        shutil.rmtree(s.dir)
        os.makedirs(s.path("in"))
    watch = Watch(b.path("in"), b.path("aside"), a.path("in"), a.path("sent"), a.path("refused"))
    taken, partial, over = {}, [], threading.Event()

    def consume():
        while not over.is_set():
            for n in b.names("in"):
                data = read(b.path("in", n))
                if not data.rstrip().endswith(b"</px:Exchange>"):
                    partial.append(n)
                taken.setdefault(n, []).append(data)
                os.remove(b.path("in", n))
            time.sleep(0.01)

    def produce():
        for i in range(N):
            drop(a, "f%05d.xml" % i, export("T%05d" % i))
    threads = [threading.Thread(target=f) for f in (consume, produce)]
    for t in threads:
        t.start()
    rng = random.Random(7)
    # First who sends, then who fetches. What is sent is moved to work/ many at a time first: numbers of all sizes. What is fetched
    # takes some renames: with consecutive numbers each of them has its turn.
    at_renames, turns = 0, [(a, int(2 ** rng.uniform(3, 10))) for _ in range(KILLS // 2)] + [(b, n) for n in range(4, 4 + KILLS // 2)]
    started = []
    try:
        for i, (victim, number) in enumerate(turns):
            if started and victim is not started[-1]:
                a.start()
            started.append(victim.start(number))
            time.sleep(rng.uniform(0.05, 0.4) * px.SLOW)
            if STRACE and (i % 4 or victim is b):  # the others die wherever they are
                px.wait_for(lambda: victim.process.poll() is not None, 10 if victim is b else 3)
            at_renames += victim.process.poll() is not None
            victim.stop(signal.SIGKILL)
        b.start()
    except BaseException:
        a.stop(signal.SIGKILL)
        b.stop(signal.SIGKILL)
        over.set()
        watch.stop()
        raise
    threads[1].join()

    def exports():
        return [d for copies in list(taken.values()) for d in copies if b"<LRN>T" in d and b"<px:MessageType>ExportDeclaration<" in d]
    done = px.wait_for(lambda: len(a.names("sent")) == N and len(exports()) >= N, 60 + 3 * 130 + N / 20, every=0.3)
    px.ok(done, "storm: %d files, %d kills, %d of them at a rename: all sent, all arrived" % (N, KILLS, at_renames),
          "sent %d, work %d, out %d, refused %d, arrived %d\n%s%s" % (
              len(a.names("sent")), len(a.names("work")), len(a.names("out")), len(a.names("refused")), len(exports()), a.tail(), b.tail()))
    a.stop()
    b.stop()
    over.set()
    threads[0].join()
    wrong = watch.stop()
    lrns = sorted(re.search(rb"<LRN>([^<]*)<", d).group(1).decode() for d in exports())
    px.ok(lrns == ["T%05d" % i for i in range(N)], "storm: each once: nothing lost, nothing doubled",
          "%d, different %d" % (len(lrns), len(set(lrns))))
    px.ok(not partial and all(len(c) == 1 for c in taken.values()), "storm: no file came twice, none was seen half written", partial[:5])
    came = sorted(name for folder, name in watch.came if folder == "in" and name in taken)
    px.ok(not wrong and came == sorted(taken) and len(watch.came) == len(set(watch.came)), "storm: all %d appeared in in/ by a rename, once; no file there, in sent/ or in refused/ was "
          "written to under its name" % len(came), wrong[:10])
    px.ok(a.names("work", "") == [] and a.names("refused") == [] and
          all(os.path.exists(a.path("sent", n + ".coa")) and os.path.exists(a.path("sent", n + ".px")) for n in a.names("sent")),
          "storm: each has its exchange and CoA in sent/, nothing is left over", a.names("work", "")[:10])


def main():
    with px.Lab("BY", "UA") as lab:
        by, ua = lab.pair(start=False)
        for broker in (by, ua):  # a fetcher that was killed is waited for that long, here
            with open(broker.conf, encoding="utf-8") as f:
                text = f.read()
            broker.write(text.replace("limits {", "limits { lease = 10s", 1))
            broker.start()
        wanted = sys.argv[1:]
        for part, args in ((folders, (by, ua)), (modes, (by,)), (settings, (by,)), (misfits, (by,)), (stubborn, (ua,)), (watching, ()), (storm, (by, ua))):
            if not wanted or part.__name__ in wanted:
                part(lab, *args)
    px.done()


main()
