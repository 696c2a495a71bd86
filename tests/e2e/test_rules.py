#!/usr/bin/env python3
# prinex: rules on a live broker: errors in the CoE, warnings in the CoA, levels, offices, state
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re

import px
import raw

LEVEL = 'rules = { "refuse" }'


def findings(answer, element):
    """{code: (ncts, line, pointer, value)} of Error or Warning elements."""
    out = {}
    for attributes in re.findall(r"<px:%s ([^>]*)>" % element, answer.text()):
        a = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
        out[a["code"]] = (a.get("ncts"), a.get("line"), a.get("pointer"), a.get("value"))
    return out


def line_of(doc, text):
    return str(doc[:doc.index(text)].count(b"\n") + 1)


with px.Lab("BY", "XA") as lab:
    by = lab.broker("BY")
    offices = os.path.join(lab.dir, "offices")
    status, out, err = px.run([px.program("prinexctl"), "offices", "import", os.path.join(px.ROOT, "tests", "rules", "offices.csv"), "--out",
                               offices])
    px.ok(status == 0 and "4 countries (BY LT RO UA)" in out, "a table of offices is imported", out + err)

    def configure(level):
        by.write(by.head('offices = "%s"' % offices) + by.trust("BY", "XA") + by.partner("system-by", "BY", "system", more=level) +
                 by.partner("system-xa", "XA", "system"))

    configure(LEVEL)
    by.start()
    system = raw.System(lab, "BY", broker=by)

    def send(edits, lrn, source="TransitDeclaration-several.xml", type="TransitDeclaration", **kw):
        with open(px.example(source), encoding="utf-8") as f:
            text = f.read()
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = os.path.join(lab.dir, "payload.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        doc = system.make(path, type, recipients=("XA",), lrn=lrn, **kw)
        return doc, system.post(doc)

    doc, r = send([("<totalNumberOfPackages>287<", "<totalNumberOfPackages>288<"), ("<referenceNumber>UA408050<", "<referenceNumber>UA408051<"),
                   ("<limitDate>2026-11-25<", "<limitDate>2026-11-18<")], "RULES-1")
    found = findings(r, "Error")
    px.ok(r.status == 422 and set(found) == {"R-PACKAGES-TOTAL", "R-OFFICE-UNKNOWN", "R-LIMIT-ARRIVAL"}, "three broken rules: one CoE with three errors",
          r.text())
    px.ok(found.get("R-PACKAGES-TOTAL") == ("14", line_of(doc, b"<totalNumberOfPackages>"),
                                            "/n:TransitDeclaration/Consignment/totalNumberOfPackages", "288"),
          "with id, NCTS code, line, pointer and value", found)
    px.ok(found.get("R-OFFICE-UNKNOWN", ("",))[0] == "12", "each group has its NCTS code", found)
    px.ok('reference="RULES-1"' in r.text(), "and the declarant's own reference", r.text())

    doc, r = send([("<dateOfIssue>2026-11-16<", "<dateOfIssue>2026-11-18<")], "RULES-2")
    px.ok(r.status == 201 and list(findings(r, "Warning")) == ["R-DOCUMENT-DATE"], "a rule that is a warning travels in the CoA", r.text())
    px.ok(system.post(doc).body == r.body, "and is said again, octet for octet, to a duplicate")

    r = send([], "RULES-2")[1]
    px.ok(r.status == 422 and list(findings(r, "Error")) == ["R-S-LRN"], "an LRN is used once while its movement is live", r.text())
    r = send([], "RULES-9", "Cancellation-small.xml", "Cancellation", mrn="26LTVK2000098431J5")[1]
    px.ok(r.status == 422 and findings(r, "Error").get("R-S-MOVEMENT", ("",))[0] == "90", "a cancellation refers to a live movement", r.text())

    configure('rules = { "off", "TransitDeclaration warn" }')
    status, out = by.ctl("reload", parse=False)
    px.ok(status == 0, "other levels are loaded", out)
    r = send([("<totalNumberOfPackages>287<", "<totalNumberOfPackages>288<")], "RULES-2")[1]
    px.ok(r.status == 201 and set(findings(r, "Warning")) == {"R-PACKAGES-TOTAL", "R-S-LRN"}, "at level warn the same is accepted and said",
          r.text())
    r = send([("26LTVK2000098431J5", "26LTVK2000098431J4")], "RULES-9", "Cancellation-small.xml", "Cancellation")[1]
    px.ok(r.status == 201 and not findings(r, "Warning"), "at level off nothing is said", r.text())

    with open(offices, "r+b") as f:
        f.seek(100)
        f.write(b"??")
    status, out = by.ctl("reload", parse=False)
    px.ok(status != 0 and "%s: the list of offices is damaged" % offices in out.replace("\n", " "),
          "a damaged list of offices is refused by reload, by name", out)
px.done()
