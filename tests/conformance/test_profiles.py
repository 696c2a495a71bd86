#!/usr/bin/env python3
# prinex: the certification plays its part towards targets that only receive and towards targets that only send
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""A recipient: a node with a system of its own, so that what is addressed to it stays there. A sender: whatever `prinex send` hands to a
broker that pushes to the counterpart. And nothing is ever played against a node of environment production."""
import concurrent.futures
import os
import re
import subprocess

import target
from target import px

QUICK = [c for c in target.cases() if target.sleeps(c) < target.SLEEPY]


def run(argv):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=600 * px.SLOW, check=False)
    return p.returncode, p.stdout.decode("utf-8", "replace")


def with_profile(b, profile, ids, *options):
    argv = target.command(b, target.paths(ids), *options)
    argv[argv.index("both")] = profile
    return run(argv)


def recipient(lab):
    b = target.broker_by(lab, "recipient")
    with open(b.conf, "a", encoding="utf-8") as f:
        f.write(b.partner("system-by", "BY", "system"))
    target.start_broken(b)
    report = os.path.join(b.dir, "report.html")
    status, out = with_profile(b, "recipient", QUICK, "--html", report)
    passed, failed, skipped = target.parse(out)
    px.ok(status == 0 and len(passed) > 60 and not failed and not skipped, "a recipient passes %d cases" % len(passed), out)
    px.ok(not [c for c in passed if c[3] != "R"], "and none that is about sending is played")
    with open(report, encoding="utf-8") as f:
        page = f.read()
    px.ok(all("<dt>%s</dt><dd>%s" % row in page for row in (
        ("Its identity", "urn:prinex:BY:node:node-by"), ("Node", "node-by"), ("Environment", target.ENVIRONMENT), ("Took", ""), ("Started", "20"))),
          "the report says who was certified, by what certificate, when and where", page[:6000])
    px.ok(re.search("<dt>Its certificate</dt><dd>[^<]*CN=", page), "and whose certificate it showed", page[:6000])
    px.ok(b.stop() == 0, "it ends cleanly")


def sender(lab):
    b = target.broker_by(lab, "sender")
    target.start_broken(b)
    system, anchors = os.path.join(lab.pki, "XA", "system"), os.path.join(lab.pki, "BY", "tls-ca.pem")
    command = ("%s send --url %s --cert %s/tls.pem --key %s/tls.key --anchors %s --server-uri urn:prinex:BY:node:node-by --sign-cert %s/sign.pem "
               "--sign-key %s/sign.key --trust %s/BY/anchors.pem --environment %s --recipient XB --again "
               "--catalogue '%s'" % (
                   px.program("prinex"), b.url(), system, system, anchors, system, system, lab.pki, target.ENVIRONMENT, px.CATALOGUE))
    status, out = with_profile(b, "sender", QUICK, "--send-command", command, "--environment", target.ENVIRONMENT)
    passed, failed, skipped = target.parse(out)
    px.ok(status == 0 and len(passed) > 12 and not failed and not skipped, "a sender passes %d cases" % len(passed), out)
    px.ok(not [c for c in passed if c[3] != "S"], "and only those about sending are played")
    px.ok(b.stop() == 0, "it ends cleanly")


def production(lab):
    b = target.broker_by(lab, "production")
    with open(b.conf, encoding="utf-8") as f:
        conf = f.read()
    b.write(conf.replace('environment = "%s"' % target.ENVIRONMENT, 'environment = "production"'))
    target.start_broken(b)
    status, out = run(target.command(b, target.paths(["PX-R-001"])))
    passed, failed, _ = target.parse(out)
    px.ok(status == 2 and not passed and not failed and "production" in out, "nothing is played against a node of environment production", out)
    b.stop()


with target.laboratory("BY", "XA", "XB") as the_lab:
    with concurrent.futures.ThreadPoolExecutor(3) as pool:  # each has a node of its own
        running = [pool.submit(part, the_lab) for part in (recipient, sender, production)]
    for part in running:
        part.result()
    the_lab.brokers = []
px.done()
