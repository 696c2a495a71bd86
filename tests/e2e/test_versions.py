#!/usr/bin/env python3
# prinex: two versions of a type at once, who takes which; a schema set replaced at run time, under load
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import shutil
import threading
import time

import px
import bulk
import fake
import raw

EXAMPLE = "Unavailability-small.xml"


class Schemas:
    """A copy of the schemas in which the type Unavailability has a second version."""

    def __init__(self, folder):
        self.dir = os.path.join(folder, "schemas")
        shutil.copytree(os.path.join(px.ROOT, "schemas"), self.dir)
        shutil.copytree(self.path("xsd/prinex"), self.path("xsd/prinex-2"))
        self.first = self.read("xsd/prinex/Unavailability.xsd")
        self.second(self.first)
        text = self.read("catalogue/prinex.conf")
        text = text.replace('set "exchange-1" {', 'set "prinex-2" {\n  folder = "../xsd/prinex-2"\n  official = false\n  versions = { "2" }\n'
                            '  version-attribute = "edition"\n  prefix "n" { uri = "urn:prinex:customs:1" }\n}\n\nset "exchange-1" {', 1)
        start = text.index('type "Unavailability"')
        self.write("catalogue/prinex.conf", text[:start] + text[start:].replace('{ "prinex-1" }', '{ "prinex-1", "prinex-2" }', 1))
        self.pattern = self.path("catalogue/*.conf")

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name) + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(self.path(name) + ".new", self.path(name))

    def second(self, text):
        """The XSD of version 2: @text, and the root must say edition="2"."""
        tail = '  </xs:complexType>\n'
        at = text.index(tail, text.index('complexType name="UnavailabilityType"'))
        edition = '    <xs:attribute name="edition" use="required" fixed="2"/>\n'
        self.write("xsd/prinex-2/Unavailability.xsd", text[:at] + edition + text[at:])

    def only_kind(self, kind):
        """Version 2, in which `kind` may only be this."""
        only = '<xs:simpleType name="OnlyType"><xs:restriction base="xs:string"><xs:enumeration value="%s"/></xs:restriction></xs:simpleType>' % kind
        text = self.first.replace('type="n:UnavailabilityKindCodeType"', 'type="n:OnlyType"', 1)
        self.second(text.replace('  <xs:complexType name="UnavailabilityType">', only + '<xs:complexType name="UnavailabilityType">', 1))


