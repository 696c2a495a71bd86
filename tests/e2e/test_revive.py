#!/usr/bin/env python3
# prinex: the inspectors' parent dies and cannot be started anew for a while: the node lives on and recovers
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import glob
import os
import signal

import bulk
import px

with px.Lab("BY", "XA") as lab:
    by = lab.broker("BY")
    by.write(by.head() + by.trust("BY", "XA") + by.partner("system-by", "BY", "system") + by.partner("system-xa", "XA", "system"))
    by.start()
    sys_by, sys_xa = bulk.System(lab, "BY", broker=by), bulk.System(lab, "XA", broker=by)

    def message(n):
        return sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XA",), lrn="REVIVE-%d" % n,
                           mrn="26BY%013d0" % n)

    def parent():
        return next((p for p in by.pids() if b"--role\0inspect\0" in px.cmdline(p) + b"\0"), None)

    def alarm():
        return [a["name"] for a in by.ctl("status")["alarms"]]

    px.ok(sys_by.post(message(1)).status == 201, "a message is taken")
    (conf,) = glob.glob(os.path.join(by.dir, "store", "generation-*.conf"))
    os.rename(conf, conf + ".away")  # what the parent reads: it cannot start without
    broker, first = by.broker_pid(), parent()
    os.kill(first, signal.SIGKILL)
    px.ok(px.wait_for(lambda: by.tail(400).count("the inspectors' parent does not start") >= 2),
          "it is tried again and again, and the log says why it fails", by.tail(10))
    px.ok("inspect-failed" in alarm() and by.broker_pid() == broker, "the broker lives and the alarm is up", alarm())
    got = sys_xa.request("GET", "/v1/inbox?wait=5")
    px.ok(got.status == 200, "deliveries go on", got.status)
    refused = sys_by.post(message(2))
    px.ok(refused.status == 503 and "retry-after" in refused.headers, "new messages are answered 503 with Retry-After",
          "%d %s" % (refused.status, refused.headers))
    os.rename(conf + ".away", conf)
    px.ok(px.wait_for(lambda: parent() not in (None, first) and "inspect-failed" not in alarm(), 60), "once it can start, it works again", by.tail(10))
    px.ok(sys_by.post(message(2)).status == 201, "and messages are inspected")
    px.ok(by.ctl("reload", parse=False)[0] == 0 and sys_by.post(message(3)).status == 201, "a reload replaces that generation as any other")
px.done()
