#!/usr/bin/env python3
# prinex: every official message, valid and invalid, through a pair of brokers; without the corpus our own examples
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re

import px
import raw
import bulk

ROOT_NAME = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s/>]")


def type_of(path):
    """The message type: the root's name; of what is not even XML, what the file's name says."""
    with open(path, "rb") as f:
        m = ROOT_NAME.search(raw.re.sub(rb"<!--.*?-->", b"", f.read(4096), flags=re.S))
    name = m.group(1).decode() if m else ""
    if re.match(r"C[CD]\d{3}C$|CC31[35]A$", name):
        return name
    m = re.match(r"(?i)(c[cd]\d{3}[ac])", os.path.basename(path))
    return m.group(1).upper() if m else name or "CC015C"


def official():
    """(title, valid files, invalid files, agreed: path to what the authority says about it)."""
    cases = {}
    for xml in px.corpus("ens", "schema-cases", "*.xml"):
        with open(xml[:-4] + ".ctl", "rb") as f:
            cases[xml] = b"<err:Error>" not in f.read()
    valid = px.corpus("ncts5", "messages", "valid", "*.xml") + px.corpus("ncts5", "messages", "large", "*.xml")
    valid += px.corpus("ens", "valid", "*.xml") + px.corpus("ens", "large", "*.xml")
    return valid, px.corpus("ncts5", "messages", "invalid", "*") + px.corpus("ens", "invalid", "*.xml"), cases


def ours(lab):
    """The same of schemas/examples: what a system may send, what the schemas refuse, and large ones."""
    large = os.path.join(lab.dir, "large")
    status, _, err = px.run([os.path.join(px.EXAMPLES, "make-large"), large])
    if status != 0:
        raise RuntimeError("make-large: " + err)
    valid = [f for f in sorted(px.glob.glob(px.EXAMPLES + "/*.xml")) if not os.path.basename(f).startswith(("Alarm", "Ping"))]
    return valid + sorted(px.glob.glob(large + "/*.xml")), sorted(px.glob.glob(px.EXAMPLES + "/invalid/*.xml")), {}


class Run:
    def __init__(self, system, type_of_file):
        self.system, self.type_of = system, type_of_file

    def make(self, path):
        return path, self.system.make(path, self.type_of(path))

    def post(self, made):
        path, doc = made
        return path, doc, self.system.post(doc)


def name(path):
    return os.path.relpath(path, px.CORPUS if path.startswith(px.CORPUS) else px.ROOT)


def judge(lab, sys_by, sys_ua, valid, invalid, cases, types):
    run = Run(sys_by, types)
    inbox = bulk.Receiver(sys_ua, threads=3, keep=True)
    back = bulk.Receiver(sys_by, threads=1, keep=True)
    sent = bulk.each(run.post, [run.make(p) for p in valid + sorted(cases) + invalid])
    answers = {p: r for p, _, r in sent}

    bad = ["%s: %d %s" % (name(p), answers[p].status, answers[p].text()[:300]) for p in valid if answers[p].status != 201]
    px.ok(valid and not bad, "%d valid messages are accepted" % len(valid), "\n".join(bad))
    bad = [name(p) for p in invalid if answers[p].status != 422 or answers[p].kind() != "CoE" or not answers[p].codes()]
    px.ok(invalid and not bad, "%d invalid messages are refused, each with at least one error" % len(invalid), "\n".join(bad))
    signed = [answers[p].body for p in invalid[::max(1, len(invalid) // 5)]]
    px.ok(all(raw.verify(b, os.path.join(lab.pki, "BY", "anchors.pem"), lab.dir)[0] for b in signed),
          "xmlsec1 verifies exceptions of them")
    if cases:
        bad = ["%s: %d %s" % (name(p), answers[p].status, answers[p].codes()) for p, fine in sorted(cases.items())
               if (answers[p].status == 201) != fine or (not fine and not answers[p].codes())]
        px.ok(not bad, "%d pairs of ens/schema-cases: valid and invalid as the authority says (%d valid)" % (
            len(cases), sum(cases.values())), "\n".join(bad))

    accepted = {bulk.identity(d): (p, d) for p, d, r in sent if r.status == 201}
    px.ok(len(accepted) == len([1 for _, _, r in sent if r.status == 201]), "every MessageId is fresh")
    px.wait_for(lambda: len(inbox.confirmed) >= len(accepted), 60)
    lost = [name(p) for k, (p, d) in accepted.items() if k not in inbox.got]
    other = [name(p) for k, (p, d) in accepted.items() if k in inbox.got and inbox.bodies[k] != d]
    px.ok(not lost, "all %d arrive" % len(accepted), "\n".join(lost))
    px.ok(not other, "and are the same octets, exchange and payload", "\n".join(other))
    px.ok(not set(inbox.got) - set(accepted), "nothing else arrives", set(inbox.got) - set(accepted))
    twice = [k for k, n in inbox.seen.items() if n > 1]
    px.ok(not twice, "nothing arrives twice", twice)

    def proofs():
        return {k for k, entries in back.outcomes().items() if [e.kind for e in entries] == ["CoD"]}
    px.wait_for(lambda: len(proofs()) >= len(accepted))
    px.ok(proofs() == set(accepted), "the sender gets one CoD for each", "%d of %d" % (len(proofs()), len(accepted)))
    inbox.stop()
    back.stop()
    px.ok(not inbox.odd and not back.odd, "every confirmation is taken", "\n".join((inbox.odd + back.odd)[:20]))


have = bool(px.corpus("ncts5", "messages", "valid", "*.xml"))
with px.Lab("BY", "UA") as lab:
    more = 'route "to-ua" { recipients = "UA" allow = external }\nroute "to-by" { recipients = "BY" allow = external }\n'
    by, ua = lab.pair(more=more, extra_inspect='official = "%s"' % os.path.realpath(px.CORPUS) if have else "")
    sys_by, sys_ua = bulk.System(lab, "BY", broker=by), bulk.System(lab, "UA", broker=ua)
    if have:
        judge(lab, sys_by, sys_ua, *official(), type_of)
    else:
        px.skip("official messages", "there is no ../shared/corpus; schemas/examples instead")
        judge(lab, sys_by, sys_ua, *ours(lab), lambda p: os.path.basename(p).split("-")[0].split(".")[0])
    for b in (by, ua):
        px.ok(b.ctl("verify", parse=False)[0] == 0, "%s: the whole store verifies" % b.name, b.ctl("verify", parse=False)[1])
px.done()