def document(folder, name, edition="", kind="P"):
    with open(px.example(EXAMPLE), encoding="utf-8") as f:
        text = f.read()
    text = text.replace("<n:Unavailability ", "<n:Unavailability " + ('edition="%s" ' % edition if edition else ""))
    path = os.path.join(folder, name + ".xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("<kind>P<", "<kind>%s<" % kind))
    return path


class Load(threading.Thread):
    """One version after the other, all the time; every answer that is not 201 is kept."""

    def __init__(self, system, files):
        super().__init__(daemon=True)
        self.system, self.files, self.ending, self.sent, self.faults = system, files, False, 0, []
        self.start()

    def run(self):
        while not self.ending:
            try:
                doc = self.system.make(self.files[self.sent % len(self.files)], "Unavailability", recipients=("XB",))
                r = self.system.post(doc)
                if r.status != 201:
                    self.faults.append("%d %s" % (r.status, r.text()[:300]))
                self.sent += 1
            except bulk.FAULTS as e:
                self.faults.append(repr(e))

    def stop(self):
        self.ending = True
        self.join(60)


def sends(system, path, recipients=("XB",), version=""):
    doc = system.make(path, "Unavailability", recipients=recipients, version=version)
    answer = system.post(doc)
    answer.sent = doc
    return answer


with px.Lab("BY", "XA", "XB") as lab:
    schemas = Schemas(lab.dir)
    by = lab.broker("BY")
    customs, sys_xa, sys_xb = (bulk.System(lab, a, broker=by) for a in ("BY", "XA", "XB"))
    taken = fake.Server(sys_xb, os.path.join(lab.pki, "XB", "system"), fake.good)
    head = by.head().replace(px.CATALOGUE, schemas.pattern) + by.trust("BY", "XA", "XB") + by.partner("system-by", "BY", "system") + \
        by.partner("system-xb", "XB", "system", url=taken.url)

    def partner_xa(versions):
        return by.partner("system-xa", "XA", "system", more='rules = { "warn" }\n  versions = { "%s" }' % versions)

    # --- what is configured
    for versions, expected in (("Unavailability 3", "no version 3 of Unavailability"), ("Unavailable 1", 'no message type "Unavailable"'),
                               ("Unavailability", "versions of it")):
        by.write(head + partner_xa(versions))
        status, out, err = px.run([px.program("prinexd"), "-t", "-c", by.conf])
        px.ok(status == 2 and expected in out + err, 'versions = { "%s" }: a fault of the configuration' % versions, out + err)
    by.write(head + partner_xa("Unavailability 1"))
    by.start()

    # --- two at once
    one, two = document(lab.dir, "one"), document(lab.dir, "two", edition="2")
    r = sends(customs, one, ("XA", "XB"))
    px.ok(r.status == 201, "the default version goes to both", r.text())
    r = sends(customs, two)
    px.ok(r.status == 201, "version 2 is told by the payload itself", r.text())
    r = sends(customs, two, version="2")
    px.ok(r.status == 201, "or by TypeVersion as well", r.text())
    r = sends(customs, one, version="2")
    px.ok(r.status == 422 and r.codes() == ["PX-SCHEMA-MISSING"] and "edition" in r.text(), "what TypeVersion names is what it is validated against", r.text())
    r = sends(customs, two, version="1")
    px.ok(r.status == 422 and r.codes() == ["PX-ENV-TYPE-VERSION"], "TypeVersion and payload must not contradict each other", r.text())
    r = sends(customs, document(lab.dir, "nine", edition="9"))
    px.ok(r.status == 422 and r.codes() == ["PX-ENV-TYPE-VERSION"], "a version that only the payload names must be known", r.text())

    # --- a recipient that does not take it: refused before acceptance
    r = sends(customs, two, ("XB", "XA"))
    px.ok(r.status == 422 and r.codes() == ["PX-ROUTE-VERSION"] and re.search("in version 2.*XA.*in version 1", r.text()),
          "a recipient that does not take it: refused, and both versions are named", r.text())
    mid = re.search(rb"<px:MessageId>(.*?)<", r.sent).group(1).decode()
    px.ok(customs.request("GET", "/v1/exchanges/BY/" + mid).status == 404, "nothing of it was accepted")
    by.write(head + partner_xa("Unavailability 1 2"))
    px.ok(by.ctl("reload", parse=False)[0] == 0, "XA takes version 2 as well from now on")
    px.ok(customs.post(r.sent).status == 201, "and the very same message is accepted")

    # --- NCTS names its version in PhaseID
    if px.corpus("ncts5", "xsd", "cd001c.xsd"):
        record = os.path.join(px.ROOT, "tests", "rules", "CD001C.xml")
        by.write(head.replace("workers = 2", 'workers = 2 official = "%s"' % px.CORPUS) + partner_xa("CD001C NCTS5.0"))
        by.ctl("reload", parse=False)
        doc = customs.make(record, "CD001C", recipients=("XA", "XB"))
        r = customs.post(doc)
        px.ok(r.codes() == ["PX-ROUTE-VERSION"] and "NCTS5.1" in r.text() and "NCTS5.0" in r.text(), "the version is what PhaseID says", r.text())
        r = customs.post(customs.make(record, "CD001C", recipients=("XB",), version="NCTS5.0"))
        px.ok(r.codes() == ["PX-ENV-TYPE-VERSION"], "and TypeVersion may not say otherwise", r.text())
    else:
        px.skip("the version is what PhaseID says", "there is no corpus")

    # --- schemas are replaced under load: no answer but 201, and each state holds from the moment that reload says so
    planned, unplanned = two, document(lab.dir, "unplanned", edition="2", kind="U")
    load = [Load(customs, (one,)), Load(bulk.System(lab, "BY", broker=by), (one,))]
    faults = []
    for turn in range(6):
        good, bad = (planned, unplanned) if turn % 2 == 0 else (unplanned, planned)
        schemas.only_kind("P" if turn % 2 == 0 else "U")
        status, out = by.ctl("reload", parse=False)
        if status != 0:
            faults.append("reload: " + out)
        if sends(customs, good).status != 201:
            faults.append("turn %d: what the new schema allows is refused" % turn)
        if sends(customs, bad).codes() != ["PX-SCHEMA-ENUM"]:
            faults.append("turn %d: what only the old schema allows is accepted" % turn)
    schemas.write("xsd/prinex-2/Unavailability.xsd", schemas.first[:500])
    status, out = by.ctl("reload", parse=False)
    px.ok(status != 0 and "Unavailability.xsd" in out, "a broken schema is refused by name", out)
    if sends(customs, unplanned).status != 201:
        faults.append("a broken schema disturbed the one in force")
    px.wait_for(lambda: all(x.sent >= 20 for x in load), 60)
    for x in load:
        x.stop()
    px.ok(not faults, "six schema sets in a row: each is in force when reload returns", "\n".join(faults))
    px.ok(not any(x.faults for x in load) and all(x.sent >= 20 for x in load),
          "and meanwhile %d messages were accepted, none refused or delayed away" % sum(x.sent for x in load),
          "\n".join(f for x in load for f in x.faults[:5]))
    taken.close()
px.done()
