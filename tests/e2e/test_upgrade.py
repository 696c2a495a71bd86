#!/usr/bin/env python3
# prinex: prinexd starts on a store of every earlier format, keeps all that is in it, and survives being killed meanwhile
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""The stores were written by the programs of those formats (stores/README.md). PX_LONG=1: killed at every write of the upgrade."""
import glob
import json
import lzma
import os
import re
import shutil
import struct
import sys

import px
import bulk

LONG = bool(os.environ.get("PX_LONG"))
STORES = os.path.join(px.ROOT, "tests", "e2e", "stores")
BODY = ('<px:Exchange xmlns:px="urn:prinex:exchange:1"><px:Header><px:MessageId>%s</px:MessageId><px:Environment>test</px:Environment>'
        "<px:Sender>BY</px:Sender><px:Recipient>XA</px:Recipient><px:MessageType>ExportDeclaration</px:MessageType></px:Header></px:Exchange>")
ENDED, WAIT = ("DONE", "REFUSED", "HANDED", "UNKNOWN"), ("W1", "W2", "W3", "A", "B", "AB")
ORDER = (("W1", "W2"), ("A", "B", "AB"))
EARLIER = {int(re.search(r"-(\d+)\.", f).group(1)): f for f in glob.glob(os.path.join(STORES, "format-*.mdb.xz"))}


def lay(broker, number):
    """A store of this format where @broker's is."""
    folder = os.path.join(broker.dir, "store")
    shutil.rmtree(folder, ignore_errors=True)
    if number not in EARLIER:
        status, out, err = px.run([px.program("make-store"), folder])
        if status != 0:
            raise RuntimeError(out + err)
        return
    os.mkdir(folder, 0o700)
    with lzma.open(EARLIER[number]) as packed, open(os.path.join(folder, "data.mdb"), "wb") as f:
        shutil.copyfileobj(packed, f)


def format_of(broker):
    """As a reader of the file sees it, before anything opens it: the highest, for old pages stay behind."""
    with open(os.path.join(broker.dir, "store", "data.mdb"), "rb") as f:
        return max(int(n) for n in re.findall(rb"prinex store (\d+)", f.read()))


def said(broker, pattern):
    with open(broker.log, encoding="utf-8", errors="replace") as f:
        return re.findall(pattern, f.read())


def begin_log(broker):
    if os.path.exists(broker.log):
        os.unlink(broker.log)


def kept(broker, system, number):
    """Nothing is lost or changed but for the format."""
    marked = number >= 2
    stats = broker.ctl("status")["store"]
    px.ok(stats["messages"] == 10, "all messages are there", stats)
    status, out = broker.ctl("verify", parse=False)
    px.ok(status == 0, "it verifies, with the journal's chain", out)
    states = {m: broker.ctl("message", "BY/" + m)["deliveries"][0]["state"] for m in ENDED + WAIT}
    expected = dict(zip(ENDED, ("delivered", "refused", "handed-over", "unknown")), **{m: "queued" for m in WAIT})
    px.ok(states == expected, "deliveries are where they were", states)
    again = {m: system.post((BODY % m).encode()) for m in ENDED + WAIT}
    px.ok(all(r.status == 200 and r.body == b"<CoA of='%s'/>" % m.encode() for m, r in again.items()),
          "duplicates are known, with their CoA", {m: (r.status, r.body) for m, r in again.items()})
    found = json.dumps(broker.ctl("trace", "ab1234-7"))
    px.ok(all('"%s"' % m in found for m in ENDED + WAIT), "they are found by their vehicle, however it is written", found[:2000])
    paused = broker.ctl("partner", "system-xb")["link"]["paused"]
    px.ok((paused or {}).get("reason") == ("works on the line" if marked else None), "who was paused is so still", paused)


def goes_on(system):
    """All that waits is fetched, each octet for octet, in the order of its movement."""
    got = []
    while len(got) < len(WAIT):
        r = system.fetch(30)
        if r.status != 200:
            break
        got.append(re.search(rb"<px:MessageId>(.*?)<", r.body).group(1).decode())
        if r.body != (BODY % got[-1]).encode() or system.confirm(r).status != 204:
            got.append("changed")
    px.ok(sorted(got) == sorted(WAIT), "all that waited is delivered, octet for octet", got)
    px.ok(all([m for m in got if m in movement] == list(movement) for movement in ORDER), "in the order of movements", got)
    system.forget()


