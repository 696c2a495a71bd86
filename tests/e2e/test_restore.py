#!/usr/bin/env python3
# prinex: a backup under load, restored beside and in place; a repair; what retention removes and what it leaves
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import subprocess
import threading

import px
import bulk


def prinexd(broker, *args):
    p = subprocess.run([px.program("prinexd"), "-c", broker.conf, "--allow-root"] + list(args), capture_output=True, text=True, timeout=120)
    return p.returncode, p.stdout + p.stderr


with px.Lab("BY", "XA") as lab:
    by = lab.broker("BY")
    sys_by, sys_xa = (bulk.System(lab, a, broker=by) for a in ("BY", "XA"))
    head = by.head() + by.trust("BY", "XA") + by.partner("system-by", "BY", "system") + by.partner("system-xa", "XA", "system")
    by.write(head)
    by.start()
    copies = os.path.join(lab.dir, "copies")
    os.mkdir(copies)

    def message(n):
        return sys_by.make(px.example("ExportDeclaration-small.xml"), "ExportDeclaration", recipients=("XA",), lrn="R-%d" % n)

    # --- a backup under load has everything that was acknowledged before it
    docs = [message(n) for n in range(240)]
    before = [sys_by.post(d) for d in docs[:120]]
    px.ok(all(r.status == 201 for r in before), "120 messages accepted")
    after = []
    load = threading.Thread(target=lambda: after.extend(sys_by.post(d).status for d in docs[120:]))
    load.start()
    report = by.ctl("backup", copies)
    load.join()
    sys_by.forget()
    px.ok(report["message"] >= 120 and after.count(201) == 120, "a copy while more come in", report)
    status, out = prinexd(by, "--restore", report["path"])
    px.ok(status == 1 and "another process" in out, "a store in use is not replaced", out)
    px.ok(by.stop() == 0, "stopped")

    # --- restored beside: another configuration, another folder
    beside = os.path.join(by.dir, "store-beside")
    by.write(head.replace('path = "%s/store"' % by.dir, 'path = "%s"' % beside))
    status, out = prinexd(by, "--restore", report["path"])
    px.ok(status == 0 and "restored from the backup of" in out, "restored beside", out)
    by.start()
    again = [sys_by.post(d) for d in docs[:120]]
    px.ok(all(r.status == 200 and r.body == b.body for r, b in zip(again, before)),
          "what was acknowledged before the copy is known, with the very same CoA", [r.status for r in again if r.status != 200])
    status, out = by.ctl("verify", parse=False)
    px.ok(status == 0, "it verifies, journal and checkpoints included", out)
    px.ok(any(e["kind"] == "restored" for e in by.ctl("journal", "tail", "--limit", "500")["entries"]), "the journal says so")
    sys_by.forget()
    by.stop()

    # --- in place, with a damaged copy first
    by.write(head)
    with open(os.path.join(report["path"], "data.mdb"), "r+b") as f:
        f.seek(20000)
        octet = f.read(1)
        f.seek(20000)
        f.write(bytes([octet[0] ^ 1]))
    status, out = prinexd(by, "--restore", report["path"])
    px.ok(status == 1 and "nothing was changed" in out, "a damaged copy is refused", out)
    with open(os.path.join(report["path"], "data.mdb"), "r+b") as f:
        f.seek(20000)
        f.write(octet)
    by.start()
    px.ok(by.ctl("status")["store"]["messages"] == 240, "and the store is what it was", by.ctl("status")["store"])
    by.stop()
    status, out = prinexd(by, "--restore", report["path"])
    px.ok(status == 0 and "the store before is in" in out, "the whole one is put in its place", out)
    status, out = prinexd(by, "--repair")
    px.ok(status == 0 and "0 damaged, 0 index faults" in out, "repair: indexes anew, all sound", out)
    by.start()
    px.ok(by.ctl("status")["store"]["messages"] == report["message"], "the copy is in force", by.ctl("status")["store"])
    got = sys_xa.fetch(60)
    px.ok(got.status == 200 and sys_xa.confirm(got).status == 204, "deliveries go on from where it was")
    by.stop()
    status, out = prinexd(by, "--restore", os.path.join(lab.dir, "nowhere"))
    px.ok(status == 1 and "not a backup" in out, "a folder that is no backup", out)
px.done()
