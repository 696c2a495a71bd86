#!/usr/bin/env python3
# prinex: the benchmark itself, in seconds: everything sent is accepted, delivered and confirmed, at a cost not far from the floor
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import importlib.machinery
import importlib.util
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402
from stage import px  # noqa: E402

# Floor and broker are measured one after the other, so a machine at load 20 has made 4 of 2; what is sought here is
# a mistake of another order (a commit or a key schedule for each message). Small growth is what test_count.py sees.
RATIO = 10.0
COUNT = 400


def bench():
    """tests/bench/run as a module: it has no .py at its end."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
    loader = importlib.machinery.SourceFileLoader("bench_run", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


def main():
    os.environ["BENCH_QUICK"] = "1"
    run = bench()
    figures = {}
    with px.Lab("BY", "UA") as lab:
        payloads = stage.Payloads(lab.dir)
        node = stage.Node(lab, payloads.official)
        run.start(node, figures)
        kinds = ["%s:%d:%s" % (payloads.type, n, payloads.file(size)) for n, size in ((900, 6000), (90, 50000), (10, 1000000))]
        found = node.load(kinds, COUNT, 120, warm=20)
        px.ok(found["sent"] == found["accepted"] == found["delivered"] == found["confirmed"] == COUNT + 20,
              "%d messages of three sizes: all accepted, delivered and confirmed" % (COUNT + 20), str(found))
        found = node.load(["%s:1000:%s" % (payloads.type, payloads.file(6000))], 60, 120, rate=30, warm=0)
        px.ok(found["accepted"] == found["confirmed"] == 60, "60 messages by the clock: all accepted and confirmed", str(found))
        if os.environ.get("PX_SANITIZE"):
            print("ok - cost against the floor # SKIP sanitizers multiply our own code, not the libraries'")
        else:
            floor_us = run.floor(lab, node, payloads, "6k", 6000, "sign")["whole"]
            found = node.load(["%s:1000:%s" % (payloads.type, payloads.file(6000))], COUNT, 120, warm=40)
            ratio = found["broker_cpu_us"] / floor_us
            px.ok(ratio <= RATIO, "6 KB cost %.2f x the floor in CPU time (at most %.1f x)" % (ratio, RATIO),
                  "broker %.1f us, floor %.1f us" % (found["broker_cpu_us"], floor_us))
    px.done()


main()
