# prinex: what was acknowledged against what arrived: an fsynced ledger, raw sightings, and the judge of both
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""A sender writes each acknowledgement into a Ledger before it goes on; a recipient notes each raw sighting in a Sightings.
judge() compares them. It knows nothing of brokers, so test_ledger.py shows with made-up logs that it sees each violation."""
import hashlib
import os
import re
import sys
import threading
from collections import namedtuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import bulk  # noqa: E402  pylint: disable=wrong-import-position

# One body that a recipient got. what: the declaration, (movement, place), the same under whatever id; delivery: the delivery's
# id at the node, without its lease; settled: the recipient had been told before that it is settled.
Sighting = namedtuple("Sighting", "key what digest delivery settled")
Verdict = namedtuple("Verdict", "acked lost doubled disorder differing")


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


class Ledger:
    """Acknowledgements: (Sender, MessageId) to the digest of the answer. On disk before acked() returns."""

    def __init__(self, path=None):
        self.file = open(path, "ab", buffering=0) if path else None
        self.lock = threading.Lock()
        self.answers, self.differing = {}, []

    def acked(self, key, answer):
        d = digest(answer)
        with self.lock:
            if self.answers.setdefault(key, d) != d:
                self.differing.append(key)
            if self.file:
                self.file.write(("%s %s %s\n" % (key[0], key[1], d)).encode())
        if self.file:
            os.fdatasync(self.file.fileno())

    def __len__(self):
        return len(self.answers)


def read(path):
    """The acknowledgements that are on disk."""
    with open(path, encoding="ascii") as f:
        return {(s, i): d for s, i, d in (line.split() for line in f)}


class Sightings:
    """What one recipient got, in the order it came."""

    def __init__(self):
        self.lock = threading.Lock()
        self.log, self.settled = [], set()

    def saw(self, key, what, octets, delivery=""):
        with self.lock:
            self.log.append(Sighting(key, what, digest(octets), delivery.split("-")[0], key in self.settled))

    def was_settled(self, key):
        with self.lock:
            self.settled.add(key)


def judge(answers, differing, sightings):
    """@answers: key to digest of the answer; @sightings: a list of Sighting."""
    seen = {}
    for s in sightings:
        seen.setdefault(s.key, []).append(s)
    lost = [k for k in answers if k not in seen]
    doubled = set()
    for key, all_of_it in seen.items():
        if len({s.digest for s in all_of_it}) > 1 or len({s.delivery for s in all_of_it}) > 1 or any(s.settled for s in all_of_it):
            doubled.add(key)
    under = {}
    for s in sightings:
        under.setdefault(s.what, set()).add(s.key)
    for keys in under.values():
        if len(keys) > 1:
            doubled.update(keys)
    disorder, last, first = [], {}, set()
    for s in sightings:
        if s.key in first:
            continue
        first.add(s.key)
        movement, place = s.what
        if place < last.get(movement, -1):
            disorder.append(s.key)
        last[movement] = max(place, last.get(movement, -1))
    return Verdict(len(answers), lost, sorted(doubled), disorder, list(differing))


def what_of(doc):
    """(movement, place) of a message that lines() made: they are in its LRN."""
    m = re.search(rb"<LRN>(\w+)-P(\d+)</LRN>", doc) or re.search(rb"<px:MessageId>[^<]*-(\d{6})-(\d+)[a-z]*<", doc)
    return (m.group(1).decode(), int(m.group(2))) if m else None


class Receiver(bulk.Receiver):
    """Fetches and confirms, and notes every sighting of a business message."""

    def __init__(self, system, **kw):
        self.sightings = Sightings()
        super().__init__(system, **kw)

    def take(self, r):
        key = bulk.identity(r.body)
        what = what_of(r.body)
        if what:
            self.sightings.saw(key, what, r.body, r.headers.get("prinex-delivery", ""))
        super().take(r)
        if key in self.confirmed:
            self.sightings.was_settled(key)
