#!/usr/bin/env python3
# prinex: the demonstration is true: all accepted, delivered and confirmed, two refused, none lost
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import tempfile

import px

# A build folder of its own, so that a demonstration somebody keeps running is left alone.
with tempfile.TemporaryDirectory(prefix="prinex-demo-") as build:
    for name in ("prinexd", "prinexctl", "prinex"):
        os.symlink(px.program(name), os.path.join(build, name))
    for text, corpus in (("our examples", ""), ("official messages", px.CORPUS)):
        if corpus and not os.path.isdir(corpus):
            px.skip("the demonstration with " + text, "no ../shared/corpus")
            continue
        env = dict(os.environ, PX_BUILD=build, CORPUS=corpus, KEEP="")
        status, out, err = px.run([os.path.join(px.ROOT, "ops", "demo")], env=env, timeout=120)
        last = out.strip().splitlines()[-1] if out.strip() else ""
        m = re.match(r"demo: sent=(\d+) accepted=(\d+) delivered=(\d+) confirmed=(\d+) refused=2 lost=0$", last)
        lines = out.splitlines()
        px.ok(len(lines) <= 50 and max(len(line) for line in lines) <= 100, "%s: told in a screenful: %d lines" % (text, len(lines)), out)
        px.ok(status == 0 and m and int(m.group(1)) >= 13 and len(set(m.groups())) == 1, "%s: %s" % (text, last), out + err)
px.done()
