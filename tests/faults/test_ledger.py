#!/usr/bin/env python3
# prinex: the judge of ledgers sees each violation, shown with made-up logs
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import px  # noqa: E402  pylint: disable=wrong-import-position
import ledger  # noqa: E402  pylint: disable=wrong-import-position

A, B = ("BY", "M-000001-0"), ("BY", "M-000001-1")


def see(*events):
    """(key, place, octets, delivery), or a key that is settled."""
    s = ledger.Sightings()
    for e in events:
        if len(e) == 2:
            s.was_settled(e)
        else:
            s.saw(e[0], ("000001", e[1]), e[2], e[3])
    return s.log


def judge(log, answers=None):
    return ledger.judge({A: "x", B: "y"} if answers is None else answers, [], log)


good = judge(see((A, 0, b"a", "1-1-1"), A, (B, 1, b"b", "2-1-2"), B))
px.ok(good == (2, [], [], [], []), "a clean log is clean", good)
px.ok(judge(see((A, 0, b"a", "1-1-1"), (A, 0, b"a", "1-2-9"), A, (B, 1, b"b", "2-1-2"))) == (2, [], [], [], []),
      "the same delivery offered again under another lease, before it was settled, is no double effect")
px.ok(judge(see((A, 0, b"a", "1-1-1"))).lost == [B], "acknowledged, never seen: lost")
px.ok(judge(see((A, 0, b"a", "1-1-1"), (B, 1, b"b", "2-1-2"), (A, 0, b"z", "1-1-3"))).doubled == [A], "one id, two digests: doubled")
px.ok(judge(see((A, 0, b"a", "1-1-1"), (B, 1, b"b", "2-1-2"), (A, 0, b"a", "7-1-3"))).doubled == [A], "one id, two deliveries: doubled")
px.ok(judge(see((A, 0, b"a", "1-1-1"), A, (B, 1, b"b", "2-1-2"), (A, 0, b"a", "1-1-3"))).doubled == [A], "seen again after it was settled: doubled")
px.ok(judge(see((A, 0, b"a", "1-1-1"), (B, 0, b"b", "2-1-2"))).doubled == [A, B], "one declaration, two ids: doubled")
px.ok(judge(see((B, 1, b"b", "2-1-2"), (A, 0, b"a", "1-1-1"))).disorder == [A], "the first of a movement after its second: disorder")

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "ledger")
    book = ledger.Ledger(path)
    book.acked(A, b"coa")
    book.acked(A, b"coa")
    px.ok(ledger.read(path) == {A: ledger.digest(b"coa")} and not book.differing, "an acknowledgement is on disk; the same answer again is fine")
    book.acked(A, b"another")
    px.ok(book.differing == [A], "another answer to the same message is seen")
px.done()
