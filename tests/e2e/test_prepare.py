#!/usr/bin/env python3
# prinex: prinex prepare: what goes over, what stays, what is missing, and that the result is right
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""Our own examples become pre-arrival notices. The official corpus, where it is there, becomes CD001C and CD050C; it holds such
records made by other hands from the same declarations, and the consignments must be the same. PX_LONG=1: all of them."""
import glob
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET

import px

PRINEX = px.program("prinex")
CATALOGUE = ["--catalogue", px.CATALOGUE]
WITHHELD = ("Guarantee", "Authorisation", "authorisationNumber")
work = tempfile.mkdtemp(prefix="prinex-prepare-")


tried = set()


def prepare(to, source, *more, catalogue=None, **kw):
    name = re.search(r"<(?:\w+:)?([A-Z]\w+)[ >]", read(source)) if os.path.exists(source) else None
    tried.add("%s-%s.xsl" % (name.group(1) if name else "?", to))
    return px.run([PRINEX, "prepare", "--to", to, *(catalogue or CATALOGUE), *more, source], **kw)


def lines(err, kind):
    return [line[len(kind) + 2:] for line in err.splitlines() if line.startswith(kind + ": ")]


def path_to(name):
    return os.path.join(work, name)


def write(name, text):
    with open(path_to(name), "w", encoding="utf-8") as f:
        f.write(text)
    return path_to(name)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def secrets(source):
    """Values of the source that must neither be in the result nor be shown."""
    root, out = ET.fromstring(source.encode()), []
    for e in root.iter():
        if e.tag in WITHHELD:
            out += [leaf.text.strip() for leaf in e.iter() if len(leaf) == 0 and leaf.text]
    everywhere = [(e.text or "").strip() for e in root.iter()]
    return {s for s in out if len(s) > 3 and everywhere.count(s) == out.count(s)}  # said elsewhere too, it is no secret


def leaves(element):
    return [(e.tag, (e.text or "").strip()) for e in element.iter()]


# --- our own examples

MADE = ["--set", "preparationDateAndTime=2026-11-17T06:00:00Z"]  # the day of the examples
for name in ("TransitDeclaration-small", "TransitDeclaration-several", "ExportDeclaration-small", "ExportDeclaration-several"):
    source = read(px.example(name + ".xml"))
    out = path_to(name + ".notice.xml")
    status, printed, err = prepare("PreArrivalNotice", px.example(name + ".xml"), *MADE, "--out", out)
    px.ok(status == 0 and printed == "", "%s becomes a pre-arrival notice" % name, err)
    status, checked, _ = px.run([PRINEX, "check", *CATALOGUE, out])
    px.ok(status == 0, "%s: which is valid" % name, checked)
    text = read(out)
    px.ok(not [s for s in secrets(source) if ">%s<" % s in text or s in err], "%s: nothing of a guarantee in it, nor in what is said" % name, err)
    items = [e.findtext("Commodity/descriptionOfGoods") for e in ET.fromstring(source.encode()).iter("ConsignmentItem")]
    made = [e.findtext("Commodity/descriptionOfGoods") for e in ET.fromstring(text.encode()).iter("ConsignmentItem")]
    px.ok(items == made and items, "%s: all goods are in it" % name, made)

source = px.example("TransitDeclaration-several.xml")
status, out, err = prepare("PreArrivalNotice", source, *MADE)
px.ok("/TransitDeclaration/Guarantee (8 values): guarantees" in "\n".join(lines(err, "withheld")), "what is withheld is listed with its reason", err)
stayed = lines(err, "left out")
px.ok(any(s.startswith("/TransitDeclaration/limitDate: ") for s in stayed) and not any("/LRN" in s or "/Declarant" in s for s in stayed),
      "what the notice has no place for is listed, what went over is not", err)
px.ok(any("/CustomsOfficeOfTransit (3 values): PreArrivalNotice has no place for more of it" in s for s in stayed),
      "one of two offices went over: the other is told", err)
root = ET.fromstring(out.encode())
px.ok((root.findtext("CustomsOfficeOfFirstEntry/referenceNumber"), root.findtext("CustomsOfficeOfExit/referenceNumber"),
       root.findtext("noticeKind")) == ("UA408050", "ROIS8200", "TRA"), "the first office abroad is the one of entry", out)
px.ok("urn:prinex:project" not in out and 'xml:lang="ro"' in out, "languages stay, and no mark of ours", out[:400])

status, wrapped, err = px.run(["sh", "-c", '"$0" prepare --to PreArrivalNotice --catalogue "$1" --set "$2" "$3" | '
                               '"$0" wrap --catalogue "$1" --sender RO --recipient UA --environment test', PRINEX, px.CATALOGUE, MADE[1], source])
px.ok(status == 0 and "<px:MessageType>PreArrivalNotice</px:MessageType>" in wrapped and "<LRN>RO26T1-55102</LRN>" in wrapped,
      "the result goes straight into wrap", err)
status, again, err = prepare("PreArrivalNotice", write("declaration.px", px.run(
    [PRINEX, "wrap", *CATALOGUE, "--sender", "RO", "--environment", "test", source])[1]), *MADE)
px.ok(status == 0 and again == out, "a declaration within its exchange is as good", err)

# --- what is missing

bare = re.sub(r"<CustomsOfficeOfFirstEntry>.*?</CustomsOfficeOfFirstEntry>|<Carrier>.*?</Carrier>|<ActiveBorderTransportMeans>.*?"
              r"</ActiveBorderTransportMeans>", "", read(px.example("ExportDeclaration-several.xml")), flags=re.S)
bare = write("bare.xml", bare)
out = path_to("bare.notice.xml")
status, printed, err = prepare("PreArrivalNotice", bare, *MADE, "--out", out)
missing = lines(err, "missing")
px.ok(status == 1 and printed == "" and not os.path.exists(out), "nothing is written while something is missing", err)
px.ok([m.split()[0].rstrip(":") for m in missing] == ["/PreArrivalNotice/" + m for m in (
    "CustomsOfficeOfFirstEntry/referenceNumber", "CustomsOfficeOfFirstEntry/arrivalDateAndTimeEstimated",
    "Consignment/Carrier/Identification/country", "Consignment/Carrier/Identification/scheme", "Consignment/Carrier/Identification/value",
    "Consignment/ActiveBorderTransportMeans/sequenceNumber", "Consignment/ActiveBorderTransportMeans/typeOfIdentification",
    "Consignment/ActiveBorderTransportMeans/identificationNumber", "Consignment/ActiveBorderTransportMeans/nationality")],
      "all that the schema requires is listed, by path, in order", err)
px.ok("(EUCDM 17 07 001 000)" in missing[0] and "(EUCDM 13 12 017 000)" in missing[4], "with its number in the data model", err)
px.ok(not lines(err, "error"), "and not a second time as errors", err)
values = write("values", "# what the exporter told us\n\nCustomsOfficeOfFirstEntry/referenceNumber = UA209030\r\n"
               "/PreArrivalNotice/Consignment/Carrier/Identification/country=BY\nConsignment/Carrier/Identification/scheme=UNP\n"
               "Consignment/Carrier/Identification/value=100000001\nConsignment/ActiveBorderTransportMeans/sequenceNumber=1\n"
               "Consignment/ActiveBorderTransportMeans/typeOfIdentification=30\nConsignment/ActiveBorderTransportMeans[1]/identificationNumber=AA1234-7\n"
               "Consignment/ActiveBorderTransportMeans/nationality=BY\nConsignment/Carrier/name[1]=Tak &amp; <sa>\nConsignment/Carrier/name/@xml:lang=be\n")
given = ["--values", values, "--set", "CustomsOfficeOfFirstEntry/arrivalDateAndTimeEstimated=2026-11-18T10:00:00Z", "--out", out]
status, printed, err = prepare("PreArrivalNotice", bare, *MADE, *given)
px.ok(status == 0, "supplied by a file and by --set, it is complete", err)
root = ET.parse(out).getroot() if os.path.exists(out) else ET.Element("none")
carrier = root.find("Consignment/Carrier/name")
px.ok(carrier is not None and carrier.text == "Tak &amp; <sa>" and carrier.get("{http://www.w3.org/XML/1998/namespace}lang") == "be",
      "values are taken as they are written", err)
status, printed, err = prepare("PreArrivalNotice", bare, *MADE, *given, "--set", "Consignment/Carrier/Identification/country=Belarus")
px.ok(status == 1 and re.search(r"^error: PX-SCHEMA-\w+ line \d+ .*/Consignment/Carrier/Identification/country \"Belarus\"", err, re.M),
      "a wrong value is an error of the result, with line, path and value", err)

for title, text, expect in (
        ("an element that is none", "Consignment/Carier/name=x", "Consignment has no element Carier; did you mean Carrier?"),
        ("a parent", "Consignment/Carrier=x", "Carrier has elements of its own"),
        ("a gap", "Consignment/ConsignmentItem[99]/countryOfOrigin=BY", "the next is ConsignmentItem["),
        ("no value", "Consignment/Carrier/name", "it is PATH=VALUE"),
        ("another root", "/CD001C/LRN=x", "a path begins with /PreArrivalNotice/"),
        ("no path", "Consignment//LRN=x", "not a path"),
        ("an impossible attribute", "@a b=x", "no name of an attribute")):
    status, printed, err = prepare("PreArrivalNotice", bare, "--set", text)
    px.ok(status == 2 and expect in err, "--set: %s is told" % title, err)
status, printed, err = prepare("PreArrivalNotice", bare, "--values", write("wrong", "# one\nLRN=1\nLNR=2\n"))
px.ok(status == 2 and "wrong:3:" in err and "did you mean LRN?" in err, "a values file is told with its line", err)

# --- wrong input

pairs = "TransitDeclaration to PreArrivalNotice"
for title, to, source, expect, code in (
        ("an unknown type", "PreArival", bare, pairs, 2),
        ("no projection", "PreArrivalNotice", px.example("Ping-small.xml"), "a PreArrivalNotice cannot be made of a Ping; there is", 2),
        ("no way there", "Ping", bare, "no projection to this type", 2),
        ("no XML", "PreArrivalNotice", os.path.join(px.ROOT, "README.md"), "README.md: ", 1),
        ("an unknown root", "PreArrivalNotice", write("other.xml", "<other/>"), "has this root element", 2),
        ("an answer", "PreArrivalNotice", px.example("protocol/Confirmation-CoA.xml"), "this is an answer, and no declaration", 1),
        ("a declaration that is wrong", "PreArrivalNotice", px.example("invalid/ExportDeclaration-no-lrn.xml"), "wrong itself", 1),
        ("no file", "PreArrivalNotice", path_to("none.xml"), "none.xml", 1),
        ("official schemas not named", "CD001C", px.example("TransitDeclaration-small.xml"), "--official", 2)):
    status, printed, err = prepare(to, source)
    px.ok(status == code and expect in err and printed == "", "%s: told" % title, "%d %s" % (status, err))
status, printed, err = px.run([PRINEX, "prepare", *CATALOGUE, bare])
px.ok(status == 2 and "--to is missing" in err and pairs in err, "without --to: what there is", err)
status, printed, err = prepare("PreArrivalNotice", px.example("invalid/ExportDeclaration-no-lrn.xml"))
px.ok("error: PX-SCHEMA-MISSING line " in err, "a declaration that is wrong: its errors, with lines", err)

# --- a stylesheet reads and writes nothing

own = path_to("schemas")
for part in ("catalogue", "xsd", "rules", "project"):
    shutil.copytree(os.path.join(px.ROOT, "schemas", part), os.path.join(own, part))
own_catalogue = ["--catalogue", os.path.join(own, "catalogue", "prinex.conf")]
secret = write("secret.xml", "<secret>do-not-read</secret>")
HEAD = ('<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:p="urn:prinex:project:1" '
        'xmlns:e="http://exslt.org/common" extension-element-prefixes="e" xmlns:c="urn:prinex:customs:1">')


def with_sheet(text):
    with open(os.path.join(own, "project", "ExportDeclaration-Ping.xsl"), "w", encoding="utf-8") as f:
        f.write(text)
    return prepare("Ping", px.example("ExportDeclaration-small.xml"), catalogue=own_catalogue)


PING = '<c:Ping><preparationDateAndTime>2026-11-17T06:00:00Z</preparationDateAndTime>%s</c:Ping>'
status, out, err = with_sheet(HEAD + '<xsl:template match="/">' + PING % "" + "</xsl:template></xsl:stylesheet>")
px.ok(status == 0, "a new pair is a file (the control)", err)
status, out, err = with_sheet(HEAD + '<xsl:template match="/">' + PING % ('<text xml:lang="en"><xsl:value-of select="document(\'%s\')"/></text>' % secret) +
                              "</xsl:template></xsl:stylesheet>")
px.ok(status != 0 and "do-not-read" not in out + err, "document() reads no file", err)
for title, href in (("another folder", "../../secret.xsl"), ("an absolute path", path_to("secret.xsl")), ("a URL", "http://127.0.0.1:9/x.xsl")):
    write("secret.xsl", HEAD + '<xsl:template match="/">' + PING % "" + "</xsl:template></xsl:stylesheet>")
    status, out, err = with_sheet(HEAD + '<xsl:import href="%s"/></xsl:stylesheet>' % href)
    px.ok(status == 2 and out == "" and "ExportDeclaration-Ping.xsl" in err, "nothing is imported from %s" % title, err)
written = path_to("written")
status, out, err = with_sheet(HEAD + '<xsl:template match="/"><e:document href="%s"><x/></e:document>' % written + PING % "" + "</xsl:template></xsl:stylesheet>")
px.ok(not os.path.exists(written), "nothing is written", err)
status, out, err = with_sheet(HEAD + '<xsl:template match="/"><xsl:message terminate="yes">nothing fits</xsl:message></xsl:template></xsl:stylesheet>')
px.ok(status == 2 and "ExportDeclaration-Ping.xsl" in err and "nothing fits" in err, "a stylesheet that gives up says why", err)
status, out, err = with_sheet(HEAD + '<xsl:template match="/"><c:Ping></xsl:template></xsl:stylesheet>')
px.ok(status == 2 and re.search(r"ExportDeclaration-Ping.xsl:1: ", err), "one that is not well-formed is told with its line", err)

# --- a stylesheet of a user that copies everything lets nothing out that must not leave

whole = HEAD + '<xsl:template match="/"><xsl:copy-of select="*"/></xsl:template></xsl:stylesheet>'
with open(os.path.join(own, "project", "TransitDeclaration-TransitDeclaration.xsl"), "w", encoding="utf-8") as f:
    f.write(whole)
for name in ("small", "several"):
    source = px.example("TransitDeclaration-%s.xml" % name)
    status, out, err = prepare("TransitDeclaration", source, catalogue=own_catalogue)
    hidden = secrets(read(source))
    px.ok(hidden and not [s for s in hidden if s in out + err] and "Guarantee" not in out and
          [s.split()[0] for s in lines(err, "withheld")] == ["/TransitDeclaration/Guarantee"] and not lines(err, "left out"),
          "TransitDeclaration-%s copied whole: all but its guarantees, which are listed" % name, err + out[:3000])
os.remove(os.path.join(own, "project", "withheld.xml"))
status, out, err = prepare("TransitDeclaration", source, catalogue=own_catalogue)
px.ok(status == 2 and out == "" and "withheld.xml" in err, "nothing is projected where the list of what must not leave is lost", err)

# --- the official sets

OFFICIAL = ["--official", px.CORPUS, "--sender", "RO"]


def complete(to, source, values):
    """Twice: what is missing is looked up by values(path), and given."""
    status, out, err = prepare(to, source, *OFFICIAL)
    given = []
    for m in lines(err, "missing"):
        path = m.split()[0].rstrip(":")
        given += ["--set", "%s=%s" % (path, values(path.split("/", 2)[2]))]
    return prepare(to, source, *OFFICIAL, *given) if given else (status, out, err)


def like_ours(path):
    return {"messageSender": "NTA.RO", "messageRecipient": "NTA.UA", "MRN": "26ROIS8230055102K8", "code": "A3", "country": "RO", "scheme": "EORI",
            "value": "RO27182311", "sequenceNumber": "1", "typeOfIdentification": "30", "identificationNumber": "SV88MPB", "nationality": "RO",
            "modeOfTransportAtTheBorder": "3", "arrivalDateAndTimeEstimated": "2099-01-01T00:00:00Z", "name": "Mobila", "streetAndNumber": "Calea 1",
            "city": "Suceava", "referenceNumber": "UA408050"}.get(path.split("/")[-1], "2026-11-17")


def check_pair(title, to, source, values=like_ours):
    status, out, err = complete(to, source, values)
    if not px.ok(status == 0, "%s to %s: valid" % (title, to), err):
        return None
    px.ok(not [s for s in secrets(read(source)) if ">%s<" % s in out or s in err], "%s to %s: nothing withheld in it" % (title, to), err)
    return ET.fromstring(out.encode())


if not px.corpus("ncts5", "xsd", "cc015c.xsd"):
    px.skip("CC015C, CC029C and TransitDeclaration to CD001C and CD050C", "no official schemas (../shared/corpus)")
else:
    record = os.path.join(px.ROOT, "tests", "rules", "CC015C.xml")
    for to in ("PreArrivalNotice", "CD001C", "CD050C"):
        root = check_pair("our CC015C", to, record)
        px.ok(root is not None and root.tag.endswith("}" + to) and len(list(root.iter("ConsignmentItem"))) == 3, "our CC015C to %s: all items" % to)
    for name in ("small", "several"):
        root = check_pair("TransitDeclaration-" + name, "CD001C", px.example("TransitDeclaration-%s.xml" % name))
    root = check_pair("TransitDeclaration-several", "CD050C", px.example("TransitDeclaration-several.xml"))
    px.ok(root is not None and root.findtext("HolderOfTheTransitProcedure/identificationNumber") == "RO27182311" and
          root.findtext("CustomsOfficeOfTransitDeclared/arrivalDateAndTimeEstimated") == "2026-11-17T14:00:00", "names and times as NCTS writes them")
    status, out, err = prepare("CD001C", record, *OFFICIAL)
    px.ok(status == 1 and "missing: /CD001C/TransitOperation/MRN: the MRN given on acceptance" in err, "the MRN is asked for", err)

    theirs = px.corpus("ncts5", "messages", "valid", "CD*_from_CC0*.xml")
    if not os.environ.get("PX_LONG"):
        theirs = theirs[5::40] + [f for f in theirs if "_from_CC029C_" in f][::2]
    for file in theirs:
        to, source = os.path.basename(file).split("_from_")
        source = os.path.join(os.path.dirname(file), source)
        if not os.path.exists(source):
            continue  # the declaration is among those with another name
        record = ET.parse(file).getroot()
        root = check_pair(os.path.basename(source), to, source, lambda path: record.findtext(path) or "?")
        if root is not None:
            px.ok(leaves(root.find("Consignment")) == leaves(record.find("Consignment")),
                  "%s to %s: the consignment is as others made it" % (os.path.basename(source), to))
    released = read(px.corpus("ncts5", "messages", "valid", "CC029C_*.xml")[0])
    released = re.sub(r"(<containerIdentificationNumber>)[^<]*", r"\g<1>CAIU8845120", released.replace(">---<", ">720019<"))
    check_pair("a CC029C", "PreArrivalNotice", write("CC029C.xml", released))
    pairs = {os.path.basename(f) for f in glob.glob(os.path.join(px.ROOT, "schemas", "project", "*-*.xsl"))}
    untried = [f for f in pairs - tried if not f.endswith(("-record.xsl", "-notice.xsl"))]
    px.ok(not untried, "each pair has been tried", untried)
    if os.environ.get("PX_LONG"):
        for source in px.corpus("ncts5", "messages", "valid", "CC015C_*.xml"):
            status, out, err = prepare("PreArrivalNotice", source, *OFFICIAL)
            px.ok(status in (0, 1) and "wrong itself" not in err, "%s to PreArrivalNotice" % os.path.basename(source), err)

shutil.rmtree(work, ignore_errors=True)
px.done()
