#!/usr/bin/env python3
# prinex: an officer's questions of a store that keeps many movements: what is found; how long it takes is printed
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""PX_MOVEMENTS=1000000 for the promise of 2 ms: it takes some minutes and 4 GB of disk. Times are never judged here."""
import http.client
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import px  # noqa: E402

N = int(os.environ.get("PX_MOVEMENTS", "2000"))
QUESTIONS = 100 if N <= 10000 else 1000
SHUTTLE = min(10000, N // 4)  # journeys of one vehicle

with px.Lab("UA") as lab:
    ua = lab.broker("UA")
    text = ua.head().replace('map-size = "4G"', 'map-size = "64G"')
    ua.write(text + ua.trust("UA") + ua.partner("officer-ua", "UA", "officer", more="rate = 0"))
    status, out, err = px.run([px.program("backlog"), os.path.join(ua.dir, "store"), str(N), "held", "UA", "512", "1", str(SHUTTLE)], timeout=3600)
    px.ok(status == 0, "a store with %d movements" % N, out + err)
    print("# " + out.strip())
    ua.start(wait=False)
    px.ok(ua.wait_ready(120), "the broker starts on it")
    post = px.Peer(lab, "UA", "officer", broker=ua)
    link = http.client.HTTPSConnection("127.0.0.1", ua.port, context=post.context(), timeout=60 * px.SLOW)

    def ask(query):
        link.request("GET", "/v1/movements?" + query, headers={"Prinex-User": "bench", "Accept": "application/json"})
        r = link.getresponse()
        body = r.read()
        return json.loads(body) if r.status == 200 else {"movements": body}

    def cpu():
        total = 0
        for pid in ua.pids():
            with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def measure(name, query, right):
        good, times, before = 0, [], cpu()
        for _ in range(QUESTIONS):
            i = random.randrange(N)
            start = time.monotonic()
            found = ask(query(i))["movements"]
            times.append((time.monotonic() - start) * 1000)
            good += right(i, found)
        times.sort()
        print("# %s: p50 %.2f ms, p99 %.2f ms, max %.2f ms round trip; %.2f ms CPU of the broker each" % (
            name, times[len(times) // 2], times[len(times) * 99 // 100], times[-1], (cpu() - before) * 1000 / QUESTIONS))
        px.ok(good == QUESTIONS, "%s: %d questions, each finds what it asked for" % (name, QUESTIONS), good)

    def is_one(i, found):
        return len(found) == 1 and len(found[0]["exchanges"]) == 1 and found[0]["exchanges"][0]["message_id"] == "BACKLOG-%d" % (i + 1)

    ask("lrn=B0")
    measure("by vehicle", lambda i: "vehicle=ae%d7" % i, is_one)
    measure("by LRN", lambda i: "lrn=B%d" % i, is_one)
    measure("by MRN", lambda i: "mrn=m%d" % i, is_one)
    measure("by container", lambda i: "container=c-%d" % i, is_one)
    measure("by seal", lambda i: "seal=S%%20%d" % i, is_one)
    day = (int(time.time()) // 86400 + 1) * 86400
    first = ask("lrn=B0")["movements"][0]["declarations"]
    at = lambda i: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(base + i * 60))  # noqa: E731
    base = time.mktime(time.strptime(first[0]["arrivals"][0]["expected_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone if first else day
    measure("five minutes at an office", lambda i: "office=UA205020&arriving=%s..%s" % (at(i), at(i + 5)), lambda i, f: len(f) == min(5, N - i))
    measure("what is not there", lambda i: "vehicle=ZZ%d" % i, lambda i, f: f == [])
    measure("a shuttle of %d journeys, a page" % SHUTTLE, lambda i: "vehicle=shuttle1", lambda i, f: len(f) == min(20, SHUTTLE))
    journeys, page = [], ask("vehicle=shuttle1")
    while True:
        journeys += [m["exchanges"][0]["message_id"] for m in page["movements"]]
        if "next" not in page:
            break
        page = ask("vehicle=shuttle1&after=" + page["next"])
    px.ok(journeys == ["BACKLOG-%d" % (N - i) for i in range(SHUTTLE)], "all %d journeys of the shuttle, page by page, the newest first" % SHUTTLE, len(journeys))
    link.close()
    for pid in ua.pids():
        with open("/proc/%d/status" % pid, encoding="ascii") as f:
            rss = [line.split()[1] for line in f if line.startswith(("VmRSS", "RssAnon"))]
        print("# process %d: %s kB resident, %s kB of its own" % (pid, rss[0], rss[1]))
px.done()
