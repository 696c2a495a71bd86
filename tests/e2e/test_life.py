#!/usr/bin/env python3
# prinex: the life of a daemon: what it says at start, log level of all its processes, inspectors anew, drain, backup, config diff, top, stop
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import signal
import socket
import subprocess
import threading
import time

import px
import bulk


def process(broker, role):
    return [p["pid"] for p in broker.ctl("status")["processes"] if p["role"] == role]


def said(broker, pattern, since=0):
    return re.findall(pattern, broker.tail(100000)[since:])


class Notify:
    """What a service manager hears."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.1)
        self.heard = ""
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        """All the time: the kernel keeps a few datagrams only, and what finds no room is not said again."""
        while True:
            try:
                self.heard += self.socket.recv(2000).decode() + "\n"
            except OSError:
                time.sleep(0.05)

    def hears(self, text, seconds=60):
        return px.wait_for(lambda: text in self.heard, seconds)


with px.Lab("BY", "XA") as lab:
    by = lab.broker("BY")
    sys_by, sys_xa = (bulk.System(lab, a, broker=by) for a in ("BY", "XA"))
    notify = Notify(lab.dir)
    head = by.head() + by.trust("BY", "XA") + by.partner("system-by", "BY", "system")
    xa = by.partner("system-xa", "XA", "system")
    by.write(head + xa)

    def message(n):
        return sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XA",), lrn="LIFE-%d" % n)
    # --- start: readiness, and one line about what was found
    by.start(env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "3000000"})
    px.ok(notify.hears("READY=1"), "the service manager is told when it serves", notify.heard)
    px.ok(notify.hears("WATCHDOG=1"), "and that the supervisor is alive", notify.heard)
    px.ok(px.wait_for(lambda: len(said(by, r"store opened, epoch \d+: 0 messages, 0 deliveries to go on with, 0 handed over")) == 1),
          "one line says that the store is empty", by.tail(10))
    docs = [message(n) for n in range(3)]
    px.ok(all(sys_by.post(d).status == 201 for d in docs), "three messages that nobody fetches")
    by.kill_broker()
    px.ok(px.wait_for(lambda: said(by, r"store opened, epoch \d+: 3 messages, 3 deliveries to go on with \(the oldest for [^)]+\), 0 handed over.*0 in quarantine")),
          "after a kill it says what it goes on with", by.tail(10))
    px.ok(notify.hears("was ended by signal 9"), "and the service manager's status said what happened", notify.heard)
    sys_by.forget()
    by.wait_listening()
    px.ok(sys_by.post(message(3)).status == 201, "a message that comes before inspectors have started waits for them", by.tail(10))
    by.wait_ready()

    # --- the log level reaches all processes
    def kill_inspector():
        before = len(by.tail(100000))
        pid = process(by, "inspector")[0]
        os.kill(pid, signal.SIGALRM)  # one that sanitizers do not take for a fault
        px.wait_for(lambda: pid not in process(by, "inspector") and process(by, "inspector"))
        return len(said(by, r"inspect pid=\d+ an inspector died|an inspector died", before))
    px.ok(kill_inspector() > 0, "the inspectors' parent says when an inspector dies")
    px.ok(by.ctl("log", "err", parse=False)[0] == 0, "prinexctl log err")
    px.ok(kill_inspector() == 0, "it is silent now", by.tail(5))
    by.ctl("log", "info", parse=False)
    px.ok(kill_inspector() > 0, "and talks again at info", by.tail(5))

    # --- the inspectors' parent dies
    parent = process(by, "inspect")[0]
    os.kill(parent, signal.SIGKILL)
    px.ok(px.wait_for(lambda: said(by, "raised inspect-failed")), "alarm when the inspectors' parent died")
    px.ok(px.wait_for(lambda: process(by, "inspector") and process(by, "inspect")[0] != parent), "a new one is started")
    px.ok(px.wait_for(lambda: sys_by.post(message(9)).status == 201), "and messages are inspected again")
    px.ok(px.wait_for(lambda: by.ctl("status")["alarms"] == []), "the alarm went", by.ctl("status")["alarms"])

    # --- config diff
    status, out = by.ctl("config", "diff", parse=False)
    px.ok(status == 0 and "what is in force is what the file says" in out, "config diff: nothing", out)
    route = 'route "r" {\n  recipients = { "XA" }\n}\n'
    by.write(head.replace('environment = "test"', 'environment = "rehearsal"') + xa.replace("system-xa", "other-xa") + route)
    differences = {(d["section"], d["option"]): (d["in_force"], d["in_file"]) for d in by.ctl("config", "diff")["differences"]}
    px.ok(differences.get(("node", "environment")) == ('"test"', '"rehearsal"') and ('partner "system-xa"', None) in differences
          and differences.get(('partner "other-xa"', None)) == (None, "there") and ('route "r"', None) in differences and len(differences) == 4,
          "config diff names each option that differs, and sections that came and went", differences)
    status, out = by.ctl("config", "diff", parse=False)
    px.ok(status == 0 and "node.environment" in out and "rehearsal" in out, "for people too, with what needs a restart", out)
    by.write(head + xa)

    # --- drain
    status, out = by.ctl("drain", parse=False)
    px.ok(status == 0, "prinexctl drain", out)
    r = sys_by.post(message(20))
    px.ok(r.status == 503 and "retry-after" in r.headers, "new messages get 503 and Retry-After", "%d %s" % (r.status, r.headers))
    got = sys_xa.fetch(60)
    px.ok(got.status == 200 and sys_xa.confirm(got).status == 204, "deliveries go on", got.status)
    state = by.ctl("status")
    px.ok(state["node"]["draining"] and [a["name"] for a in state["alarms"]] == ["closed"], "status and an alarm say so", state["alarms"])
    px.ok(by.ctl("drain", "--off", parse=False)[0] == 0 and sys_by.post(message(21)).status == 201, "drain --off: taken again")
    px.ok(by.ctl("status")["alarms"] == [], "the alarm went")

    # --- top
    status, out = by.ctl("top", "--every", "1", "--times", "2", parse=False)
    px.ok(status == 0 and out.count("accepted") == 2 and "system-xa" in out and "delivered/s" in out, "prinexctl top", out)

    # --- backup
    copies = os.path.join(lab.dir, "copies")
    os.mkdir(copies)
    status, out = by.ctl("backup", "copies", parse=False)
    px.ok(status == 2 and "full name" in out, "backup wants a full name", "%d %s" % (status, out))
    report = by.ctl("backup", copies)
    px.ok(os.path.exists(os.path.join(report["path"], "data.mdb")) and report["message"] >= 5, "backup makes a copy", report)
    by.ctl("backup", copies, "--keep", "1")
    px.ok(len(os.listdir(copies)) == 1, "--keep removes older ones", os.listdir(copies))
    status, out = by.ctl("backup", os.path.join(lab.dir, "nowhere"), parse=False)
    px.ok(status == 1 and "nowhere" in out, "a folder that is not there is refused", "%d %s" % (status, out))
    status, out = by.ctl("verify", parse=False)
    px.ok(status == 0, "the store verifies", out)

    # --- stop: a message that is being inspected is finished first; what takes too long is left to the next start
    by.write(head.replace("limits {", "limits { drain = 2s", 1) + xa)
    px.ok(by.ctl("reload", parse=False)[0] == 0, "drain = 2s")
    px.wait_for(lambda: len(process(by, "inspect")) == 1)  # those of the generation before have gone
    for pid in process(by, "inspector"):
        os.kill(pid, signal.SIGSTOP)
    late, answers = message(30), []

    def post():
        try:
            answers.append(sys_by.post(late).status)
        except bulk.FAULTS as e:
            answers.append(type(e).__name__)
    t = threading.Thread(target=post, daemon=True)
    t.start()
    time.sleep(0.3 * px.SLOW)
    begun = time.monotonic()
    os.kill(by.process.pid, signal.SIGTERM)
    px.ok(notify.hears("STOPPING=1") and notify.hears("EXTEND_TIMEOUT_USEC=22000000"), "the service manager is told how long it may take", notify.heard)
    try:
        status = by.process.wait(30)
    except subprocess.TimeoutExpired:
        status = "still there"
    took = time.monotonic() - begun
    t.join(10)
    px.ok(status == 0 and took >= 1.8, "SIGTERM: the drain ends after its limit", "%s after %.1f s" % (status, took))
    px.ok(answers and answers[0] != 201, "what was not accepted got no promise", answers)
    by.start()
    sys_by.forget()
    px.ok(sys_by.post(late).status == 201, "it is sent again after the next start")
    px.ok(by.stop() == 0 and said(by, "drained: nothing is in flight"), "an idle broker is drained at once", by.tail(5))
px.done()