def upgrade(broker, by, xa, number, latest):
    print("# format %d" % number, flush=True)
    lay(broker, number)
    begin_log(broker)
    broker.start()
    lines = said(broker, r"path=\S+ brought from format (\d+) to (\d+)")
    px.ok(lines == ([(str(number), str(latest))] if number < latest else []), "format %d: one line says what was done, if anything" % number, broker.tail(20))
    kept(broker, by, number)
    by.forget()
    broker.stop()
    begin_log(broker)
    broker.start()
    px.ok(not said(broker, r"brought from format"), "it is done once", broker.tail(20))
    goes_on(xa)
    px.ok(broker.stop() == 0 and format_of(broker) == latest, "stopped")


def killed(broker, by, number, latest, call, n):
    """kill -9 at the n-th such call on the store. @return whether it came."""
    flag = os.path.join(broker.dir, "fired")
    if os.path.exists(flag):
        os.unlink(flag)
    lay(broker, number)
    begin_log(broker)
    store = os.path.join(broker.dir, "store")
    broker.start(env={"LD_PRELOAD": os.path.join(px.BUILD, "shim.so"), "PX_SHIM_FOLDER": store, "PX_SHIM_FLAG": flag,
                      "PX_SHIM_FAULT": "%s:%d:kill" % (call, n)})
    fired = os.path.exists(flag)
    if fired:
        lines = said(broker, r"broker\[(\d+)\] .*brought from format \d+ to \d+")
        with open(flag, encoding="ascii") as f:
            before = lines == [f.read().split()[0]]  # the upgrade was done already when it came
        px.ok(len(lines) == 1 and not (before and n == 1), "killed at %s %d: the next start brings it to format %d" % (call, n, latest), broker.tail(30))
        kept(broker, by, number)
    by.forget()
    broker.stop()
    return fired


def refused(broker, latest):
    """A store of a program yet to come is left as it is."""
    path = os.path.join(broker.dir, "store", "data.mdb")
    with open(path, "rb") as f:
        octets = f.read().replace(b"prinex store %d" % latest, b"prinex store %d" % (latest + 1))
    with open(path, "wb") as f:
        f.write(octets)
    begin_log(broker)
    broker.start(wait=False)
    text = "the store has format %d, this program knows formats up to %d: it was written by a later prinex" % (latest + 1, latest)
    px.ok(px.wait_for(lambda: said(broker, re.escape(text))), "a later format is refused, by name", broker.tail(20))
    broker.stop()
    with open(path, "rb") as f:
        px.ok(f.read() == octets, "and nothing is written to it")


def main():
    if struct.calcsize("P") != 8 or sys.byteorder != "little" or os.sysconf("SC_PAGE_SIZE") != 4096:
        px.skip("stores of earlier formats", "they were made by machines of another kind")
        px.done()
        return
    with px.Lab("BY", "XA", "XB") as lab:
        broker = lab.broker("BY")
        by, xa = (bulk.System(lab, a, broker=broker) for a in ("BY", "XA"))
        # Our own message types only: it starts in a fraction of the time.
        head = broker.head().replace(px.CATALOGUE, os.path.join(px.ROOT, "schemas", "catalogue", "prinex.conf"))
        broker.write(head + broker.trust("BY", "XA", "XB") + "".join(
            broker.partner("system-" + a.lower(), a, "system") for a in ("BY", "XA", "XB")))
        lay(broker, 0)
        latest = format_of(broker)
        px.ok(sorted(EARLIER) == list(range(1, latest)), "there is a store of each earlier format", sorted(EARLIER))
        for number in range(1, latest + 1):
            upgrade(broker, by, xa, number, latest)
        calls = ("pwrite", "writev", "fdatasync") if LONG else ("pwrite", "fdatasync")
        if px.SANITIZE:  # as in tests/faults: their runtime and the preloaded one do not go together
            px.skip("killed while it upgrades", "not with sanitizers")
            calls = ()
        for call in calls:
            n = 1
            while killed(broker, by, 1, latest, call, n) and LONG and n < 40:
                n += 1
        lay(broker, 0)
        refused(broker, latest)
    px.done()


main()
