#!/usr/bin/env python3
# prinex: each fault of prinex-broken is noticed by exactly the cases that are said to notice it
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""`switches` says which. Without PX_LONG a selection of faults is tried (with sanitizers, which slow all of it down, every third of
them), each on the cases that must notice it and on a third, another for each fault, of the others of its kind (R, or S and B) but those
that mostly sleep; PX_LONG=1 (make check-long) tries every fault on every case. Arguments: only these faults."""
import concurrent.futures
import os
import subprocess
import sys

import target
from target import px

LONG = bool(os.environ.get("PX_LONG"))
JOBS = 6
SELECTED = ("no-client-cert tls12 http-loose accept-unknown-version accept-unknown-header accept-wrong-environment "
            "accept-any-certificate accept-any-signature schema-skipped new-coa-for-duplicate conflict-accepted "
            "refused-occupies-id cyrillic-mangled ping-delivered no-order pull-any-confirmation").split()


def scope(number, expected):
    """Which cases to play."""
    if LONG or not expected:
        return [c for c in target.cases() if LONG or target.sleeps(c) < target.SLEEPY]
    letters = {c[3] for c in expected}
    letters |= {"S", "B"} if letters & {"S", "B"} else set()
    others = [c for c in target.cases() if c not in expected and c[3] in letters and target.sleeps(c) < target.SLEEPY]
    return sorted(expected | set(others[number % 3::3]))


def play(lab, number, fault, expected):
    b = target.broker_by(lab, "try-%d" % number)
    target.start_broken(b, *([fault] if fault else []))
    p = subprocess.run(target.command(b, target.paths(scope(number, expected))), stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=900 * px.SLOW, check=False)
    status = b.stop()
    out = p.stdout.decode("utf-8", "replace")
    passed, failed, skipped = target.parse(out)
    return fault, expected, failed, len(passed), skipped, status, out


def main():
    table = target.switches()
    wanted = sys.argv[1:] or (sorted(table) if LONG else SELECTED[::3] if px.SANITIZE else SELECTED)
    known = subprocess.run([px.program("prinex-broken"), "--list"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    px.ok(set(known) == set(table), "every fault stands in the table", set(known) ^ set(table))
    ids = set(target.cases())
    px.ok(not [c for cs in table.values() for c in cs if c not in ids], "the table names cases that exist")
    px.ok(all(table.values()), "every fault is noticed by some case", [f for f in table if not table[f]])
    with target.laboratory("BY", "XA", "XB") as lab:
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            jobs = [pool.submit(play, lab, 0, None, set())]
            jobs += [pool.submit(play, lab, i + 1, f, table[f]) for i, f in enumerate(wanted)]
            for job in concurrent.futures.as_completed(jobs):
                fault, expected, failed, n_passed, skipped, status, out = job.result()
                detail = "not noticed: %s\nnoticed too: %s\n%s" % (" ".join(sorted(expected - failed)), " ".join(sorted(failed - expected)),
                                                                  out if fault is None else "")
                px.ok(failed == expected and n_passed > 0 and status == 0 and not skipped, "%s: %d cases fail, %d pass" % (
                    "--" + fault if fault else "no fault", len(failed), n_passed), detail)
        lab.brokers = []
    px.done()


main()
