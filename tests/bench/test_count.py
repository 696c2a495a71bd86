#!/usr/bin/env python3
# prinex: instructions that inspector, loop and signer take for a message, against the record
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""Counted by callgrind, so that a busy machine changes nothing. A figure more than 5 % above tests/bench/instructions.json fails;
one that grew on purpose is recorded with `make count-update`, and the commit says why. `all` has the libraries
in it and is compared where they are those of the record, else `own`, our code alone. Another compiler is not compared."""
import collections
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stage import px  # noqa: E402

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")
ROUNDS = 20
GROWTH = 1.05


def self_costs(path):
    """Instructions by (object, source file) of a callgrind profile: what a function did itself, not what it called."""
    costs, names, where, skip = collections.Counter(), {}, {"ob": "", "fl": ""}, False
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            m = re.match(r"(ob|fl|fi|fe)=(\(\d+\))(?: (.*))?", line)
            if m:
                kind = "ob" if m.group(1) == "ob" else "fl"
                if m.group(3):
                    names[kind, m.group(2)] = m.group(3).strip()
                where[kind] = names[kind, m.group(2)]
            elif re.match(r"c?f[il]=|cob=", line):  # of a function called: only its name counts
                m = re.match(r"c(ob|f[il])=(\(\d+\))(?: (.*))?", line)
                if m and m.group(3):
                    names["ob" if m.group(1) == "ob" else "fl", m.group(2)] = m.group(3).strip()
            elif line.startswith("calls="):
                skip = True  # the next line is what the callee took
            elif line[0] in "+-*0123456789":
                if not skip:
                    costs[where["ob"], where["fl"]] += int(line.split()[1])
                skip = False
    return costs


def is_own(source):
    return re.search(r"(^|/)broker/", source) is not None and "/store/sim" not in source


def count(folder, what, args):
    """Instructions per message: (own, all)."""
    out = os.path.join(folder, "callgrind-" + what)
    status, said, err = px.run(["valgrind", "--tool=callgrind", "--toggle-collect=px_bench_counted", "--callgrind-out-file=" + out,
                                px.program("bench-count"), what] + args, timeout=300)
    if status != 0:
        raise RuntimeError(said + err)
    costs = self_costs(out)
    return (sum(n for (_, source), n in costs.items() if is_own(source)) // ROUNDS, sum(costs.values()) // ROUNDS)


def measure():
    found = {}
    with px.Lab("BY", "UA") as lab:
        by = lab.broker("BY")
        by.write((by.head() + by.trust("BY", "UA") + by.partner("system-by", "BY", "system")).replace(
            px.CATALOGUE, px.CATALOGUE.replace("*.conf", "prinex.conf")))
        for what, args in (("inspect", [by.conf, lab.pki, "TransitDeclaration", px.example("TransitDeclaration-several.xml")]),
                           ("loop", []), ("seal", [lab.pki])):
            found[what] = count(lab.dir, what, args)
        lab.brokers.clear()  # never started
    return found


def compiler(versions):
    return versions.split(",")[0]


def compare(found, record, versions):
    for what, (own, everything) in sorted(found.items()):
        # Around the loop is a simulated world, and other libraries take other numbers.
        kind, now = ("own", own) if what == "loop" or versions != record["versions"] else ("all", everything)
        old = record["counts"][what][kind]
        px.ok(now <= old * GROWTH, "%s: %d instructions a message%s, recorded %d" % (
            what, now, " of our own code" if kind == "own" else "", old), "on purpose? make count-update")


def main():
    if shutil.which("valgrind") is None or os.environ.get("PX_SANITIZE"):
        print("1..0 # SKIP " + ("sanitizers change every count" if os.environ.get("PX_SANITIZE") else "valgrind is not installed"))
        print("ok 1 - instructions # SKIP not countable here")
        return
    versions = px.run([px.program("bench-count"), "versions"])[1].strip()
    if "--update" in sys.argv:
        counts = {what: {"own": own, "all": everything} for what, (own, everything) in measure().items()}
        with open(RECORD, "w", encoding="utf-8") as f:
            json.dump({"versions": versions, "counts": counts}, f, indent=1, sort_keys=True)
            f.write("\n")
        return
    with open(RECORD, encoding="utf-8") as f:
        record = json.load(f)
    if compiler(versions) != compiler(record["versions"]):
        print("ok 1 - instructions # SKIP recorded with %s, this is %s" % (compiler(record["versions"]), compiler(versions)))
        return
    compare(measure(), record, versions)
    px.done()


main()
